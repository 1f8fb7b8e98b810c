"""A recorded day played again on its own clock: once, in exchange time, at the speed that was asked for."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from streaming.domain.bars import ClosedWindow, WindowFold
from streaming.domain.calendar import Calendar, day_start_ms, exchange_day
from streaming.domain.ticks import Tick
from streaming.domain.validation import Validator
from streaming.domain.windows import WINDOW_MS, end_ms, seq_of, start_ms
from streaming.ingest.sources import FeedWindow
from streaming.ingest.sources.recorded import Recording

AS_FAST_AS_POSSIBLE = 0.0
_PACED_FROM_MS = (9 * 3600 + 29 * 60 + 50) * 1000  # 09:29:50: rows before it are played at once
_LONG_BREAK_MS = 600_000  # a night between two recorded days is not waited for


class ReplayFeed:
    """Plays a recording.

    Everything before 09:29:50 of the recorded day is due at once, then the feed's clock runs `speed` times the wall's.
    Every window is yielded while the market is not closed, also an empty one. After the last row the market is closed
    and the feed finished; it never starts again by itself.

    Args:
        speed: AS_FAST_AS_POSSIBLE, or times the wall clock.
        resume_after: the last window that an earlier run of the same recording has written; None for a new run.
        wanted: whether somebody follows an instrument of this lane; a paced replay waits for it, so that whoever
            subscribes at the start gets the opening auction too.
        wait_ms: how long it waits at most.
    """

    name = "replay"

    def __init__(
        self,
        *,
        recording: Recording,
        calendar: Calendar,
        speed: float,
        resume_after: int | None,
        wanted: Callable[[], bool],
        wait_ms: int,
    ) -> None:
        # A day that was recorded was a trading day, whatever is published.
        evidence = {day: "full" for day in recording.days if calendar.kind_on(day) in ("closed", "unknown")}
        self.calendar = replace(calendar, overrides={**calendar.overrides, **evidence})
        self.speed = speed
        self.finished = False
        self._recording = recording
        self._resume_after = resume_after or 0
        self._wanted, self._wait_ms = wanted, wait_ms
        self._wait_began_ms: int | None = None
        self._said = 0  # entries of the time before the first row
        self._fold = WindowFold(exchange_day, counts_from_zero=True)
        symbols = set(recording.symbols)
        self._validator = Validator(
            known=symbols.__contains__,
            is_open=lambda at_ms: self.calendar.state_at(at_ms)[0] == "open",
            day_of=exchange_day,
        )
        self._ticks = recording.ticks()
        self._ahead: Tick | None = next(self._ticks, None)
        self.first_seq = self._opening_seq(recording.first_ms)
        self._next = self.first_seq
        self._fold.closed_through = self.first_seq - 1  # rows before the first session count in its first window
        self._state = ""
        self._anchor: tuple[int, int] | None = None  # (feed ms, wall ms) that belong together

    def due(self, now_ms: int) -> Iterator[FeedWindow]:
        """Yield the windows that ended by now on the feed's clock."""
        if self.finished:
            return
        if self._anchor is None:
            if self.speed != AS_FAST_AS_POSSIBLE and self._resume_after < self.first_seq:
                yield from self._say_that_the_lane_lives(now_ms)
                if not self._may_begin(now_ms):
                    return
            self._anchor = (self._begins_at_ms(), now_ms)
        while self._ahead is not None or self._fold.oldest_open() is not None:
            if not self._is_due(now_ms, self._anchor):
                return
            window = self._close(self._next)
            self._next = self._after(self._next, now_ms)
            if window is not None:
                yield window
        self.finished = True
        if self._next > self._resume_after:
            yield FeedWindow(ClosedWindow(self._next, [], []), "closed", None, finished=True)

    def counters(self) -> Counter[str]:
        """Return refused ticks and unreadable rows by reason, and late ticks."""
        return self._validator.refused + self._recording.unreadable + Counter(late=self._fold.late)

    def _close(self, seq: int) -> FeedWindow | None:
        while self._ahead is not None and self._ahead.at_ms < end_ms(seq):
            if self._validator.accepts(self._ahead):
                self._fold.add(self._ahead)
            self._ahead = next(self._ticks, None)
        closed = self._fold.close(seq)
        state, until_ms = self.calendar.state_at(start_ms(seq))
        before, self._state = self._state, state
        if seq <= self._resume_after:
            return None
        if state == before == "closed" and not closed.bars:
            for symbol, price_e4 in closed.references:
                self._fold.refer(symbol, price_e4)  # told with the next window that is written
            return None
        return FeedWindow(closed, state, until_ms)

    def _opening_seq(self, at_ms: int) -> int:
        """Return the window that a recorded day begins with: its first session's first."""
        phases = self.calendar.phases_on(exchange_day(at_ms))
        return seq_of(phases[0][0]) if phases else seq_of(at_ms)

    def _begins_at_ms(self) -> int:
        paced_from = day_start_ms(exchange_day(self._recording.first_ms)) + _PACED_FROM_MS
        # A recording that begins in the afternoon starts with its first row.
        return max(paced_from, self._recording.first_ms - 10_000, end_ms(self._resume_after))

    def _is_due(self, now_ms: int, anchor: tuple[int, int]) -> bool:
        if self.speed == AS_FAST_AS_POSSIBLE or self._next <= self._resume_after:
            return True
        feed_ms, wall_ms = anchor
        return end_ms(self._next) <= feed_ms + (now_ms - wall_ms) * self.speed

    def _after(self, seq: int, now_ms: int) -> int:
        """Return the window to close next, leaping over the night before the next recorded day."""
        if self._ahead is None or self._fold.oldest_open() is not None:
            return seq + 1
        target = min(seq_of(self._ahead.at_ms), self._opening_seq(self._ahead.at_ms))
        if end_ms(target) - end_ms(seq) < _LONG_BREAK_MS or exchange_day(end_ms(target)) == exchange_day(end_ms(seq)):
            return seq + 1
        self._anchor = (end_ms(target), now_ms)
        self._fold.closed_through = target - 1
        return target

    def _say_that_the_lane_lives(self, now_ms: int) -> Iterator[FeedWindow]:
        """Yield an entry for every 1.5 s of waiting, so that nodes see the lane live before its first row."""
        if self._wait_began_ms is None:
            self._wait_began_ms = now_ms
        waited = min(now_ms - self._wait_began_ms, self._wait_ms)
        first = self.first_seq - 1 - self._wait_ms // WINDOW_MS
        for seq in range(max(first + self._said, self._resume_after + 1), first + waited // WINDOW_MS + 1):
            self._said = seq + 1 - first
            yield FeedWindow(ClosedWindow(seq, [], []), "pre_open", start_ms(self.first_seq))

    def _may_begin(self, now_ms: int) -> bool:
        return now_ms - (self._wait_began_ms or now_ms) >= self._wait_ms or self._wanted()
