"""A made-up market of some real instruments that moves day and night, the same for the same seed.

Activity is heavy-tailed like a real market's: a few names trade all the time, most rarely. Prices are a noisy walk on
each product's own price grid, held near their start by a weak pull, and pushed together by the market. It has no
sessions, because its purpose is that something moves whenever somebody looks.
"""

import math
from collections.abc import Iterator, Mapping
from random import Random

from streaming.domain.instruments import Directory, Instrument
from streaming.domain.ticks import Levels, Trade
from streaming.domain.windows import WINDOW_MS, start_ms
from streaming.ingest.sources.made_up import MadeUpSource

# They move in every window.
BEST_KNOWN = (
    "600519.SH", "000001.SZ", "600036.SH", "601318.SH", "300750.SZ", "000858.SZ", "002594.SZ", "688981.SH",
    "600000.SH", "510300.SH", "000001.SH", "00700.HK", "09988.HK", "03690.HK", "01810.HK", "00388.HK", "00005.HK",
    "01299.HK", "02800.HK", "HSI.HK",
)  # fmt: skip
MOVERS = 60  # a window on average, over both markets
_STEP = 0.0004  # one move's spread: about 2 % a day for a name that always moves
_MARKET_STEP = 0.00012
_PULL = 0.002  # towards the start price, a move
_TRADE_E4 = 60_000 * 10_000  # the middle trade is worth 60,000


def simulated_source(
    *,
    lane: str,
    directory: Directory,
    seed: int,
    last_prices: Mapping[str, int],
    begins_anew: bool,
    first_seq: int,
    told: str = "",
) -> MadeUpSource:
    """Return the simulated source of CN or HK.

    Args:
        last_prices: by symbol, where prices go on from.
        begins_anew: no stream goes on, so it is said where every instrument stands.
    """
    market = SimulatedMarket(lane=lane, directory=directory, seed=seed, last_prices=last_prices)
    return MadeUpSource(
        name="simulated",
        carries=frozenset(one.symbol for one in market.instruments).__contains__,
        trades_of=market.trades_of,
        levels_of=market.levels_of,
        previous_closes={i.id: i.prev_close_e4 for i in market.instruments} if begins_anew else {},
        first_seq=first_seq,
        told=told,
    )


