"""A market's windows of the last 72 h as a resuming client needs them: by pieces that begin with every price.

The first window of a piece is a keyframe, so flats can be made anywhere without reading further back. The newest few
pieces stay in memory as they were packed; a channel's frames of a piece are encoded once, for all who ask together.
"""

import bisect
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from kernel import keyspace
from streaming.hub.fairness import Timeslice
from streaming.latest.market import LatestMarket
from streaming.records.versions import UnknownVersion
from streaming.records.window import CHUNK_WINDOWS, WINDOW_MS, Window, chunk_of, end_ms, unpack_window
from streaming.store.readable import say_once
from streaming.wire.channels import Channel
from streaming.wire.dialect import BarEncoder, Dialect
from streaming.wire.framing import framed

_KEPT = 16  # pieces; a market of 5,000 busy names packs 5 MB into one
_KEPT_FRAMES = 120_000  # encoded frames of all pieces, 30 MB; beyond it they are made again
_ATTEMPTS = 20


class Segment:
    """One piece. It grows while it is the newest one."""

    def __init__(self, number: int, dialects: Mapping[str, Dialect]) -> None:
        self.number, self._dialects = number, dialects
        self.seqs: list[int] = []
        self.whole = False  # its first window names every price
        self._packed: list[bytes] = []
        self._encodings: dict[Channel, _Encoding] = {}

    @property
    def last_seq(self) -> int:
        """The newest window of the segment; 0 where it has none."""
        return self.seqs[-1] if self.seqs else 0

    def append(self, seq: int, packed: bytes) -> None:
        """Take the next window; one that is here already is passed over.

        Raises:
            UnknownVersion: another release has written it.
        """
        if seq <= self.last_seq:
            return
        if packed[:1] != Window.VERSION:  # the rest is read when frames are made
            raise UnknownVersion("Window", packed[0] if packed else None)
        if not self.seqs:
            self.whole = unpack_window(packed).keyframe
        self.seqs.append(seq)
        self._packed.append(packed)

    def windows(self, after: int) -> Iterator[Window]:
        """Yield the windows behind `after` that are here now; what comes meanwhile is for the next call."""
        return (unpack_window(packed) for packed in self._packed[self.index_after(after) :])

    def index_after(self, seq: int) -> int:
        """Return the place of the first window behind `seq`."""
        return bisect.bisect_right(self.seqs, seq)

    def frames(self, channel: Channel) -> list[bytes]:
        """Return a channel's frame of each window that `encode` has come to, b"" where it is due none."""
        return self._encodings[channel].frames

    def lacks(self, channels: Collection[Channel]) -> list[Channel]:
        """Return the channels whose frames are not all made."""
        count = len(self.seqs)
        return [one for one in channels if one not in self._encodings or len(self._encodings[one].frames) < count]

    def forget_frames(self) -> int:
        """Drop what was encoded and return how many frames that were."""
        count = sum(len(encoding.frames) for encoding in self._encodings.values())
        self._encodings.clear()
        return count

    async def encode(self, channels: Collection[Channel]) -> int:
        """Make the frames of some channels as far as the piece goes and return how many were made.

        The windows before are not decoded again; others get their turn in between.
        """
        encodings = [
            self._encodings.setdefault(channel, _Encoding(channel, self._dialects[channel.dialect]))
            for channel in channels
        ]
        made, slices = 0, Timeslice()
        place = min((len(encoding.frames) for encoding in encodings), default=0)
        while place < len(self._packed):
            window = unpack_window(self._packed[place])
            moved = {bar.symbol: bar for bar in window.bars}
            prices, states = dict(window.references), dict(window.states)
            encoders: dict[Dialect, BarEncoder] = {}
            for encoding in encodings:
                if len(encoding.frames) == place:
                    encode = encoders.get(encoding.dialect)
                    if encode is None:
                        encode = encoders[encoding.dialect] = encoding.dialect.bar_encoder(window.seq)
                    encoding.frames.append(encoding.frame(window, moved, prices, states, encode))
                    made += 1
            place += 1
            await slices.checkpoint()
        return made


