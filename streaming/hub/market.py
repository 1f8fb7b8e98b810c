"""One lane in one process: what the market's state is, what each instrument last cost, and the frames of a window."""

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import astuple

from kernel import clock
from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Sessions
from streaming.domain.intervals import Forming
from streaming.records.window import Book, Newest, Print, Window
from streaming.wire.channels import EVENTS, WINDOW, Channel
from streaming.wire.dialect import BarEncoder, Dialect, dialects
from streaming.wire.framing import HEADS, MOST_HEADS, framed, text_frame


class News:
    """One piece of news for every language; `symbol` None is the whole market's. A frame is made when one asks."""

    __slots__ = ("_frames", "_tell", "symbol")

    def __init__(self, symbol: str | None, tell: Callable[[Dialect], str]) -> None:
        self.symbol, self._tell = symbol, tell
        self._frames: dict[Dialect, bytes] = {}

    def frame(self, dialect: Dialect) -> bytes:
        """Return the news in a language; b"" where it has no word for it."""
        frame = self._frames.get(dialect)
        if frame is None:
            frame = self._frames[dialect] = framed(self._tell(dialect))
        return frame


class Track:
    """One channel's place in a lane: its number in the list of frames, and how many groups take it."""

    __slots__ = (
        "channel", "dialect", "fill", "forming", "groups", "kind", "last", "number", "plain", "shown", "stamp",
        "symbol",
    )  # fmt: skip

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel, self.number = channel, number
        self.symbol, self.kind = str(channel.instrument), channel.kind
        self.dialect = dialects()[channel.dialect]
        self.shown = self.dialect.shown(channel)
        self.plain = self.shown == self.symbol
        self.fill, self.stamp = channel.fill, channel.stamp
        self.groups = 0
        self.last = b""  # newest frame, for who was slow
        self.forming: Forming | None = None


