"""The newest report of each process is kept for a day, group by group."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import redis

from kernel import keyspace
from nodes.models import ProcessHealth
from nodes.services.health import forget_processes, read_all_reports
from outbox.models import ReportCheckpoint
from tests.factories import NOW, a_group
from tests.nodes.domain.test_health import SAID

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shanghai(data_redis):
    yield a_group("sh")
    data_redis.delete(keyspace.reports("sh"))


@pytest.fixture
def hong_kong(second_redis_url):
    group = a_group("hk")
    group.address = second_redis_url
    group.save()
    with redis.Redis.from_url(second_redis_url) as client:
        yield client
        client.flushall()


def report(client, group="sh", *, at_ms=1_800_000_000_000, v="1", **changes) -> None:
    body = json.dumps({**SAID, "at_ms": at_ms + 250, **changes})
    client.xadd(keyspace.reports(group), {"v": v, "kind": "health", "body": body}, id=f"{at_ms}-*")


def test_what_a_process_reports_is_kept_with_how_its_clock_goes(data_redis):
    report(data_redis)

    assert read_all_reports(now=NOW) == 1
    row = ProcessHealth.objects.get()
    assert (row.group.slug, row.node, row.process, row.role) == ("sh", "sh-1", "sh-1:4711:9f2c", "node")
    assert (row.version, row.sockets, row.rss_bytes) == ("0.1.0", 7, 100 * 2**20)
    assert (row.lag_ms, row.markets) == ({"CN": 120, "HK": None}, {"CN": "open", "HK": "closed"})
    assert row.clock_offset_ms == 250
    assert row.reported_at == datetime.fromtimestamp(1_800_000_000, UTC)


def test_the_newest_report_takes_the_place_of_the_last(data_redis):
    report(data_redis, sockets=7)
    report(data_redis, sockets=8, at_ms=1_800_000_005_000)

    assert read_all_reports(now=NOW) == 2
    assert ProcessHealth.objects.get().sockets == 8


def test_a_clock_that_is_off_is_said_once(data_redis, caplog):
    for round_ in range(3):
        report(data_redis, at_ms=1_800_000_000_000 + 5_000 * round_, process="ahead")
    data_redis.delete(keyspace.reports("sh"))
    assert "is off" not in caplog.text
    ReportCheckpoint.objects.all().delete()

    for round_ in range(3):
        at_ms = 1_800_000_100_000 + 5_000 * round_
        body = json.dumps({**SAID, "at_ms": at_ms - 6_000})
        data_redis.xadd(keyspace.reports("sh"), {"v": "1", "kind": "health", "body": body}, id=f"{at_ms}-*")
    read_all_reports(now=NOW)

    assert caplog.text.count("-6.0 s off its Redis") == 1


def test_processes_of_one_node_have_a_row_each(data_redis):
    for process in ("a", "b"):
        report(data_redis, process=process)
    report(data_redis, process="c", role="ingest")

    read_all_reports(now=NOW)

    assert list(ProcessHealth.objects.values_list("role", "process")) == [("ingest", "c"), ("node", "a"), ("node", "b")]


def test_each_group_is_read_from_its_own_redis(data_redis, hong_kong):
    report(data_redis)
    report(hong_kong, "hk", node="hk-1")
    report(hong_kong, "sh", node="nobody reads this one")

    assert read_all_reports(now=NOW) == 2
    assert set(ProcessHealth.objects.values_list("group__slug", "node")) == {("sh", "sh-1"), ("hk", "hk-1")}


def test_a_group_that_is_away_keeps_no_other_from_being_read(data_redis):
    far = a_group("far")
    far.address = "redis://127.0.0.1:1/0"
    far.save()
    report(data_redis)

    assert read_all_reports(now=NOW) == 1


def test_more_than_one_reading_holds_is_read_in_one_round(data_redis, monkeypatch):
    from outbox.services import reports

    monkeypatch.setattr(reports.read_reports, "__kwdefaults__", {"limit": 2})
    for number in range(5):
        report(data_redis, process=str(number))

    assert read_all_reports(now=NOW) == 5


def test_a_report_that_is_none_is_counted(data_redis):
    report(data_redis, sockets=-1)
    report(data_redis, v="9")
    report(data_redis)

    assert read_all_reports(now=NOW) == 1
    assert (ReportCheckpoint.objects.get().skipped, ProcessHealth.objects.count()) == (2, 1)


def test_a_process_that_was_not_heard_of_for_a_day_is_forgotten(data_redis):
    report(data_redis)
    read_all_reports(now=NOW)
    heard_at = ProcessHealth.objects.get().reported_at

    assert forget_processes(now=heard_at + timedelta(days=1)) == 0
    assert forget_processes(now=heard_at + timedelta(days=1, seconds=1)) == 1
    assert not ProcessHealth.objects.exists()


def test_processes_are_shown_in_the_admin_and_not_edited(data_redis, client):
    from django.urls import reverse

    from tests.factories import a_customer

    report(data_redis)
    read_all_reports(now=NOW)
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    page = client.get(reverse("admin:nodes_processhealth_changelist")).text

    assert "A-shares 120 ms · Hong Kong stocks ?" in page
    assert "100 MB" in page
    assert client.get(reverse("admin:nodes_processhealth_add")).status_code == 403
