"""What the simulated market and TEST share: a window's ticks are made up when it begins, and told at their times."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Levels, PreviousClose, Trade
from streaming.domain.windows import start_ms
from streaming.ingest.sources import Reading


class MadeUpSource:
    """Follows the wall clock; what it says of a window depends on the window's number and on what it said before.

    Args:
        carries: whether a symbol is one of its own.
        trades_of: the trades of a window, in the order of their times. Windows are asked for in order.
        levels_of: the best orders of what moved in a window; asked after its trades.
        previous_closes: said at the start, in 1/10,000 of the trading currency.
        first_seq: the first window that it speaks of.
        told: the mark of what a run before has told: up to which instant, epoch ms.
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
        told: str = "",
    ) -> None:
        self.name = name
        self._carries = carries
        self._trades_of, self._levels_of = trades_of, levels_of
        self._closes = [PreviousClose(instrument, price_e4) for instrument, price_e4 in previous_closes.items()]
        self._next = first_seq
        self._told_ms = int(told or 0)
        self._to_come: deque[Trade | Levels] = deque()  # of windows that have begun, in the order of their times

    def carries(self, symbol: str) -> bool:
        """Tell whether a symbol is one of its own."""
        return self._carries(symbol)

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield what has happened by now."""
        if self._closes:
            closes, self._closes = self._closes, []
            yield Reading(previous_closes=closes, received_ms=until_ms)
        while start_ms(self._next) <= until_ms:
            trades = self._trades_of(self._next)
            made: list[Trade | Levels] = [*trades, *self._levels_of(self._next)]
            self._to_come.extend(sorted(made, key=lambda one: one.at_ms))
            self._next += 1
        if self._told_ms:
            yield from self._happened(min(self._told_ms, until_ms), until_ms, told=True)
        yield from self._happened(until_ms, until_ms)

    def _happened(self, until_ms: int, now_ms: int, *, told: bool = False) -> Iterator[Reading]:
        coming = self._to_come
        while coming and coming[0].at_ms <= until_ms:
            trades: list[Trade] = []
            levels: list[Levels] = []
            # A reading's trades come before its levels: a trade behind those is the next one's.
            while coming and coming[0].at_ms <= until_ms and not (levels and isinstance(coming[0], Trade)):
                one = coming.popleft()
                if isinstance(one, Trade):
                    trades.append(one)
                else:
                    levels.append(one)
            yield Reading(trades, levels, received_ms=now_ms, mark=str(until_ms), told=told)

    def counters(self) -> Counter[str]:
        """Return nothing: what is made up can be read."""
        return Counter()
