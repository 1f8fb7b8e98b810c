"""What a provider has pushed, on its way from the node that took it to ingest: entries of `pushed:{lane}`."""

from typing import ClassVar

from streaming.records.versions import Record, unpacker


class PushedTick(Record, frozen=True):
    """One picture of an instrument. Prices are 0 where the sender knows none."""

    VERSION: ClassVar[bytes] = b"\x01"

    symbol: str
    day: str  # YYYYMMDD at the exchange; "" where the sender does not say
    prev_close_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    last_e4: int
    volume: int  # of the day so far, shares
    turnover_e4: int
    bid: tuple[int, int] = (0, 0)  # (price_e4, volume)
    ask: tuple[int, int] = (0, 0)
    # In the sender's words, to be told again; empty and 0 where it does not say.
    name: str = ""
    trade_time: str = ""
    trades: int = 0  # of the day so far
    state: str = ""  # trading suspended halted delisted; "" where the sender does not say


unpack_pushed_tick = unpacker(PushedTick)
