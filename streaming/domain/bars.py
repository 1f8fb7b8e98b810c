"""Ticks -> the bars of 1.5 s windows.

A trade counts by itself. A snapshot counts from the day's beginning, so its bar is the difference to the one before;
a day high or low that moved in between belongs to the bar too, as nobody else will ever tell of that trade.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from streaming.domain.ticks import Levels, Snapshot, Tick, Trade
from streaming.domain.totals import RolledBack
from streaming.domain.windows import seq_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One instrument's bar of one window."""

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

    `trades` and `levels` are what the feed told beside its bars, in the order of its telling; `states` are the
    instruments whose state (trading, suspended, halted, delisted) is another one than before.
    """

    seq: int
    bars: list[Bar]
    references: list[tuple[str, int]]
    trades: list[Trade] = field(default_factory=list)
    levels: list[Levels] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    corrections: list["Correction"] = field(default_factory=list)


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
        if not self.priced:
            self.priced = True
            self.open_e4, self.high_e4, self.low_e4 = open_e4, high_e4, low_e4
        self.high_e4, self.low_e4 = max(self.high_e4, high_e4), min(self.low_e4, low_e4)
        self.close_e4 = close_e4


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
    """

    day_of: Callable[[int], date]
    starts_at_zero: Callable[[date], bool] = lambda day: True
    is_index: Callable[[str], bool] = lambda symbol: False
    recorded: bool = True
    closed_through: int = 0
    late: int = 0
    _open: dict[int, dict[str, _Forming]] = field(default_factory=dict)
    _trades: dict[int, list[Trade]] = field(default_factory=dict)
    _levels: dict[int, list[Levels]] = field(default_factory=dict)
    _days: dict[str, _Day] = field(default_factory=dict)
    _last_e4: dict[str, int] = field(default_factory=dict)
    _references: dict[str, int] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)  # of instruments that do not just trade
    _said: dict[int, dict[str, str]] = field(default_factory=dict)  # window -> symbol -> state
    _corrections: list[Correction] = field(default_factory=list)

    def add(self, tick: Tick) -> None:
        """Take one tick. One whose window has closed adds its volume to the oldest open window, never its price."""
        if isinstance(tick, Trade):
            self._trades.setdefault(self._window_of(tick.at_ms), []).append(tick)
            price = tick.price_e4
            self._count(tick, (price, price, price, price), tick.volume, tick.turnover_e4)
        else:
            self._add_snapshot(tick)

    def show(self, levels: Levels) -> None:
        """Take an instrument's best orders."""
        self._levels.setdefault(self._window_of(levels.at_ms), []).append(levels)

    def _say(self, symbol: str, state: str, seq: int) -> None:
        """Keep a state for its window, where it may be another one than the last: most pictures say the same again."""
        if self._said or self._states.get(symbol, "trading") != state:
            self._said.setdefault(seq, {})[symbol] = state

    def _window_of(self, at_ms: int) -> int:
        return max(seq_of(at_ms), self.closed_through + 1)

    def refer(self, symbol: str, prev_close_e4: int) -> None:
        """Take a previous close, to be told with the next window."""
        if prev_close_e4 > 0:
            self._references[symbol] = prev_close_e4

    def oldest_open(self) -> int | None:
        """Return the first window that holds a tick or a state and has not closed."""
        return min((*self._open, *self._said), default=None)

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
        trades, levels = self._trades.pop(seq, []), self._levels.pop(seq, [])
        corrections, self._corrections = self._corrections, []
        return ClosedWindow(seq, bars, references, trades, levels, self._changed_states(seq), corrections)

    def stand(self, symbol: str, state: str) -> None:
        """Take an instrument's state from before a restart."""
        self._states[symbol] = state

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
        self._days[str(day.instrument)] = _Day(
            self.day_of(day.at_ms), True, day.cum_volume, day.cum_turnover_e4, day.high_e4, day.low_e4, day.last_e4,
            day.prev_close_e4,
        )  # fmt: skip

    def _count(self, tick: Tick, prices: tuple[int, int, int, int], volume: int, turnover_e4: int) -> None:
        seq = seq_of(tick.at_ms)
        symbol = str(tick.instrument)
        if seq > self.closed_through:
            bar = self._open.setdefault(seq, {}).setdefault(symbol, _Forming())
            bar.take(*prices)
        else:
            self.late += 1
            # An instrument without any price yet cannot be flat at one: its late price is all that is known.
            self._last_e4.setdefault(symbol, prices[3])
            bar = self._open.setdefault(self.closed_through + 1, {}).setdefault(symbol, _Forming())
        bar.volume += volume
        bar.turnover_e4 += turnover_e4

    def _add_snapshot(self, snapshot: Snapshot) -> None:
        bids, asks = (tuple(row for row in side if row[0] > 0) for side in (snapshot.bids, snapshot.asks))
        # Also without any order: an index has none, and its day is told all the same.
        picture = None if self.recorded else snapshot
        self.show(Levels(snapshot.instrument, snapshot.at_ms, bids, asks, snapshot.iopv_e4, picture, snapshot.note))
        symbol, on = str(snapshot.instrument), self.day_of(snapshot.at_ms)
        if snapshot.state:
            self._say(symbol, snapshot.state, self._window_of(snapshot.at_ms))
        day = self._days.get(symbol)
        if day is None or day.on != on:
            # A new day at an instrument we already follow starts at zero, even where the first one did not.
            day = self._days[symbol] = _Day(on, seen=day is not None or self.starts_at_zero(on))
        if snapshot.prev_close_e4 != day.prev_close_e4:
            day.prev_close_e4 = snapshot.prev_close_e4
            self.refer(symbol, snapshot.prev_close_e4)
        volume = snapshot.cum_volume - day.cum_volume if day.seen else 0
        turnover_e4 = max(0, snapshot.cum_turnover_e4 - day.cum_turnover_e4) if day.seen else 0
        # An index moves without a volume; and what we join in the middle of its day is flat at its last price from now.
        moved = snapshot.last_e4 != day.last_e4 and (
            self.is_index(symbol) or (not day.seen and snapshot.cum_volume > 0)
        )
        if snapshot.last_e4 > 0 and (volume > 0 or moved):
            self._count(snapshot, _prices(snapshot, day), volume, turnover_e4)
            if volume > 0:
                # Nobody tells the single trades: what was traded since the last picture is told as one.
                told = Trade(snapshot.instrument, snapshot.at_ms, snapshot.last_e4, volume, turnover_e4)
                self._trades.setdefault(self._window_of(snapshot.at_ms), []).append(told)
        if day.seen and volume <= 0 and not moved:
            return  # a price that moves without volume is Hong Kong's nominal one, or an auction's: a picture, no trade
        day.seen = True
        # A source that tells no turnover leaves the sum where it was: the next one's difference has both.
        day.cum_volume, day.cum_turnover_e4 = snapshot.cum_volume, max(day.cum_turnover_e4, snapshot.cum_turnover_e4)
        day.high_e4, day.low_e4, day.last_e4 = snapshot.high_e4, snapshot.low_e4, snapshot.last_e4

    def take_back(self, wrong: RolledBack, snapshot: Snapshot) -> None:
        """Count on from a lower total: what was counted beyond it is told to be taken out of its minute."""
        day = self._days[wrong.symbol]
        day.cum_volume, day.cum_turnover_e4 = snapshot.cum_volume, snapshot.cum_turnover_e4
        self._corrections.append(Correction(wrong.symbol, seq_of(wrong.at_ms), -wrong.volume, -wrong.turnover_e4))


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
