"""Ticks of a market's lines -> its closed windows, once for all sources.

A line is one source under a name of its own. The ticks of each line are judged for themselves; then they meet, are
folded together, and windows close by the market's clock (`streaming.ingest.clocks`). The publisher writes them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from kernel.instruments import InstrumentId
from streaming.domain.bars import Bar, ClosedWindow, WindowFold
from streaming.domain.calendar import Sessions, exchange_day
from streaming.domain.ticks import Snapshot, Trade
from streaming.domain.totals import DayTotals
from streaming.domain.validation import Validator
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.ingest.clocks import Clock
from streaming.ingest.refusals import Refusals, RefusedRow
from streaming.ingest.sources import Reading, Source
from streaming.records.newest import Newest

_SESSIONS_KEPT_MS = 1_000  # how often an operator's changes of the calendar are looked for


@dataclass(frozen=True, slots=True)
class MarketWindow:
    """One window as its market closed it.

    Args:
        state, until_ms: of the session, and when that ends on the market's clock; None where nobody knows.
        finished: it is the last one that will ever come.
        positions: how far each line had been read for it, by the line's name; lines that need no position are absent.
    """

    closed: ClosedWindow
    state: str
    until_ms: int | None
    finished: bool = False
    positions: Mapping[str, str] = field(default_factory=dict)


class Market:
    """Folds what its lines say and closes windows, in strictly rising order. Not for several threads.

    Args:
        name: of what runs, as windows tell it.
        lines: sources by the lines' names. All follow the wall clock, or all are recordings. One, for now: a second
            needs a rule by which the same trade of both counts once.
        sessions: the market's calendar as it is now; asked again every second.
        newest: instruments of a stream that goes on, from which the day's sums continue. A recording makes them again.
        resume_after: the last window of that stream; none up to it is yielded again. None for a new one.
        now_ms: the wall clock, epoch ms.
        kind_of: a symbol's kind: stock, etf, index ...
    """

    def __init__(
        self,
        *,
        name: str,
        lines: Mapping[str, Source],
        clock: Clock,
        sessions: Callable[[], Sessions],
        newest: Mapping[str, Newest],
        resume_after: int | None,
        now_ms: int,
        kind_of: Callable[[str], str] = lambda symbol: "stock",
    ) -> None:
        self.name = name
        self.finished = False
        self._clock = clock
        self._calendar, self._sessions, self._asked_ms = sessions, sessions(), now_ms
        self._lines = [_Line(line, source, self._is_open, kind_of) for line, source in lines.items()]
        self.recorded = all(source.own_clock for source in lines.values())
        self._resume_after = resume_after or 0
        self._listens_since_ms = now_ms if resume_after is None else min(now_ms, end_ms(resume_after))
        self._began_ms, self._began_on = now_ms, exchange_day(now_ms)
        is_index = partial(_is_kind, kind_of, "index")
        self._fold = WindowFold(
            exchange_day, starts_at_zero=self._has_the_whole_day, is_index=is_index, recorded=self.recorded
        )
        self._totals = DayTotals(
            day_of=exchange_day,
            first_trade_ms=self._first_trade_ms,
            is_continuous=self._is_open,
            is_index=is_index,
        )
        self._fold.closed_through = clock.next_seq - 1
        self._last_prices = _LastPrices(clock.next_seq)
        self._state = ""  # of the window before
        if not self.recorded:
            for symbol, known in newest.items():
                self._go_on(symbol, known, now_ms)

    @property
    def speed(self) -> float:
        """Of the market's clock against the wall's; 0 is as fast as possible."""
        return self._clock.speed

    def due(self, now_ms: int) -> Iterator[MarketWindow]:
        """Yield the windows that have closed by now and were not yielded before.

        Whoever asks may stop anywhere in between and ask again.

        Raises:
            StoreUnavailable: a line's source cannot be read; begin again with a new market.
        """
        if self.finished:
            return
        for seq in self._clock.waits(now_ms):
            yield MarketWindow(ClosedWindow(seq, [], []), "pre_open", self._clock.opens_at_ms)
        if not self._clock.runs(now_ms):
            return
        self._look_at_the_calendar(now_ms)
        read_until = None
        while not self._is_over():
            if (wanted := self._clock.reads_until(now_ms)) != read_until:
                read_until = wanted
                self._read(wanted)
            if not self._clock.is_due(now_ms):
                return
            window = self._close(self._clock.next_seq)
            self._clock.advance(now_ms, all_closed=self._fold.oldest_open() is None)
            self._fold.closed_through = self._clock.next_seq - 1  # a leap leaves windows out
            if window is not None:
                yield window
        self.finished = True
        if self._clock.next_seq > self._resume_after:
            yield MarketWindow(ClosedWindow(self._clock.next_seq, [], []), "closed", None, finished=True)

    def refused(self) -> tuple[Counter[tuple[str, str]], list[RefusedRow]]:
        """Return what was refused since this was last asked: how many by (line, reason), and the newest rows."""
        counts: Counter[tuple[str, str]] = Counter()
        rows: list[RefusedRow] = []
        for line in self._lines:
            news, newest = line.refusals.news()
            counts.update({(line.name, reason): number for reason, number in news.items()})
            rows += newest
        return counts, rows

    def first_copies(self) -> Counter[str]:
        """Return how often each line was the first to tell a new total."""
        return Counter(self._totals.first_copies)

    def counters(self) -> Counter[str]:
        """Return what was refused, late or unreadable, by reason, of all lines together."""
        return sum((line.counters() for line in self._lines), Counter(late=self._fold.late))

    def _is_over(self) -> bool:
        return all(line.source.finished for line in self._lines) and self._fold.oldest_open() is None

    def _look_at_the_calendar(self, now_ms: int) -> None:
        if now_ms - self._asked_ms >= _SESSIONS_KEPT_MS:
            self._sessions, self._asked_ms = self._calendar(), now_ms

    def _is_open(self, at_ms: int) -> bool:
        return self._sessions.state_at(at_ms)[0] == "open"

    def _read(self, until_ms: int) -> None:
        fold = self._fold
        for line in self._lines:
            for reading in line.read(until_ms, self._clock.next_seq):  # here several lines become one order
                for close in reading.previous_closes:
                    self._previous_close(str(close.instrument), close.price_e4)
                for tick in reading.ticks:
                    if isinstance(tick, Trade) or self._counts(line, tick):
                        fold.add(tick)
                for levels in reading.levels:
                    fold.show(levels)

    def _counts(self, line: "_Line", snapshot: Snapshot) -> bool:
        """Tell whether a snapshot adds to its day, or shows a newer picture of it."""
        verdict = self._totals.judge(snapshot, line.name)
        if verdict.reason:
            line.refusals.note(verdict.reason, snapshot)
        elif verdict.rolled_back is not None:
            line.refusals.note("rolled_back", snapshot)
            self._fold.take_back(verdict.rolled_back, snapshot)
        return verdict.counts

    def _first_trade_ms(self, day: date) -> int | None:
        return self._sessions.first_trade_ms(day)

    def _has_the_whole_day(self, day: date) -> bool:
        """Tell whether we have listened since before a day's first trade; a recording always has.

        What was traded before that is no bar of ours. A stream that goes on had everything up to its last window.
        """
        if self.recorded or day > self._began_on:
            return True
        first_ms = self._sessions.first_trade_ms(day)
        since_ms = self._listens_since_ms
        if exchange_day(since_ms) != day:
            since_ms = self._began_ms
        return first_ms is not None and since_ms <= first_ms

    def _previous_close(self, symbol: str, price_e4: int) -> None:
        self._fold.refer(symbol, price_e4)
        if price_e4 > 0 and self._last_prices.begin(symbol, price_e4):
            self._fold.know(symbol, price_e4)

    def _go_on(self, symbol: str, known: Newest, now_ms: int) -> None:
        """Take how an instrument stood in the stream that goes on."""
        self._fold.stand(symbol, known.state)
        if known.close_e4 > 0:
            self._last_prices.begin(symbol, known.close_e4)
            self._fold.know(symbol, known.close_e4)
        if known.day == exchange_day(now_ms).isoformat() and known.day_volume:
            # Of the last window that it was in: a row of any later time is newer.
            day = Snapshot(
                InstrumentId.parse(symbol), start_ms(known.seq), known.prev_close_e4, known.day_open_e4,
                known.day_high_e4, known.day_low_e4, known.close_e4, known.day_volume, known.day_turnover_e4,
            )  # fmt: skip
            self._fold.go_on(day)
            self._totals.go_on(day)

    def _close(self, seq: int) -> MarketWindow | None:
        """Close a window; None where it is not told."""
        if not self.recorded and self._last_prices.roll_day(seq):
            for symbol, price_e4 in self._last_prices.items():
                self._fold.refer(symbol, price_e4)
        closed = self._fold.close(seq)
        self._last_prices.record(closed.bars)
        positions = {line.name: position for line in self._lines if (position := line.position_at(seq))}
        state, until_ms = self._sessions.state_at(start_ms(seq))
        before, self._state = self._state, state
        if seq <= self._resume_after or not (state != "closed" or before != "closed" or self._is_news(closed)):
            return None
        return MarketWindow(closed, state, until_ms, positions=positions)

    def _is_news(self, closed: ClosedWindow) -> bool:
        """Tell whether a window is told although the market is closed and was."""
        if not self.recorded:
            return bool(closed.bars or closed.levels or closed.references or closed.states or closed.corrections)
        if not (closed.bars or closed.states):
            for symbol, price_e4 in closed.references:
                self._fold.refer(symbol, price_e4)  # told with the next window that is written
        return bool(closed.bars or closed.states or closed.corrections)


class _Line:
    """One source of a market and what is known of it alone: what was refused, and how far it has been read."""

    def __init__(
        self, name: str, source: Source, is_open: Callable[[int], bool], kind_of: Callable[[str], str]
    ) -> None:
        self.name, self.source = name, source
        self._validator = Validator(known=source.carries, is_open=is_open, kind_of=kind_of)
        self.refusals = Refusals(name)
        self._position = source.position
        self._counts_in = 0  # the newest window that a reading counted in
        self._read_in: dict[int, str] = {}  # window -> the position behind the last reading that counts in it

    def read(self, until_ms: int, next_seq: int) -> Iterator[Reading]:
        """Yield what was read, with those ticks alone that may count.

        Args:
            next_seq: the window that closes next; later volume counts in it.
        """
        fault = self._validator.fault
        for reading in self.source.read(until_ms):
            received_ms = reading.received_ms
            ticks = []
            for tick in reading.ticks:
                if (reason := fault(tick, received_ms)) is None:
                    ticks.append(tick)
                else:
                    self.refusals.note(reason, tick)
            yield Reading(ticks, reading.levels, reading.previous_closes, received_ms, reading.position)
            if reading.position:
                times = [tick.at_ms for tick in (*ticks, *reading.levels)] or [received_ms or 0]
                # Never before the window of an earlier reading: a position stands for all that came before it.
                self._counts_in = max(self._counts_in, seq_of(max(times)), next_seq)
                self._read_in[self._counts_in] = reading.position

    def position_at(self, seq: int) -> str:
        """Return the position behind all that counts in windows up to this one; asked once a window, in order."""
        self._position = self._read_in.pop(seq, self._position)
        return self._position

    def counters(self) -> Counter[str]:
        """Return refused and unreadable ticks by reason."""
        return self.refusals.counts + self.source.counters()


def _is_kind(kind_of: Callable[[str], str], kind: str, symbol: str) -> bool:
    return kind_of(symbol) == kind


class _LastPrices:
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
