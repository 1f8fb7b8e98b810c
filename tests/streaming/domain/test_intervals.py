"""Bars of longer intervals: where each opens, what counts in it, and when it is final."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming.domain.calendar import AlwaysOpen, Calendar
from streaming.domain.intervals import INTERVAL_MINUTES, FormedBar, Forming, first_day_of, opening_of
from streaming.domain.windows import seq_of
from streaming.reference import published_days

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2023-02-01T{text}").replace(tzinfo=SHANGHAI).timestamp() * 1000)


def calendar(market: str) -> Calendar:
    days = published_days(market)
    return Calendar(market, days)


@dataclass
class Moved:
    price: int
    volume: int = 10
    symbol: str = "600519.SH"

    @property
    def open_e4(self) -> int:
        return self.price

    high_e4 = low_e4 = close_e4 = turnover_e4 = open_e4


@pytest.mark.parametrize(
    ("minute", "interval", "opened"),
    [
        ("09:30", "1m", "09:30"),
        ("09:34", "5m", "09:30"),
        ("09:35", "5m", "09:35"),
        ("10:29", "1h", "09:30"),
        ("10:30", "1h", "10:30"),
        ("11:29", "1h", "10:30"),
        ("13:00", "1h", "13:00"),
        ("14:59", "1h", "14:00"),
        ("13:20", "15m", "13:15"),
        ("14:31", "30m", "14:30"),
        ("14:59", "1d", "00:00"),
        ("09:29", "5m", "09:30"),  # Hong Kong's opening print
        ("09:29", "1m", "09:29"),
        ("10:31", "1m", "10:31"),
        ("09:34", "3m", "09:33"),
        ("11:29", "2h", "09:30"),
        ("14:59", "2h", "13:00"),
        ("14:59", "4h", "13:00"),
    ],
)
def test_an_interval_is_counted_from_its_session(minute, interval, opened):
    assert opening_of(at(minute), interval, sessions=True) == at(opened)


def test_a_market_that_never_closes_counts_from_midnight():
    openings = {interval: opening_of(at("22:47"), interval, sessions=False) for interval in INTERVAL_MINUTES}

    assert {interval: openings[interval] for interval in ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d")} == {
        "1m": at("22:47"), "3m": at("22:45"), "5m": at("22:45"), "15m": at("22:45"), "30m": at("22:30"),
        "1h": at("22:00"), "2h": at("22:00"), "4h": at("20:00"), "1d": at("00:00"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "first"),
    [("1w", date(2023, 2, 13)), ("1M", date(2023, 2, 1)), ("1d", date(2023, 2, 15)), ("4h", date(2023, 2, 15))],
)
def test_a_wednesday_belongs_to_the_interval_that_began_on_this_day(interval, first):
    assert first_day_of(date(2023, 2, 15), interval) == first


class Day:
    """Windows of one instrument on a real trading day, folded as the hub folds them."""

    def __init__(self, interval: str, market: str = "CN") -> None:
        self.sessions = calendar(market)
        self.forming = Forming(interval, sessions=True)
        self.told: list[tuple[FormedBar, bool]] = []

    def window(self, time: str, price: int | None = None, *, over: bool = False) -> None:
        minute = None if over else self.sessions.minute_of(seq_of(at(time)))
        self.told += self.forming.take(minute, Moved(price) if price is not None else None, over=over)


def test_each_trade_tells_the_bar_as_it_stands_and_the_next_interval_makes_it_final():
    day = Day("1m")
    day.window("09:25:00", 100)  # the auction's print counts in the first minute
    day.window("09:30:03", 103)
    day.window("09:30:30")
    day.window("09:30:57", 99)
    day.window("09:31:00")

    assert [(bar.close_e4, bar.volume, final) for bar, final in day.told] == [
        (100, 10, False), (103, 20, False), (99, 30, False), (99, 30, True),
    ]  # fmt: skip
    last = day.told[-1][0]
    assert (last.opened_ms, last.open_e4, last.high_e4, last.low_e4) == (at("09:30"), 100, 103, 99)


def test_the_closing_print_counts_in_the_last_minute_and_the_close_makes_it_final():
    day = Day("1m")
    day.window("14:56:59", 100)
    day.window("14:58:00")
    day.window("15:00:00", 101)
    day.window("15:00:01.5", over=True)

    assert [(bar.opened_ms, bar.close_e4, final) for bar, final in day.told] == [
        (at("14:56"), 100, False), (at("14:56"), 100, True), (at("14:59"), 101, False), (at("14:59"), 101, True),
    ]  # fmt: skip


def test_trades_after_hours_count_in_the_day_alone():
    hour, day = Day("1h"), Day("1d")
    for one in (hour, day):
        one.window("14:59:00", 100)
        one.window("15:10:00", 100)
    assert hour.told[-1][0].volume == 10
    assert day.told[-1][0].volume == 20
    assert not day.told[-1][1]


def test_one_share_after_hours_counts_in_the_day_and_none_does_not():
    day = Forming("1d", sessions=True)
    day.take(at("14:59"), Moved(100, volume=1), over=False)

    assert day.take(None, Moved(101, volume=0), over=False) == []
    [(bar, final)] = day.take(None, Moved(102, volume=1), over=False)
    assert (bar.close_e4, bar.volume, final) == (102, 2, False)


def test_the_last_final_bar_stays_known_through_intervals_without_a_trade():
    forming = Forming("1m", sessions=False)
    assert (forming.bar, forming.ended, forming.through) == (None, None, 0)

    forming.take(at("10:00"), Moved(100), over=False)
    forming.take(at("10:01"), None, over=False)
    forming.take(None, None, over=True)

    assert forming.bar is None
    assert forming.ended.opened_ms == at("10:00")


def test_a_window_without_volume_moves_no_bar():
    forming = Forming("1m", sessions=False)
    assert forming.take(AlwaysOpen().minute_of(1_000_000), Moved(100, volume=0), over=False) == []
    assert forming.bar is None


@pytest.mark.parametrize(("interval", "opened"), [("1w", "2023-01-30"), ("1M", "2023-02-01")])
def test_a_week_begins_on_monday_and_a_month_on_the_first(interval, opened):
    midnight = int(datetime.fromisoformat(f"{opened}T00:00").replace(tzinfo=SHANGHAI).timestamp() * 1000)
    assert opening_of(at("10:00"), interval, sessions=True) == midnight


def test_a_week_goes_on_when_the_market_has_closed_and_ends_when_the_next_one_begins():
    forming = Forming("1w", sessions=True)
    forming.take(at("10:00"), Moved(100), over=False)
    assert forming.take(None, None, over=True) == []
    monday = at("10:00") + 5 * 86_400_000
    (ended, final), (begun, _) = forming.take(monday, Moved(110), over=False)
    assert (ended.close_e4, final, begun.open_e4) == (100, True, 110)
