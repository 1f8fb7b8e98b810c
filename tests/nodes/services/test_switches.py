"""A switch of lines that ingest reports is on record once, and what is none is refused."""

import json
from datetime import UTC, datetime

import pytest

from kernel import keyspace
from nodes.models import LineSwitch
from nodes.services.health import read_all_reports
from nodes.services.switches import record_switch
from outbox.errors import UnreadableReport
from outbox.report_kinds import Report
from streaming.records.reports import LineSwitch as Said
from streaming.records.reports import switch_entry
from tests.factories import NOW, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
SAID = Said(market="CN", at_ms=1_800_000_000_000, before="a", after="b", reason="mute")


def test_what_ingest_reports_is_kept(data_redis):
    a_group("sh")
    try:
        data_redis.xadd(keyspace.reports("sh"), switch_entry(SAID))
        assert read_all_reports(now=NOW) == 1
    finally:
        data_redis.delete(keyspace.reports("sh"))
    row = LineSwitch.objects.get()
    assert (row.group.slug, row.lane, row.before, row.after, row.reason) == ("sh", "CN", "a", "b", "mute")
    assert row.at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert str(row) == "A-shares 2027-01-15 08:00:00: a -> b (silent)"


def report(**changes) -> Report:
    body = json.loads(switch_entry(SAID)["body"])
    return Report("sh", "line_switch", "1", {**body, **changes}, 0)


def test_a_report_that_comes_again_is_one_row():
    a_group("sh")
    record_switch(report())
    record_switch(report())
    assert LineSwitch.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"market": 7}, {"at_ms": -1}, {"at_ms": 2**60}, {"after": "x" * 21}, {"reason": None}, {"at_ms": 2**50}]
)
def test_what_is_no_switch_is_refused(wrong):
    a_group("sh")
    with pytest.raises(UnreadableReport):
        record_switch(report(**wrong))
    assert not LineSwitch.objects.exists()
