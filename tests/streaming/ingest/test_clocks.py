"""Proves which window closes when: a delay after its end by the wall, paced and with leaps as it was recorded."""

from datetime import date

import pytest

from kernel.trading_days import TradingDay
from streaming.domain.windows import WINDOW_MS, end_ms, seq_of, start_ms
from streaming.ingest.clocks import CATCH_UP_WINDOWS, RecordingClock, WallClock, with_evidence
from tests.streaming.ingest.scripted import DAY_MS, NINE_THIRTY, ScriptedRecording, calendar, trade

QUARTER_PAST_NINE = NINE_THIRTY - 15 * 60_000
FIRST = seq_of(QUARTER_PAST_NINE)
WALL = 1_795_000_000_000


def recording_clock(
    *times: int, speed: float = 1.0, resume_after: int | None = None, wanted: bool = True, wait_ms: int = 30_000
) -> RecordingClock:
    source = ScriptedRecording([trade(at_ms) for at_ms in times or (NINE_THIRTY, NINE_THIRTY + 3_600_000)], speed)
    return RecordingClock(
        sources=[source], calendar=calendar(), resume_after=resume_after, wanted=lambda: wanted, wait_ms=wait_ms
    )


def run_through(clock: RecordingClock, seq: int, now_ms: int) -> None:
    while clock.next_seq <= seq:
        clock.advance(now_ms, all_closed=False)


# -- the wall ------------------------------------------------------------------------------------------------------


def test_a_new_stream_begins_with_the_window_that_closes_next() -> None:
    clock = WallClock(now_ms=end_ms(100) + 499, resume_after=None, close_delay_ms=500)

    assert clock.next_seq == 100
    assert not clock.is_due(end_ms(100) + 499)
    assert clock.is_due(end_ms(100) + 500)


@pytest.mark.parametrize(
    ("behind", "next_seq"),
    [(1, 1000), (20, 981), (CATCH_UP_WINDOWS, 601), (CATCH_UP_WINDOWS + 1, 600), (5000, 600)],
)
def test_a_stream_that_goes_on_has_no_gap_and_catches_up_ten_minutes_at_most(behind: int, next_seq: int) -> None:
    clock = WallClock(now_ms=start_ms(1000), resume_after=1000 - behind, close_delay_ms=0)

    assert clock.next_seq == next_seq


def test_the_wall_clock_runs_reads_what_has_come_and_never_waits() -> None:
    clock = WallClock(now_ms=WALL, resume_after=None, close_delay_ms=500)

    assert clock.runs(WALL)
    assert clock.reads_until(WALL) == WALL
    assert list(clock.waits(WALL)) == []


# -- a recording ---------------------------------------------------------------------------------------------------


def test_a_recorded_day_begins_with_its_first_session() -> None:
    clock = recording_clock()

    assert clock.next_seq == FIRST
    assert clock.opens_at_ms == QUARTER_PAST_NINE


def test_a_paced_recording_shows_that_it_lives_until_somebody_follows() -> None:
    clock = recording_clock(wanted=False)

    early = list(clock.waits(WALL)) + list(clock.waits(WALL + 100)) + list(clock.waits(WALL + 4_500))

    before = FIRST - 1 - 30_000 // WINDOW_MS
    assert early == [before, before + 1, before + 2, before + 3]
    assert not clock.runs(WALL + 4_500)


def test_it_waits_no_longer_than_it_may() -> None:
    clock = recording_clock(wanted=False)

    told = list(clock.waits(WALL)) + list(clock.waits(WALL + 60_000))

    assert told[-1] == FIRST - 1
    assert clock.runs(WALL + 60_000)
    assert list(clock.waits(WALL + 61_500)) == []


@pytest.mark.parametrize("clock", [{"speed": 0.0}, {"resume_after": FIRST + 5}], ids=["at full speed", "going on"])
def test_what_is_not_paced_from_its_start_waits_for_nobody(clock) -> None:
    begun = recording_clock(wanted=False, **clock)

    assert list(begun.waits(WALL)) == []
    assert begun.runs(WALL)


def test_everything_before_ten_to_half_past_nine_is_due_at_once_and_then_it_is_paced() -> None:
    clock = recording_clock(speed=10.0)
    assert clock.runs(WALL)
    ten_before = seq_of(NINE_THIRTY - 10_000) - 1  # ends before 09:29:50

    run_through(clock, ten_before - 1, WALL)
    assert clock.is_due(WALL)
    run_through(clock, ten_before, WALL)
    assert not clock.is_due(WALL)

    after_ms = (end_ms(clock.next_seq) - (NINE_THIRTY - 10_000)) // 10
    assert not clock.is_due(WALL + after_ms - 1)
    assert clock.is_due(WALL + after_ms + 1)


