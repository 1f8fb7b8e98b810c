"""Proves what a market is on a weekday that nobody has published: quiet until something moves, closed after silence."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from kernel.trading_days import TradingDay
from streaming.domain.calendar import Calendar, Sessions
from streaming.domain.windows import end_ms, seq_of
from streaming.ingest.presumed import PresumedDays, Session
from streaming.ingest.publisher import Publisher
from streaming.ingest.sources import Reading
from streaming.reference import published_days
from tests.streaming.ingest.scripted import Kept, Scripted, live, newest_after, snapshot

MONDAY = "2027-01-04"  # the mainland has not published it
CN, HK = (Calendar(market, published_days(market)) for market in ("CN", "HK"))


def at_ms(clock: str, day: str = MONDAY) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}+08:00").timestamp() * 1000)


@dataclass
class Day:
    """A market's day, walked window by window."""

    sessions: Sessions = CN
    connected: bool = True
    moved: bool = False
    judge: PresumedDays = field(init=False)

    def __post_init__(self) -> None:
        self.judge = PresumedDays(lambda: self.connected)

    def at(self, clock: str, *, moves: bool = False, day: str = MONDAY) -> Session:
        return self.judge.session(self.sessions, seq_of(at_ms(clock, day)), moves=moves)

    def walk(self, begins: str, ends: str) -> list[Session]:
        seqs = range(seq_of(at_ms(begins)), seq_of(at_ms(ends)))
        return [self.judge.session(self.sessions, seq, moves=False) for seq in seqs]


def test_a_published_day_is_as_the_calendar_says() -> None:
    day = Day(connected=False)

    assert day.at("10:00", day="2026-12-30") == Session("open", at_ms("11:30", "2026-12-30"))


def test_a_presumed_day_is_quiet_until_something_moves() -> None:
    day = Day()

    assert day.at("09:31") == Session("open", at_ms("11:30"), presumed=True, quiet=True)
    assert day.at("09:32", moves=True) == Session("open", at_ms("11:30"), presumed=True, quiet=False)
    assert day.at("09:33") == Session("open", at_ms("11:30"), presumed=True, quiet=False)


def test_a_connected_line_that_is_silent_until_a_quarter_to_ten_closes_the_market_and_the_operator_is_told() -> None:
    day = Day()

    states = [session.state for session in day.walk("09:25:00", "09:45:00")]
    assert states == ["pre_open"] * 200 + ["open"] * 600
    assert "2027-01-04 is not in the published calendar" in day.judge.problem
    assert "manage.py import_calendar" in day.judge.problem

    assert day.at("09:45:00") == Session("closed", at_ms("09:15", "2027-01-05"), presumed=True, quiet=True)
    assert day.at("14:00").state == "closed"


def test_any_movement_opens_it_again() -> None:
    day = Day()
    day.walk("09:25", "09:46")

    assert day.at("10:12", moves=True) == Session("open", at_ms("11:30"), presumed=True, quiet=False)
    assert day.judge.problem == ""
    assert day.at("10:13").state == "open"


def test_without_a_connected_line_there_is_no_feed_and_nothing_is_concluded() -> None:
    day = Day(connected=False)

    assert {session.state for session in day.walk("09:25", "10:30")} == {"no_feed"}
    assert day.judge.problem == ""

    day.connected = True
    assert day.at("10:30").state == "open"


def test_a_line_that_comes_late_is_listened_to_for_as_long() -> None:
    day = Day(connected=False)
    day.walk("09:25", "10:00")
    day.connected = True

    assert {session.state for session in day.walk("10:00:00", "10:15:00")} == {"open"}
    assert day.at("10:15:00").state == "closed"


def test_the_evening_of_a_presumed_day_needs_no_line() -> None:
    day = Day(connected=False)

    assert day.at("20:00") == Session("closed", at_ms("09:15", "2027-01-05"), presumed=True, quiet=True)


def test_each_day_is_judged_for_itself() -> None:
    day = Day()
    day.walk("09:25", "09:46")

    assert day.at("09:31", day="2027-01-05") == Session("open", at_ms("11:30", "2027-01-05"), presumed=True, quiet=True)
    assert day.judge.problem == ""


