"""One window on its way from ingest to the nodes: what a stream entry's field `w` holds.

A window of 60 bars has about 1 kB, and a reader decodes it in 60 microseconds.
A window is named by `seq`: it ends at `seq * 1.5 s` of Unix time and covers the 1.5 s before that.
"""

from typing import Any, ClassVar

import msgspec
from msgspec.structs import astuple

from streaming.domain.bars import Bar as MovedBar
from streaming.domain.windows import CHUNK_WINDOWS, WINDOW_MS, chunk_of, end_ms, seq_of, start_ms
from streaming.records.columns import Columns, Prices, columns_of, pairs_of, prices_of, rows_of
from streaming.records.events import Book, Events, Print, unpack_events
from streaming.records.newest import Newest, unpack_newest
from streaming.records.versions import Record, UnknownVersion, pack, unpacker

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


class Window(Record, frozen=True):
    """All that one market says about one window. It is stored by columns; rows were version 1."""

    VERSION: ClassVar[bytes] = b"\x02"

    seq: int
    state: str  # pre_open opening_auction open lunch_break closing_auction after_hours closed no_feed
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
    line: str = ""  # the line that leads; "" in a recording
    switches: list[tuple[str, str, str]] = []  # (line before, line now, reason) since the window before
    # Nobody has published that this day trades; and nothing has moved on it yet, so that nothing is told as flat.
    presumed: bool = False
    quiet: bool = False
    # (symbol, window, high_e4, low_e4, last_e4) of ticks whose window had closed: the prices belong to its minute.
    late_prices: list[tuple[str, int, int, int, int]] = []

    @property
    def has_flats(self) -> bool:
        """Tell whether an instrument that did not move is told as flat."""
        return self.state == "open" and not self.quiet

    def stored(self) -> msgspec.Struct:
        """Return the window with its bars and prices by column."""
        others = {name: getattr(self, name) for name in _SAME}
        stored: msgspec.Struct = _Stored(
            bars=columns_of(map(astuple, self.bars)),
            references=prices_of(self.references),
            previous=prices_of(self.previous),
            **others,
        )
        return stored


_BY_COLUMN: dict[str, tuple[Any, Any]] = {
    "bars": (Columns, Columns()),
    "references": (Prices, Prices()),
    "previous": (Prices, Prices()),
}


def _stored_field(one: msgspec.structs.FieldInfo) -> Any:
    if one.name in _BY_COLUMN:
        return (one.name, *_BY_COLUMN[one.name])
    if one.required:
        return (one.name, one.type)
    made = one.default_factory is not msgspec.NODEFAULT
    return (one.name, one.type, msgspec.field(default_factory=one.default_factory) if made else one.default)


# A window as it stands on Redis: Window's fields in their order, three of them by column.
_Stored: Any = msgspec.defstruct(
    "_Stored",
    [_stored_field(one) for one in msgspec.structs.fields(Window)],
    bases=(Record,),
    namespace={"VERSION": Window.VERSION},
    frozen=True,
    array_like=True,
)


class _Rows(Window, frozen=True):
    """A window of before it was stored by columns."""

    VERSION: ClassVar[bytes] = b"\x01"


_SAME = tuple(name for name in Window.__struct_fields__ if name not in _BY_COLUMN)
_unpack_stored, _unpack_rows = unpacker(_Stored), unpacker(_Rows)


def unpack_window(packed: bytes) -> Window:
    """Return the window that is stored.

    Raises:
        UnknownVersion: the first byte is another one, or there is none.
        msgspec.MsgspecError: what follows is no window.
    """
    if packed[:1] == _Rows.VERSION:
        rows = _unpack_rows(packed)
        return Window(**{name: getattr(rows, name) for name in Window.__struct_fields__})
    if packed[:1] != Window.VERSION:
        raise UnknownVersion("Window", packed[0] if packed else None)
    stored = _unpack_stored(packed)
    try:
        bars = [MovedBar(*row) for row in rows_of(stored.bars)]
        references, previous = pairs_of(stored.references), pairs_of(stored.previous)
    except ValueError as error:
        raise msgspec.ValidationError(f"Window: {error}") from None
    others = {name: getattr(stored, name) for name in _SAME}
    return Window(bars=bars, references=references, previous=previous, **others)
