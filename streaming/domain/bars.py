"""Ticks -> the bars of 1.5 s windows.

A trade counts by itself. A snapshot counts from the day's beginning, so its bar is the difference to the one before;
a day high or low that moved in between belongs to the bar too, as nobody else will ever tell of that trade.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import msgspec

from streaming.domain.ticks import Levels, Moved, News, Restated, Snapshot, Stated, Tick, Trade
from streaming.domain.totals import RolledBack
from streaming.domain.windows import seq_of, start_ms


class Bar(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One instrument's bar of a window in which it traded (or a late volume arrived)."""

    symbol: str
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    turnover_e4: int


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """What moved in one window; `references` are previous closes that became known by its end.

    `shown` are the instruments of which there was a picture, each with its newest one where that has the venue's own
    day; `states` are those whose state (trading, suspended, halted, delisted) is another one than before.
    """

    seq: int
    bars: list[Bar]
    references: list[tuple[str, int]]
    shown: dict[str, Snapshot | None] = field(default_factory=dict)
    states: list[tuple[str, str]] = field(default_factory=list)
    corrections: list["Correction"] = field(default_factory=list)
    late_prices: list["LatePrice"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LatePrice:
    """What a tick was traded at whose window `seq` had closed: its minute has it, no bar does."""

    symbol: str
    seq: int
    high_e4: int
    low_e4: int
    last_e4: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be added to a bar that was told already, of the window `seq`; less than nothing is taken out of it."""

    symbol: str
    seq: int
    volume: int
    turnover_e4: int


@dataclass(slots=True)
class _Forming:
    """A bar that still takes ticks; it has no prices while it has late volume alone."""

    priced: bool = False
    open_e4: int = field(init=False)
    high_e4: int = field(init=False)
    low_e4: int = field(init=False)
    close_e4: int = field(init=False)
    volume: int = 0
    turnover_e4: int = 0

    def take(self, open_e4: int, high_e4: int, low_e4: int, close_e4: int) -> None:
        self.close_e4 = close_e4
        if not self.priced:
            self.priced = True
            self.open_e4, self.high_e4, self.low_e4 = open_e4, high_e4, low_e4
            return
        self.high_e4 = max(self.high_e4, high_e4)
        self.low_e4 = min(self.low_e4, low_e4)


@dataclass(slots=True)
class _Day:
    """An instrument's day as its snapshots have told it so far."""

    on: date
    seen: bool = False
    cum_volume: int = 0
    cum_turnover_e4: int = 0
    high_e4: int = 0
    low_e4: int = 0
    last_e4: int = 0
    prev_close_e4: int = 0


@dataclass
class WindowFold:
    """Folds a stream of ticks; whoever owns the clock says when a window closes.

    Args:
        day_of: the exchange's date at an instant, where cumulative volumes begin again.
        starts_at_zero: whether the ticks of a day are there from its first trade on. Otherwise the first snapshot of an
            instrument is where counting starts, because its volume happened before we listened.
        is_index: an index moves without a volume; of everything else only a change of volume makes a bar.
        recorded: our own sums have the whole day, so no picture of it is passed on.
        is_continuous: whether the market is in `open` at an instant.
    """

    day_of: Callable[[int], date]
    starts_at_zero: Callable[[date], bool] = lambda day: True
    is_index: Callable[[str], bool] = lambda symbol: False
    recorded: bool = True
    is_continuous: Callable[[int], bool] = lambda at_ms: True
    closed_through: int = 0
    late: int = 0
    _open: dict[int, dict[str, _Forming]] = field(default_factory=dict)
    _news: list[News] = field(default_factory=list)
    _shown: dict[int, dict[str, Snapshot | None]] = field(default_factory=dict)  # window -> symbol -> its day
    _days: dict[str, _Day] = field(default_factory=dict)
    _last_e4: dict[str, int] = field(default_factory=dict)
    _references: dict[str, int] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)  # of instruments that do not just trade
    _said: dict[int, dict[str, str]] = field(default_factory=dict)  # window -> symbol -> state
    _corrections: list[Correction] = field(default_factory=list)
    _late_prices: list[LatePrice] = field(default_factory=list)

    def add(self, tick: Tick) -> None:
        """Take one tick. One whose window has closed adds its volume to the oldest open window, never its price.

        But an auction's print that comes late has its price in that window too: nothing was traded in between.
        """
        if isinstance(tick, Trade):
            self._news.append(tick)
            price = tick.price_e4
            self._count(tick, price, price, price, price, tick.volume, tick.turnover_e4)
            if not self.recorded:
                self._traded(tick)
        else:
            self._add_snapshot(tick)

    def _traded(self, trade: Trade) -> None:
        """Note in an instrument's day what a trade adds: the next total adds the rest."""
        symbol, on, price_e4 = trade.instrument.symbol, self.day_of(trade.at_ms), trade.price_e4
        day = self._days.get(symbol)
        if day is None or day.on != on:
            day = self._days[symbol] = _Day(on, seen=day is not None or self.starts_at_zero(on))
        day.cum_volume += trade.volume
        day.cum_turnover_e4 += trade.turnover_e4
        day.last_e4 = price_e4
        day.high_e4 = max(day.high_e4, price_e4)
        if not 0 < day.low_e4 <= price_e4:
            day.low_e4 = price_e4

    def show(self, levels: Levels) -> None:
        """Take an instrument's best orders."""
        self._news.append(levels)
        seq = self._window_of(levels.at_ms)
        shown = self._shown.get(seq)
        if shown is None:
            shown = self._shown[seq] = {}
        shown[levels.instrument.symbol] = levels.day

    def news(self) -> list[News]:
        """Return what was told beside the bars since this was last asked, in the order of its telling."""
        news, self._news = self._news, []
        return news

    def _tell(self, symbol: str, news: News) -> None:
        """Tell something of an instrument before the picture of it that was just shown, for it is in that."""
        before = self._news[-1] if self._news else None
        if isinstance(before, Levels) and before.instrument.symbol == symbol:
            self._news[-1] = news
            self._news.append(before)
        else:
            self._news.append(news)

    def _say(self, symbol: str, state: str, seq: int) -> None:
        """Keep a state for its window, where it may be another one than the last: most pictures say the same again."""
        if self._said or self._states.get(symbol, "trading") != state:
            self._said.setdefault(seq, {})[symbol] = state
            self._tell(symbol, Stated(symbol, state))

    def _window_of(self, at_ms: int) -> int:
        seq, first_open = seq_of(at_ms), self.closed_through + 1
        return seq if seq > first_open else first_open

    def refer(self, symbol: str, prev_close_e4: int) -> None:
        """Take a previous close, to be told with the next window."""
        if prev_close_e4 > 0:
            self._references[symbol] = prev_close_e4
            self._tell(symbol, Restated(symbol, prev_close_e4))

    def oldest_open(self) -> int | None:
        """Return the first window that holds a tick, a picture or a state and has not closed."""
        return min((*self._open, *self._said, *self._shown), default=None)

    def close(self, seq: int) -> ClosedWindow:
        """Close a window and return what moved in it. Windows close in order; skipped ones must be empty."""
        forming = self._open.pop(seq, {})
        self.closed_through = seq
        bars = []
        for symbol, bar in forming.items():
            if not bar.priced:
                last_e4 = self._last_e4[symbol]  # known to whoever has late volume (_count)
                bar.take(last_e4, last_e4, last_e4, last_e4)
            self._last_e4[symbol] = bar.close_e4
            bars.append(Bar(symbol, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4))
        references, self._references = list(self._references.items()), {}
        corrections, self._corrections = self._corrections, []
        late_prices, self._late_prices = self._late_prices, []
        return ClosedWindow(
            seq, bars, references, self._shown_by(seq), self._changed_states(seq), corrections, late_prices
        )  # fmt: skip

    def stand(self, symbol: str, state: str) -> None:
        """Take an instrument's state from before a restart."""
        self._states[symbol] = state

    def _shown_by(self, seq: int) -> dict[str, Snapshot | None]:
        shown: dict[str, Snapshot | None] = {}
        for window in sorted(window for window in self._shown if window <= seq):
            shown |= self._shown.pop(window)
        return shown

    def _changed_states(self, seq: int) -> list[tuple[str, str]]:
        changed: dict[str, str] = {}
        for window in sorted(window for window in self._said if window <= seq):
            changed |= self._said.pop(window)
        news = [(symbol, state) for symbol, state in changed.items() if self._states.get(symbol, "trading") != state]
        self._states |= news
        return news

    def know(self, symbol: str, last_e4: int) -> None:
        """Take an instrument's last price from before a restart."""
        self._last_e4[symbol] = last_e4

    def go_on(self, day: Snapshot) -> None:
        """Take how an instrument's day stood before a restart: what was traded meanwhile counts with its next one."""
        self._days[day.instrument.symbol] = _Day(
            self.day_of(day.at_ms), True, day.cum_volume, day.cum_turnover_e4, day.high_e4, day.low_e4, day.last_e4,
            day.prev_close_e4,
        )  # fmt: skip

    def _count(
        self, tick: Tick, open_e4: int, high_e4: int, low_e4: int, close_e4: int, volume: int, turnover_e4: int
    ) -> None:
        seq = seq_of(tick.at_ms)
        symbol = tick.instrument.symbol
        if seq > self.closed_through:
            bar = self._forming(seq, symbol)
            bar.take(open_e4, high_e4, low_e4, close_e4)
        else:
            self.late += 1
            # An instrument without any price yet cannot be flat at one: its late price is all that is known.
            self._last_e4.setdefault(symbol, close_e4)
            bar = self._forming(self.closed_through + 1, symbol)
            if self.is_continuous(tick.at_ms) or self.is_continuous(start_ms(self.closed_through + 1)):
                self._late_prices.append(LatePrice(symbol, seq, high_e4, low_e4, close_e4))
            else:
                bar.take(open_e4, high_e4, low_e4, close_e4)
        bar.volume += volume
        bar.turnover_e4 += turnover_e4

    def _forming(self, seq: int, symbol: str) -> _Forming:
        window = self._open.get(seq)
        if window is None:
            window = self._open[seq] = {}
        bar = window.get(symbol)
        if bar is None:
            bar = window[symbol] = _Forming()
        return bar

    def show_picture(self, snapshot: Snapshot) -> None:
        """Take what a snapshot shows of an instrument whose volume its trades tell."""
        day = self._look_at(snapshot)
        if not day.seen:  # we joined in the middle of its day: it is counted on from here
            day.seen = True
            day.cum_volume, day.cum_turnover_e4 = snapshot.cum_volume, snapshot.cum_turnover_e4
            day.high_e4, day.low_e4 = snapshot.high_e4, snapshot.low_e4

    def _look_at(self, snapshot: Snapshot) -> _Day:
        """Take a snapshot's orders, state and previous close; return its instrument's day."""
        bids, asks = _orders(snapshot.bids), _orders(snapshot.asks)
        # Also without any order: an index has none, and its day is told all the same.
        picture = None if self.recorded else snapshot
        self.show(Levels(snapshot.instrument, snapshot.at_ms, bids, asks, snapshot.iopv_e4, picture, snapshot.note))
        symbol, on = snapshot.instrument.symbol, self.day_of(snapshot.at_ms)
        if snapshot.state:
            self._say(symbol, snapshot.state, self._window_of(snapshot.at_ms))
        day = self._days.get(symbol)
        if day is None or day.on != on:
            # A new day at an instrument we already follow starts at zero, even where the first one did not.
            day = self._days[symbol] = _Day(on, seen=day is not None or self.starts_at_zero(on))
        if snapshot.prev_close_e4 != day.prev_close_e4:
            day.prev_close_e4 = snapshot.prev_close_e4
            self.refer(symbol, snapshot.prev_close_e4)
        return day

    def _add_snapshot(self, snapshot: Snapshot) -> None:
        day = self._look_at(snapshot)
        symbol, last_e4 = snapshot.instrument.symbol, snapshot.last_e4
        volume = turnover_e4 = 0
        if day.seen:
            volume = snapshot.cum_volume - day.cum_volume
            turnover_e4 = max(0, snapshot.cum_turnover_e4 - day.cum_turnover_e4)
        # An index moves without a volume; and what we join in the middle of its day is flat at its last price from now.
        moved = last_e4 != day.last_e4 and ((not day.seen and snapshot.cum_volume > 0) or self.is_index(symbol))
        if last_e4 > 0 and (volume > 0 or moved):
            self._count(snapshot, *_prices(snapshot, day), volume, turnover_e4)
            if volume > 0:
                # Nobody tells the single trades: what was traded since the last picture is told as one.
                self._tell(symbol, Trade(snapshot.instrument, snapshot.at_ms, last_e4, volume, turnover_e4))
            else:
                self._tell(symbol, Moved(symbol, last_e4))
        if day.seen and volume <= 0 and not moved:
            return  # a price that moves without volume is Hong Kong's nominal one, or an auction's: a picture, no trade
        day.seen = True
        # A source that tells no turnover leaves the sum where it was: the next one's difference has both.
        day.cum_volume = snapshot.cum_volume
        day.cum_turnover_e4 = max(day.cum_turnover_e4, snapshot.cum_turnover_e4)
        day.high_e4, day.low_e4, day.last_e4 = snapshot.high_e4, snapshot.low_e4, snapshot.last_e4

    def take_back(self, wrong: RolledBack, snapshot: Snapshot) -> None:
        """Count on from a lower total: what was counted beyond it is told to be taken out of its minute."""
        day = self._days[wrong.symbol]
        day.cum_volume, day.cum_turnover_e4 = snapshot.cum_volume, snapshot.cum_turnover_e4
        self._corrections.append(Correction(wrong.symbol, seq_of(wrong.at_ms), -wrong.volume, -wrong.turnover_e4))


def _orders(side: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return a side without the rows that stand for none; most have none of those."""
    for row in side:
        if row[0] <= 0:
            return tuple(row for row in side if row[0] > 0)
    return tuple(side)


def _prices(snapshot: Snapshot, day: _Day) -> tuple[int, int, int, int]:
    last = snapshot.last_e4
    high = low = last
    begins = last
    if day.last_e4 == 0 and day.seen and snapshot.open_e4 > 0:
        begins = snapshot.open_e4
        high, low = max(high, begins), min(low, begins)
    if day.seen and snapshot.high_e4 > day.high_e4:
        high = max(high, snapshot.high_e4)
    if day.seen and snapshot.low_e4 > 0 and (day.low_e4 == 0 or snapshot.low_e4 < day.low_e4):
        low = min(low, snapshot.low_e4)
    return begins, high, low, last
