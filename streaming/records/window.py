"""The form of one window on its way from ingest to the nodes: what a stream entry's field `w` and the newest hash hold.

Packed as MessagePack arrays: a window of 60 bars has about 2 kB, and a reader decodes it in 20 microseconds.
A window is named by `seq`: it ends at `seq * 1.5 s` of Unix time and covers the 1.5 s before that.
"""

import msgspec

from streaming.domain.windows import CHUNK_WINDOWS, WINDOW_MS, chunk_of, end_ms, seq_of, start_ms

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


class Window(msgspec.Struct, array_like=True, frozen=True):
    """All that one market says about one window."""

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


class Print(msgspec.Struct, array_like=True, frozen=True):
    """One trade as the feed reported it. `number` counts an instrument's trades, so a client sees a gap."""

    symbol: str
    number: int
    at_ms: int
    price_e4: int
    volume: int
    turnover_e4: int
    side: str  # B buyer aggressor, S seller, N auction or unknown


class Book(msgspec.Struct, array_like=True, frozen=True):
    """One picture of an instrument: its day and its best orders. `number` counts an instrument's pictures.

    `bids` and `asks` are (price_e4, volume), best first: an empty side is an empty list.
    """

    symbol: str
    number: int
    at_ms: int
    prev_close_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    last_e4: int
    volume: int
    turnover_e4: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    iopv_e4: int = 0  # an ETF's indicative value; 0 where the feed has none


class Events(msgspec.Struct, array_like=True, frozen=True):
    """What the feed told in one window beside its bars: field `e` of an entry of the events stream."""

    prints: list[Print]
    books: list[Book]


class Newest(msgspec.Struct, array_like=True, frozen=True):
    """One instrument's newest bar and its day, as the hash `newest:{lane}` holds it for snapshots, flats and REST."""

    seq: int  # of the newest bar; 0 before the first one
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int  # the last price; the previous close before the day's first trade; 0 when neither is known
    volume: int
    turnover_e4: int
    state: str  # trading suspended halted delisted
    prev_close_e4: int
    day: str  # YYYY-MM-DD at the exchange; the sums below are of this day
    day_open_e4: int
    day_high_e4: int
    day_low_e4: int
    day_volume: int
    day_turnover_e4: int
    prints: int = 0  # how many trades and pictures were numbered so far
    books: int = 0


pack = msgspec.msgpack.Encoder().encode
unpack_events = msgspec.msgpack.Decoder(Events).decode
unpack_window = msgspec.msgpack.Decoder(Window).decode
unpack_newest = msgspec.msgpack.Decoder(Newest).decode
