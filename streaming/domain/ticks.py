"""What a venue reported: trades and snapshots, in canonical units (shares, 1/10,000 of the trading currency)."""

from dataclasses import dataclass, field

from kernel.instruments import InstrumentId


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution. `turnover_e4` is price times volume as the venue states it."""

    instrument: InstrumentId
    at_ms: int
    price_e4: int
    volume: int
    turnover_e4: int
    side: str = "N"  # B buyer aggressor, S seller, N auction or unknown


@dataclass(frozen=True, slots=True)
class SenderNote:
    """What a sender tells of a picture in its own words; empty and 0 where it does not."""

    name: str = ""
    trade_time: str = ""  # as it writes the last trade's instant
    trades: int = 0  # of the day so far


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Level-1 picture, about every 3 s; volume and turnover count from the day's first trade (cumulative).

    0 in a price means "none yet"; `bids` and `asks` are (price_e4, volume), best first, 0 for an empty side.
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
    bids: tuple[tuple[int, int], ...] = field(default=())
    asks: tuple[tuple[int, int], ...] = field(default=())
    iopv_e4: int = 0  # an ETF's indicative value; 0 where the feed has none
    note: SenderNote | None = None
    state: str = ""  # trading suspended halted delisted; "" where the source does not say


@dataclass(frozen=True, slots=True)
class Levels:
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


@dataclass(frozen=True, slots=True)
class PreviousClose:
    """What an instrument closed at on the day before, ex rights, as a source states it by itself."""

    instrument: InstrumentId
    price_e4: int


Tick = Trade | Snapshot