def test_who_restarts_on_a_day_that_was_taken_for_closed_goes_on_so() -> None:
    day = Day()
    day.judge.go_on_from(CN, seq_of(at_ms("09:45:00")), "closed")
    assert day.at("10:00").state == "closed"

    evening = Day()
    evening.judge.go_on_from(CN, seq_of(at_ms("08:00:00")), "closed")
    assert evening.at("09:31").state == "open"


def test_a_notice_makes_the_day_certain() -> None:
    day = Day()
    day.walk("09:25", "09:46")
    day.sessions = Calendar(
        "CN", published_days("CN"), {at: TradingDay("full") for at in [datetime(2027, 1, 4).date()]}
    )

    assert day.at("10:00") == Session("open", at_ms("11:30"))
    assert day.judge.problem == ""


# -- the market as a whole ------------------------------------------------------------------------------------------


def test_a_market_tells_its_presumed_day_and_takes_a_repeated_row_for_a_sign_of_life() -> None:
    begins = at_ms("09:30:00")
    known = snapshot(begins, 100, 0)
    readings = [
        Reading([known], received_ms=begins + 3_100),
        Reading([snapshot(begins + 9_000, 100, 50)], received_ms=begins + 9_100),
    ]
    market = live(Scripted(readings), now_ms=begins + 500, sessions=lambda: CN)

    windows = [window for now in range(begins + 500, begins + 15_000, 100) for window in market.due(now)]

    told = [(window.state, window.presumed, window.quiet) for window in windows]
    no_line, quiet, moved = ("no_feed", True, True), ("open", True, True), ("open", True, False)
    assert [one for nth, one in enumerate(told) if nth == 0 or one != told[nth - 1]] == [no_line, quiet, moved]
    first = next(window for window in windows if window.closed.bars)
    assert not first.quiet


def test_what_stands_on_redis_makes_flats_only_after_the_movement() -> None:
    begins = at_ms("09:30:00")
    rows = [(begins + 100, 0), (begins + 3_100, 50)]
    readings = [Reading([snapshot(at, 100, volume)], received_ms=at) for at, volume in rows]
    market = live(Scripted(readings), now_ms=begins + 50, sessions=lambda: CN)
    store: Any = Kept()
    publisher = Publisher(
        store=store, fence=1, epoch="e", feed="push", recorded=False, speed=1.0, choice={}, newest={}, keep_hours=72
    )

    publisher.publish([window for now in range(begins + 50, begins + 7_000, 50) for window in market.due(now)])

    written = [commit.window for commit in store.commits if commit.window.seq >= seq_of(begins)]
    assert [window.has_flats for window in written] == [False, False, True, True]
    assert all(window.presumed for window in written)


def test_a_market_that_had_volume_before_a_restart_is_open_at_once() -> None:
    begins = at_ms("10:00:00")
    before = live(
        Scripted([Reading([snapshot(begins, 100, 50)], received_ms=begins + 100)]), now_ms=begins, sessions=lambda: CN
    )
    newest = newest_after([window for now in range(begins, begins + 4_000, 100) for window in before.due(now)])

    again = live(
        Scripted(), now_ms=begins + 10_000, sessions=lambda: CN, newest=newest, resume_after=seq_of(begins) + 1
    )

    assert {(window.state, window.quiet) for window in again.due(end_ms(seq_of(begins + 10_000)))} == {("open", False)}


@pytest.mark.parametrize(("state", "goes_on"), [("open", "open"), ("no_feed", "no_feed")])
def test_who_takes_over_from_a_holder_that_had_a_line_has_one(state: str, goes_on: str) -> None:
    begins = at_ms("10:00:00")
    again = live(Scripted(), now_ms=begins, sessions=lambda: CN, resume_after=seq_of(begins) - 1)

    again.go_on_from(seq_of(begins) - 1, state)

    assert {window.state for window in again.due(begins + 5_000)} == {goes_on}


def test_a_line_that_is_not_heard_of_again_after_a_restart_is_gone_after_a_minute() -> None:
    begins = at_ms("10:00:00")
    again = live(Scripted(), now_ms=begins, sessions=lambda: CN, resume_after=seq_of(begins) - 1)
    again.go_on_from(seq_of(begins) - 1, "open")

    windows = [window for now in range(begins, begins + 70_000, 500) for window in again.due(now)]

    assert (windows[0].state, windows[-1].state) == ("open", "no_feed")
