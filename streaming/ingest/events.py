"""Trades and pictures as they arrive: each gets its number, and is told at once, whatever window is open.

A market hands over what it has read (`Told`); a `Numbering` counts an instrument's trades and pictures and makes the
records that nodes read. Numbers and marks are stored with the records: after a restart nothing is told again, and no
number is given to two things.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streaming.domain.bars import Bar, Correction
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Levels, Moved, News, Restated, SenderNote, Trade
from streaming.domain.windows import seq_of, start_ms
from streaming.records.events import Book, Events, Print
from streaming.records.newest import Newest, Running
from streaming.store.events import Batch

_NO_NOTE, _NO_NUMBERS = SenderNote(), (0, 0)
_DAY_MS = 86_400_000


@dataclass(slots=True)
class Told:
    """What was read since this was last asked, in the order of its telling.

    Args:
        before: the window that closes next: what stands here is older than its bars.
        runs: the news, and whether a run before has told them already.
        marks: how far each line's news are read, by its name.
    """

    before: int
    runs: list[tuple[list[News], bool]] = field(default_factory=list)
    marks: Mapping[str, str] = field(default_factory=dict)


class Unsaid:
    """What a market has read and not yet handed over."""

    def __init__(self) -> None:
        self._runs: list[tuple[list[News], bool]] = []
        self._marks: dict[str, str] = {}
        self.since_window = False  # something that nobody was told before came since the last window

    def take(self, news: list[News], line: str = "", mark: str = "", *, told: bool = False) -> None:
        """Take what one reading of a line brought."""
        if mark and not told:  # a mark never goes back to what is only read again
            self._marks[line] = mark
        if news:
            self._runs.append((news, told))
            # What is told has a window behind it, so that who reads windows one by one comes past it.
            if not (told or self.since_window):
                self.since_window = any(isinstance(one, Trade | Levels) for one in news)

    def hand_over(self, before: int) -> Told | None:
        """Return what there is; None where nothing was read."""
        if not self._runs:
            return None
        runs, self._runs = self._runs, []
        return Told(before, runs, dict(self._marks))

    def drop(self) -> None:
        """Forget what there is: it belongs to a window that is not told."""
        self._runs = []


class Numbering:
    """Counts what one market tells, and knows each instrument's day as of now. Not for several threads.

    Args:
        newest: how instruments stood at the last window.
        numbers: (trades, pictures) told so far, by symbol.
        marks: what the run before has told, by line.
    """

    def __init__(
        self,
        newest: Mapping[str, Newest],
        numbers: Mapping[str, tuple[int, int]] | None = None,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        self._newest = dict(newest)
        self._days: dict[str, Running] = {}
        self._numbers = dict(numbers or {})
        self._marks = dict(marks or {})
        self._today = (0, "")

    def number(self, told: Told | None) -> Batch | None:
        """Return what is new of this, numbered; None where nothing is."""
        if told is None:
            return None
        prints: list[Print] = []
        books: list[Book] = []
        changed: dict[str, tuple[int, int]] = {}
        numbers = self._numbers
        for news, again in told.runs:
            for one in news:
                if isinstance(one, Trade):
                    symbol = one.instrument.symbol
                    self._trade(symbol, one)
                    if not again:
                        traded, shown = numbers.get(symbol, _NO_NUMBERS)
                        numbers[symbol] = changed[symbol] = traded + 1, shown
                        prints.append(
                            Print(symbol, traded + 1, one.at_ms, one.price_e4, one.volume, one.turnover_e4, one.side)
                        )
                elif isinstance(one, Levels):
                    symbol = one.instrument.symbol
                    day = self._show(symbol, one)
                    if not again:
                        traded, shown = numbers.get(symbol, _NO_NUMBERS)
                        numbers[symbol] = changed[symbol] = traded, shown + 1
                        books.append(_book(symbol, shown + 1, one, day))
                else:
                    self._note(one, told.before)
        if not (prints or books):
            return None
        self._marks |= told.marks
        return Batch(told.before, Events(prints, books), changed, dict(self._marks))

    def correct(self, corrections: Iterable[Correction]) -> None:
        """Take what a window takes back of what was counted."""
        for one in corrections:
            self._day(one.symbol).correct(one.volume, one.turnover_e4, self._on(start_ms(one.seq)))

    def _trade(self, symbol: str, trade: Trade) -> None:
        price, running, on = trade.price_e4, self._day(symbol), self._on(trade.at_ms)
        if on >= running.day:
            bar = Bar(symbol, price, price, price, price, trade.volume, trade.turnover_e4)
            running.add(bar, seq_of(trade.at_ms), on)

    def _show(self, symbol: str, levels: Levels) -> Running:
        """Return an instrument's day as a picture has it: the venue's own where the picture tells that."""
        running = self._day(symbol)
        if levels.day is not None:
            running.take_day(levels.day)
        return running

    def _note(self, one: News, before: int) -> None:
        if isinstance(one, Moved):
            running = self._day(one.symbol)
            bar = Bar(one.symbol, one.price_e4, one.price_e4, one.price_e4, one.price_e4, 0, 0)
            running.add(bar, before, self._on(start_ms(before)))
        elif isinstance(one, Restated):
            self._day(one.symbol).refer(one.prev_close_e4, self._on(start_ms(before)))
        elif not isinstance(one, Trade | Levels):
            self._day(one.symbol).say(one.state)

    def _day(self, symbol: str) -> Running:
        running = self._days.get(symbol)
        if running is None:
            running = self._days[symbol] = Running(self._newest.get(symbol))
        return running

    def _on(self, at_ms: int) -> str:
        """Return the exchange's date at an instant; most are of one day."""
        number = (at_ms + 8 * 3_600_000) // _DAY_MS
        if number != self._today[0]:
            self._today = number, exchange_day(at_ms).isoformat()
        return self._today[1]


def _book(symbol: str, number: int, levels: Levels, day: Running) -> Book:
    note = levels.note or _NO_NOTE
    return Book(  # by place, in the order of its fields: one is made of every picture
        symbol, number, levels.at_ms, day.prev_close_e4, day.day_open_e4, day.day_high_e4, day.day_low_e4,
        day.bar.close_e4, day.day_volume, day.day_turnover_e4, list(levels.bids), list(levels.asks), levels.iopv_e4,
        note.name, note.trade_time, note.trades, day.state,
    )  # fmt: skip
