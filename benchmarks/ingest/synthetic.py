"""A made-up market whose every row is plausible, so that rows cost what they cost in earnest; the same from one seed.

Prices keep to the cent and turnovers to the trades, so whatever folds these rows must come to the same sums.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kernel.instruments import InstrumentId
from streaming.domain.ticks import SenderNote, Snapshot, Trade

A_SHARES, HONG_KONG = 5_200, 2_700  # instruments of the two markets; 7,900 in all


def a_shares(count: int) -> list[str]:
    """Return so many symbols of Shanghai and Shenzhen, not one of which need be listed."""
    return [f"{600_000 + nth // 2:06d}.SH" if nth % 2 else f"{nth // 2 + 1:06d}.SZ" for nth in range(count)]


def hong_kong(count: int) -> list[str]:
    """Return so many symbols of Hong Kong."""
    return [f"{nth + 1:05d}.HK" for nth in range(count)]


@dataclass(slots=True)
class Day:
    """An instrument's day so far."""

    symbol: str
    before_e4: int
    last_e4: int
    open_e4: int = 0
    high_e4: int = 0
    low_e4: int = 0
    volume: int = 0
    turnover_e4: int = 0
    trades: int = 0
    instrument: InstrumentId = field(init=False)

    def __post_init__(self) -> None:
        self.instrument = InstrumentId.parse(self.symbol)

    def trade(self, rng: random.Random) -> tuple[int, int]:
        """Trade once; return (price in 1/10,000, shares)."""
        self.last_e4 = min(max(self.last_e4 + rng.choice((-100, 0, 0, 100)), self.before_e4 // 2), self.before_e4 * 2)
        volume = rng.randint(1, 40) * 100
        if not self.volume:
            self.open_e4 = self.high_e4 = self.low_e4 = self.last_e4
        self.high_e4, self.low_e4 = max(self.high_e4, self.last_e4), min(self.low_e4, self.last_e4)
        self.volume += volume
        self.turnover_e4 += volume * self.last_e4
        self.trades += 1
        return self.last_e4, volume


class SyntheticMarket:
    """So many instruments, each with a previous close, that trade when they are told to."""

    def __init__(self, symbols: Sequence[str], seed: int = 11) -> None:
        self._rng = random.Random(seed)
        self.days = [Day(symbol, price := self._rng.randint(200, 20_000) * 100, price) for symbol in symbols]

    def move(self, share: float) -> list[Day]:
        """Let a share of the instruments trade once, in an order of their own; return those."""
        movers = self._rng.sample(self.days, round(len(self.days) * share))
        for day in movers:
            day.trade(self._rng)
        return movers

    def trades(self, at_ms: Iterator[int]) -> Iterator[Trade]:
        """Yield a trade of some instrument for each of these instants."""
        for one in at_ms:
            day = self._rng.choice(self.days)
            price_e4, volume = day.trade(self._rng)
            yield Trade(day.instrument, one, price_e4, volume, price_e4 * volume, "BS"[volume % 200 == 0])

    @property
    def volume(self) -> int:
        """What was traded so far, in shares."""
        return sum(day.volume for day in self.days)

    @property
    def turnover_e4(self) -> int:
        """What that came to, in 1/10,000 of the currency."""
        return sum(day.turnover_e4 for day in self.days)


def snapshot(day: Day, at_ms: int) -> Snapshot:
    """Return an instrument's picture at an instant, with one order a side as a push has it."""
    return Snapshot(
        day.instrument, at_ms, day.before_e4, day.open_e4, day.high_e4, day.low_e4, day.last_e4, day.volume,
        day.turnover_e4, bids=((day.last_e4, 300),), asks=((day.last_e4 + 100, 200),),
        note=SenderNote("", "", day.trades),
    )  # fmt: skip
