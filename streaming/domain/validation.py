"""What a tick must be before it may count. A refusal has a reason, and reasons are counted for the operator."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from streaming.domain.ticks import Snapshot, Tick, Trade

FUTURE_MS = 5_000  # a venue's clock may be this far ahead of ours
STALE_MS = 4 * 86_400_000  # older than a long weekend is not a live tick


@dataclass
class Validator:
    """Judges ticks in the order of their arrival.

    Args:
        known: whether a symbol is carried.
        is_open: whether its market is in `open` at an instant; only then must ask be at or over bid.
        day_of: the exchange's date at an instant.
    """

    known: Callable[[str], bool]
    is_open: Callable[[int], bool]
    day_of: Callable[[int], date]
    refused: Counter[str] = field(default_factory=Counter)
    _cumulative: dict[str, tuple[date, int]] = field(default_factory=dict)

    def accepts(self, tick: Tick, *, now_ms: int | None = None) -> bool:
        """Tell whether a tick counts; one that does not is counted by its reason in `refused`.

        Args:
            now_ms: the wall clock, for live feeds; None for a recording, whose clock is its own.
        """
        reason = self._fault(tick, now_ms)
        if reason is not None:
            self.refused[reason] += 1
        return reason is None

    def _fault(self, tick: Tick, now_ms: int | None) -> str | None:
        symbol = str(tick.instrument)
        if not self.known(symbol):
            return "unknown_symbol"
        if now_ms is not None and not now_ms - STALE_MS <= tick.at_ms <= now_ms + FUTURE_MS:
            return "clock"
        if isinstance(tick, Trade):
            return _trade_fault(tick)
        return self._snapshot_fault(tick, symbol)

    def _snapshot_fault(self, snapshot: Snapshot, symbol: str) -> str | None:
        if min(snapshot.last_e4, snapshot.high_e4, snapshot.low_e4, snapshot.open_e4, snapshot.prev_close_e4) < 0:
            return "price"
        if snapshot.cum_volume > 0 and snapshot.last_e4 == 0:
            return "price"
        if snapshot.cum_volume < 0 or snapshot.cum_turnover_e4 < 0:
            return "volume"
        bid = snapshot.bids[0][0] if snapshot.bids else 0
        ask = snapshot.asks[0][0] if snapshot.asks else 0
        # 0 is an empty side: at the upper limit nobody sells. Auctions show one price on both sides.
        if 0 < ask < bid and self.is_open(snapshot.at_ms):
            return "crossed_book"
        day = self.day_of(snapshot.at_ms)
        known_day, known_volume = self._cumulative.get(symbol, (day, 0))
        if day < known_day:
            return "clock"
        if day == known_day and snapshot.cum_volume < known_volume:
            return "volume_fell"
        self._cumulative[symbol] = (day, snapshot.cum_volume)
        return None


def _trade_fault(trade: Trade) -> str | None:
    if trade.price_e4 <= 0:
        return "price"
    if trade.volume <= 0 or trade.turnover_e4 < 0:
        return "volume"
    return None
