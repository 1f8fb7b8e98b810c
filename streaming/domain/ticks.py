"""What a venue reported: trades and snapshots, in canonical units (shares, 1/10,000 of the trading currency).

They are msgspec's structs and no dataclasses: a market makes tens of thousands a second, and these are made faster.
None of them can be part of a cycle, so the garbage collector need not look at them.
"""

import msgspec

from kernel.instruments import InstrumentId

NO_VENUE_TIME = -1  # in `Snapshot.venue_ms`: nobody says when it happened, only when it came


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One execution. `turnover_e4` is price times volume as the venue states it."""

    instrument: InstrumentId
    at_ms: int
    price_e4: int
    volume: int
    turnover_e4: int
    side: str = "N"  # B buyer aggressor, S seller, N auction or unknown


class SenderNote(msgspec.Struct, frozen=True, gc=False):
    """What a sender tells of a picture in its own words; empty and 0 where it does not."""

    name: str = ""
    trade_time: str = ""  # as it writes the last trade's instant
    trades: int = 0  # of the day so far


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """One Level-1 picture, about every 3 s; volume and turnover count from the day's first trade (cumulative).

    0 in a price means "none yet"; `bids` and `asks` are (price_e4, volume), best first, 0 for an empty side. A turnover
    of 0 beside a volume is one that the source does not tell: shares that were traded have one. It counts for nothing.
    """

    instrument: InstrumentId
    at_ms: int
    prev_close_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    last_e4: int
    cum_volume: int
    cum_turnover_e4: int
    phase: str = ""  # the venue's own word for its trading phase
    bids: tuple[tuple[int, int], ...] = ()
    asks: tuple[tuple[int, int], ...] = ()
    iopv_e4: int = 0  # an ETF's indicative value; 0 where the feed has none
    note: SenderNote | None = None
    state: str = ""  # trading suspended halted delisted; "" where the source does not say
    venue_ms: int = (
        0  # the venue's own time, where `at_ms` is when it came; 0 where they are the same, or NO_VENUE_TIME
    )


class Levels(msgspec.Struct, frozen=True, gc=False):
    """An instrument's best orders at an instant: (price_e4, volume), best first; a side without orders is empty.

    `day` is the venue's own picture of the day, of a feed that began to listen when the day was on already.
    """

    instrument: InstrumentId
    at_ms: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    iopv_e4: int = 0  # told with them, of an ETF
    day: Snapshot | None = None
    note: SenderNote | None = None


class PreviousClose(msgspec.Struct, frozen=True, gc=False):
    """What an instrument closed at on the day before, ex rights, as a source states it by itself."""

    instrument: InstrumentId
    price_e4: int


class Moved(msgspec.Struct, frozen=True, gc=False):
    """An instrument's last price moved without a trade: an index, or what we join in the middle of its day."""

    symbol: str
    price_e4: int


class Restated(msgspec.Struct, frozen=True, gc=False):
    """An instrument's previous close became known, or is another one."""

    symbol: str
    prev_close_e4: int


class Stated(msgspec.Struct, frozen=True, gc=False):
    """An instrument's state as a picture tells it: trading suspended halted delisted."""

    symbol: str
    state: str


Tick = Trade | Snapshot
News = Trade | Levels | Moved | Restated | Stated  # what is told on arrival, and what its pictures are made of
