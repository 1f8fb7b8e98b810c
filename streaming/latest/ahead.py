"""What was told of an instrument since its newest window: its day and last price as of now, not as of 1.5 s ago.

Trades and pictures come before the bars that have them. Bars are added up window by window, so what came before its
window stands beside that sum until the window is there: nothing counts twice, and no value goes back.
"""

from msgspec.structs import replace

from streaming.domain.bars import Bar
from streaming.domain.calendar import exchange_day
from streaming.domain.windows import seq_of
from streaming.records.events import Book, Print
from streaming.records.newest import Newest, Running


class Ahead:
    """One instrument's trades that no window has counted yet, and its newest picture."""

    __slots__ = ("_made", "_of", "_on", "book", "prints")

    def __init__(self) -> None:
        self.prints: list[Print] = []
        self.book: Book | None = None
        self._on = ""  # the picture's date at the exchange
        self._of: Newest | None = None
        self._made: Newest | None = None

    def trade(self, one: Print) -> None:
        """Take a trade that was told."""
        self.prints.append(one)
        self._of = None

    def show(self, book: Book) -> None:
        """Take a picture that was told."""
        self.book, self._on, self._of = book, "", None

    def settle(self, seq: int) -> bool:
        """Leave a window's trades to its bars; return whether any are left."""
        self.prints = [one for one in self.prints if seq_of(one.at_ms) > seq]
        self._of = None
        return bool(self.prints)

    def day(self, newest: Newest) -> Newest:
        """Return how an instrument stands with what was told since its bars: its bar is the same.

        Args:
            newest: as its windows have it.
        """
        if self._of is not newest or self._made is None:
            self._of, self._made = newest, self._with_news(newest)
        return self._made

    def last_e4(self, newest: Newest) -> int:
        """Return the last price of all."""
        book = self.book
        if book is not None and book.last_e4 and self._leads(self._with_trades(newest)):
            return book.last_e4
        return self.prints[-1].price_e4 if self.prints else newest.close_e4

    def _with_news(self, newest: Newest) -> Newest:
        summed, book = self._with_trades(newest), self.book
        if book is None or not self._leads(summed):
            return summed
        return replace(
            summed,
            day=self._on,
            prev_close_e4=book.prev_close_e4 or summed.prev_close_e4,
            day_open_e4=book.open_e4,
            day_high_e4=book.high_e4,
            day_low_e4=book.low_e4,
            day_volume=book.volume,
            day_turnover_e4=book.turnover_e4,
        )

    def _with_trades(self, newest: Newest) -> Newest:
        if not self.prints:
            return newest
        running = Running(newest)
        for one in self.prints:
            on, price = exchange_day(one.at_ms).isoformat(), one.price_e4
            if on >= running.day:
                running.add(Bar(one.symbol, price, price, price, price, one.volume, one.turnover_e4), newest.seq, on)
        running.bar = newest
        return running.newest()

    def _leads(self, newest: Newest) -> bool:
        """Tell whether the picture has the day further than the sum; where both have the same it is the newer one."""
        book = self.book
        assert book is not None
        if not self._on:
            self._on = exchange_day(book.at_ms).isoformat()
        if self._on != newest.day:
            return self._on > newest.day
        return book.volume >= newest.day_volume and bool(book.volume or book.open_e4)
