"""Where a market's ticks come from. A source connects, reads and says what it read; it folds nothing.

Judging ticks, folding them, closing windows, the turn of the day and what is told while the market is closed happen
once for all sources, in `streaming.ingest.market`. A source may read files, sockets and the store; it may not know
windows that have closed, other sources, or who follows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from streaming.domain.ticks import Levels, PreviousClose, Tick


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source read at once: shares, 1/10,000 of the trading currency, times in epoch ms as the venue states them.

    Args:
        ticks, levels, previous_closes: each in the order of the telling.
        received_ms: when it came, epoch ms of our clock; None in a recording, where nothing is late.
        position: where a successor goes on who has all of this; "" where the source needs none.
    """

    ticks: Sequence[Tick] = ()
    levels: Sequence[Levels] = ()
    previous_closes: Sequence[PreviousClose] = ()
    received_ms: int | None = None
    position: str = ""


class Source(Protocol):
    """One provider of ticks for one market. Asked by one thread, about every 50 ms; it must not block for long."""

    @property
    def name(self) -> str:
        """The provider: simulated, test, push, replay."""
        ...

    @property
    def own_clock(self) -> bool:
        """False: it follows the wall clock. True: it is a recording that is read from its beginning.

        A recording tells every day whole, so its sums count from zero; it tells the previous closes that it has; and
        after a restart it tells again what came before.
        """
        ...

    @property
    def speed(self) -> float:
        """Of its clock against the wall's: 1 in step, 0 as fast as possible."""
        ...

    @property
    def finished(self) -> bool:
        """Whether it will never say anything again; a source on the wall clock never is."""
        ...

    @property
    def position(self) -> str:
        """Where a successor goes on who has all that was read so far; "" where the source needs none."""
        ...

    def carries(self, symbol: str) -> bool:
        """Tell whether ticks of a canonical symbol may come; others are refused as unknown."""
        ...

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield what happened before an instant of the source's clock and was not yielded before.

        Args:
            until_ms: epoch ms; now, for a source that follows the wall clock.

        Raises:
            StoreUnavailable: what it reads from is away; the caller begins again from the last position kept.
        """
        ...

    def counters(self) -> Counter[str]:
        """Return what it could not read or passed over, by reason, since it began."""
        ...


class RecordedSource(Source, Protocol):
    """A source with a clock of its own: what it will say is known beforehand."""

    @property
    def first_ms(self) -> int:
        """The venue's time of its first tick."""
        ...

    @property
    def next_ms(self) -> int | None:
        """The venue's time of the tick that comes next; None at the end."""
        ...
