"""One lane in one process: what the market's state is, what each instrument last cost, and the frames of a window."""

from collections.abc import Callable, Iterable
from types import ModuleType

from kernel import clock
from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Sessions
from streaming.domain.intervals import Forming
from streaming.fanout.websocket import text_frame
from streaming.wire.channels import EVENTS, WINDOW, Channel
from streaming.wire.window import Book, Newest, Print, Window

Notice = tuple[str | None, bytes]  # (symbol whose followers hear it, frame); None: the whole market's


class Track:
    """One channel's place in a lane: its number in the list of frames, and how many groups take it."""

    __slots__ = ("channel", "forming", "groups", "kind", "last", "number", "symbol")

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel, self.number = channel, number
        self.symbol, self.kind = str(channel.instrument), channel.kind
        self.groups = 0
        self.last = b""  # newest frame, for who was slow
        self.forming: Forming | None = None


class Lane:
    """What the hub knows of one lane."""

    def __init__(self, name: str, dialect: ModuleType) -> None:
        self.name, self.dialect = name, dialect
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

    def take_state(self, window: Window) -> list[Notice]:
        """Return what is news; it travels among the bars, behind those of the windows before."""
        notices: list[Notice] = []
        for symbol, price_e4 in window.references:
            self.prices[symbol] = price_e4
        for symbol, state in window.states:
            if (state == "trading") == (symbol not in self.halted):
                continue  # a keyframe says again what is known
            (self.halted.discard if state == "trading" else self.halted.add)(symbol)
            notices.append((symbol, text_frame(self.dialect.instrument_status(symbol=symbol, state=state).encode())))
        if window.feed != self.feed:
            self.sessions = AlwaysOpen() if window.feed in ALWAYS_OPEN_FEEDS else self.calendar
        self.speed, self.feed = window.speed, window.feed
        # `until` may stay the same text for hours; only a new state is news.
        changed = window.state != self.state
        self.state, self.until_ms = window.state, window.until_ms
        if changed and self.name != "TEST":
            notices.append((None, self.market_frame()))
        return notices

    def market_frame(self) -> bytes:
        text = self.dialect.market_status(
            market=self.name, state=self.state, until_ms=self.until_ms, epoch=self.epoch
        )  # fmt: skip
        return text_frame(text.encode())

    # -- frames ----------------------------------------------------------------------------------------------------

    def frames_of(self, window: Window) -> tuple[list[bytes], list[int]]:
        """Return one window's frames by channel number, and the numbers that have one."""
        prices = self.prices
        moved = {}
        for bar in window.bars:
            prices[bar.symbol] = bar.close_e4
            moved[bar.symbol] = bar
        if not (self.bars or self.intervals):
            return [], []
        frames, due = [b""] * len(self.by_number), []
        flats, halted = window.state == "open", self.halted
        encode: Callable[..., str] = self.dialect.bar_encoder(window.seq)
        for number, track in self.bars.items():
            symbol = track.symbol
            if (traded := moved.get(symbol)) is not None:
                text = encode(
                    symbol, traded.open_e4, traded.high_e4, traded.low_e4, traded.close_e4, traded.volume,
                    traded.turnover_e4,
                )  # fmt: skip
            elif flats and track.channel.fill and symbol not in halted and (price := prices.get(symbol)):
                text = encode(symbol, price, price, price, price, 0, 0)
            else:
                continue
            if track.channel.stamp:
                text = self.dialect.stamped(text, closed_ms=window.made_ms, sent_ms=clock.now_ms())
            frames[number] = text_frame(text.encode())
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
                    self.dialect.formed(track.symbol, track.kind, window.seq, bar, final=final) for bar, final in parts
                ]
                frames[number] = b"".join([text_frame(text.encode()) for text in texts])
                due.append(number)

    def formed_frame(self, track: Track) -> bytes:
        """Return how a bar of a longer interval stands; b"" where it has no trade yet."""
        if track.forming is None or track.forming.bar is None:
            return b""
        text = self.dialect.formed(track.symbol, track.kind, self.seq, track.forming.bar, final=False)
        return text_frame(text.encode())

    def event_frames(self, prints: Iterable[Print], books: Iterable[Book]) -> tuple[list[bytes], list[int]]:
        """Return the frames of quotes, trades and depth by channel number; a channel's own are joined."""
        of_symbol: dict[tuple[str, str], list[int]] = {}
        for number, track in self.events.items():
            of_symbol.setdefault((track.symbol, track.kind), []).append(number)
        made: dict[int, list[bytes]] = {}

        def add(symbol: str, kind: str, text: Callable[[], str]) -> None:
            numbers = of_symbol.get((symbol, kind))
            if numbers:
                frame = text_frame(text().encode())
                for number in numbers:
                    made.setdefault(number, []).append(frame)

        for one in prints:
            add(one.symbol, "tick", lambda one=one: self.dialect.tick(one))  # type: ignore[misc]
        for book in books:
            add(book.symbol, "quote", lambda book=book: self.dialect.quote(book))  # type: ignore[misc]
            add(book.symbol, "depth", lambda book=book: self.dialect.depth(book))  # type: ignore[misc]
        frames = [b""] * len(self.by_number)
        for number, parts in made.items():
            frames[number] = b"".join(parts)
        return frames, sorted(made)
