"""What the simulated market and TEST share: a window's ticks are made up when the window has passed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Levels, PreviousClose, Trade
from streaming.domain.windows import end_ms
from streaming.ingest.sources import Reading


class MadeUpSource:
    """Follows the wall clock; what it says of a window depends on the window's number and on what it said before.

    Args:
        carries: whether a symbol is one of its own.
        trades_of: the trades of a window, in the order of their times. Windows are asked for in order.
        levels_of: the best orders at a window's end, of what moved in it; asked after its trades.
        previous_closes: said at the start, in 1/10,000 of the trading currency.
        first_seq: the first window that it speaks of.
    """

    own_clock = False
    speed = 1.0
    finished = False
    position = ""  # the window's number is all that it needs

    def __init__(
        self,
        *,
        name: str,
        carries: Callable[[str], bool],
        trades_of: Callable[[int], Iterable[Trade]],
        levels_of: Callable[[int], Iterable[Levels]],
        previous_closes: Mapping[InstrumentId, int],
        first_seq: int,
    ) -> None:
        self.name = name
        self._carries = carries
        self._trades_of, self._levels_of = trades_of, levels_of
        self._closes = [PreviousClose(instrument, price_e4) for instrument, price_e4 in previous_closes.items()]
        self._next = first_seq

    def carries(self, symbol: str) -> bool:
        """Tell whether a symbol is one of its own."""
        return self._carries(symbol)

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield every window that has ended."""
        if self._closes:
            closes, self._closes = self._closes, []
            yield Reading(previous_closes=closes, received_ms=until_ms)
        while end_ms(self._next) <= until_ms:
            seq, self._next = self._next, self._next + 1
            trades = list(self._trades_of(seq))
            yield Reading(trades, list(self._levels_of(seq)), received_ms=until_ms)

    def counters(self) -> Counter[str]:
        """Return nothing: what is made up can be read."""
        return Counter()