def test_a_recording_that_begins_in_the_afternoon_is_paced_from_its_first_row() -> None:
    half_past_one = NINE_THIRTY + 4 * 3_600_000
    clock = recording_clock(half_past_one, half_past_one + 60_000)
    assert clock.runs(WALL)

    run_through(clock, seq_of(half_past_one - 10_000) - 1, WALL)

    assert not clock.is_due(WALL)
    assert clock.is_due(WALL + WINDOW_MS)


def test_what_was_written_before_a_restart_is_due_at_once_and_the_rest_is_paced_from_there() -> None:
    written = seq_of(NINE_THIRTY + 600_000)
    clock = recording_clock(resume_after=written)
    assert clock.runs(WALL)

    run_through(clock, written - 1, WALL)
    assert clock.is_due(WALL)
    run_through(clock, written, WALL)
    assert not clock.is_due(WALL + WINDOW_MS - 1)
    assert clock.is_due(WALL + WINDOW_MS)


def test_a_recording_is_read_to_the_end_of_the_window_that_is_due_and_no_further() -> None:
    clock = recording_clock()
    clock.runs(WALL)

    assert clock.reads_until(WALL) == end_ms(FIRST)
    run_through(clock, seq_of(NINE_THIRTY), WALL)
    assert clock.reads_until(WALL) == start_ms(clock.next_seq)
    assert clock.reads_until(WALL + 60_000) == end_ms(clock.next_seq)


def test_what_was_recorded_before_a_time_is_due_at_once_and_the_rest_at_its_pace() -> None:
    source = ScriptedRecording([trade(NINE_THIRTY), trade(NINE_THIRTY + DAY_MS)], 1.0)
    an_hour_on = NINE_THIRTY + 3_600_000
    clock = RecordingClock(
        sources=[source],
        calendar=calendar(),
        resume_after=None,
        wanted=lambda: True,
        wait_ms=0,
        paced_from_ms=(10 * 60 + 30) * 60_000,
    )
    clock.runs(WALL)

    run_through(clock, seq_of(an_hour_on) - 1, WALL)

    assert not clock.is_due(WALL + WINDOW_MS - 1)
    assert clock.is_due(WALL + WINDOW_MS)


def at(seq: int) -> RecordingClock:
    """A clock that comes to a window, of a recording with a row at 09:30 and one at 09:30 of the next day."""
    source = ScriptedRecording([trade(NINE_THIRTY), trade(NINE_THIRTY + DAY_MS)], 1.0)
    clock = RecordingClock(sources=[source], calendar=calendar(), resume_after=None, wanted=lambda: True, wait_ms=0)
    list(source.read(NINE_THIRTY + 1))
    clock.runs(WALL)
    run_through(clock, seq - 1, WALL)
    return clock


def test_the_night_before_the_next_recorded_day_is_leapt_over_and_the_morning_paced_anew() -> None:
    clock = at(seq_of(NINE_THIRTY + 6 * 3_600_000))

    clock.advance(WALL, all_closed=True)

    assert clock.next_seq == FIRST + DAY_MS // WINDOW_MS
    assert clock.is_due(WALL)
    clock.advance(WALL, all_closed=True)
    assert not clock.is_due(WALL + WINDOW_MS - 1)
    assert clock.is_due(WALL + WINDOW_MS)


def test_nothing_is_leapt_over_while_ticks_wait_in_a_later_window() -> None:
    evening = seq_of(NINE_THIRTY + 6 * 3_600_000)
    clock = at(evening)

    clock.advance(WALL, all_closed=False)

    assert clock.next_seq == evening + 1


def test_the_lunch_break_is_not_leapt_over() -> None:
    lunch = seq_of(NINE_THIRTY + 2 * 3_600_000)
    clock = recording_clock(NINE_THIRTY + 4 * 3_600_000)
    run_through(clock, lunch - 1, WALL)

    clock.advance(WALL, all_closed=True)

    assert clock.next_seq == lunch + 1


def test_a_day_that_was_recorded_was_a_trading_day_whatever_is_published() -> None:
    sunday, far, known = date(2023, 2, 5), date(2190, 1, 4), date(2023, 2, 1)

    changed = with_evidence(calendar(), {sunday, far, known})

    assert [changed.kind_on(day) for day in (sunday, far, known)] == ["full", "full", "full"]
    assert changed.overrides == {sunday: TradingDay("full"), far: TradingDay("full")}
    assert calendar().kind_on(sunday) == "closed"
