"""The last prices of a feed; when the exchange's day turns they are the previous closes."""

from collections.abc import Iterable, Mapping

from streaming.domain.bars import Bar, WindowFold
from streaming.domain.calendar import exchange_day
from streaming.domain.windows import start_ms


class Closes:
    """The last price of each symbol, in ten-thousandths, and the day of the window that comes next."""

    def __init__(self, prices: Mapping[str, int], next_seq: int) -> None:
        self._prices, self._day = dict(prices), exchange_day(start_ms(next_seq))

    def turn(self, seq: int, fold: WindowFold) -> None:
        """Tell the fold the previous closes where this window is the first of a day."""
        day = exchange_day(start_ms(seq))
        if day != self._day:
            self._day = day
            for symbol, price_e4 in self._prices.items():
                fold.refer(symbol, price_e4)

    def keep(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            self._prices[bar.symbol] = bar.close_e4
