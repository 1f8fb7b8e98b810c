"""Deliveries are added up once a report, however often it comes; symbols' days take each other's place."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import Customer
from kernel import keyspace
from nodes.models import Delivered, DeliveredMonth, SymbolDay, TakenReport, UsedHour
from nodes.services import proof
from nodes.services.health import read_all_reports
from nodes.services.proof import forget_days, record_delivery, record_symbol_days
from outbox.errors import UnreadableReport
from outbox.models import ReportCheckpoint
from outbox.report_kinds import Report
from streaming.records.reports import DeliveredBars, Delivery, delivery_entry
from tests.factories import NOW, a_customer, a_group
from tests.nodes.domain.test_proof import SYMBOL, SYMBOLS

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = date(2026, 3, 10)


@pytest.fixture
def alice() -> Customer:
    a_group("sh")
    return a_customer("alice")


def told(
    customer: str, id_: str = "p:1", *, node="sh-1", market="CN", day="2026-03-10", **bars
) -> dict[str, str | bytes]:
    """Return a report's entry as a node writes it; bars by the first six digits of a symbol of Shanghai."""
    counts = {f"{code[1:]}.SH": list(some) for code, some in (bars or {"_600519": (40, 39, 2)}).items()}
    row = DeliveredBars(customer=customer, market=market, day=day, bars=counts)
    return delivery_entry(Delivery(id=id_, node=node, rows=[row]))


def record(entry: dict[str, str | bytes], group: str = "sh") -> None:
    with transaction.atomic():
        record_delivery(Report(group, "delivery", "1", json.loads(entry["body"]), 1_773_100_000_000))


def counts() -> list[tuple]:
    return list(Delivered.objects.order_by("symbol", "node").values_list("symbol", "node", "due", "sent", "late"))


def test_what_nodes_report_is_added_up_by_customer_symbol_day_and_node(alice):
    bob = a_customer("bob")
    record(told(alice.public_id, "p:1"))
    record(told(alice.public_id, "p:2", _600519=(1, 1, 1), _600000=(5, 5, 0)))
    record(told(alice.public_id, "q:1", node="sh-2"))
    record(told(bob.public_id, "p:3"))
    record(told(alice.public_id, "p:4", day="2026-03-11"))

    rows = Delivered.objects.filter(customer=alice, day_on=DAY).order_by("symbol", "node")
    assert [(r.symbol, r.node, r.due, r.sent, r.late) for r in rows] == [
        ("600000.SH", "sh-1", 5, 5, 0), ("600519.SH", "sh-1", 41, 40, 3), ("600519.SH", "sh-2", 40, 39, 2),
    ]  # fmt: skip
    assert Delivered.objects.count() == 5
    month = DeliveredMonth.objects.get()
    assert (month.lane, month.month_on, month.due, month.sent, month.late) == ("CN", date(2026, 3, 1), 166, 162, 9)


def test_a_report_that_comes_again_adds_nothing(alice):
    for _ in range(3):
        record(told(alice.public_id))

    assert counts() == [("600519.SH", "sh-1", 40, 39, 2)]
    assert DeliveredMonth.objects.get().due == 40


def test_without_the_look_at_its_id_it_would_count_twice(alice, monkeypatch):
    class TakesAll:
        def get_or_create(self, **_):
            return None, True

    monkeypatch.setattr(proof.TakenReport, "objects", TakesAll())
    for _ in range(2):
        record(told(alice.public_id))

    assert counts() == [("600519.SH", "sh-1", 80, 78, 4)]


def test_a_report_that_stands_twice_in_the_stream_and_a_stream_that_is_read_again_count_once(alice, data_redis):
    data_redis.delete(keyspace.reports("sh"))
    try:
        for _ in range(2):
            data_redis.xadd(keyspace.reports("sh"), told(alice.public_id))
        assert read_all_reports(now=NOW) == 2
        ReportCheckpoint.objects.all().delete()
        assert read_all_reports(now=NOW) == 2
    finally:
        data_redis.delete(keyspace.reports("sh"))

    assert counts() == [("600519.SH", "sh-1", 40, 39, 2)]


def test_a_report_that_could_not_be_stored_whole_is_not_noted_as_taken(alice, monkeypatch):
    def breaks(*_):
        raise RuntimeError

    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(proof, "_add_to_days", breaks)
        record(told(alice.public_id))
    assert (TakenReport.objects.count(), DeliveredMonth.objects.count()) == (0, 0)
    record(told(alice.public_id))

    assert counts() == [("600519.SH", "sh-1", 40, 39, 2)]


def test_the_same_id_of_another_group_is_another_report(alice):
    a_group("hk")
    record(told(alice.public_id))
    record(told(alice.public_id), "hk")

    assert sorted(Delivered.objects.values_list("group__slug", "due")) == [("hk", 40), ("sh", 40)]


