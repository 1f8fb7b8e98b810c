"""What a replay sends beside the bars of windows: trades, quotes and depth out of their stream, bars in formation.

Everything is made window by window, as it was sent live: what was told before a window closed, then the bars with it.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable
from typing import Any

import msgspec

from kernel import keyspace
from streaming.domain.calendar import AlwaysOpen
from streaming.domain.intervals import DAYS, Forming, opening_of
from streaming.domain.windows import end_ms, seq_of
from streaming.hub.market_track import cut_book
from streaming.latest.market import LatestMarket
from streaming.records.events import Events, unpack_events
from streaming.records.window import CHUNK_WINDOWS, WINDOW_MS, Window, chunk_of
from streaming.store.readable import say_once
from streaming.wire.channels import EVENTS, WINDOW, Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import framed

_KEPT = 4  # pieces of events, decoded; those who resume together read the same
_AUCTION_MS = 35 * 60_000  # the opening's auction counts in its first minute


def first_seq_of(interval: str, market: LatestMarket, after: int) -> int | None:
    """Return the window from which a bar that is being formed at `after` is folded; None where the stream cannot."""
    if interval in DAYS:
        return None  # a day is the exchange's sums, and weeks and months are days
    minute = market.sessions.minute_of(after)
    if minute is None:
        return after
    sessions = not isinstance(market.sessions, AlwaysOpen)
    opened_ms = opening_of(minute, interval, sessions=sessions)
    return seq_of(opened_ms - (_AUCTION_MS if sessions else 0))


class EventPieces:
    """One market's events by window, piece by piece."""

    def __init__(self, market: LatestMarket) -> None:
        self._market = market
        self._pieces: OrderedDict[tuple[str, int], tuple[int, dict[int, list[Events]]]] = OrderedDict()

    async def piece(self, client: Any, number: int) -> tuple[int, dict[int, list[Events]]]:
        """Return up to which window a piece is complete, and its events by the window that closed next.

        They are written before that window, so where the hub has sent it they are there.

        Raises:
            redis.RedisError: the store is away.
        """
        key, last = (self._market.epoch, number), (number + 1) * CHUNK_WINDOWS - 1
        through, events = self._pieces.setdefault(key, (number * CHUNK_WINDOWS - 1, {}))
        self._pieces.move_to_end(key)
        there = min(self._market.seq, last)
        if through < there:
            stream = keyspace.events(self._market.name, key[0])
            for entry_id, fields in await client.xrange(stream, min=f"({end_ms(through)}-0", max=f"{end_ms(there)}-0"):
                try:
                    events.setdefault(next_window_of(entry_id), []).append(unpack_events(fields[b"e"]))
                except (KeyError, msgspec.MsgspecError) as error:
                    say_once(f"events of market {self._market.name}", error)
            through = there
            self._pieces[key] = through, events
        while len(self._pieces) > _KEPT:
            self._pieces.popitem(last=False)
        return through, events

    def forget(self) -> None:
        """Give the memory back: nobody resumes."""
        self._pieces.clear()


def next_window_of(entry_id: bytes) -> int:
    """Return the window that closed next after an entry of the events was written."""
    return int(entry_id.split(b"-")[0]) // WINDOW_MS + 1


def event_frames(told: Iterable[Events], channels: Iterable[Channel], dialect: Dialect) -> list[bytes]:
    """Return the frames of what was told before one window, for some channels: entry by entry, as it was told."""
    return [framed(text) for events in told for text in _texts(events, channels, dialect) if text]


def _texts(events: Events, channels: Iterable[Channel], dialect: Dialect) -> list[str]:
    texts: list[str] = []
    for channel in channels:
        symbol, shown = str(channel.instrument), dialect.shown(channel)
        books = [one for one in events.books if one.symbol == symbol]
        if channel.kind == "tick":
            book = books[-1] if books else None
            texts += [dialect.tick(shown, one, book) for one in events.prints if one.symbol == symbol]
        elif channel.kind == "quote":
            texts += [dialect.quote(shown, one) for one in books]
        else:
            texts += [dialect.depth(shown, cut_book(one, channel.rows)) for one in books]
    return texts


class FormedAgain:
    """One replay's bars of longer intervals, formed again from the window in which the earliest of them opened."""

    def __init__(self, market: LatestMarket, channels: Iterable[Channel], after: int) -> None:
        self._market, self._after = market, after
        sessions = not isinstance(market.sessions, AlwaysOpen)
        self.forming = {channel: Forming(channel.kind, sessions=sessions) for channel in channels}
        firsts = [first_seq_of(channel.kind, market, after) for channel in self.forming]
        self.came_to = min((first for first in firsts if first is not None), default=after + 1) - 1

    async def catch_up(self, windows_of: Any) -> None:
        """Fold what lies before the replay; `windows_of` returns the segment of a piece."""
        while self.came_to < self._after:
            number = chunk_of(self.came_to + 1)
            segment = await windows_of(number)
            for window in segment.windows(after=self.came_to):
                if window.seq > self._after:
                    break
                self._take(window)
            self.came_to = min(self._after, (number + 1) * CHUNK_WINDOWS - 1)

    def frames(self, window: Window, channels: Container[Channel], dialect: Dialect) -> list[bytes]:
        """Take the next window and return what is told with it to who still follows these."""
        self.came_to = window.seq
        return [
            framed(dialect.formed(dialect.shown(channel), channel.kind, window.seq, bar, final=final))
            for channel, told in self._take(window)
            if channel in channels
            for bar, final in told
        ]

    def _take(self, window: Window) -> list[tuple[Channel, list[Any]]]:
        minute, over = self._market.minute_of(window)
        moved = {bar.symbol: bar for bar in window.bars}
        return [
            (channel, told)
            for channel, one in self.forming.items()
            if (told := one.take(minute, moved.get(str(channel.instrument)), over=over))
        ]


def split(channels: Iterable[Channel]) -> tuple[tuple[Channel, ...], tuple[Channel, ...], tuple[Channel, ...]]:
    """Return (bars of windows, events, bars in formation)."""
    channels = tuple(channels)
    return (
        tuple(one for one in channels if one.kind == WINDOW),
        tuple(one for one in channels if one.kind in EVENTS),
        tuple(one for one in channels if one.kind != WINDOW and one.kind not in EVENTS),
    )
