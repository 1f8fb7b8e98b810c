"""One market as far as this process has read it: newest prices and days, best orders, trades, and bars in formation.

Windows and events are applied in their order, each once; the hub makes frames of what `apply` returns, and REST reads
through `streaming.latest.quotes`. Prices are ten-thousandths of the trading currency, instants epoch milliseconds.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Sessions, exchange_day
from streaming.domain.intervals import FormedBar, Forming
from streaming.domain.ticks import Snapshot
from streaming.domain.windows import start_ms
from streaming.latest.ahead import Ahead
from streaming.records.newest import Running
from streaming.records.window import Book, Events, MovedBar, Newest, Print, Window

TRADES_KEPT = 1000  # of each instrument
FormedParts = list[tuple[FormedBar, bool]]  # bars to tell with a window: (bar, whether it is final), oldest first


class IntervalBar:
    """One instrument's bar of a longer interval, for whoever follows it or asks for it.

    `builder` is None until somebody has folded what was before (streaming.resume.interval_backfill).
    """

    __slots__ = ("builder", "holders", "interval", "symbol")

    def __init__(self, symbol: str, interval: str) -> None:
        self.symbol, self.interval = symbol, interval
        self.builder: Forming | None = None
        self.holders = 0


@dataclass(slots=True)
class Changes:
    """What one window changed: bars by symbol, instruments' new states, whether the market's own state is another."""

    moved: dict[str, MovedBar]
    states: list[tuple[str, str]] = field(default_factory=list)
    market_state: bool = False


class LatestMarket:
    """See the module. `seq` is the window that was applied last, 0 before the first of an epoch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.seq = 0
        self.since: list[Events] = []  # what was told since the window `seq`, for who comes back just then
        self.state = "no_feed"
        self.until_ms: int | None = None
        self.presumed = False  # nobody has published that the day trades
        self.speed = 1.0
        self.feed = ""
        self.line = ""  # that leads; "" in a recording
        self.calendar: Sessions = AlwaysOpen()  # the market's own
        self.sessions: Sessions = AlwaysOpen()  # of the feed that runs
        self.prices: dict[str, int] = {}  # as of `seq`: what a flat shows
        self.halted: dict[str, str] = {}  # symbol -> state of those that do not trade, as of `seq`
        self.quotes: dict[str, Running] = {}  # newest bar and day; at the start of a stream it may be ahead of `seq`
        self.books: dict[str, Book] = {}
        self.trades: dict[str, deque[Print]] = {}
        self.ahead: dict[str, Ahead] = {}  # of those of which anything was told
        self._unsettled: set[str] = set()  # those with trades that no window has counted yet
        self.interval_bars: dict[tuple[str, str], IntervalBar] = {}  # by symbol and interval
        self.snapshots: dict[str, tuple[tuple[Newest, Book | None, Print | None], Snapshot]] = {}  # made, by what of

    def begin(self, epoch: str, newest: Mapping[str, Newest], calendar: Sessions, *, from_start: bool) -> None:
        """Take a stream that was opened, or a new epoch of it: nothing of before counts.

        Args:
            newest: every instrument's newest values as the store has them.
            from_start: the stream will be read from its first window, so `prices` come with its windows; the store's
                are of a time that has not been come to yet.
        """
        self.epoch, self.seq, self.calendar = epoch, 0, calendar
        known = {} if from_start else newest
        self.prices = {symbol: bar.close_e4 for symbol, bar in known.items() if bar.close_e4}
        self.halted = {symbol: bar.state for symbol, bar in known.items() if bar.state != "trading"}
        self.quotes = {symbol: Running(row) for symbol, row in newest.items()}
        self.trades, self.books, self.snapshots, self.ahead = {}, {}, {}, {}
        self.since, self._unsettled = [], set()
        for bar in self.interval_bars.values():
            bar.builder = None

    @property
    def is_on_wall_clock(self) -> bool:
        """Tell whether the wall clock says how old a window is; in a replay it does not."""
        return self.speed == 1.0 and self.feed != "replay"

    def told(self) -> tuple[str, int | None, bool, str]:
        """Return what is told of the market: state, when that ends, whether the day is presumed, what feed runs."""
        return self.state, self.until_ms, self.presumed, self.feed

    def fall_silent(self) -> None:
        """Note that nothing has come for too long."""
        self.state, self.until_ms = "no_feed", None

    # -- windows ---------------------------------------------------------------------------------------------------

    def apply(self, window: Window) -> Changes:
        """Take one window and return what it changed; of one that is not behind `seq` nothing counts."""
        changes = Changes({})
        if window.seq <= self.seq:
            return changes
        prices = self.prices
        for symbol, price_e4 in window.references:
            prices[symbol] = price_e4
        for symbol, state in window.states:
            if state == self.halted.get(symbol, "trading"):
                continue  # a keyframe says again what is known
            self.halted[symbol] = state
            if state == "trading":
                del self.halted[symbol]
            changes.states.append((symbol, state))
        if window.feed != self.feed:
            self.sessions = AlwaysOpen() if window.feed in ALWAYS_OPEN_FEEDS else self.calendar
        self.speed, self.feed = window.speed, window.feed
        # `until` may stay the same text for hours; only a new state is news.
        changes.market_state = (window.state, window.presumed) != (self.state, self.presumed) or bool(window.switches)
        self.line = window.line
        self.state, self.until_ms, self.presumed = window.state, window.until_ms, window.presumed
        self._apply_quotes(window, changes.moved)
        self.seq = window.seq
        self.since = []
        if self._unsettled:
            self._unsettled = {symbol for symbol in self._unsettled if self.ahead[symbol].settle(window.seq)}
        return changes

    def take_calendar(self, calendar: Sessions) -> None:
        """Take the market's days as an operator has changed them; what is made up has hours of its own."""
        if self.sessions is self.calendar:
            self.sessions = calendar
        self.calendar = calendar

    def _apply_quotes(self, window: Window, moved: dict[str, MovedBar]) -> None:
        """Bring the newest values up; what an instrument's newest bar has already is passed over."""
        quotes, prices, seq = self.quotes, self.prices, window.seq
        day = exchange_day(start_ms(seq)).isoformat()
        for symbol, price_e4 in window.previous:
            quote = quotes.get(symbol)
            if quote is None:
                quote = quotes[symbol] = Running()
            if quote.seq < seq:
                quote.refer(price_e4, day)
        for symbol, price_e4 in window.references:
            if symbol not in quotes:  # its price is known, but not whether it is yesterday's
                quote = quotes[symbol] = Running()
                quote.refer(price_e4, day)
                quote.prev_close_e4 = 0
        for bar in window.bars:
            symbol = bar.symbol
            prices[symbol] = bar.close_e4
            moved[symbol] = bar
            quote = quotes.get(symbol)
            if quote is None:
                quote = quotes[symbol] = Running()
            if quote.seq < seq:
                quote.add(bar, seq, day)
        for symbol, of_seq, volume, turnover_e4 in window.corrections:
            if (quote := quotes.get(symbol)) is not None and quote.seq <= seq:
                quote.correct(volume, turnover_e4, exchange_day(start_ms(of_seq)).isoformat())
        for symbol, state in window.states:
            if symbol not in quotes:
                quotes[symbol] = Running()  # of one that has never traded no price is known
            quotes[symbol].say(state)

    def apply_events(self, trades: Sequence[Print], books: Sequence[Book], *, past: bool = False) -> None:
        """Take what the source told beside its bars, in the order of its telling.

        Args:
            past: it was told before the window `seq`, whose sums have it.
        """
        kept, ahead = self.trades, self.ahead
        for trade in trades:
            symbol = trade.symbol
            of_symbol = kept.get(symbol)
            if of_symbol is None:
                of_symbol = kept[symbol] = deque(maxlen=TRADES_KEPT)
                ahead[symbol] = ahead.get(symbol) or Ahead()
                self.quotes.setdefault(symbol, Running())  # told before its first window
            of_symbol.append(trade)
            if not past:
                ahead[symbol].trade(trade)
                self._unsettled.add(symbol)
        for book in books:
            symbol = book.symbol
            self.books[symbol] = book
            if symbol not in ahead:
                ahead[symbol] = Ahead()
                self.quotes.setdefault(symbol, Running())
            ahead[symbol].show(book)
        if not past:
            self.since.append(Events(list(trades), list(books)))

    def newest(self, symbol: str) -> Newest | None:
        """Return an instrument's newest bar, and its day as of now; None where it is not carried."""
        quote, ahead = self.quotes.get(symbol), self.ahead.get(symbol)
        if quote is None:
            return None
        return quote.newest() if ahead is None else ahead.day(quote.newest())

    def last_e4(self, symbol: str) -> int:
        """Return an instrument's last price as of now; 0 where none is known."""
        quote, ahead = self.quotes.get(symbol), self.ahead.get(symbol)
        if quote is None:
            return 0
        return quote.bar.close_e4 if ahead is None else ahead.last_e4(quote.newest())

    # -- bars of longer intervals ------------------------------------------------------------------------------------

    def hold(self, symbol: str, interval: str) -> IntervalBar:
        """Keep a bar in formation for one more holder."""
        bar = self.interval_bars.get((symbol, interval))
        if bar is None:
            bar = self.interval_bars[symbol, interval] = IntervalBar(symbol, interval)
        bar.holders += 1
        return bar

    def let_go(self, symbol: str, interval: str) -> None:
        """Forget a bar when its last holder lets it go."""
        bar = self.interval_bars[symbol, interval]
        bar.holders -= 1
        if not bar.holders:
            del self.interval_bars[symbol, interval]

    def minute_of(self, window: Window) -> tuple[int | None, bool]:
        """Return the minute that a window's bars belong to, and whether the market is over for the day."""
        over = window.finished or window.state == "closed"
        return (None if over else self.sessions.minute_of(window.seq)), over

    def form(self, window: Window, moved: Mapping[str, MovedBar]) -> dict[tuple[str, str], FormedParts]:
        """Take one window into the bars in formation; return what each has to tell, by symbol and interval."""
        formed: dict[tuple[str, str], FormedParts] = {}
        minute, over = self.minute_of(window)
        for key, bar in self.interval_bars.items():
            builder = bar.builder
            if builder is None:
                continue  # it is being read out of the stream
            part = moved.get(bar.symbol) if window.seq > builder.through else None
            if parts := builder.take(minute, part, over=over):
                formed[key] = parts
        return formed
