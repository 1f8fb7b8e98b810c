"""What each instrument was traded at last: its previous close when the exchange's day turns."""

from collections.abc import Iterable

from streaming.domain.bars import Bar
from streaming.domain.calendar import exchange_day
from streaming.domain.windows import start_ms


class LastPrices:
    """Each symbol's last price, in 1/10,000; when the exchange's day turns they are the previous closes."""

    def __init__(self, next_seq: int) -> None:
        self._prices: dict[str, int] = {}
        self._day = exchange_day(start_ms(next_seq))

    def begin(self, symbol: str, price_e4: int) -> bool:
        """Take a price from before the first bar; False where a newer one is known."""
        if symbol in self._prices:
            return False
        self._prices[symbol] = price_e4
        return True

    def roll_day(self, seq: int) -> bool:
        """Tell whether this window is the first of another day; asked once a window, in order."""
        before, self._day = self._day, exchange_day(start_ms(seq))
        return before != self._day

    def record(self, bars: Iterable[Bar]) -> None:
        """Take the prices of a window that has closed."""
        for bar in bars:
            self._prices[bar.symbol] = bar.close_e4

    def items(self) -> Iterable[tuple[str, int]]:
        """Return every symbol and its last price."""
        return self._prices.items()
