"""What a market told in one window beside its bars: trades and pictures, numbered so that a client sees a gap."""

from typing import ClassVar

import msgspec

from streaming.records.versions import Record, unpacker


class Print(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One trade as the feed reported it. `number` counts an instrument's trades, so a client sees a gap."""

    symbol: str
    number: int
    at_ms: int
    price_e4: int
    volume: int
    turnover_e4: int
    side: str  # B buyer aggressor, S seller, N auction or unknown


class Book(msgspec.Struct, array_like=True, frozen=True, gc=False):
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
    # What its sender tells of it in its own words; empty and 0 where it does not.
    name: str = ""
    trade_time: str = ""
    trades: int = 0  # of the day so far
    state: str = "trading"  # suspended halted delisted


class Events(Record, frozen=True):
    """Of one window: field `e` of an entry of the events stream."""

    VERSION: ClassVar[bytes] = b"\x01"

    prints: list[Print]
    books: list[Book]


unpack_events = unpacker(Events)
