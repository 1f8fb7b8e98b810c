"""An instrument's statistics of a day as its sources tell them: limits, shares, capitalisations and ratios.

What nobody tells is None, never 0: pages write 0 or -1 where they know nothing. Nothing here is computed from prices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

from kernel.instruments import InstrumentId
from streaming.domain.lines import LineSetting


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is told of one instrument and day. `_e4` is in 1/10,000; money is in the trading currency.

    Args:
        day: of the exchange, of which it was told.
        limit_up_e4, limit_down_e4: the highest and the lowest price that may be traded.
        lot: shares that are traded together.
        turnover_rate_e4: the day's volume in percent of the circulating shares: 1,700 is 0.17 %.
        volume_ratio_e4: volume a minute so far against that of the last five days: 6,100 is 0.61.
        total_shares, circulating_shares, hk_shares: all; those that can be traded where it is listed; those of Hong
            Kong. Of an index its products' together.
        market_cap, circulating_market_cap: whole units of the currency.
        pe_ttm_e4, pe_static_e4, pe_dynamic_e4: price to earnings of the last four quarters, of the last year, and of
            this year as it is going; below zero for a loss.
        pb_e4: price to book value.
        eps_e4, eps_ttm_e4, bps_e4: earnings and book value a share, in the currency that the company reports in.
    """

    instrument: InstrumentId
    day: date
    limit_up_e4: int | None = None
    limit_down_e4: int | None = None
    lot: int | None = None
    turnover_rate_e4: int | None = None
    volume_ratio_e4: int | None = None
    total_shares: int | None = None
    circulating_shares: int | None = None
    hk_shares: int | None = None
    market_cap: int | None = None
    circulating_market_cap: int | None = None
    pe_ttm_e4: int | None = None
    pe_static_e4: int | None = None
    pe_dynamic_e4: int | None = None
    pb_e4: int | None = None
    eps_e4: int | None = None
    eps_ttm_e4: int | None = None
    bps_e4: int | None = None

    def is_empty(self) -> bool:
        """Tell whether nothing at all was told."""
        return all(getattr(self, name) is None for name in VALUES)

    def before(self, other: "Statistics | None") -> "Statistics":
        """Return these with another's values of the same day where these have none."""
        if other is None or other.day != self.day:
            return self
        missing = {name: getattr(other, name) for name in VALUES if getattr(self, name) is None}
        return replace(self, **missing)


VALUES = tuple(one.name for one in fields(Statistics) if one.name not in ("instrument", "day"))


class DayStatistics:
    """What the lines of a market tell of its instruments, brought together. Not for several threads.

    Of each value the line with the best rank has the word that tells it at all; of one line, what it told last. A
    newer day begins with nothing.
    """

    def __init__(self, settings: Iterable[LineSetting] = ()) -> None:
        self._told: dict[str, dict[str, Statistics]] = {}  # by symbol and line
        self._merged: dict[str, Statistics] = {}
        self._changed: set[str] = set()
        self._order: Mapping[str, int] = {}
        self.arrange(settings)

    def arrange(self, settings: Iterable[LineSetting]) -> None:
        """Take other lines and ranks; of a line that is drained, or not there, nothing counts."""
        counting = [one for one in settings if one.mode != "drain"]
        ranked = sorted(counting, key=lambda one: (one.mode != "prefer", one.rank, -one.weight))
        self._order = {one.name: place for place, one in enumerate(ranked)}
        for symbol in self._told:
            self._merge(symbol)

    def take(self, told: Statistics, line: str) -> None:
        """Take what a line tells of an instrument."""
        symbol = told.instrument.symbol
        lines = self._told.setdefault(symbol, {})
        known = lines.get(line)
        if known is not None and known.day > told.day:
            return
        lines[line] = told.before(known)
        self._merge(symbol)

    def changed(self) -> dict[str, Statistics]:
        """Return what is another than when this was last asked, by symbol."""
        found = {symbol: self._merged[symbol] for symbol in self._changed}
        self._changed.clear()
        return found

    def _merge(self, symbol: str) -> None:
        told = [one for line, one in self._told[symbol].items() if line in self._order]
        if not told:
            return  # what was told last stands until somebody who counts tells it
        day = max(one.day for one in told)
        lines = sorted((line for line in self._told[symbol] if line in self._order), key=self._order.__getitem__)
        merged = Statistics(told[0].instrument, day)
        for line in lines:
            merged = merged.before(self._told[symbol][line])
        if merged != self._merged.get(symbol):
            self._merged[symbol] = merged
            self._changed.add(symbol)
