"""Which window of a market closes next and when: by the wall, or by the clock of a recording that is played again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

from kernel.trading_days import TradingDay
from streaming.domain.calendar import Calendar, day_start_ms, exchange_day
from streaming.domain.windows import WINDOW_MS, end_ms, seq_of, start_ms
from streaming.ingest.sources import RecordedSource
from streaming.ingest.sources.replay import AS_FAST_AS_POSSIBLE

CATCH_UP_WINDOWS = 400  # ten minutes: after a longer pause the gap stays a gap
PACED_FROM_MS = (9 * 3600 + 29 * 60 + 50) * 1000  # 09:29:50: rows before it are played at once
_LONG_BREAK_MS = 600_000  # a night between two recorded days is not waited for


class Clock(Protocol):
    """What a market asks of time. `now_ms` is always the wall clock's."""

    @property
    def speed(self) -> float:
        """Against the wall's: 1 in step, 0 as fast as possible."""
        ...

    @property
    def next_seq(self) -> int:
        """The window that closes next; every one before it has closed or is left out."""
        ...

    @property
    def opens_at_ms(self) -> int | None:
        """When what is waited for begins, on this clock."""
        ...

    def waits(self, now_ms: int) -> Iterator[int]:
        """Yield windows that say that the market lives although nothing is told yet; each once."""
        ...

    def runs(self, now_ms: int) -> bool:
        """Tell whether it has begun to run, and begin where it may."""
        ...

    def reads_until(self, now_ms: int) -> int:
        """Return up to which instant of the sources' clock their ticks are wanted before `next_seq` is looked at."""
        ...

    def is_due(self, now_ms: int) -> bool:
        """Tell whether `next_seq` closes by now."""
        ...

    def closes_in_ms(self, now_ms: int) -> float:
        """Return how long it is until `next_seq` closes; 0 or less where it is due."""
        ...

    def advance(self, now_ms: int, *, all_closed: bool) -> None:
        """Go on to the window after `next_seq`.

        Args:
            all_closed: no tick waits in a later window.
        """
        ...


class WallClock:
    """Closes every window a while after its end.

    Args:
        resume_after: the last window of a stream that goes on; None for a new one, which begins at the present.
        close_delay_ms: a window stays open this long after its end, for ticks that are on their way.
    """

    speed = 1.0
    opens_at_ms = None

    def __init__(self, *, now_ms: int, resume_after: int | None, close_delay_ms: int) -> None:
        present = seq_of(now_ms - close_delay_ms)
        self.next_seq = present if resume_after is None else max(resume_after + 1, present - CATCH_UP_WINDOWS)
        self._close_delay_ms = close_delay_ms

    def waits(self, now_ms: int) -> Iterator[int]:
        """Yield nothing: the wall clock always runs."""
        return iter(())

    def runs(self, now_ms: int) -> bool:
        """Tell that it runs."""
        return True

    def reads_until(self, now_ms: int) -> int:
        """Return now: whatever has come counts at once, in whichever window it belongs to."""
        return now_ms

    def is_due(self, now_ms: int) -> bool:
        """Tell whether the window ended at least the delay ago."""
        return end_ms(self.next_seq) + self._close_delay_ms <= now_ms

    def closes_in_ms(self, now_ms: int) -> float:
        """Return how long it is until the window has ended the delay ago."""
        return end_ms(self.next_seq) + self._close_delay_ms - now_ms

    def advance(self, now_ms: int, *, all_closed: bool) -> None:
        """Go on to the next number."""
        self.next_seq += 1


