"""A feed that follows the wall clock: the simulated market and TEST, and later every provider."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from streaming.domain.bars import WindowFold
from streaming.domain.calendar import AlwaysOpen, Sessions, exchange_day
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Levels, Trade
from streaming.domain.validation import Validator
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.ingest.feeds import FeedWindow
from streaming.ingest.feeds.closes import Closes

CATCH_UP_WINDOWS = 400  # ten minutes: after a longer pause the gap stays a gap


class WallFeed:
    """Makes a window's trades when the window has passed, validates and folds them.

    Args:
        trades_of: the trades of a window, in the order of their times.
        references: previous closes to tell at the start.
        last_prices: of a stream that goes on.
        resume_after: the last window of a stream that goes on; None for a new one.
        close_delay_ms: a window closes this long after its end, for ticks that are on their way.
        levels_of: the best orders at a window's end, of what moved in it; asked after its trades.
    """

    speed = 1.0
    finished = False

    def __init__(
        self,
        *,
        name: str,
        directory: Directory,
        trades_of: Callable[[int], Iterable[Trade]],
        references: Mapping[str, int],
        last_prices: Mapping[str, int],
        resume_after: int | None,
        now_ms: int,
        close_delay_ms: int,
        levels_of: Callable[[int], Iterable[Levels]] = lambda seq: (),
    ) -> None:
        self.name = name
        self._trades_of, self._levels_of = trades_of, levels_of
        self._sessions: Sessions = AlwaysOpen()
        self._close_delay_ms = close_delay_ms
        self._fold = WindowFold(exchange_day, counts_from_zero=False)
        self._validator = Validator(
            known=directory.__contains__,
            is_open=lambda at_ms: self._sessions.state_at(at_ms)[0] == "open",
            day_of=exchange_day,
        )
        for symbol, price_e4 in references.items():
            self._fold.refer(symbol, price_e4)
        prices = dict(references) | dict(last_prices)
        for symbol, price_e4 in prices.items():
            self._fold.know(symbol, price_e4)
        present = seq_of(now_ms - close_delay_ms)  # the window that closes next
        self._next = present if resume_after is None else max(resume_after + 1, present - CATCH_UP_WINDOWS)
        self._closes = Closes(prices, self._next)

    def due(self, now_ms: int) -> Iterator[FeedWindow]:
        """Yield every window that ended at least the delay ago."""
        while end_ms(self._next) + self._close_delay_ms <= now_ms:
            seq, self._next = self._next, self._next + 1
            self._closes.turn(seq, self._fold)
            for trade in self._trades_of(seq):
                if self._validator.accepts(trade, now_ms=now_ms):
                    self._fold.add(trade)
            for levels in self._levels_of(seq):
                self._fold.show(levels)
            closed = self._fold.close(seq)
            self._closes.keep(closed.bars)
            state, until_ms = self._sessions.state_at(start_ms(seq))
            yield FeedWindow(closed, state, until_ms)

    def counters(self) -> Counter[str]:
        """Return refused ticks by reason, and late ones."""
        return self._validator.refused + Counter(late=self._fold.late)