def test_who_is_no_customer_any_more_counts_in_the_month_alone(alice):
    record(told("f" * 32))

    assert not Delivered.objects.exists()
    assert DeliveredMonth.objects.get().due == 40


def test_a_customer_that_goes_takes_its_days_with_it_and_leaves_the_month(alice):
    record(told(alice.public_id))
    alice.delete()

    assert not Delivered.objects.exists()
    assert DeliveredMonth.objects.get().due == 40


def test_what_is_no_delivery_is_refused(alice):
    with pytest.raises(UnreadableReport):
        record_delivery(Report("sh", "delivery", "1", {"id": 7}, 0))
    with pytest.raises(UnreadableReport):
        record_symbol_days(Report("sh", "symbol_days", "1", {"market": "CN"}, 0))


def symbols(**changes) -> Report:
    body = {**SYMBOLS, "symbols": {"600519.SH": {**SYMBOL, **changes}, "000001.SZ": SYMBOL}}
    return Report("sh", "symbol_days", "1", body, 0)


def test_a_symbols_day_is_kept_as_it_was_told_last():
    a_group("sh")
    record_symbol_days(symbols())
    record_symbol_days(symbols(rows=20, first_ms=0, refused={"price": 2, "stale": 1}, longest_gap_ms=90_500))

    row = SymbolDay.objects.get(symbol="600519.SH")
    assert (row.lane, row.day_on, row.rows, row.bars, row.copies, row.refused) == ("CN", DAY, 20, 4, 3, 3)
    assert (row.reasons, row.lines) == ({"price": 2, "stale": 1}, {"a": 4})
    assert (row.gaps, row.longest_gap_seconds) == (1, 90)
    assert (row.first_at, row.last_at) == (None, datetime.fromtimestamp(0.002, UTC))
    assert SymbolDay.objects.count() == 2


def test_days_are_forgotten_when_settings_say_and_reports_after_a_month(alice, settings):
    settings.DELIVERY_DAYS, settings.SYMBOL_DAYS = 10, 5
    record(told(alice.public_id))
    record_symbol_days(symbols())
    taken = TakenReport.objects.get().taken_at

    assert forget_days(now=taken + timedelta(days=29), today=DAY + timedelta(days=5)) == 0
    assert forget_days(now=taken + timedelta(days=29), today=DAY + timedelta(days=6)) == 2
    assert forget_days(now=taken + timedelta(days=31), today=DAY + timedelta(days=11)) == 1
    assert (Delivered.objects.count(), SymbolDay.objects.count(), TakenReport.objects.count()) == (0, 0, 0)
    assert DeliveredMonth.objects.get().due == 40


TOLD_MS = 1_773_100_000_000  # 2026-03-09 23:46:40 UTC


def told_at(customer, at_ms, id_, entry_ms=TOLD_MS, **bars):
    entry = told(customer, id_, **bars)
    body = {**json.loads(entry["body"]), "at_ms": at_ms}
    with transaction.atomic():
        record_delivery(Report("sh", "delivery", "1", body, entry_ms))


def hours():
    return [(f"{one.hour_at:%d %H:%M}", one.bars, one.sent) for one in UsedHour.objects.order_by("hour_at")]


def test_what_was_sent_is_added_to_the_hour_in_which_it_was_counted(alice):
    told_at(alice.public_id, TOLD_MS - 5_000, "p:1", _600519=(40, 39, 2))
    told_at(alice.public_id, TOLD_MS, "p:2", _600519=(2, 2, 0), _600000=(3, 0, 0))
    told_at(alice.public_id, TOLD_MS - 3_600_000, "p:3", _600000=(7, 7, 0))
    told_at(alice.public_id, TOLD_MS, "p:2", _600519=(2, 2, 0))  # the same report again

    assert hours() == [("09 22:00", {"600000.SH": 7}, 7), ("09 23:00", {"600519.SH": 41}, 41)]


@pytest.mark.parametrize("at_ms", [0, TOLD_MS + 1, TOLD_MS - 9 * 86_400_000])
def test_an_older_node_and_a_clock_that_is_wrong_count_as_of_when_redis_took_it(alice, at_ms):
    told_at(alice.public_id, at_ms, "p:1")

    assert [hour for hour, _, _ in hours()] == ["09 23:00"]


def test_what_nobody_was_sent_and_what_is_of_nobody_makes_no_hour(alice):
    told_at(alice.public_id, TOLD_MS, "p:1", _600519=(4, 0, 0))
    told_at("nobody", TOLD_MS, "p:2")

    assert [row for row in hours() if row[2]] == []


def test_hours_of_use_are_kept_for_thirty_five_days(alice):
    group = a_group("sh")
    for days in (34, 36):
        UsedHour.objects.create(customer=alice, group=group, hour_at=NOW - timedelta(days=days), sent=1)

    assert forget_days(now=NOW, today=NOW.date()) == 1
    assert [one.hour_at for one in UsedHour.objects.all()] == [NOW - timedelta(days=34)]
