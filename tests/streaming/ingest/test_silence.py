"""Proves that a market whose lines are all silent says so, tells nothing as flat, and is open again at the first word."""

from datetime import datetime

import pytest

from kernel.trading_days import TradingDay
from streaming.domain.calendar import Calendar
from streaming.domain.windows import WINDOW_MS, end_ms, seq_of
from streaming.ingest.sources import Reading
from streaming.reference import published_days
from tests.streaming.ingest.scripted import Scripted, live, snapshot

DAY = "2026-12-30"
CN = Calendar("CN", published_days("CN"))


def at_ms(clock: str, day: str = DAY) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}+08:00").timestamp() * 1000)


def word(clock: str, volume: int = 0) -> Reading:
    return Reading([snapshot(at_ms(clock), 100, volume)], received_ms=at_ms(clock))


def states(market, begins: str, ends: str) -> dict[str, tuple[str, bool]]:
    """Let a market run; return state and quiet by the time at which each began, where they changed."""
    told: dict[str, tuple[str, bool]] = {}
    for now in range(at_ms(begins), at_ms(ends), 500):
        for window in market.due(now):
            if (window.state, window.quiet) != next(reversed(told.values()), None):
                began = datetime.fromtimestamp((end_ms(window.closed.seq) - WINDOW_MS) / 1000).astimezone()
                told[f"{began.astimezone(datetime.fromisoformat(f'{DAY}T00+08:00').tzinfo):%H:%M:%S}"] = (
                    window.state, window.quiet,
                )  # fmt: skip
    return told


def test_a_provider_that_was_never_reached_is_no_feed_after_the_first_minute() -> None:
    market = live(Scripted(), now_ms=at_ms("09:29:50"), sessions=lambda: CN)

    assert states(market, "09:29:50", "09:33:00") == {
        "09:29:49": ("pre_open", False), "09:30:00": ("open", False), "09:31:00": ("no_feed", True),
    }  # fmt: skip
    assert market.problem == "no line has said anything since 09:30:00"


def test_a_line_that_dies_is_told_a_minute_later_and_whoever_speaks_opens_the_market_again() -> None:
    market = live(
        Scripted([word("10:00:00.700", 10), word("10:00:30.100", 10), word("10:05:00.100", 90)]),
        now_ms=at_ms("10:00:00"), sessions=lambda: CN,
    )  # fmt: skip

    told = states(market, "10:00:00", "10:05:10")

    assert list(told.values()) == [("open", False), ("no_feed", True), ("open", False)]
    assert list(told)[1:] == ["10:01:30", "10:04:58"], "the window that closes at the first word"
    assert market.problem == ""


def test_one_line_of_two_is_enough() -> None:
    talks = Scripted(
        [word(f"10:0{minute}:{second}.100", 10) for minute in range(3) for second in ("00", "30")], name="a"
    )
    market = live(talks, Scripted(name="b"), now_ms=at_ms("10:00:00"), sessions=lambda: CN)

    assert list(states(market, "10:00:00", "10:03:00").values()) == [("open", False)]


def test_silence_over_lunch_and_after_the_close_means_nothing() -> None:
    market = live(Scripted([word("11:29:50.100", 10)]), now_ms=at_ms("11:29:40"), sessions=lambda: CN)

    told = states(market, "11:29:40", "13:02:00")

    assert [state for state, _ in told.values()] == ["open", "lunch_break", "open", "no_feed"]
    assert list(told)[-1] == "13:01:00", "each part of the day has a minute to begin in"


@pytest.mark.parametrize(("state", "goes_on"), [("open", "open"), ("no_feed", "no_feed")])
def test_a_restart_is_no_word(state: str, goes_on: str) -> None:
    last = seq_of(at_ms("10:10:00")) - 1
    market = live(Scripted(), now_ms=at_ms("10:10:00"), sessions=lambda: CN, resume_after=last)
    market.go_on_from(last, state)

    assert {window.state for window in market.due(at_ms("10:10:09"))} == {goes_on}


def test_a_day_that_an_operator_made_is_judged_alike() -> None:
    saturday = Calendar("CN", published_days("CN"), {datetime(2026, 12, 5).date(): TradingDay("full")})
    market = live(Scripted(), now_ms=at_ms("10:00:00", "2026-12-05"), sessions=lambda: saturday)

    assert [one.state for one in market.due(at_ms("10:02:00", "2026-12-05"))][-1] == "no_feed"
