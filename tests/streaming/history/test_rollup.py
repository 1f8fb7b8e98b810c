"""Bars out of history are those that the wire forms: SQL and `opening_of` agree, on recorded days too."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming.domain.intervals import INTERVAL_MINUTES, opening_of
from streaming.domain.minutes import MinuteBar, grown
from streaming.history.minutes import insert_minutes
from streaming.history.rollup import Span, read_bars
from tests.streaming.references import reference_minutes

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]
SHANGHAI = ZoneInfo("Asia/Shanghai")
_HK_MORNING, _HK_AFTERNOON = range(9 * 60 + 29, 12 * 60), range(13 * 60, 16 * 60)
_CN_MORNING, _CN_AFTERNOON = range(9 * 60 + 30, 11 * 60 + 30), range(13 * 60, 15 * 60)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def day_of(symbol: str, day: str, minutes) -> list[MinuteBar]:
    """Return a day whose every minute has a price and volume of its own."""
    midnight = at(day)
    return [
        MinuteBar(symbol, midnight + minute * 60_000, 100_000 + minute, 101_000 + minute, 99_000 - minute,
                  100_500 + minute, 10 + minute, 1_000 * minute)
        for minute in minutes
    ]  # fmt: skip


def folded(bars: list[MinuteBar], interval: str, *, sessions: bool) -> list[MinuteBar]:
    """Fold minutes by the rule of the wire."""
    found: dict[int, MinuteBar] = {}
    for bar in bars:
        opened = opening_of(bar.opened_ms, interval, sessions=sessions)
        found[opened] = MinuteBar(bar.symbol, opened, *grown(found.get(opened), bar))
    return [found[opened] for opened in sorted(found)]


@pytest.mark.parametrize("sessions", [True, False])
@pytest.mark.parametrize("interval", INTERVAL_MINUTES)
def test_every_interval_of_both_markets_is_what_the_wire_forms(interval, sessions):
    hong_kong = [
        bar for day in ("2023-02-01", "2023-02-02") for bar in day_of("01111.HK", day, (*_HK_MORNING, *_HK_AFTERNOON))
    ]
    mainland = [
        bar for day in ("2023-01-31", "2023-02-01") for bar in day_of("601111.SH", day, (*_CN_MORNING, *_CN_AFTERNOON))
    ]
    for made_up in (False, True):
        insert_minutes(hong_kong + mainland, version=1, made_up=made_up)

    told = read_bars(["01111.HK", "601111.SH"], interval, Span(limit=1000), sessions=sessions)

    assert told["01111.HK"] == folded(hong_kong, interval, sessions=sessions)
    assert told["601111.SH"] == folded(mainland, interval, sessions=sessions)


@pytest.mark.data
def test_a_recorded_day_rolls_up_to_what_its_reference_folds_to(market_data):
    path = market_data / "replay-l2-20230201" / "ref1min_from_ticks_600519.SH_20230201.csv.gz"
    bars = [MinuteBar("600222.SH", opened_ms, *prices) for opened_ms, prices in sorted(reference_minutes(path).items())]
    insert_minutes(bars, version=1)

    for interval in INTERVAL_MINUTES:
        told = read_bars(["600222.SH"], interval, Span(limit=1000), sessions=True)
        assert told["600222.SH"] == folded(bars, interval, sessions=True)


def test_a_week_begins_on_monday_and_a_month_on_the_first():
    days = ["2023-01-30", "2023-02-03", "2023-02-06", "2023-03-01"]  # Monday, Friday, Monday, Wednesday
    insert_minutes([bar for day in days for bar in day_of("600333.SH", day, [570])], version=1)

    weeks = read_bars(["600333.SH"], "1w", Span(), sessions=True)["600333.SH"]
    months = read_bars(["600333.SH"], "1M", Span(), sessions=True)["600333.SH"]

    assert [bar.opened_ms for bar in weeks] == [at("2023-01-30"), at("2023-02-06"), at("2023-02-27")]
    assert [bar.volume for bar in weeks] == [1160, 580, 580]
    assert [bar.opened_ms for bar in months] == [at("2023-01-01"), at("2023-02-01"), at("2023-03-01")]


def test_a_range_takes_its_start_leaves_its_end_and_keeps_whole_bars():
    bars = day_of("01222.HK", "2023-02-01", _HK_MORNING)
    insert_minutes(bars, version=1)
    opened = [at("2023-02-01T09:30") + nth * 300_000 for nth in range(3)]

    two = read_bars(["01222.HK"], "5m", Span(opened[0], opened[2], newest=False), sessions=True)["01222.HK"]
    newest = read_bars(["01222.HK"], "5m", Span(0, opened[2], limit=1), sessions=True)["01222.HK"]
    rest = read_bars(["01222.HK"], "5m", Span(0, opened[2], without=frozenset({opened[1]})), sessions=True)["01222.HK"]

    whole = folded(bars, "5m", sessions=True)
    assert (two, newest, rest) == (whole[:2], whole[1:2], whole[:1])  # the opening print is in the first


def test_many_symbols_each_get_their_limit():
    for symbol in ("600444.SH", "600445.SH"):
        insert_minutes(day_of(symbol, "2023-02-01", _CN_MORNING), version=1)

    told = read_bars(["600444.SH", "600445.SH", "600446.SH"], "15m", Span(limit=3), sessions=True)

    assert {symbol: len(bars) for symbol, bars in told.items()} == {"600444.SH": 3, "600445.SH": 3}
    gap = timedelta(milliseconds=told["600444.SH"][1].opened_ms - told["600444.SH"][0].opened_ms)
    assert gap == timedelta(minutes=15)


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_the_wanted_bars_are_found_however_far_apart_their_months_are(limit: int, newest: bool) -> None:
    days = ("2019-03-01", "2021-07-30", "2021-08-02", "2022-11-30", "2024-02-29", "2024-03-01", "2024-03-29")
    bars = [bar for day in days for bar in day_of("601119.SH", day, (570, 899))]
    # Another one that has traded since: the newest month of the table is not this one's.
    insert_minutes([*bars, *day_of("601118.SH", "2025-06-30", (570,))], version=1)

    for first, last in ((None, None), ("2021-07-30", None), (None, "2024-03-01"), ("2021-08-02", "2024-03-01")):
        start_ms, end_ms = at(first) if first else 0, at(last) if last else 2**53
        inside = [bar for bar in bars if start_ms <= bar.opened_ms < end_ms]
        told = read_bars(["601119.SH"], "1m", Span(start_ms, end_ms, limit, newest=newest), sessions=True)
        assert told.get("601119.SH", []) == (inside[-limit:] if newest else inside[:limit])
