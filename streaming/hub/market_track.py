"""One market's channels in one process: who follows what, and the frames of a window, each encoded once."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec.structs import astuple

from kernel import clock
from streaming.latest.market import Changes, FormedParts, IntervalBar, LatestMarket
from streaming.records.window import Book, MovedBar, Print, Window
from streaming.wire.channels import EVENTS, WINDOW, Channel
from streaming.wire.dialect import BarEncoder, Dialect
from streaming.wire.framing import HEADS, MOST_HEADS, framed, text_frame

Frames = tuple[list[bytes], list[int]]  # by channel number, b"" where there is none; and the numbers that have one


class Notice:
    """One piece of news for every dialect; `symbol` None is the whole market's. A frame is made when one asks."""

    __slots__ = ("_frames", "_text_in", "symbol")

    def __init__(self, symbol: str | None, text_in: Callable[[Dialect], str]) -> None:
        self.symbol, self._text_in = symbol, text_in
        self._frames: dict[Dialect, bytes] = {}

    def frame(self, dialect: Dialect) -> bytes:
        """Return the news in a dialect; b"" where it has no word for it."""
        frame = self._frames.get(dialect)
        if frame is None:
            frame = self._frames[dialect] = framed(self._text_in(dialect))
        return frame


class ChannelSlot:
    """One channel's place in a market: its number in the list of frames, and how many groups take it."""

    __slots__ = (
        "channel", "dialect", "fill", "groups", "interval_bar", "kind", "last", "number", "plain", "shown", "stamp",
        "symbol",
    )  # fmt: skip

    def __init__(self, channel: Channel, dialect: Dialect, number: int) -> None:
        self.channel, self.number = channel, number
        self.symbol, self.kind = str(channel.instrument), channel.kind
        self.dialect, self.shown = dialect, dialect.shown(channel)
        self.plain = self.shown == self.symbol
        self.fill, self.stamp = channel.fill, channel.stamp
        self.groups = 0
        self.last = b""  # newest frame, for who was slow
        self.interval_bar: IntervalBar | None = None  # of a longer interval while somebody follows it


