"""Where bars come from. A feed has a clock and says which windows are due; writing them is the lane's business."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from streaming.domain.bars import ClosedWindow


@dataclass(frozen=True, slots=True)
class FeedWindow:
    """One window as a feed closed it. `finished` marks the last one that will ever come.

    `position` is how far the feed had read for it: kept with the window, and given back after a restart.
    """

    closed: ClosedWindow
    state: str
    until_ms: int | None
    finished: bool = False
    position: str = ""


class Feed(Protocol):
    """A source of windows in strictly rising order."""

    name: str
    speed: float  # of its clock against the wall; 0 is as fast as possible
    finished: bool

    def due(self, now_ms: int) -> Iterator[FeedWindow]:
        """Yield the windows that have closed by now and were not yielded before."""
        ...

    def counters(self) -> Counter[str]:
        """Return what was refused, late or unreadable, by reason."""
        ...
