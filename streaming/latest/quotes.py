"""What a process knows of every instrument right now, so that REST is answered from memory.

Newest bar and day, newest picture of the best orders, and the last trades; kept by the lanes' readers as they read. It
may be a window ahead of what sockets were sent: at the start it is filled from the store's newest bars.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.domain.windows import end_ms, start_ms
from streaming.records.newest import Running
from streaming.records.window import Book, Newest, Print, Window
from streaming.reference import Instrument

PRINTS_KEPT = 1000  # of each instrument


class Shown:
    """One lane's instruments."""

    def __init__(self) -> None:
        self.rows: dict[str, Running] = {}
        self.books: dict[str, Book] = {}
        self.prints: dict[str, deque[Print]] = {}
        self.seq = 0  # the newest window
        self.pictures: dict[str, tuple[tuple[Newest, Book | None, Print | None], Snapshot]] = {}

    def begin(self, newest: Mapping[str, Newest]) -> None:
        """A stream was opened, or a new epoch of it: nothing of before counts."""
        self.rows = {symbol: Running(row) for symbol, row in newest.items()}
        self.prints, self.pictures, self.seq = {}, {}, 0
        self.books.clear()  # the hub's lane shows them too

    def newest(self, symbol: str) -> Newest | None:
        """Return an instrument's newest bar and day."""
        row = self.rows.get(symbol)
        return row.newest() if row is not None else None

    def take(self, windows: Iterable[Window]) -> None:
        """Take windows in their order; what an instrument's newest bar has already is passed over."""
        rows = self.rows
        for window in windows:
            seq = self.seq = window.seq
            day = exchange_day(start_ms(seq)).isoformat()
            for symbol, price_e4 in window.previous:
                row = rows.get(symbol)
                if row is None:
                    row = rows[symbol] = Running()
                if row.seq < seq:
                    row.refer(price_e4, day)
            for symbol, price_e4 in window.references:
                if symbol not in rows:  # its price is known, but not whether it is yesterday's
                    row = rows[symbol] = Running()
                    row.refer(price_e4, day)
                    row.prev_close_e4 = 0
            for bar in window.bars:
                row = rows.get(bar.symbol)
                if row is None:
                    row = rows[bar.symbol] = Running()
                if row.seq < seq:
                    row.add(bar, seq, day)
            for symbol, state in window.states:
                if (row := rows.get(symbol)) is not None:
                    row.say(state)

    def take_events(self, prints: Iterable[Print], books: Iterable[Book]) -> None:
        """Take what the feed told beside its bars."""
        kept = self.prints
        for one in prints:
            trades = kept.get(one.symbol)
            if trades is None:
                trades = kept[one.symbol] = deque(maxlen=PRINTS_KEPT)
            trades.append(one)
        for book in books:
            self.books[book.symbol] = book
            row = self.rows.get(book.symbol)
            if row is not None and row.day_volume < book.volume:
                row.tell(book)


class Board:
    """Every lane's instruments, by what a request asks. Nothing here waits."""

    def __init__(self, lanes: Iterable[str]) -> None:
        self.lanes = {name: Shown() for name in lanes}

    def carries(self, instrument: Instrument) -> bool:
        """Tell whether the running feed has registered an instrument."""
        return instrument.symbol in self.lanes[instrument.lane].rows

    def newest(self, instrument: Instrument) -> Newest | None:
        """Return an instrument's newest bar and day."""
        return self.lanes[instrument.lane].newest(instrument.symbol)

    def trades(self, instrument: Instrument, count: int = 1) -> list[Trade]:
        """Return the last trades, newest first.

        Where the feed tells no single trades there is one: the newest bar as a whole.
        """
        shown, symbol = self.lanes[instrument.lane], instrument.symbol
        if prints := shown.prints.get(symbol):
            return [
                Trade(instrument.id, one.at_ms, one.price_e4, one.volume, one.turnover_e4, one.side)
                for one in islice(reversed(prints), count)
            ]
        newest = shown.newest(symbol)
        if newest is None or not newest.seq:
            return []
        return [Trade(instrument.id, end_ms(newest.seq), newest.close_e4, newest.volume, newest.turnover_e4)]

    def numbers(self, instrument: Instrument, count: int) -> Sequence[int]:
        """Return the numbers of the trades that `trades` returns."""
        prints = self.lanes[instrument.lane].prints.get(instrument.symbol)
        if prints:
            return [one.number for one in islice(reversed(prints), count)]
        newest = self.newest(instrument)
        return [newest.seq] if newest is not None and newest.seq else []

    def picture(self, instrument: Instrument) -> Snapshot | None:
        """Return the day so far and the best orders; `phase` is trading, suspended, halted or delisted."""
        shown, symbol = self.lanes[instrument.lane], instrument.symbol
        newest = shown.newest(symbol)
        if newest is None:
            return None
        book, prints = shown.books.get(symbol), shown.prints.get(symbol)
        made_of = (newest, book, prints[-1] if prints else None)
        made = shown.pictures.get(symbol)
        # Between two windows everybody is shown the same one.
        if made is None or made[0] != made_of:
            made = shown.pictures[symbol] = (made_of, _picture(instrument, *made_of, shown.seq))
        return made[1]

    def levels(self, instrument: Instrument) -> tuple[Levels, int] | None:
        """Return the best orders and the number of their picture; empty sides where the feed tells none."""
        shown, symbol = self.lanes[instrument.lane], instrument.symbol
        if (book := shown.books.get(symbol)) is not None:
            return Levels(instrument.id, book.at_ms, tuple(book.bids), tuple(book.asks)), book.number
        newest = shown.newest(symbol)
        return None if newest is None else (Levels(instrument.id, end_ms(newest.seq or shown.seq), (), ()), newest.seq)


def _picture(instrument: Instrument, newest: Newest, book: Book | None, last: Print | None, seq: int) -> Snapshot:
    at_ms = max(book.at_ms if book else 0, last.at_ms if last else 0) or end_ms(newest.seq or seq)
    traded = newest.day_volume > 0 or newest.day_open_e4 > 0
    return Snapshot(
        instrument=instrument.id,
        at_ms=at_ms,
        prev_close_e4=newest.prev_close_e4,
        open_e4=newest.day_open_e4,
        high_e4=newest.day_high_e4,
        low_e4=newest.day_low_e4,
        last_e4=newest.close_e4 if traded or newest.prev_close_e4 == 0 else newest.prev_close_e4,
        cum_volume=newest.day_volume,
        cum_turnover_e4=newest.day_turnover_e4,
        phase=newest.state,
        bids=tuple(book.bids) if book else (),
        asks=tuple(book.asks) if book else (),
        iopv_e4=book.iopv_e4 if book else 0,
    )
