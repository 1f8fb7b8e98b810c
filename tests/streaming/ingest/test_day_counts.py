"""What is counted of a symbol's day: rows, bars, refusals, lines, first, last and gaps; and that it outlives a worker."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import redis

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.domain.calendar import AlwaysOpen, Calendar
from streaming.errors import Fenced, StoreUnavailable
from streaming.ingest import day_counts as module
from streaming.ingest.day_counts import GAP_MS, OTHERS, SymbolDays, go_on_with, write_days
from streaming.records.day_counts import DayCounts
from streaming.reference.calendars import published_days
from streaming.store.day_counts import DayCountStore

MOUTAI, PINGAN = InstrumentId.parse("600519.SH"), InstrumentId.parse("000001.SZ")
DAY = date(2026, 3, 10)  # a Tuesday
CN = Calendar("CN", published_days("CN"))


def at(clock: str, day: date = DAY) -> int:
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


@pytest.fixture
def days() -> SymbolDays:
    made = SymbolDays(lambda: CN)
    made.turn(at("09:30:00"))
    return made


def counted(days: SymbolDays, symbol: str = "600519.SH", day: date = DAY) -> DayCounts | None:
    return dict(days.take()).get(day, {}).get(symbol)


def test_rows_lines_and_bars_are_counted(days):
    for clock, line in (("09:30:00", "a"), ("09:30:03", "b"), ("09:30:06", "a")):
        days.row(MOUTAI, at(clock)).counted(line)
    days.row(PINGAN, at("09:30:01"))
    days.bars(["600519.SH", "600519.SH"])

    assert counted(days) == DayCounts(
        rows=3, bars=2, first_ms=at("09:30:00"), last_ms=at("09:30:06"), lines={"a": 2, "b": 1}
    )


def test_what_is_wrong_and_what_is_a_copy_are_told_apart(days):
    row = days.row(MOUTAI, at("09:30:00"))
    for reason in ("price", "price", "repeated", "late_copy", "held"):
        row.refuse(reason)

    found = counted(days)
    assert (found.refused, found.copies) == ({"price": 2, "held": 1}, 2)


def test_first_and_last_are_of_the_day_whatever_order_rows_come_in(days):
    yesterday = date(2026, 3, 9)
    for instant in (
        at("15:00:00", yesterday),
        at("09:31:00"),
        at("09:30:10"),
        at("09:30:50"),
        at("09:30:00", date(2026, 3, 11)),
    ):
        days.row(MOUTAI, instant)

    found = counted(days)
    assert (found.rows, found.first_ms, found.last_ms, found.gaps) == (5, at("09:30:10"), at("09:31:00"), 0)


@pytest.mark.parametrize(
    ("rows", "gaps", "longest_ms"),
    [
        (["10:00:00", "10:01:00"], 0, 0),
        (["10:00:00", "10:01:00.001"], 1, GAP_MS + 1),
        (["10:00:00", "10:02:00", "10:05:00"], 2, 180_000),
        (["11:29:30", "13:00:20"], 0, 0),  # over lunch: 50 s of trading
        (["11:29:00", "13:00:30"], 1, 90_000),
        (["09:20:00", "09:30:30"], 0, 0),  # before the open
    ],
)
def test_a_gap_is_more_than_a_minute_of_trading_without_a_row(days, rows, gaps, longest_ms):
    for clock in rows:
        days.row(MOUTAI, at(clock))

    found = counted(days)
    assert (found.gaps, found.longest_gap_ms) == (gaps, longest_ms)


def test_another_day_begins_at_nothing_and_the_one_before_is_not_lost(days):
    tomorrow = date(2026, 3, 11)
    days.row(MOUTAI, at("14:59:59"))
    days.turn(at("00:00:00", tomorrow))
    days.row(MOUTAI, at("09:25:00", tomorrow))

    told = {day: rows["600519.SH"].rows for day, rows in days.take()}
    assert told == {DAY: 1, tomorrow: 1}


def test_only_what_has_changed_is_told_again(days):
    days.row(MOUTAI, at("09:30:00"))
    days.row(PINGAN, at("09:30:00"))
    list(days.take())
    days.row(PINGAN, at("09:30:03"))

    assert {symbol: counts.rows for _, rows in days.take() for symbol, counts in rows.items()} == {"000001.SZ": 2}
    assert list(days.take()) == []


def test_symbols_that_nobody_could_have_are_counted_together(days, monkeypatch):
    monkeypatch.setattr(module, "MOST_SYMBOLS", 2)
    for number in range(5):
        days.row(InstrumentId.parse(f"{600000 + number}.SH"), at("09:30:00"))

    (_, rows) = next(days.take())
    assert {symbol: counts.rows for symbol, counts in rows.items()} == {"600000.SH": 1, "600001.SH": 1, OTHERS: 3}


def test_a_market_without_hours_has_gaps_too():
    days = SymbolDays(AlwaysOpen)
    days.turn(at("03:00:00"))
    days.row(MOUTAI, at("03:00:00"))
    days.row(MOUTAI, at("03:02:00"))

    assert counted(days).gaps == 1


# -- on Redis --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        keys = (keyspace.symbol_days("HK", str(DAY)), keyspace.counted_days("HK"), keyspace.fence("HK"))
        client.delete(*keys)
        client.set(keyspace.fence("HK"), 7)
        yield client
        client.delete(*keys)


@pytest.mark.whole
def test_the_next_worker_goes_on_where_this_one_has_written(client, days):
    store = DayCountStore(client, "HK")
    days.row(MOUTAI, at("09:30:00")).counted("a")
    write_days(days, store, 7, at("09:30:01"))
    days.row(MOUTAI, at("09:30:03"))  # killed before this is written

    successor = SymbolDays(lambda: CN)
    go_on_with(successor, store, at("09:40:00"))
    successor.turn(at("09:40:00"))
    successor.row(MOUTAI, at("09:40:00")).counted("b")
    write_days(successor, store, 7, at("09:40:01"))

    found = store.read(DAY)["600519.SH"]
    assert (found.rows, found.lines, found.gaps) == (2, {"a": 1, "b": 1}, 1)
    assert 0 < client.pttl(keyspace.symbol_days("HK", str(DAY))) <= 8 * 86_400_000


@pytest.mark.whole
def test_it_is_written_each_ten_seconds_and_at_the_end(client, days):
    store = DayCountStore(client, "HK")
    for clock, rows, at_once in (
        ("09:30:01", 1, False),
        ("09:30:10", 1, False),
        ("09:30:11", 3, False),
        ("09:30:12", 4, True),
    ):
        days.row(MOUTAI, at(clock))
        write_days(days, store, 7, at(clock), at_once=at_once)
        assert store.read(DAY)["600519.SH"].rows == rows


@pytest.mark.whole
def test_a_holder_that_is_only_thought_dead_writes_nothing(client, days):
    store = DayCountStore(client, "HK")
    days.row(MOUTAI, at("09:30:00"))

    with pytest.raises(Fenced):
        write_days(days, store, 6, at("09:30:01"))

    assert store.read(DAY) == {}
    with pytest.raises(StoreUnavailable):
        DayCountStore(redis.Redis.from_url("redis://127.0.0.1:9/0"), "HK").read(DAY)