class RecordingClock:
    """Runs as recorded, from the first session's first window on.

    Everything before `paced_from_ms` of the first day is due at once, then it runs `speed` times the wall's.
    A night between two recorded days is leapt over.

    Args:
        sources: what is played, all of one market; their speeds are one.
        calendar: knows the recorded days as trading days (`with_evidence`).
        resume_after: the last window that an earlier run has written; everything up to it is due at once, because
            whoever folds must fold it again. None for a new run.
        wanted: whether somebody follows an instrument of this market; a paced replay waits for it, so that whoever
            subscribes at the start gets the opening auction too.
        wait_ms: how long it waits at most.
        paced_from_ms: since midnight at the exchange.
    """

    def __init__(
        self,
        *,
        sources: Sequence[RecordedSource],
        calendar: Calendar,
        resume_after: int | None,
        wanted: Callable[[], bool],
        wait_ms: int,
        paced_from_ms: int = PACED_FROM_MS,
    ) -> None:
        self.speed = sources[0].speed
        self._sources, self._calendar = sources, calendar
        self._first_ms = min(source.first_ms for source in sources)
        self._first_seq = self._opening_seq(self._first_ms)
        self.next_seq = self._first_seq
        self.opens_at_ms = start_ms(self._first_seq)
        self._resume_after = resume_after or 0
        self._wanted, self._wait_ms = wanted, wait_ms
        self._paced_from_ms = paced_from_ms
        self._wait_began_ms: int | None = None
        self._waited = 0  # windows of the time before the first row
        self._anchor: tuple[int, int] | None = None  # (ms of the recording, wall ms) that belong together

    def waits(self, now_ms: int) -> Iterator[int]:
        """Yield a window for every 1.5 s of waiting, so that nodes see the market live before its first row."""
        if self._anchor is not None or not self._is_paced_from_the_start():
            return
        if self._wait_began_ms is None:
            self._wait_began_ms = now_ms
        waited = min(now_ms - self._wait_began_ms, self._wait_ms)
        first = self._first_seq - 1 - self._wait_ms // WINDOW_MS
        for seq in range(max(first + self._waited, self._resume_after + 1), first + waited // WINDOW_MS + 1):
            self._waited = seq + 1 - first
            yield seq

    def runs(self, now_ms: int) -> bool:
        """Tell whether the waiting is over: somebody follows, or it has lasted long enough."""
        if self._anchor is None:
            if self._is_paced_from_the_start() and not self._may_begin(now_ms):
                return False
            self._anchor = (self._begins_at_ms(), now_ms)
        return True

    def reads_until(self, now_ms: int) -> int:
        """Return where the recording is now, in the next window or at its end: what comes later waits in it."""
        if self.is_due(now_ms):
            return end_ms(self.next_seq)
        return max(start_ms(self.next_seq), int(self._present_ms(now_ms)))

    def is_due(self, now_ms: int) -> bool:
        """Tell whether the recording has come to the end of the next window."""
        if self.speed == AS_FAST_AS_POSSIBLE or self.next_seq <= self._resume_after:
            return True
        return end_ms(self.next_seq) <= self._present_ms(now_ms)

    def closes_in_ms(self, now_ms: int) -> float:
        """Return how long it is until the recording has come to the end of the next window."""
        return 0 if self.is_due(now_ms) else (end_ms(self.next_seq) - self._present_ms(now_ms)) / self.speed

    def _present_ms(self, now_ms: int) -> float:
        begun_ms, wall_ms = self._anchor or (self._begins_at_ms(), now_ms)
        return begun_ms + (now_ms - wall_ms) * self.speed

    def advance(self, now_ms: int, *, all_closed: bool) -> None:
        """Go on to the next window, leaping over the night before the next recorded day."""
        seq = self.next_seq
        self.next_seq += 1
        following = [at_ms for source in self._sources if (at_ms := source.next_ms) is not None]
        if not following or not all_closed:
            return
        ahead_ms = min(following)
        target = min(seq_of(ahead_ms), self._opening_seq(ahead_ms))
        if end_ms(target) - end_ms(seq) < _LONG_BREAK_MS or exchange_day(end_ms(target)) == exchange_day(end_ms(seq)):
            return
        self._anchor = (end_ms(target), now_ms)
        self.next_seq = target

    def _is_paced_from_the_start(self) -> bool:
        return self.speed != AS_FAST_AS_POSSIBLE and self._resume_after < self._first_seq

    def _may_begin(self, now_ms: int) -> bool:
        return now_ms - (self._wait_began_ms or now_ms) >= self._wait_ms or self._wanted()

    def _opening_seq(self, at_ms: int) -> int:
        """Return the window that a recorded day begins with: its first session's first."""
        phases = self._calendar.phases_on(exchange_day(at_ms))
        return seq_of(phases[0][0]) if phases else seq_of(at_ms)

    def _begins_at_ms(self) -> int:
        paced_from = day_start_ms(exchange_day(self._first_ms)) + self._paced_from_ms
        # A recording that begins in the afternoon starts with its first row.
        return max(paced_from, self._first_ms - 10_000, end_ms(self._resume_after))


def with_evidence(calendar: Calendar, days: set[date]) -> Calendar:
    """Return a calendar in which recorded days are trading days, whatever is published."""
    known = {day: calendar.day_on(day) for day in days}
    evidence = {day: TradingDay("full") for day, told in known.items() if told.presumed or not told.trades}
    return replace(calendar, overrides={**calendar.overrides, **evidence})
