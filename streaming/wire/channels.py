"""What can be followed: the hub's unit, (instrument, kind, fill, stamp, form, rows) of one dialect.

A kind is an interval of bars or one of the other types. The 1.5 s bar is the product; longer intervals are bars that
are being formed from it; quotes, trades and depth come from the feed where it has them.
"""

from typing import NamedTuple

from kernel.instruments import InstrumentId
from streaming.domain.intervals import INTERVAL_MINUTES

WINDOW = "1.5s"
EVENTS = ("quote", "tick", "depth")
INTERVALS = (WINDOW, *INTERVAL_MINUTES)


class Channel(NamedTuple):
    """One thing that a socket follows."""

    instrument: InstrumentId
    kind: str = WINDOW
    fill: bool = True  # 1.5 s bars also of windows without a trade
    stamp: bool = False  # each frame says when it was made
    dialect: str = "native"
    form: str = ""  # how the client writes the symbol, where its language echoes that; "" is the language's own form
    rows: int = 0  # of depth, a side; 0 is all that the feed has
