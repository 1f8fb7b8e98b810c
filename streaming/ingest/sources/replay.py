"""A recorded day told again: once, in exchange time, as fast as it is asked for."""

from collections import Counter
from collections.abc import Iterator

from streaming.domain.ticks import Tick
from streaming.ingest.sources import Reading
from streaming.ingest.sources.recorded import Recording

AS_FAST_AS_POSSIBLE = 0.0


class ReplaySource:
    """Tells a recording's rows from the first to the last; receive times are ignored, so nothing is late.

    Args:
        speed: AS_FAST_AS_POSSIBLE, or times the wall clock.
        told: the mark of what a run before has told: how many rows that were.
    """

    name = "replay"
    own_clock = True
    position = ""  # a successor reads the recording from its beginning

    def __init__(self, recording: Recording, speed: float, told: str = "") -> None:
        self.speed = speed
        self._read, self._told = 0, int(told or 0)  # rows
        self.first_ms = recording.first_ms
        self._recording = recording
        self._symbols = set(recording.symbols)
        self._ticks = recording.ticks()
        self._ahead: Tick | None = next(self._ticks, None)

    @property
    def next_ms(self) -> int | None:
        """The exchange time of the row that comes next; None at the end."""
        return self._ahead.at_ms if self._ahead is not None else None

    @property
    def finished(self) -> bool:
        """Whether the last row was told."""
        return self._ahead is None

    def carries(self, symbol: str) -> bool:
        """Tell whether the recording has a symbol."""
        return symbol in self._symbols

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield the rows before an instant of exchange time."""
        ahead, ticks, following = self._ahead, [], self._ticks
        while ahead is not None and ahead.at_ms < until_ms:
            ticks.append(ahead)
            ahead = next(following, None)
        self._ahead = ahead
        before = max(0, self._told - self._read)
        if again := ticks[:before]:
            self._read += len(again)
            yield Reading(again, mark=str(self._read), told=True)
        if new := ticks[before:]:
            self._read += len(new)
            yield Reading(new, mark=str(self._read))

    def counters(self) -> Counter[str]:
        """Return rows that were passed over, by reason."""
        return Counter(self._recording.unreadable)
