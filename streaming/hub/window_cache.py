"""A lane's windows of the last 72 h as a resuming client needs them: by pieces that begin with every price.

The first window of a piece is a keyframe, so flats can be made anywhere without reading further back. The newest few
pieces stay in memory as they were packed; a channel's frames of a piece are encoded once, for all who ask together.
"""

import bisect
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from kernel import keyspace
from streaming.hub.fairness import Slices
from streaming.hub.market import Lane
from streaming.records.window import CHUNK_WINDOWS, WINDOW_MS, Window, chunk_of, end_ms, unpack_window
from streaming.wire.channels import Channel
from streaming.wire.dialect import BarEncoder, Dialect, dialects
from streaming.wire.framing import framed

log = logging.getLogger(__name__)
_KEPT = 16  # pieces; a market of 5,000 busy names packs 5 MB into one
_KEPT_FRAMES = 120_000  # encoded frames of all pieces, 30 MB; beyond it they are made again
_ATTEMPTS = 20


class Chunk:
    """One piece. It grows while it is the newest one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seqs: list[int] = []
        self.whole = False  # its first window names every price
        self._packed: list[bytes] = []
        self._tracks: dict[Channel, _Encoding] = {}

    @property
    def last_seq(self) -> int:
        return self.seqs[-1] if self.seqs else 0

    def append(self, seq: int, packed: bytes) -> None:
        """Take the next window; one that is here already is passed over."""
        if seq <= self.last_seq:
            return
        if not self.seqs:
            self.whole = unpack_window(packed).keyframe
        self.seqs.append(seq)
        self._packed.append(packed)

    def windows(self, after: int) -> Iterator[Window]:
        """Yield the windows behind `after` that are here now; what comes meanwhile is for the next call."""
        return (unpack_window(packed) for packed in self._packed[self.place_after(after) :])

    def place_after(self, seq: int) -> int:
        """Return the place of the first window behind `seq`."""
        return bisect.bisect_right(self.seqs, seq)

    def frames(self, channel: Channel) -> list[bytes]:
        """Return a channel's frame of each window that `encode` has come to, b"" where it is due none."""
        return self._tracks[channel].frames

    def lacks(self, channels: Collection[Channel]) -> list[Channel]:
        """Return the channels whose frames are not all made."""
        count = len(self.seqs)
        return [one for one in channels if one not in self._tracks or len(self._tracks[one].frames) < count]

    def forget_frames(self) -> int:
        """Drop what was encoded and return how many frames that were."""
        count = sum(len(track.frames) for track in self._tracks.values())
        self._tracks.clear()
        return count

    async def encode(self, channels: Collection[Channel]) -> int:
        """Make the frames of some channels as far as the piece goes and return how many were made.

        The windows before are not decoded again; others get their turn in between.
        """
        tracks = [self._tracks.setdefault(channel, _Encoding(channel)) for channel in channels]
        made, slices = 0, Slices()
        place = min((len(track.frames) for track in tracks), default=0)
        while place < len(self._packed):
            window = unpack_window(self._packed[place])
            moved = {bar.symbol: bar for bar in window.bars}
            prices, states = dict(window.references), dict(window.states)
            encoders: dict[Dialect, BarEncoder] = {}
            for track in tracks:
                if len(track.frames) == place:
                    encode = encoders.get(track.dialect)
                    if encode is None:
                        encode = encoders[track.dialect] = track.dialect.bar_encoder(window.seq)
                    track.frames.append(track.frame(window, moved, prices, states, encode))
                    made += 1
            place += 1
            await slices.breathe()
        return made


class _Encoding:
    """One channel's way through a piece."""

    __slots__ = ("channel", "dialect", "fill", "frames", "halted", "price", "shown", "symbol")

    def __init__(self, channel: Channel) -> None:
        self.channel, self.symbol, self.fill = channel, str(channel.instrument), channel.fill
        self.dialect = dialects()[channel.dialect]
        self.shown = self.dialect.shown(channel)
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
        elif window.state == "open" and self.fill and self.price and not self.halted:
            text = encode(self.shown, self.price, self.price, self.price, self.price, 0, 0)
        else:
            return b""
        return framed(text)


class Past:
    """The pieces of one lane that somebody asked for, the newest asked last."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._epoch = ""
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()
        self._made = 0

    def published(self, seq: int, packed: bytes) -> None:
        """Take what is being sent: the newest piece, where it is in memory, stays complete by itself."""
        chunk = self._chunks.get(chunk_of(seq))
        if chunk is not None and self._epoch == self.lane.epoch:
            chunk.append(seq, packed)

    async def chunk(self, client: Any, number: int) -> Chunk:
        """Return a piece with every window up to the hub's own.

        Raises:
            redis.RedisError: the store is away.
        """
        if self._epoch != self.lane.epoch:
            self._chunks.clear()
            self._epoch, self._made = self.lane.epoch, 0
        epoch, chunk = self._epoch, self._chunks.get(number)
        if chunk is not None:
            self._chunks.move_to_end(number)
            return chunk
        chunk = Chunk(number)
        for _ in range(_ATTEMPTS):
            over = chunk_of(self.lane.seq) > number  # nothing will be added any more
            await self._read(client, chunk)
            if epoch != self.lane.epoch:
                return Chunk(number)
            if over or chunk.last_seq >= self.lane.seq:
                break
        self._chunks[number] = chunk
        while len(self._chunks) > _KEPT:
            _, dropped = self._chunks.popitem(last=False)
            self._made -= dropped.forget_frames()
        return chunk

    async def encoded(self, client: Any, number: int, channels: Collection[Channel], all_wanted: Any) -> Chunk:
        """Return a piece that has the frames of `channels`.

        Args:
            all_wanted: what everybody who resumes now wants; it is made in the same pass.
        """
        chunk = await self.chunk(client, number)
        if chunk.lacks(channels):
            if self._made > _KEPT_FRAMES:
                self._made -= sum(one.forget_frames() for one in self._chunks.values())
            self._made += await chunk.encode(chunk.lacks({*channels, *all_wanted()}))
        return chunk

    async def next_seq(self, client: Any, after: int) -> int | None:
        """Return the first window behind `after` that the stream has."""
        entries = await client.xrange(self._stream(), min=f"({end_ms(after)}-0", count=1)
        return _seq_of(entries[0][0]) if entries else None

    def forget(self) -> None:
        """Give the memory back: nobody resumes."""
        self._chunks.clear()
        self._made = 0

    async def _read(self, client: Any, chunk: Chunk) -> None:
        last_ms = end_ms((chunk.number + 1) * CHUNK_WINDOWS - 1)
        while True:
            after_ms = end_ms(max(chunk.last_seq, chunk.number * CHUNK_WINDOWS - 1))
            entries = await client.xrange(self._stream(), min=f"({after_ms}-0", max=f"{last_ms}-0", count=25)
            for entry_id, fields in entries:
                try:
                    chunk.append(_seq_of(entry_id), fields[b"w"])
                except (KeyError, msgspec.MsgspecError) as error:
                    log.error("lane %s: entry %s cannot be read (%s)", self.lane.name, entry_id.decode(), error)
            if len(entries) < 25:
                return

    def _stream(self) -> str:
        return keyspace.stream(self.lane.name, self._epoch or self.lane.epoch)


def _seq_of(entry_id: bytes) -> int:
    return int(entry_id.split(b"-")[0]) // WINDOW_MS
