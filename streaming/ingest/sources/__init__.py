"""Where a market's ticks come from. A source connects, reads and says what it read; it folds nothing.

Judging ticks, folding them, closing windows, the turn of the day and what is told while the market is closed happen
once for all sources, in `streaming.ingest.market`. A source may read files, sockets and the store; it may not know
windows that have closed, other sources, or who follows.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, PreviousClose, Tick

_LISTEN_SECONDS = 0.05  # at sources that say when something comes
_LOOK_SECONDS = 0.01  # between two looks at others: what they tell is half of this old


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source read at once: shares, 1/10,000 of the trading currency, times in epoch ms as the venue states them.

    Args:
        ticks, levels, previous_closes, statistics: each in the order of the telling.
        received_ms: when it came, epoch ms of our clock; None in a recording, where nothing is late.
        position: where a successor goes on who has all of this; "" where the source needs none.
        mark: of its trades and pictures, by which a successor that reads them again knows that they were told; "" where
            nothing is read again.
        told: a run before has told its trades and pictures: they count in windows alone.
    """

    ticks: Sequence[Tick] = ()
    levels: Sequence[Levels] = ()
    previous_closes: Sequence[PreviousClose] = ()
    received_ms: int | None = None
    position: str = ""
    mark: str = ""
    told: bool = False
    statistics: Sequence[Statistics] = ()


class Source(Protocol):
    """One provider of ticks for one market. Asked by one thread, every 10 to 50 ms; it must not block for long."""

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


@runtime_checkable
class Listening(Protocol):
    """A source that knows when something comes, so that nobody need look for it."""

    def wait(self, seconds: float, others: Sequence[Any] = ()) -> None:
        """Return as soon as something has come, here or at others of its own class, or after so long.

        Raises:
            StoreUnavailable: what it reads from is away.
        """
        ...


@runtime_checkable
class Waking(Protocol):
    """A source with a thread of its own, which sets an event when something comes."""

    def wake(self, event: threading.Event) -> None:
        """Set this event from now on."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A source that holds something which ends with it: a connection, a thread."""

    def close(self) -> None:
        """End promptly; the source is not read any more."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """How a source's connection is, for operators.

    Args:
        state: not started, starting, connecting, live, waiting (it is tried again), refused, ended.
        problem: why it is not live, as one sentence without credentials; "" where nothing is wrong.
        remark: what it leaves out and why; "" where it tells all that was asked for.
    """

    state: str
    problem: str = ""
    remark: str = ""


@runtime_checkable
class Connected(Protocol):
    """A source that is connected to somebody else."""

    @property
    def condition(self) -> Condition:
        """How the connection is now."""
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


def wait_for_any(sources: Sequence[Source], stop: threading.Event, seconds: float, news: threading.Event) -> None:
    """Return when one may have something to say, we are asked to stop, or after so long at the latest.

    Args:
        news: what those set that have a thread of their own (Waking); taken back here. Beside them those that listen
            in other ways are looked at in short turns.
    """
    seconds = max(0.001, seconds)
    others = [one for one in sources if not isinstance(one, Waking)]
    if len(others) < len(sources):
        news.wait(min(seconds, _LOOK_SECONDS if others else _LISTEN_SECONDS))
        news.clear()
        return
    listening = [one for one in others if isinstance(one, Listening)]
    if listening and len(listening) == len(others) and len({type(one) for one in others}) == 1:
        listening[0].wait(min(seconds, _LISTEN_SECONDS), listening[1:])
    else:
        stop.wait(min(seconds, _LOOK_SECONDS))


def close_source(source: Source) -> None:
    """End a source that holds a connection or a thread; nothing is to be done for others."""
    if isinstance(source, Closing):
        source.close()