class Lane:
    """What the hub knows of one lane."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.seq = 0
        self.state = "no_feed"
        self.until_ms: int | None = None
        self.speed = 1.0
        self.feed = ""
        self.heard_at = 0.0  # monotonic
        self.calendar: Sessions = AlwaysOpen()  # the market's own; its reader brings it
        self.sessions: Sessions = AlwaysOpen()  # of the feed that runs
        self.prices: dict[str, int] = {}  # symbol -> last price_e4; what a flat shows
        self.halted: set[str] = set()
        self._tracks: dict[Channel, Track] = {}
        self.by_number: list[Track] = []  # a number is never given to another channel
        self.bars: dict[int, Track] = {}  # those that somebody follows, by number: bars of windows,
        self.intervals: dict[int, Track] = {}  # bars that are being formed,
        self.events: dict[int, Track] = {}  # quotes, trades and depth
        self.books: dict[str, Book] = {}  # newest pictures; in a node the board's own

    # -- who follows what ------------------------------------------------------------------------------------------

    def take(self, channel: Channel) -> Track:
        """Count one more group for a channel and return its track."""
        track = self._tracks.get(channel)
        if track is None:
            track = self._tracks[channel] = Track(channel, len(self.by_number))
            self.by_number.append(track)
        track.groups += 1
        self._followed(track)[track.number] = track
        return track

    def give_back(self, channel: Channel) -> None:
        track = self._tracks[channel]
        track.groups -= 1
        if not track.groups:
            del self._followed(track)[track.number]
            track.forming, track.last = None, b""

    def track(self, channel: Channel) -> Track | None:
        return self._tracks.get(channel)

    def followed(self) -> int:
        """Return how many channels somebody follows."""
        return len(self.bars) + len(self.intervals) + len(self.events)

    def _followed(self, track: Track) -> dict[int, Track]:
        return self.bars if track.kind == WINDOW else self.events if track.kind in EVENTS else self.intervals

    # -- what ingest says ------------------------------------------------------------------------------------------

    def begin(self, epoch: str, newest: dict[str, Newest]) -> None:
        """A stream was opened, or a new epoch of it: take the newest prices as they are."""
        self.epoch, self.seq = epoch, 0
        self.prices = {symbol: bar.close_e4 for symbol, bar in newest.items() if bar.close_e4}
        self.halted = {symbol for symbol, bar in newest.items() if bar.state != "trading"}
        for track in self.intervals.values():
            track.forming = None

    def take_state(self, window: Window) -> list[News]:
        """Return what is news; it travels among the bars, behind those of the windows before."""
        notices: list[News] = []
        for symbol, price_e4 in window.references:
            self.prices[symbol] = price_e4
        for symbol, state in window.states:
            if (state == "trading") == (symbol not in self.halted):
                continue  # a keyframe says again what is known
            (self.halted.discard if state == "trading" else self.halted.add)(symbol)
            notices.append(News(symbol, lambda d, of=symbol, to=state: d.instrument_status(symbol=of, state=to)))  # type: ignore[misc]
        if window.feed != self.feed:
            self.sessions = AlwaysOpen() if window.feed in ALWAYS_OPEN_FEEDS else self.calendar
        self.speed, self.feed = window.speed, window.feed
        # `until` may stay the same text for hours; only a new state is news.
        changed = window.state != self.state
        self.state, self.until_ms = window.state, window.until_ms
        if changed and self.name != "TEST":
            notices.append(self.market_news())
        return notices

    def market_news(self) -> News:
        """Return the market's state as it is now."""
        now = {"market": self.name, "state": self.state, "until_ms": self.until_ms, "epoch": self.epoch}
        return News(None, lambda dialect: dialect.market_status(**now))  # type: ignore[arg-type]

    # -- frames ----------------------------------------------------------------------------------------------------

    def frames_of(self, window: Window) -> tuple[list[bytes], list[int]]:
        """Return one window's frames by channel number, and the numbers that have one."""
        prices = self.prices
        moved = {}
        for bar in window.bars:
            symbol = bar.symbol
            prices[symbol] = bar.close_e4
            moved[symbol] = bar
        if not (self.bars or self.intervals):
            return [], []
        frames, due = [b""] * len(self.by_number), []
        flats, halted = window.state == "open", self.halted
        dialect: Dialect | None = None
        encode: BarEncoder
        for number, track in self.bars.items():
            symbol = track.symbol
            if track.dialect is not dialect:
                dialect = track.dialect
                encode = dialect.bar_encoder(window.seq)
            if symbol in moved:
                fields = astuple(moved[symbol])
                text = encode(*fields) if track.plain else encode(track.shown, *fields[1:])
            elif flats and track.fill and symbol not in halted and (price := prices.get(symbol)):
                text = encode(track.shown, price, price, price, price, 0, 0)
            else:
                continue
            if track.stamp:
                text = dialect.stamped(text, closed_ms=window.made_ms, sent_ms=clock.now_ms())
            payload = text.encode()
            size = len(payload)
            frames[number] = HEADS[size] + payload if size < MOST_HEADS else text_frame(payload)
            due.append(number)
        if self.intervals:
            self._form(window, moved, frames, due)
        return frames, due

    def minute_of(self, window: Window) -> tuple[int | None, bool]:
        """Return the minute that a window's bars belong to, and whether the market is over for the day."""
        over = window.finished or window.state == "closed"
        return (None if over else self.sessions.minute_of(window.seq)), over

    def _form(self, window: Window, moved: dict, frames: list[bytes], due: list[int]) -> None:  # type: ignore[type-arg]
        minute, over = self.minute_of(window)
        for number, track in self.intervals.items():
            forming = track.forming
            if forming is None:
                continue  # it is being read out of the stream
            bar = moved.get(track.symbol) if window.seq > forming.through else None
            parts = forming.take(minute, bar, over=over)
            if parts:
                texts = [
                    track.dialect.formed(track.shown, track.kind, window.seq, bar, final=final) for bar, final in parts
                ]
                frames[number] = b"".join([framed(text) for text in texts])
                if frames[number]:
                    due.append(number)

    def formed_frame(self, track: Track) -> bytes:
        """Return how a bar of a longer interval stands; b"" where it has no trade yet."""
        if track.forming is None or track.forming.bar is None:
            return b""
        return framed(track.dialect.formed(track.shown, track.kind, self.seq, track.forming.bar, final=False))

    def event_frames(self, prints: Iterable[Print], books: Iterable[Book]) -> tuple[list[bytes], list[int]]:
        """Return the frames of quotes, trades and depth by channel number; a channel's own are joined."""
        of_symbol: dict[tuple[str, str], list[Track]] = {}
        for track in self.events.values():
            of_symbol.setdefault((track.symbol, track.kind), []).append(track)
        made: dict[int, list[bytes]] = {}
        for one in prints:
            for track in of_symbol.get((one.symbol, "tick"), ()):
                _add(made, track, track.dialect.tick(track.shown, one, self.books.get(one.symbol)))
        for book in books:
            for track in of_symbol.get((book.symbol, "quote"), ()):
                _add(made, track, track.dialect.quote(track.shown, book))
            for track in of_symbol.get((book.symbol, "depth"), ()):
                _add(made, track, track.dialect.depth(track.shown, _cut(book, track.channel.rows)))
        frames = [b""] * len(self.by_number)
        for number, parts in made.items():
            frames[number] = b"".join(parts)
        return frames, sorted(made)

    def newest_frame(self, channel: Channel) -> bytes:
        """Return the newest picture as a channel's follower hears it; b"" where none was told."""
        book, track = self.books.get(str(channel.instrument)), self._tracks.get(channel)
        if book is None or track is None:
            return b""
        if channel.kind == "quote":
            return framed(track.dialect.quote(track.shown, book))
        return framed(track.dialect.depth(track.shown, _cut(book, channel.rows))) if channel.kind == "depth" else b""


def _add(made: dict[int, list[bytes]], track: Track, text: str) -> None:
    if text:
        made.setdefault(track.number, []).append(text_frame(text.encode()))


def _cut(book: Book, rows: int) -> Book:
    """Return a picture with no more than so many orders a side; 0 is all."""
    if not rows or max(len(book.bids), len(book.asks)) <= rows:
        return book
    return msgspec.structs.replace(book, bids=book.bids[:rows], asks=book.asks[:rows])
