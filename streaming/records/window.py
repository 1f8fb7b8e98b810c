"""One window on its way from ingest to the nodes: what a stream entry's field `w` holds.

A window of 60 bars has about 2 kB, and a reader decodes it in 20 microseconds.
A window is named by `seq`: it ends at `seq * 1.5 s` of Unix time and covers the 1.5 s before that.
"""

from typing import ClassVar

import msgspec

from streaming.domain.windows import CHUNK_WINDOWS, WINDOW_MS, chunk_of, end_ms, seq_of, start_ms
from streaming.records.events import Book, Events, Print, unpack_events
from streaming.records.newest import Newest, unpack_newest
from streaming.records.versions import Record, pack, unpacker

__all__ = [
    "CHUNK_WINDOWS",
    "WINDOW_MS",
    "Book",
    "Events",
    "MovedBar",
    "Newest",
    "Print",
    "Window",
    "chunk_of",
    "end_ms",
    "pack",
    "seq_of",
    "start_ms",
    "unpack_events",
    "unpack_newest",
    "unpack_window",
]


class MovedBar(msgspec.Struct, array_like=True, frozen=True):
    """One instrument's bar of a window in which it traded (or a late volume arrived)."""

    symbol: str
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    turnover_e4: int


class Window(Record, frozen=True):
    """All that one market says about one window."""

    VERSION: ClassVar[bytes] = b"\x01"

    seq: int
    state: str  # pre_open opening_auction open lunch_break closing_auction after_hours closed unknown
    until_ms: int | None  # when that state ends, on the feed's clock; None where nobody knows
    feed: str
    fence: int
    bars: list[MovedBar]
    # (symbol, trading|suspended|halted|delisted) that changed in this window
    states: list[tuple[str, str]] = []
    # (symbol, price_e4): from this window on an instrument is flat at this price: on a day without a trade its previous
    # close. A keyframe names every instrument that has a price.
    references: list[tuple[str, int]] = []
    speed: float = 1.0  # of the feed's clock against the wall; 0 is "as fast as possible"
    finished: bool = False  # the feed has ended: a replay's last entry
    # The first window of a piece of the stream, and of a writer: who begins to read here knows every price and state.
    keyframe: bool = False
    made_ms: int = 0  # when ingest wrote it, on the wall clock; 0 where it did not say
    # (symbol, price_e4): previous closes that became known; `references` has the price to be flat at instead
    previous: list[tuple[str, int]] = []
    events: int | None = None  # trades and pictures that stand beside it in the stream of events; None: not said
    # (symbol, window, volume, turnover_e4) to add to a bar of a window before: less than nothing for what was counted
    # and was not so.
    corrections: list[tuple[str, int, int, int]] = []
    # Epochs of one chain tell one course of events, each going on where the one before broke off: a minute that is cut
    # in two by that is the sum of both. "": the epoch is a chain of its own.
    chain: str = ""


unpack_window = unpacker(Window)
