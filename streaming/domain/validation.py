"""What a tick must be before it may count. A refusal has a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from streaming.domain.ticks import Snapshot, Tick, Trade

FUTURE_MS = 5_000  # a venue's clock may be this far ahead of ours
STALE_MS = 4 * 86_400_000  # older than a long weekend is not a live tick
# What history's columns and everybody's sums hold; a number beyond it is refused by name and never wrapped.
MOST_VOLUME, MOST_E4 = 2**53, 2**62
# Turnover over volume is a price of the day. In lots, or in ten thousands, it is a hundred or more times off; so far
# that no block trade explains it. Under ten lots rounding alone may do that.
UNIT_FACTOR, UNIT_FROM_SHARES = 20, 1_000
# Against the previous close, whichever way. A new listing may rise tenfold on its first day; a fund may not.
PRICE_FACTORS = {"stock": 20, "etf": 3, "index": 3}


@dataclass
class Validator:
    """Judges ticks in the order of their arrival.

    Args:
        known: whether a symbol is carried.
        is_open: whether its market is in `open` at an instant; only then must ask be at or over bid.
        kind_of: a symbol's kind: stock, etf, index ...
    """

    known: Callable[[str], bool]
    is_open: Callable[[int], bool]
    kind_of: Callable[[str], str] = lambda symbol: "stock"

    def fault(self, tick: Tick, now_ms: int | None) -> str | None:
        """Return why a tick does not count, and None where it does; whoever asks counts the reasons.

        Args:
            now_ms: the wall clock, for live feeds; None for a recording, whose clock is its own.
        """
        symbol = tick.instrument.symbol
        if not self.known(symbol):
            return "unknown_symbol"
        if not _fits(tick):
            return "size"
        if now_ms is not None and not now_ms - STALE_MS <= tick.at_ms <= now_ms + FUTURE_MS:
            return "clock"
        if isinstance(tick, Trade):
            return _trade_fault(tick)
        return self._snapshot_fault(tick, symbol)

    def _snapshot_fault(self, snapshot: Snapshot, symbol: str) -> str | None:
        last_e4, volume, bids, asks = snapshot.last_e4, snapshot.cum_volume, snapshot.bids, snapshot.asks
        if (
            last_e4 < 0 or snapshot.high_e4 < 0 or snapshot.low_e4 < 0 or snapshot.open_e4 < 0
            or snapshot.prev_close_e4 < 0
        ):  # fmt: skip
            return "price"
        if volume > 0 and last_e4 == 0:
            return "price"
        if volume < 0 or snapshot.cum_turnover_e4 < 0:
            return "volume"
        # 0 is an empty side: at the upper limit nobody sells. Auctions show one price on both sides.
        if bids and asks and 0 < asks[0][0] < bids[0][0] and self.is_open(snapshot.at_ms):
            return "crossed_book"
        return self._plausibility_fault(snapshot, symbol)

    def _plausibility_fault(self, snapshot: Snapshot, symbol: str) -> str | None:
        """Tell what about a well-formed snapshot cannot be: its day's range, its units, its price."""
        last_e4, high_e4, low_e4 = snapshot.last_e4, snapshot.high_e4, snapshot.low_e4
        volume, turnover_e4 = snapshot.cum_volume, snapshot.cum_turnover_e4
        if 0 < high_e4 < low_e4:
            return "range"
        kind = self.kind_of(symbol)
        if kind != "index" and volume >= UNIT_FROM_SHARES and turnover_e4:
            average_e4 = turnover_e4 / volume
            if not (low_e4 or last_e4) / UNIT_FACTOR <= average_e4 <= (high_e4 or last_e4) * UNIT_FACTOR:
                return "unit"
        before_e4, most = snapshot.prev_close_e4, PRICE_FACTORS.get(kind, PRICE_FACTORS["stock"])
        if before_e4 and last_e4 and not before_e4 / most <= last_e4 <= before_e4 * most:
            return "price_jump"
        return None


def widened(snapshot: Snapshot) -> Snapshot:
    """Return a picture whose day's range has its last price: some senders bring the range a row later."""
    last_e4, high_e4, low_e4 = snapshot.last_e4, snapshot.high_e4, snapshot.low_e4
    if not (snapshot.cum_volume and high_e4 and low_e4) or low_e4 <= last_e4 <= high_e4:
        return snapshot
    return replace(snapshot, high_e4=max(high_e4, last_e4), low_e4=min(low_e4, last_e4))


def _fits(tick: Tick) -> bool:
    if isinstance(tick, Trade):
        return tick.volume <= MOST_VOLUME and tick.price_e4 <= MOST_E4 and tick.turnover_e4 <= MOST_E4
    # One comparison after the other: max() of six costs more than all of them.
    return (
        tick.cum_volume <= MOST_VOLUME and tick.cum_turnover_e4 <= MOST_E4 and tick.last_e4 <= MOST_E4
        and tick.high_e4 <= MOST_E4 and tick.low_e4 <= MOST_E4 and tick.open_e4 <= MOST_E4
        and tick.prev_close_e4 <= MOST_E4
    )  # fmt: skip


def _trade_fault(trade: Trade) -> str | None:
    if trade.price_e4 <= 0:
        return "price"
    if trade.volume <= 0 or trade.turnover_e4 < 0:
        return "volume"
    return None
