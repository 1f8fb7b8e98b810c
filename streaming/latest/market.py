"""One market as far as this process has read it: newest prices and days, best orders, trades, and bars in formation.

Windows and events are applied in their order, each once; the hub makes frames of what `apply` returns, and REST reads
through `streaming.latest.quotes`. Prices are ten-thousandths of the trading currency, instants epoch milliseconds.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Sessions, exchange_day
from streaming.domain.intervals import FormedBar, Forming
from streaming.domain.ticks import Snapshot
from streaming.domain.windows import start_ms
from streaming.records.newest import Running
from streaming.records.window import Book, MovedBar, Newest, Print, Window

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
        self.events_seq = 0  # the window whose events were taken last
        self.state = "no_feed"
        self.until_ms: int | None = None
        self.speed = 1.0
        self.feed = ""
        self.calendar: Sessions = AlwaysOpen()  # the market's own
        self.sessions: Sessions = AlwaysOpen()  # of the feed that runs
        self.prices: dict[str, int] = {}  # as of `seq`: what a flat shows
        self.halted: dict[str, str] = {}  # symbol -> state of those that do not trade, as of `seq`
        self.quotes: dict[str, Running] = {}  # newest bar and day; at the start of a stream it may be ahead of `seq`
        self.books: dict[str, Book] = {}
        self.trades: dict[str, deque[Print]] = {}
        self.interval_bars: dict[tuple[str, str], IntervalBar] = {}  # by symbol and interval
        self.snapshots: dict[str, tuple[tuple[Newest, Book | None, Print | None], Snapshot]] = {}  # made, by what of

    def begin(self, epoch: str, newest: Mapping[str, Newest], calendar: Sessions, *, from_start: bool) -> None:
        """Take a stream that was opened, or a new epoch of it: nothing of before counts.

        Args:
            newest: every instrument's newest values as the store has them.
            from_start: the stream will be read from its first window, so `prices` come with its windows; the store's
                are of a time that has not been come to yet.
        """
        self.epoch, self.seq, self.events_seq, self.calendar = epoch, 0, 0, calendar
        known = {} if from_start else newest
        self.prices = {symbol: bar.close_e4 for symbol, bar in known.items() if bar.close_e4}
        self.halted = {symbol: bar.state for symbol, bar in known.items() if bar.state != "trading"}
        self.quotes = {symbol: Running(row) for symbol, row in newest.items()}
        self.trades, self.books, self.snapshots = {}, {}, {}
        for bar in self.interval_bars.values():
            bar.builder = None

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
        changes.market_state = window.state != self.state
        self.state, self.until_ms = window.state, window.until_ms
        self._apply_quotes(window, changes.moved)
        self.seq = window.seq
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

    def apply_events(self, trades: Iterable[Print], books: Iterable[Book]) -> None:
        """Take what the source told beside its bars, in the order of its telling."""
        kept = self.trades
        for trade in trades:
            of_symbol = kept.get(trade.symbol)
            if of_symbol is None:
                of_symbol = kept[trade.symbol] = deque(maxlen=TRADES_KEPT)
            of_symbol.append(trade)
        for book in books:
            self.books[book.symbol] = book
            quote = self.quotes.get(book.symbol)
            if quote is not None and quote.day_volume < book.volume:
                quote.tell(book)

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
