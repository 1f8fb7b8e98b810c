"""The lines of a market: each with its source, what of it was refused, and how far it has been read."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from msgspec.structs import replace as replace_tick

from streaming.domain.merge import Merge
from streaming.domain.ticks import NO_VENUE_TIME, Snapshot, Tick
from streaming.domain.validation import Validator, widened
from streaming.domain.windows import seq_of
from streaming.ingest.day_counts import SymbolDays
from streaming.ingest.presumed import HEARD_MS
from streaming.ingest.refusals import Refusals, RefusedRow
from streaming.ingest.sources import (
    Condition,
    Connected,
    Reading,
    Source,
    Waking,
    close_source,
    wait_for_any,
)

AHEAD_MS = 500  # of our clock: nothing has happened yet


class Line:
    """Reads a source and judges each of its ticks by itself; the market judges them together.

    Args:
        name: the line's.
        is_open: whether the market is in `open` at an instant.
        kind_of: a symbol's kind.
        merge: keeps how the lines of a live market do; None in a recording.
        days: counts what comes in of each symbol.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        is_open: Callable[[int], bool],
        kind_of: Callable[[str], str],
        merge: Merge | None = None,
        days: SymbolDays | None = None,
    ) -> None:
        self.name, self.source = name, source
        self._days = days
        self._validator = Validator(known=source.carries, is_open=is_open, kind_of=kind_of)
        self._merge = merge
        self.refusals = Refusals(name)
        self._position = source.position
        self.heard_ms = 0  # the wall clock when it last said anything
        self._counts_in = 0  # the newest window that a reading counted in
        self._read_in: dict[int, str] = {}  # window -> the position behind the last reading that counts in it

    def read(self, until_ms: int, next_seq: int) -> Iterator[Reading]:
        """Yield what was read, with those ticks alone that may count.

        Args:
            next_seq: the window that closes next; later volume counts in it.
        """
        fault = self._validator.fault
        for reading in self.source.read(until_ms):
            received_ms = reading.received_ms
            self.heard_ms = max(self.heard_ms, received_ms or 0)
            ticks: list[Tick] = []
            for tick in reading.ticks:
                if (reason := fault(tick, received_ms)) is None:
                    ticks.append(widened(tick) if isinstance(tick, Snapshot) else tick)
                else:
                    if self._days is not None:
                        self._days.of(tick.instrument).rows += 1
                    self.refuse(reason, tick)
            if self._merge is not None and received_ms is not None:
                ticks = self._measured(self._merge, ticks, received_ms, len(reading.ticks))
            yield replace(reading, ticks=ticks)
            if reading.position:
                times = [tick.at_ms for tick in (*ticks, *reading.levels)] or [received_ms or 0]
                # Never before the window of an earlier reading: a position stands for all that came before it.
                self._counts_in = max(self._counts_in, seq_of(max(times)), next_seq)
                self._read_in[self._counts_in] = reading.position

    def _measured(self, merge: Merge, ticks: list[Tick], received_ms: int, rows: int) -> list[Tick]:
        """Note how a reading went, and take the times of a clock that is off for nothing."""
        moved, lags, ahead = [], [], False
        for tick in ticks:
            at_ms = tick.at_ms
            ahead = ahead or at_ms > received_ms + AHEAD_MS
            if isinstance(tick, Snapshot):
                if not merge.moves(self.name, tick):
                    continue
                at_ms = tick.venue_ms or at_ms
            moved.append(tick.instrument.symbol)
            if at_ms != NO_VENUE_TIME:
                lags.append(received_ms - at_ms)
        merge.note(self.name, received_ms, rows=rows, refused=rows - len(ticks), moved=moved, lags_ms=lags)
        is_off = merge.clock_is_off(self.name)
        if not (is_off or ahead):
            return ticks
        return [
            replace_tick(tick, at_ms=received_ms) if is_off or tick.at_ms > received_ms + AHEAD_MS else tick
            for tick in ticks
        ]

    def refuse(self, reason: str, tick: Tick) -> None:
        """Count a tick that does not count."""
        self.refusals.note(reason, tick)
        if self._days is not None:
            self._days.of(tick.instrument).refuse(reason)

    def go_on(self, heard_ms: int) -> None:
        """Note that it was heard before a restart: whoever takes over has not missed a line that is there."""
        self.heard_ms = heard_ms

    def position_at(self, seq: int) -> str:
        """Return the position behind all that counts in windows up to this one; asked once a window, in order."""
        self._position = self._read_in.pop(seq, self._position)
        return self._position

    def counters(self) -> Counter[str]:
        """Return refused and unreadable ticks by reason."""
        return self.refusals.counts + self.source.counters()


class Lines:
    """The lines that run, in the order of their settings. Not for several threads.

    Args:
        lines: at the beginning.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = list(lines)
        self._news = threading.Event()  # set by sources with a thread of their own
        self._wake(lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    @property
    def names(self) -> frozenset[str]:
        """The lines that run."""
        return frozenset(line.name for line in self._lines)

    @property
    def heard_ms(self) -> int:
        """When any of them last said anything; epoch ms, 0 for never."""
        return max((line.heard_ms for line in self._lines), default=0)

    def are_heard(self, now_ms: int) -> bool:
        """Tell whether any of them has said anything of late, be it only what is known already."""
        return now_ms - self.heard_ms <= HEARD_MS

    def arrange(self, names: Sequence[str], new: Sequence[Line]) -> None:
        """Take new lines beside or in place of those of the same name; end those that are no longer named."""
        before = self._lines
        running = {line.name: line for line in (*before, *new)}
        self._lines = [running[name] for name in names if name in running]
        self._wake(new)
        for line in before:
            if line not in self._lines:
                close_source(line.source)

    def _wake(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if isinstance(line.source, Waking):
                line.source.wake(self._news)

    def close(self) -> None:
        """End what the sources hold."""
        for line in self._lines:
            close_source(line.source)

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Return when there may be something to read, we are asked to stop, or after so long."""
        wait_for_any([line.source for line in self._lines], stop, seconds, self._news)

    def conditions(self) -> Mapping[str, Condition]:
        """Return how the lines' connections are, by line; those that have none are absent."""
        return {line.name: line.source.condition for line in self._lines if isinstance(line.source, Connected)}

    def refused(self) -> tuple[Counter[tuple[str, str]], list[RefusedRow]]:
        """Return what was refused since this was last asked: how many by (line, reason), and the newest rows."""
        counts: Counter[tuple[str, str]] = Counter()
        rows: list[RefusedRow] = []
        for line in self._lines:
            news, newest = line.refusals.news()
            counts.update({(line.name, reason): number for reason, number in news.items()})
            rows += newest
        return counts, rows

    def did_not_count(self) -> dict[str, Counter[str]]:
        """Return what did not count, by line and reason: refused here, or passed over by its source."""
        return {line.name: line.counters() for line in self._lines}

    def positions_at(self, seq: int) -> dict[str, str]:
        """Return how far each line was read for all windows up to this one; asked once a window, in order."""
        return {line.name: position for line in self._lines if (position := line.position_at(seq))}
