"""What comes in of each symbol in a day and what goes out: a few additions a row, written down every ten seconds.

A worker that is killed loses what it has not written, ten seconds at most, or counts the rows twice that its successor
reads again. A recording is read from its beginning again, and so is counted from its beginning.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from kernel.instruments import InstrumentId
from streaming.domain.calendar import Sessions, day_start_ms, exchange_day
from streaming.ingest.refusals import COPIES
from streaming.records.day_counts import DayCounts
from streaming.store.day_counts import DayCountStore

GAP_MS = 60_000
MOST_SYMBOLS = 20_000  # of one day: what a provider makes up beyond that is counted together
OTHERS = "others"
_DAY_MS = 86_400_000
_WRITE_MS = 10_000


class SymbolDay:
    """One symbol's day while it is counted; the fields are those of DayCounts."""

    __slots__ = (
        "bars", "copies", "first_ms", "gaps", "last_ms", "line", "line_rows", "lines", "longest_gap_ms", "refused",
        "rows", "told",
    )  # fmt: skip

    def __init__(self, known: DayCounts | None = None) -> None:
        known = known or DayCounts()
        self.rows, self.bars, self.gaps, self.copies = known.rows, known.bars, known.gaps, known.copies
        self.longest_gap_ms, self.first_ms, self.last_ms = known.longest_gap_ms, known.first_ms, known.last_ms
        self.lines, self.refused = dict(known.lines), dict(known.refused)
        self.line, self.line_rows = "", 0  # the line that counted last, and for how many rows not yet in `lines`
        self.told = self.rows + self.bars  # as they stood when they were written; whatever changes adds to these

    def counted(self, line: str) -> None:
        """Note that a row of a line counted."""
        if line == self.line:
            self.line_rows += 1
        else:
            self._add_up()
            self.line, self.line_rows = line, 1

    def _add_up(self) -> None:
        if self.line_rows:
            self.lines[self.line] = self.lines.get(self.line, 0) + self.line_rows
            self.line_rows = 0

    def refuse(self, reason: str) -> None:
        """Note that a row did not count."""
        if reason in COPIES:
            self.copies += 1
        else:
            self.refused[reason] = self.refused.get(reason, 0) + 1

    def as_record(self) -> DayCounts:
        """Return it as it is stored."""
        self._add_up()
        return DayCounts(
            rows=self.rows, bars=self.bars, gaps=self.gaps, longest_gap_ms=self.longest_gap_ms, first_ms=self.first_ms,
            last_ms=self.last_ms, lines=dict(self.lines), refused=dict(self.refused), copies=self.copies,
        )  # fmt: skip


class SymbolDays:
    """The symbols of one market on the day that its clock shows. Not for several threads.

    Args:
        sessions: the market's calendar as it is now.
    """

    def __init__(self, sessions: Callable[[], Sessions]) -> None:
        self._sessions = sessions
        self.day: date | None = None
        self._from_ms = self._until_ms = 0
        self._rows: dict[str, SymbolDay] = {}
        self._over: list[tuple[date, dict[str, SymbolDay]]] = []  # days that have ended, with what is not written
        self._written_ms = 0

    def turn(self, at_ms: int) -> None:
        """Take the time on the market's clock; another day begins at nothing."""
        if self._from_ms <= at_ms < self._until_ms:
            return
        if self.day is not None:
            self._over.append((self.day, self._news()))
        self.day = exchange_day(at_ms)
        self._from_ms = day_start_ms(self.day)
        self._until_ms = self._from_ms + _DAY_MS
        self._rows = {}

    def go_on(self, day: date, known: Mapping[str, DayCounts]) -> None:
        """Take what was counted of a day before a restart; nothing may have been counted yet."""
        self.turn(day_start_ms(day))
        self._rows = {symbol: SymbolDay(counts) for symbol, counts in known.items()}

    def row(self, instrument: InstrumentId, at_ms: int) -> SymbolDay:
        """Count a row that came in, with the instant that it is of, and return its symbol's day."""
        row = self._rows.get(instrument.symbol) or self._begin(instrument.symbol)
        row.rows += 1
        last_ms = row.last_ms
        if at_ms > last_ms:
            if at_ms - last_ms > GAP_MS:
                self._jump(row, at_ms)
            elif at_ms < self._until_ms:
                row.last_ms = at_ms
        elif self._from_ms <= at_ms < row.first_ms:
            row.first_ms = at_ms
        return row

    def of(self, instrument: InstrumentId) -> SymbolDay:
        """Return a symbol's day."""
        return self._rows.get(instrument.symbol) or self._begin(instrument.symbol)

    def bars(self, symbols: Iterable[str]) -> None:
        """Count a window's bars."""
        rows = self._rows
        for symbol in symbols:
            (rows.get(symbol) or self._begin(symbol)).bars += 1

    def _begin(self, symbol: str) -> SymbolDay:
        if len(self._rows) >= MOST_SYMBOLS:
            symbol = OTHERS
        return self._rows.setdefault(symbol, SymbolDay())

    def _jump(self, row: SymbolDay, at_ms: int) -> None:
        """Take a row that is the first of its day, of another day, or long after the one before."""
        if not self._from_ms <= at_ms < self._until_ms:
            return
        if not row.first_ms:
            row.first_ms = at_ms
        else:
            gap_ms = self._open_ms(row.last_ms, at_ms)
            if gap_ms > GAP_MS:
                row.gaps += 1
                row.longest_gap_ms = max(row.longest_gap_ms, gap_ms)
        row.last_ms = at_ms

    def _open_ms(self, from_ms: int, until_ms: int) -> int:
        """Return for how long the market was open between two instants."""
        sessions, found, at_ms = self._sessions(), 0, from_ms
        while at_ms < until_ms:
            state, ends_ms = sessions.state_at(at_ms)
            ends_ms = until_ms if ends_ms is None else min(ends_ms, until_ms)
            if state == "open":
                found += ends_ms - at_ms
            at_ms = max(ends_ms, at_ms + 1)
        return found

    def due(self, now_ms: int) -> bool:
        """Tell whether it is time to write."""
        if now_ms - self._written_ms < _WRITE_MS:
            return False
        self._written_ms = now_ms
        return True

    def take(self) -> Iterator[tuple[date, dict[str, DayCounts]]]:
        """Yield what has changed since this was last asked, by day; what is taken counts as written."""
        over, self._over = self._over, []
        if self.day is not None:
            over.append((self.day, self._news()))
        for day, rows in over:
            if rows:
                yield day, {symbol: row.as_record() for symbol, row in rows.items()}

    def _news(self) -> dict[str, SymbolDay]:
        news = {symbol: row for symbol, row in self._rows.items() if row.rows + row.bars != row.told}
        for row in news.values():
            row.told = row.rows + row.bars
        return news


def go_on_with(days: SymbolDays, store: DayCountStore, now_ms: int) -> None:
    """Go on with what was counted of today before a restart; raises StoreUnavailable."""
    today = exchange_day(now_ms)
    days.go_on(today, store.read(today))


def write_days(days: SymbolDays, store: DayCountStore, fence: int, now_ms: int, *, at_once: bool = False) -> None:
    """Write what has changed, where it is time or is wanted at once; raises Fenced and StoreUnavailable."""
    if days.due(now_ms) or at_once:
        for day, counts in days.take():
            store.write(fence, day, counts, now_ms)
