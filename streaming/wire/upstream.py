"""What a node of another language tells us, as a feed takes it: a Tickpack node can be the upstream of another.

Each dialect has a module `upstream` that says what a client says and reads what a server sends; both are pure.
"""

from dataclasses import dataclass

from kernel.instruments import InstrumentId
from streaming.domain.intervals import FormedBar
from streaming.domain.ticks import Levels, Snapshot, Trade


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """One bar of an interval, as it is being formed or final."""

    instrument: InstrumentId
    interval: str
    bar: FormedBar


Heard = Trade | Snapshot | Levels | IntervalBar
