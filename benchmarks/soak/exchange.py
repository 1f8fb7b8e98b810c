"""A made-up exchange whose day is a matter of arithmetic: from a seed and an instant, every total that it would tell.

Whoever sends its day may die and start again: it asks for the same totals, and so does the judge at the end. Prices in
1/10,000 yuan, volumes in shares; a turnover is the sum of price times volume, to the last digit.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

TICK_E4 = 100
_BUSIEST_MS, _QUIETEST_MS = 800, 20_000  # between two trades of an instrument, on average


@dataclass(frozen=True, slots=True)
class Total:
    """An instrument's day so far."""

    prev_close_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    last_e4: int
    volume: int
    turnover_e4: int


class Exchange:
    """Trades of one day, made as time goes on. Not for several threads.

    Args:
        symbols: that trade from the opening auction on.
        once: that trade once, at some time between the opening and the end.
        opens_ms, ends_ms: of trading, epoch ms; the auction prints at `opens_ms`.
    """

    def __init__(self, seed: int, symbols: Sequence[str], once: Sequence[str], *, opens_ms: int, ends_ms: int) -> None:
        self.totals: dict[str, Total] = {}
        self._ends_ms = ends_ms
        self._chance = {symbol: random.Random(f"{seed} {symbol}") for symbol in (*symbols, *once)}
        self._once = frozenset(once)
        self._before = {symbol: chance.randrange(200, 60_000) * TICK_E4 for symbol, chance in self._chance.items()}
        self._pause_ms = {symbol: self._chance[symbol].uniform(_BUSIEST_MS, _QUIETEST_MS) for symbol in symbols}
        self._next = [(opens_ms, symbol) for symbol in symbols]
        self._next += [(self._chance[symbol].randrange(opens_ms, ends_ms), symbol) for symbol in once]
        heapq.heapify(self._next)

    def go_on_to(self, at_ms: int) -> None:
        """Make all trades up to an instant; `totals` has those instruments that have traded."""
        while self._next and self._next[0][0] <= min(at_ms, self._ends_ms):
            traded_ms, symbol = heapq.heappop(self._next)
            self._trade(symbol)
            if symbol not in self._once:
                pause_ms = 1 + int(self._chance[symbol].expovariate(1 / self._pause_ms[symbol]))
                heapq.heappush(self._next, (traded_ms + pause_ms, symbol))

    def _trade(self, symbol: str) -> None:
        chance, day, before_e4 = self._chance[symbol], self.totals.get(symbol), self._before[symbol]
        last_e4 = day.last_e4 if day else before_e4
        price_e4 = last_e4 + chance.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2)) * TICK_E4
        price_e4 = min(max(price_e4, before_e4 * 9 // 10 // TICK_E4 * TICK_E4), before_e4 * 11 // 10)
        # Ordinary trades, odd lots, and now and then a block.
        volume = chance.choice((100, 200, 300, 500, 1_000, chance.randrange(1, 100), chance.randrange(1, 50) * 10_000))
        if day is None:
            self.totals[symbol] = Total(
                before_e4, price_e4, price_e4, price_e4, price_e4, volume, price_e4 * volume
            )  # fmt: skip
        else:
            self.totals[symbol] = replace(
                day, high_e4=max(day.high_e4, price_e4), low_e4=min(day.low_e4, price_e4), last_e4=price_e4,
                volume=day.volume + volume, turnover_e4=day.turnover_e4 + price_e4 * volume,
            )  # fmt: skip