class MarketTrack:
    """The channels of one market that somebody follows.

    Args:
        latest: what is known of the market; asked for prices, never written but by holding its interval bars.
        dialects: the languages by name, which channels are of.
    """

    def __init__(self, latest: LatestMarket, dialects: Mapping[str, Dialect]) -> None:
        self.latest, self.name, self._dialects = latest, latest.name, dialects
        self._slots: dict[Channel, ChannelSlot] = {}
        self.by_number: list[ChannelSlot] = []  # a number is never given to another channel
        self.published: list[int] = []  # how many bars of windows each number had so far,
        self.late: list[int] = []  # and how many of them left late
        self.bars: dict[int, ChannelSlot] = {}  # those that somebody follows, by number: bars of windows,
        self.intervals: dict[int, ChannelSlot] = {}  # bars that are being formed,
        self.events: dict[int, ChannelSlot] = {}  # quotes, trades and depth;
        self._of_symbol: dict[tuple[str, str], dict[ChannelSlot, None]] = {}  # these by symbol and kind

    # -- who follows what ------------------------------------------------------------------------------------------

    def acquire(self, channel: Channel) -> ChannelSlot:
        """Count one more group for a channel and return its slot."""
        slot = self._slots.get(channel)
        if slot is None:
            dialect = self._dialects[channel.dialect]
            slot = self._slots[channel] = ChannelSlot(channel, dialect, len(self.by_number))
            self.by_number.append(slot)
            self.published.append(0)
            self.late.append(0)
        slot.groups += 1
        followed = self._followed(slot)
        if followed is self.intervals and slot.interval_bar is None:
            slot.interval_bar = self.latest.hold(slot.symbol, slot.kind)
        followed[slot.number] = slot
        if followed is self.events:
            self._of_symbol.setdefault((slot.symbol, slot.kind), {})[slot] = None
        return slot

    def give_back(self, channel: Channel) -> None:
        """Count one group less."""
        slot = self._slots[channel]
        slot.groups -= 1
        if not slot.groups:
            del self._followed(slot)[slot.number]
            if slot.kind in EVENTS:
                of_symbol = self._of_symbol[slot.symbol, slot.kind]
                del of_symbol[slot]
                if not of_symbol:
                    del self._of_symbol[slot.symbol, slot.kind]
            if slot.interval_bar is not None:
                self.latest.let_go(slot.symbol, slot.kind)
            slot.interval_bar, slot.last = None, b""

    def slot(self, channel: Channel) -> ChannelSlot | None:
        """Return a channel's slot; None where nobody has ever followed it."""
        return self._slots.get(channel)

    def slots_of(self, bar: IntervalBar) -> list[ChannelSlot]:
        """Return the slots that show a bar in formation."""
        return [slot for slot in self.intervals.values() if slot.interval_bar is bar]

    def followed(self) -> int:
        """Return how many channels somebody follows."""
        return len(self.bars) + len(self.intervals) + len(self.events)

    def _followed(self, slot: ChannelSlot) -> dict[int, ChannelSlot]:
        return self.bars if slot.kind == WINDOW else self.events if slot.kind in EVENTS else self.intervals

    # -- news --------------------------------------------------------------------------------------------------------

    def notices(self, changes: Changes) -> list[Notice]:
        """Return what of a window is news; it travels among the bars, behind those of the windows before."""
        notices: list[Notice] = []
        for symbol, state in changes.states:
            notices.append(Notice(symbol, lambda d, of=symbol, to=state: d.instrument_status(symbol=of, state=to)))  # type: ignore[misc]
        if changes.market_state and self.name != "TEST":
            notices.append(self.market_notice())
        return notices

    def market_notice(self) -> Notice:
        """Return the market's state as it is now."""
        latest = self.latest
        now = {"state": latest.state, "until_ms": latest.until_ms, "epoch": latest.epoch, "line": latest.line}
        now |= {"presumed": latest.presumed, "feed": latest.feed}
        return Notice(None, lambda dialect: dialect.market_status(market=self.name, **now))  # type: ignore[arg-type]

    # -- frames ----------------------------------------------------------------------------------------------------

    def frames_of(self, window: Window, moved: Mapping[str, MovedBar]) -> Frames:
        """Return one window's frames; `latest` has applied it already."""
        latest = self.latest
        formed = latest.form(window, moved) if latest.interval_bars else {}
        if not (self.bars or self.intervals):
            return [], []
        prices, halted, published = latest.prices, latest.halted, self.published
        frames, due = [b""] * len(self.by_number), []
        flats = window.has_flats
        dialect: Dialect | None = None
        encode: BarEncoder
        for number, slot in self.bars.items():
            symbol = slot.symbol
            if slot.dialect is not dialect:
                dialect = slot.dialect
                encode = dialect.bar_encoder(window.seq)
            if symbol in moved:
                fields = astuple(moved[symbol])
                text = encode(*fields) if slot.plain else encode(slot.shown, *fields[1:])
            elif flats and slot.fill and symbol not in halted and (price := prices.get(symbol)):
                text = encode(slot.shown, price, price, price, price, 0, 0)
            else:
                continue
            if not text:
                continue  # a language without a word for bars
            if slot.stamp:
                text = dialect.stamped(text, closed_ms=window.made_ms, sent_ms=clock.now_ms())
            payload = text.encode()
            size = len(payload)
            frames[number] = HEADS[size] + payload if size < MOST_HEADS else text_frame(payload)
            due.append(number)
            published[number] += 1
        if formed:
            self._add_formed(window.seq, formed, frames, due)
        return frames, due

    def _add_formed(
        self, seq: int, formed: Mapping[tuple[str, str], FormedParts], frames: list[bytes], due: list[int]
    ) -> None:
        for number, slot in self.intervals.items():
            parts = formed.get((slot.symbol, slot.kind))
            if parts:
                texts = [slot.dialect.formed(slot.shown, slot.kind, seq, bar, final=final) for bar, final in parts]
                frames[number] = b"".join([framed(text) for text in texts])
                if frames[number]:
                    due.append(number)

    def formed_frame(self, slot: ChannelSlot) -> bytes:
        """Return how a bar of a longer interval stands; b"" where it has no trade yet."""
        builder = slot.interval_bar.builder if slot.interval_bar is not None else None
        if builder is None or builder.bar is None:
            return b""
        return framed(slot.dialect.formed(slot.shown, slot.kind, self.latest.seq, builder.bar, final=False))

    def event_frames(self, trades: Iterable[Print], books: Iterable[Book]) -> dict[int, bytes]:
        """Return the frames of quotes, trades and depth by channel number; a channel's own are joined.

        `latest` has applied them.
        """
        of_symbol = self._of_symbol
        made: dict[int, list[bytes]] = {}
        for trade in trades:
            for slot in of_symbol.get((trade.symbol, "tick"), ()):
                _add(made, slot, slot.dialect.tick(slot.shown, trade, self.latest.books.get(trade.symbol)))
        for book in books:
            for slot in of_symbol.get((book.symbol, "quote"), ()):
                _add(made, slot, slot.dialect.quote(slot.shown, book))
            for slot in of_symbol.get((book.symbol, "depth"), ()):
                _add(made, slot, slot.dialect.depth(slot.shown, cut_book(book, slot.channel.rows)))
        return {number: b"".join(parts) for number, parts in made.items()}

    def newest_frame(self, channel: Channel) -> bytes:
        """Return the newest quote or depth as a channel's follower hears it; b"" where none was told."""
        book, slot = self.latest.books.get(str(channel.instrument)), self._slots.get(channel)
        if book is None or slot is None:
            return b""
        if channel.kind == "quote":
            return framed(slot.dialect.quote(slot.shown, book))
        return framed(slot.dialect.depth(slot.shown, cut_book(book, channel.rows))) if channel.kind == "depth" else b""


def _add(made: dict[int, list[bytes]], slot: ChannelSlot, text: str) -> None:
    if text:
        made.setdefault(slot.number, []).append(text_frame(text.encode()))


def cut_book(book: Book, rows: int) -> Book:
    """Return a picture with no more than so many orders a side; 0 is all."""
    if not rows or max(len(book.bids), len(book.asks)) <= rows:
        return book
    return msgspec.structs.replace(book, bids=book.bids[:rows], asks=book.asks[:rows])