class _Encoding:
    """One channel's way through a piece."""

    __slots__ = ("channel", "dialect", "fill", "frames", "halted", "price", "shown", "symbol")

    def __init__(self, channel: Channel, dialect: Dialect) -> None:
        self.channel, self.symbol, self.fill = channel, str(channel.instrument), channel.fill
        self.dialect, self.shown = dialect, dialect.shown(channel)
        self.frames: list[bytes] = []
        self.price, self.halted = 0, False

    def frame(
        self,
        window: Window,
        moved: dict[str, Any],
        prices: dict[str, int],
        states: dict[str, str],
        encode: BarEncoder,
    ) -> bytes:
        symbol = self.symbol
        self.price = prices.get(symbol, self.price)
        if symbol in states:
            self.halted = states[symbol] != "trading"
        bar = moved.get(symbol)
        if bar is not None:
            self.price = bar.close_e4
            text = encode(self.shown, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4)
        elif window.has_flats and self.fill and self.price and not self.halted:
            text = encode(self.shown, self.price, self.price, self.price, self.price, 0, 0)
        else:
            return b""
        return framed(text)


class WindowCache:
    """The segments of one market that somebody asked for, the newest asked last."""

    def __init__(self, market: LatestMarket, dialects: Mapping[str, Dialect]) -> None:
        self._market, self._dialects = market, dialects
        self._epoch = ""
        self._segments: OrderedDict[int, Segment] = OrderedDict()
        self._made = 0

    def add(self, seq: int, packed: bytes) -> None:
        """Take what is being sent: the newest piece, where it is in memory, stays complete by itself."""
        segment = self._segments.get(chunk_of(seq))
        if segment is not None and self._epoch == self._market.epoch:
            segment.append(seq, packed)

    async def segment(self, client: Any, number: int) -> Segment:
        """Return a piece with every window up to the hub's own.

        Raises:
            redis.RedisError: the store is away.
        """
        if self._epoch != self._market.epoch:
            self._segments.clear()
            self._epoch, self._made = self._market.epoch, 0
        epoch, segment = self._epoch, self._segments.get(number)
        if segment is not None:
            self._segments.move_to_end(number)
            return segment
        segment = Segment(number, self._dialects)
        for _ in range(_ATTEMPTS):
            over = chunk_of(self._market.seq) > number  # nothing will be added any more
            await self._read(client, segment)
            if epoch != self._market.epoch:
                return Segment(number, self._dialects)
            if over or segment.last_seq >= self._market.seq:
                break
        self._segments[number] = segment
        while len(self._segments) > _KEPT:
            _, dropped = self._segments.popitem(last=False)
            self._made -= dropped.forget_frames()
        return segment

    async def encoded(self, client: Any, number: int, channels: Collection[Channel], all_wanted: Any) -> Segment:
        """Return a piece that has the frames of `channels`.

        Args:
            all_wanted: what everybody who resumes now wants; it is made in the same pass.
        """
        segment = await self.segment(client, number)
        if segment.lacks(channels):
            if self._made > _KEPT_FRAMES:
                self._made -= sum(one.forget_frames() for one in self._segments.values())
            self._made += await segment.encode(segment.lacks({*channels, *all_wanted()}))
        return segment

    async def next_seq(self, client: Any, after: int) -> int | None:
        """Return the first window behind `after` that the stream has."""
        entries = await client.xrange(self._stream(), min=f"({end_ms(after)}-0", count=1)
        return _seq_of(entries[0][0]) if entries else None

    def forget(self) -> None:
        """Give the memory back: nobody resumes."""
        self._segments.clear()
        self._made = 0

    async def _read(self, client: Any, segment: Segment) -> None:
        last_ms = end_ms((segment.number + 1) * CHUNK_WINDOWS - 1)
        after_ms = end_ms(max(segment.last_seq, segment.number * CHUNK_WINDOWS - 1))
        while True:
            entries = await client.xrange(self._stream(), min=f"({after_ms}-0", max=f"{last_ms}-0", count=25)
            for entry_id, fields in entries:
                try:
                    segment.append(_seq_of(entry_id), fields[b"w"])
                except (KeyError, msgspec.MsgspecError) as error:
                    say_once(f"windows of market {self._market.name}", error)
            if len(entries) < 25:
                return
            after_ms = end_ms(_seq_of(entries[-1][0]))

    def _stream(self) -> str:
        return keyspace.stream(self._market.name, self._epoch or self._market.epoch)


def _seq_of(entry_id: bytes) -> int:
    return int(entry_id.split(b"-")[0]) // WINDOW_MS
