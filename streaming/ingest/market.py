"""Ticks of a market's lines -> its closed windows, once for all sources.

A line is one source under a name of its own. The ticks of each line are judged for themselves; then they meet
(`streaming.domain.merge`), are folded together, and windows close by the market's clock (`streaming.ingest.clocks`).
The publisher writes them.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from kernel.instruments import InstrumentId
from streaming.domain.bars import ClosedWindow, WindowFold
from streaming.domain.calendar import OpenHours, Sessions, exchange_day
from streaming.domain.lines import LineSetting, Standing, Switch
from streaming.domain.merge import PICTURE, Merge
from streaming.domain.statistics import DayStatistics, Statistics
from streaming.domain.ticks import Snapshot
from streaming.domain.totals import DayTotals
from streaming.domain.windows import end_ms, start_ms
from streaming.ingest.clocks import Clock
from streaming.ingest.day_counts import SymbolDay, SymbolDays
from streaming.ingest.events import Told, Unsaid
from streaming.ingest.last_prices import LastPrices
from streaming.ingest.lines import Line, Lines
from streaming.ingest.presumed import PresumedDays
from streaming.ingest.silence import Silence
from streaming.ingest.sources import Source
from streaming.records.newest import Newest

_SESSIONS_KEPT_MS = 1_000  # how often an operator's changes of the calendar are looked for


@dataclass(frozen=True, slots=True)
class MarketWindow:
    """One window as its market closed it.

    Args:
        state, until_ms: of the session, and when that ends on the market's clock; None where nobody knows.
        finished: it is the last one that will ever come.
        positions: how far each line had been read for it, by the line's name; lines that need no position are absent.
        told: the trades and pictures that were read before it closed and not handed over before.
        presumed, quiet: of a day that nobody has published (streaming.ingest.presumed).
        leader: the line that leads; "" in a recording.
        switches: that happened since the window before.
    """

    closed: ClosedWindow
    state: str
    until_ms: int | None
    finished: bool = False
    positions: Mapping[str, str] = field(default_factory=dict)
    told: Told | None = None
    presumed: bool = False
    quiet: bool = False
    leader: str = ""
    switches: Sequence[Switch] = ()


class Market:
    """Folds what its lines say and closes windows, in strictly rising order. Not for several threads.

    Args:
        name: of what runs, as windows tell it.
        lines: sources by the lines' names. All follow the wall clock, or all are recordings; of these there is one.
        sessions: the market's calendar as it is now; asked again every second.
        newest: instruments of a stream that goes on, from which the day's sums continue. A recording makes them again.
        resume_after: the last window of that stream; none up to it is yielded again. None for a new one.
        now_ms: the wall clock, epoch ms.
        kind_of: a symbol's kind: stock, etf, index ...
        settings: what operators chose for the lines; each as it is by itself where there are none.
        leader: the line that led before a restart.
        since_ms: since when the stream that goes on has been written without a break at a day's first trade; 0 where
            nobody knows.
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
        settings: Sequence[LineSetting] = (),
        leader: str = "",
        since_ms: int = 0,
    ) -> None:
        self.name = name
        self.finished = False
        self._clock = clock
        self._calendar, self._sessions, self._asked_ms = sessions, sessions(), now_ms
        self._open_hours = OpenHours(self._sessions)
        is_open = self._open_hours.at
        self._kind_of = kind_of
        self.recorded = all(source.own_clock for source in lines.values()) and bool(lines)
        self._resume_after = resume_after or 0
        self._began_on = exchange_day(now_ms)
        self.since_ms = self._listens_since(now_ms, resume_after, since_ms)
        is_index = partial(_is_kind, kind_of, "index")
        self._fold = WindowFold(
            exchange_day,
            starts_at_zero=self._has_the_whole_day,
            is_index=is_index,
            recorded=self.recorded,
            is_continuous=is_open,
        )
        self._totals = DayTotals(
            day_of=exchange_day,
            first_trade_ms=self._first_trade_ms,
            is_continuous=is_open,
            is_index=is_index,
            starts_at_zero=self._has_the_whole_day,
        )
        settings = settings or [LineSetting(line) for line in lines]
        self._merge = None if self.recorded else Merge(self._totals, settings, is_open=is_open, leader=leader)
        self.days = SymbolDays(lambda: self._sessions)
        self._statistics = DayStatistics(settings)
        self.lines = Lines([self._line(line, source) for line, source in lines.items()])
        self._switches: list[Switch] = []
        self._fold.closed_through = clock.next_seq - 1
        self._unsaid = Unsaid()
        self._last_prices = LastPrices(clock.next_seq)
        self._presumed = PresumedDays(lambda: self.lines.are_heard(self._now_ms))
        self._silence = Silence(lambda: self.lines.heard_ms)
        self._now_ms = now_ms
        self._state = ""  # of the window before
        if not self.recorded:
            for symbol, known in newest.items():
                self._go_on(symbol, known, now_ms)

    def _line(self, name: str, source: Source) -> Line:
        return Line(name, source, self._open_hours.at, self._kind_of, self._merge, self.days)

    def arrange(self, settings: Sequence[LineSetting], lines: Mapping[str, Source]) -> None:
        """Take other lines, ranks, weights and modes. The stream goes on, and nothing that was counted changes.

        Args:
            lines: the sources of those that are new, or fed by another source now; the others are kept as they are.
        """
        if self._merge is None:
            return
        self._merge.arrange(settings)
        self._statistics.arrange(settings)
        self.lines.arrange([one.name for one in settings], [self._line(*one) for one in lines.items()])

    def close(self) -> None:
        """End what its sources hold; the market is not asked any more."""
        self.lines.close()

    @property
    def leader(self) -> str:
        """The line that leads; "" in a recording."""
        return self._merge.leader if self._merge is not None else ""

    def standings(self) -> list[Standing]:
        """Return how each line stood within the last second; none in a recording."""
        return list(self._merge.standings.values()) if self._merge is not None else []

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
        self._now_ms = now_ms
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
        if (seq := self._clock.next_seq) > self._resume_after:
            yield MarketWindow(ClosedWindow(seq, [], []), "closed", None, finished=True, told=self._hand_over(seq))

    def told(self) -> Told | None:
        """Return the trades and pictures that were read since the last window; they need not wait for the next."""
        # What a recording tells while its market is closed waits for a window, and is not told where there is none.
        seq = self._clock.next_seq
        if self.finished or (self.recorded and (seq <= self._resume_after or self._is_closed(seq))):
            return None
        return self._hand_over(seq)

    def statistics(self) -> dict[str, Statistics]:
        """Return the instruments' statistics that changed since this was last asked, by symbol."""
        return self._statistics.changed()

    def wait(self, stop: threading.Event, now_ms: int) -> None:
        """Return when there may be something to read or to close, or we are asked to stop."""
        self.lines.wait(stop, self._clock.closes_in_ms(now_ms) / 1000)

    def first_copies(self) -> Counter[str]:
        """Return how often each line that runs was the first to tell a new total or a trade."""
        return Counter({name: number for name, number in self._totals.first_copies.items() if name in self.lines.names})

    def counters(self) -> Counter[str]:
        """Return what was refused, late or unreadable, by reason, of all lines together."""
        tapes = self._merge.notes if self._merge is not None else Counter[str]()
        return sum((line.counters() for line in self.lines), Counter(late=self._fold.late) + tapes)

    def go_on_from(self, seq: int, state: str) -> None:
        """Take the state of the last window of a stream that goes on."""
        self._presumed.go_on_from(self._sessions, seq, state)
        self._silence.go_on_from(state)
        if state not in ("closed", "no_feed"):
            for line in self.lines:
                line.go_on(end_ms(seq))

    @property
    def problem(self) -> str:
        """Return what the operator should know of the day; "" where it is as published and something is heard."""
        return self._presumed.problem or self._silence.problem

    def _is_over(self) -> bool:
        return all(line.source.finished for line in self.lines) and self._fold.oldest_open() is None

    def _look_at_the_calendar(self, now_ms: int) -> None:
        if now_ms - self._asked_ms >= _SESSIONS_KEPT_MS:
            self._sessions, self._asked_ms = self._calendar(), now_ms
            self._open_hours.take(self._sessions)

    def _is_closed(self, seq: int) -> bool:
        return self._sessions.state_at(start_ms(seq))[0] == "closed"

    def _hand_over(self, seq: int) -> Told | None:
        self._unsaid.take(self._fold.news())
        return self._unsaid.hand_over(seq)

    def _read(self, until_ms: int) -> None:
        fold, days = self._fold, self.days
        days.turn(until_ms)
        for line in self.lines:
            for reading in line.read(until_ms, self._clock.next_seq):  # here several lines become one order
                for close in reading.previous_closes:
                    self._previous_close(str(close.instrument), close.price_e4)
                received_ms = reading.received_ms
                for tick in reading.ticks:
                    row = days.row(tick.instrument, tick.at_ms)
                    if isinstance(tick, Snapshot):
                        self._take_total(line, tick, received_ms, row)
                    elif self._merge is None or not (reason := self._merge.trade(tick, line.name)):
                        row.counted(line.name)
                        fold.add(tick)
                    else:
                        line.refuse(reason, tick)
                for levels in reading.levels:
                    fold.show(levels)
                for statistics in reading.statistics:
                    self._statistics.take(statistics, line.name)
                self._unsaid.take(fold.news(), line.name, reading.mark, told=reading.told)
        for held in self._totals.released(until_ms):
            fold.add(held)
        if self._merge is not None:
            self._look_at_the_lines(self._merge, until_ms)

    def _look_at_the_lines(self, merge: Merge, now_ms: int) -> None:
        trades, switch = merge.look(now_ms, exchange_day(now_ms))
        for trade in trades:
            self._fold.add(trade)
        if switch is not None:
            self._switches.append(switch)

    def _take_total(self, line: Line, snapshot: Snapshot, received_ms: int | None, row: SymbolDay) -> None:
        """Add what a snapshot adds to its day, or show its newer picture."""
        if self._merge is None or received_ms is None:
            verdict = self._totals.judge(snapshot, line.name)
        else:
            verdict = self._merge.total(snapshot, line.name, received_ms)
        if verdict is PICTURE:
            self._fold.show_picture(snapshot)
            return
        if verdict.reason:
            line.refuse(verdict.reason, snapshot)
            return
        if verdict.rolled_back is not None:
            line.refuse("rolled_back", snapshot)
            self._fold.take_back(verdict.rolled_back, snapshot)
        row.counted(line.name)
        self._fold.add(snapshot)

    def _first_trade_ms(self, day: date) -> int | None:
        return self._sessions.first_trade_ms(day)

    def _has_the_whole_day(self, day: date) -> bool:
        """Tell whether we have listened since before a day's first trade; a recording always has.

        What was traded before that is no bar of ours. A stream that goes on had everything up to its last window.
        """
        if self.recorded or day > self._began_on:
            return True
        first_ms = self._sessions.first_trade_ms(day)
        return first_ms is not None and self.since_ms <= first_ms

    def _listens_since(self, now_ms: int, resume_after: int | None, since_ms: int) -> int:
        """Return since when somebody has listened, we or those before us.

        A break within the trading day loses nothing: the next totals have what was traded meanwhile. One over the day's
        first trade does, as nobody can tell what belongs to the morning; before the open that is the auction alone.
        """
        first_ms = self._sessions.first_trade_ms(self._began_on)
        begins_ms = now_ms
        if first_ms is not None and self._sessions.state_at(now_ms)[0] in ("opening_auction", "pre_open"):
            begins_ms = min(first_ms, now_ms)
        if resume_after is None:
            return begins_ms
        last_ms = min(now_ms, end_ms(resume_after))
        if first_ms is not None and last_ms < first_ms < now_ms:
            return begins_ms
        return min(since_ms or last_ms, last_ms)

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
        today = exchange_day(now_ms)
        # A day without a trade goes on at nothing, where a total of 0 was told or nobody can have missed the first one.
        counted = known.counted or known.day_volume or self._has_the_whole_day(today)
        if known.day == today.isoformat() and counted:
            # Of the last window that it was in: a row of any later time is newer.
            day = Snapshot(
                InstrumentId.parse(symbol), start_ms(known.seq), known.prev_close_e4, known.day_open_e4,
                known.day_high_e4, known.day_low_e4, known.close_e4, known.day_volume, known.day_turnover_e4,
            )  # fmt: skip
            self._fold.go_on(day)
            self._totals.go_on(day)
            if known.day_volume:
                self._presumed.go_on(today)

    def _close(self, seq: int) -> MarketWindow | None:
        """Close a window; None where it is not told."""
        if not self.recorded and self._last_prices.roll_day(seq):
            for symbol, price_e4 in self._last_prices.items():
                self._fold.refer(symbol, price_e4)
        closed = self._fold.close(seq)
        self._last_prices.record(closed.bars)
        if self.recorded or seq > self._resume_after:
            self.days.bars([bar.symbol for bar in closed.bars])
        positions = self.lines.positions_at(seq)
        session = self._presumed.session(self._sessions, seq, moves=any(bar.volume > 0 for bar in closed.bars))
        session = session if self.recorded else self._silence.judge(session, seq)
        before, self._state = self._state, session.state
        written = session.state != "closed" or before != "closed" or self._is_news(closed) or bool(self._switches)
        if seq <= self._resume_after or not written:
            if self.recorded:
                self._unsaid.drop()
            return None
        switches, self._switches = self._switches, []
        told, self._unsaid.since_window = self._hand_over(seq), False
        return MarketWindow(
            closed, session.state, session.until_ms, presumed=session.presumed, quiet=session.quiet,
            leader=self.leader, switches=switches, told=told, positions=positions,
        )  # fmt: skip

    def _is_news(self, closed: ClosedWindow) -> bool:
        """Tell whether a window is told although the market is closed and was."""
        if not self.recorded:
            told = closed.shown or self._unsaid.since_window
            return bool(closed.bars or told or closed.references or closed.states or closed.corrections)
        if not (closed.bars or closed.states):
            for symbol, price_e4 in closed.references:
                self._fold.refer(symbol, price_e4)  # told with the next window that is written
        return bool(closed.bars or closed.states or closed.corrections)


def _is_kind(kind_of: Callable[[str], str], kind: str, symbol: str) -> bool:
    return kind_of(symbol) == kind