class SimulatedMarket:
    """What trades in a window, as a function of the seed, the window's number and the prices before it."""

    def __init__(self, *, lane: str, directory: Directory, seed: int, last_prices: Mapping[str, int]) -> None:
        self.instruments = movers(directory, lane)
        self._key = f"{seed}:{lane}"
        self._chances = chances(directory, seed)
        self._moved: list[Instrument] = []  # in the window that was asked for last
        self._fair = {i.symbol: float(last_prices.get(i.symbol) or i.prev_close_e4) for i in self.instruments}

    def trades_of(self, seq: int) -> list[Trade]:
        """Return a window's trades in the order of their times. Windows are asked for in order."""
        random = Random(f"{self._key}:{seq}")
        market_step = random.gauss(0, _MARKET_STEP)
        trades: list[Trade] = []
        moved_indices = []
        self._moved = moved = []
        for instrument in self.instruments:
            if random.random() < self._chances[instrument.symbol]:
                self._move(instrument, market_step, random)
                moved.append(instrument)
                if instrument.kind == "index":
                    moved_indices.append(instrument)
                else:
                    trades += self._trades(instrument, seq, random)
        trades.sort(key=lambda trade: trade.at_ms)
        # An index has the volume of what it counts; here that is everything that traded.
        volume, turnover_e4 = sum(t.volume for t in trades), sum(t.turnover_e4 for t in trades)
        end = start_ms(seq) + WINDOW_MS - 1
        trades += [Trade(i.id, end, self._price_e4(i), volume, turnover_e4) for i in moved_indices if volume > 0]
        return trades

    def levels_of(self, seq: int) -> Iterator[Levels]:
        """Yield the best orders at the end of the window whose trades were asked for last: five levels, one in HK."""
        random = Random(f"{self._key}:{seq}:levels")
        at_ms = start_ms(seq) + WINDOW_MS - 1
        for instrument in self._moved:
            if instrument.kind == "index":
                yield Levels(instrument.id, at_ms, (), ())  # nobody offers an index; its day is told
                continue
            price_e4 = self._price_e4(instrument)
            tick_e4 = instrument.tick_e4(price_e4)
            count = 1 if instrument.lane == "HK" else 5
            volumes = [max(1, int(random.expovariate(0.1))) * instrument.lot for _ in range(2 * count)]
            bids = [(price_e4 - nth * tick_e4, volumes[nth]) for nth in range(count) if price_e4 > nth * tick_e4]
            asks = [(price_e4 + (nth + 1) * tick_e4, volumes[count + nth]) for nth in range(count)]
            # What an ETF holds is worth what the market takes it for; its price is a step or two off.
            iopv_e4 = round(self._fair[instrument.symbol]) if instrument.kind == "etf" else 0
            yield Levels(instrument.id, at_ms, tuple(bids), tuple(asks), iopv_e4)

    def _move(self, instrument: Instrument, market_step: float, random: Random) -> None:
        fair = self._fair[instrument.symbol]
        own_step = 0.0 if instrument.kind == "index" else random.gauss(0, _STEP)
        pull = _PULL * math.log(instrument.prev_close_e4 / fair)
        self._fair[instrument.symbol] = fair * math.exp(own_step + market_step + pull)

    def _price_e4(self, instrument: Instrument) -> int:
        fair = self._fair[instrument.symbol]
        tick_e4 = instrument.tick_e4(int(fair))
        return max(1, round(fair / tick_e4)) * tick_e4

    def _trades(self, instrument: Instrument, seq: int, random: Random) -> Iterator[Trade]:
        count = min(8, 1 + int(random.expovariate(0.7)))
        for at_ms in sorted(start_ms(seq) + random.randrange(WINDOW_MS) for _ in range(count)):
            price_e4 = self._price_e4(instrument)
            price_e4 = max(price_e4 + random.choice((-1, 0, 0, 1)) * instrument.tick_e4(price_e4), price_e4 // 2 + 1)
            price_e4 -= price_e4 % instrument.tick_e4(price_e4)
            price_e4 = max(price_e4, instrument.tick_e4(price_e4))
            lots = max(1, round(_TRADE_E4 * random.lognormvariate(0, 1) / price_e4 / instrument.lot))
            volume = lots * instrument.lot
            side = random.choice("BS")
            yield Trade(instrument.id, at_ms, price_e4, volume, price_e4 * volume, side)


def movers(directory: Directory, lane: str = "") -> list[Instrument]:
    """Return what the made-up market moves, of one lane or of all: a few hundred products that have a start price."""
    return [one for one in directory if one.prev_close_e4 > 0 and lane in ("", one.lane)]


def chances(directory: Directory, seed: int) -> dict[str, float]:
    """Return how likely each instrument moves in a window: 1 for the best known, a long tail for the rest."""
    rest = [i.symbol for i in movers(directory) if i.lane != "TEST" and i.symbol not in BEST_KNOWN]
    Random(seed).shuffle(rest)
    weights = [1 / (rank + 4) for rank in range(len(rest))]
    wanted = MOVERS - len(BEST_KNOWN)
    low, high = 0.0, float(len(rest) + 4)
    for _ in range(60):  # the scale at which the expected number is right
        scale = (low + high) / 2
        if sum(min(0.95, scale * weight) for weight in weights) < wanted:
            low = scale
        else:
            high = scale
    tail = {symbol: min(0.95, low * weight) for symbol, weight in zip(rest, weights, strict=True)}
    return dict.fromkeys(BEST_KNOWN, 1.0) | tail
