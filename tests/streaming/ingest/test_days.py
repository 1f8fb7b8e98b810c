"""A day's row is written when the day is over: once the stream has gone past its end, or minutes of it came later."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming.domain.calendar import Calendar
from streaming.ingest import days as days_module
from streaming.ingest.days import days_over, write_days
from streaming.records.newest import with_bar
from streaming.reference.calendars import published_days
from tests.streaming.domain.test_minutes import bar as bar_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 11, 27)
CALENDAR = Calendar("CN", published_days("CN"))


def at(text: str, day: date = FRIDAY) -> int:
    return int(datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize(
    ("touched", "before", "now", "over"),
    [
        (set(), "15:29:58", "15:30:01", {FRIDAY}),  # after-hours trading belongs to the day
        (set(), "15:00:00", "15:29:59", set()),
        ({FRIDAY}, "14:00:00", "14:01:00", set()),
        ({FRIDAY}, "15:31:00", "15:32:00", {FRIDAY}),  # something came behind its end
        (set(), "15:31:00", "15:32:00", set()),
    ],
)
def test_a_day_is_over_with_its_last_phase(touched, before, now, over) -> None:
    assert days_over(CALENDAR, touched, at(before), at(now), finished=False) == over


def test_days_that_passed_while_nobody_read_are_over_with_their_minutes() -> None:
    thursday = FRIDAY - timedelta(days=1)

    assert days_over(CALENDAR, {thursday, FRIDAY}, at("10:00", thursday), at("10:00"), finished=False) == {thursday}


def test_a_recording_that_has_ended_leaves_no_day_open() -> None:
    assert days_over(CALENDAR, {FRIDAY}, at("09:30"), at("10:30"), finished=True) == {FRIDAY}


def test_a_weekend_has_no_row() -> None:
    saturday = FRIDAY + timedelta(days=1)

    assert days_over(CALENDAR, set(), at("10:00", saturday), at("16:00", saturday), finished=False) == set()


def test_a_recorded_day_that_no_calendar_has_is_over_with_the_day() -> None:
    saturday, sunday = FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2)

    assert days_over(CALENDAR, {saturday}, at("10:00", saturday), at("16:00", saturday), finished=False) == set()
    assert days_over(CALENDAR, {saturday}, at("10:00", saturday), at("00:01", sunday), finished=False) == {saturday}


def test_what_stands_at_another_day_or_did_not_trade_is_left_to_its_minutes(monkeypatch) -> None:
    written = []
    monkeypatch.setattr(days_module, "add_up", lambda over, version: written.append((sorted(over), version)))
    monkeypatch.setattr(days_module, "insert_days", lambda bars, source, version: written.append(list(bars)))
    traded = with_bar(None, bar_of(100_000, 300), 1_197_000_000, str(FRIDAY))
    newest = {
        "600519.SH": traded,
        "600036.SH": replace_day(traded, "2026-11-26"),
        "601398.SH": with_bar(None, bar_of(100_000, 0), 1_197_000_000, str(FRIDAY)),
    }

    write_days({FRIDAY}, newest, source="live", version=5)
    write_days(set(), newest, source="live", version=5)

    (days, [row]) = written
    assert days == ([FRIDAY], 5)
    assert (row.symbol, row.day, row.volume) == ("600519.SH", FRIDAY, 300)


def replace_day(newest, day: str):
    from msgspec.structs import replace as replace_struct

    return replace_struct(newest, day=day)
