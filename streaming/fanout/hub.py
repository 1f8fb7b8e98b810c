"""In-process fan-out: each frame is encoded once, and what one connection is due leaves in one write.

The unit is a channel, (instrument, fill); connections with the same set of channels form a group and share one joined
buffer a flush. A healthy connection gets every bar, also when several windows arrive in one flush; a slow one
(more than SOFT_BYTES unsent) gets the newest bar of each channel when it has drained, and a notice of how many it
missed. One hub serves one dialect in one process; everything runs on the event loop's thread.
"""

import asyncio
import operator
import time
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from kernel.instruments import InstrumentId
from streaming import metrics
from streaming.fanout.websocket import Wire, text_frame
from streaming.wire.window import Newest, Window

SOFT_BYTES = 65_536  # unsent in user space; beyond it a reader is slow (DESIGN section 4)
HARD_BYTES = 4_194_304
PATIENCE_SECONDS = 15.0
_RETRY_SECONDS = 0.05
Channel = tuple[InstrumentId, bool]
Notice = tuple[str | None, bytes]  # (symbol whose followers hear it, frame); None: the whole market's
Row = tuple[list[Notice], list[bytes]]  # what one window brings: its notices, then frames by channel number


class Member:
    """One connection in the hub. `end` is called when it must go, with a reason."""

    __slots__ = ("behind", "end", "group", "markets", "since", "skipped", "unheard", "wire")

    def __init__(self, wire: Wire, end: Callable[[str], None], markets: frozenset[str]) -> None:
        self.wire = wire
        self.end = end
        self.markets = markets  # whose status it hears
        self.group: Group | None = None
        self.behind: set[tuple[str, int]] | None = None  # (lane, channel number) that moved while it was slow
        self.since = 0.0
        self.skipped = 0
        self.unheard: set[str] = set()  # lanes whose state has changed while it was slow


class Group:
    """All connections with one set of channels; `pick` takes the frames that are theirs out of one lane's list."""

    __slots__ = ("key", "members", "pick", "symbols")

    def __init__(self, key: frozenset[Channel], numbers: dict[str, list[int]]) -> None:
        self.key = key
        self.symbols = frozenset(str(instrument) for instrument, _ in key)
        self.members: set[Member] = set()
        self.pick = {lane: _picker(sorted(of_lane)) for lane, of_lane in numbers.items()}


def _picker(numbers: list[int]) -> Callable[[list[bytes]], Iterable[bytes]]:
    if len(numbers) == 1:
        only = numbers[0]
        return lambda frames: (frames[only],)
    return operator.itemgetter(*numbers)


class Lane:
    """What the hub knows of one lane: the market's state and, per instrument, the last price."""

    __slots__ = (
        "epoch",
        "halted",
        "heard_at",
        "last",
        "numbers",
        "prices",
        "seq",
        "speed",
        "state",
        "until_ms",
        "wanted",
    )

    def __init__(self) -> None:
        self.epoch = ""
        self.seq = 0
        self.state = "no_feed"
        self.until_ms: int | None = None
        self.speed = 1.0
        self.heard_at = 0.0  # monotonic
        self.prices: dict[str, int] = {}  # symbol -> last price_e4; what a flat shows
        self.halted: set[str] = set()
        self.numbers: dict[Channel, int] = {}  # channel -> its place in the list of frames; never reused
        self.wanted: dict[int, int] = {}  # number -> how many groups take it
        self.last: list[bytes] = []  # newest frame of each channel, for who was slow

    def number(self, channel: Channel) -> int:
        at = self.numbers.get(channel)
        if at is None:
            at = self.numbers[channel] = len(self.last)
            self.last.append(b"")
        return at


class Hub:
    """See the module. `lanes` are shared by all dialects' hubs of a process in `fanout.node`."""

    def __init__(self, dialect: ModuleType, lanes: Iterable[str]) -> None:
        self.dialect = dialect
        self.lanes = {lane: Lane() for lane in lanes}
        self.groups: dict[frozenset[Channel], Group] = {}
        self.members: set[Member] = set()
        self.late: set[Member] = set()
        self._retry: asyncio.TimerHandle | None = None

    # -- membership ------------------------------------------------------------------------------------------------

    def join(self, member: Member) -> None:
        self.members.add(member)

    def follow(self, member: Member, channels: frozenset[Channel]) -> None:
        """Make `channels` the whole set that a member gets."""
        if member.group is not None and member.group.key == channels:
            return
        self._ungroup(member)
        if not channels:
            return
        group = self.groups.get(channels)
        if group is None:
            group = self.groups[channels] = self._new_group(channels)
        group.members.add(member)
        member.group = group

    def leave(self, member: Member) -> None:
        self._ungroup(member)
        self.members.discard(member)
        self.late.discard(member)
        member.behind = None

    def _new_group(self, channels: frozenset[Channel]) -> Group:
        numbers: dict[str, list[int]] = {}
        for channel in sorted(channels):
            lane = self.lanes[channel[0].lane]
            number = lane.number(channel)
            lane.wanted[number] = lane.wanted.get(number, 0) + 1
            numbers.setdefault(channel[0].lane, []).append(number)
        return Group(channels, numbers)

    def _ungroup(self, member: Member) -> None:
        group = member.group
        if group is None:
            return
        member.group = None
        group.members.discard(member)
        if group.members:
            return
        del self.groups[group.key]
        for channel in group.key:
            lane = self.lanes[channel[0].lane]
            number = lane.numbers[channel]
            lane.wanted[number] -= 1
            if not lane.wanted[number]:
                del lane.wanted[number]

    # -- what ingest says ------------------------------------------------------------------------------------------

    def begin(self, name: str, epoch: str, newest: dict[str, Newest]) -> None:
        """A lane's stream was opened, or a new epoch of it: take the newest prices as they are."""
        lane = self.lanes[name]
        lane.epoch, lane.seq = epoch, 0
        lane.prices = {symbol: bar.close_e4 for symbol, bar in newest.items() if bar.close_e4}
        lane.halted = {symbol for symbol, bar in newest.items() if bar.state != "trading"}

    def publish(self, name: str, windows: list[Window]) -> None:
        """Send some windows of one lane, oldest first."""
        started = time.perf_counter()
        lane = self.lanes[name]
        lane.heard_at = time.monotonic()
        rows: list[Row] = []
        for window in windows:
            if window.seq <= lane.seq:
                continue  # the stream refuses a window twice; this is for a reader that begins in the middle
            notices = self._take_state(name, lane, window)
            frames = self._frames(lane, window)
            if notices or frames:
                rows.append((notices, frames))
            lane.seq = window.seq
        if rows:
            self._flush(name, lane, rows)
        metrics.flush_seconds.observe(time.perf_counter() - started)

    def _take_state(self, name: str, lane: Lane, window: Window) -> list[Notice]:
        """Return what is news; it travels among the bars, behind those of the windows before."""
        notices: list[Notice] = []
        for symbol, price_e4 in window.references:
            lane.prices[symbol] = price_e4
        for symbol, state in window.states:
            (lane.halted.discard if state == "trading" else lane.halted.add)(symbol)
            notices.append((symbol, text_frame(self.dialect.instrument_status(symbol=symbol, state=state).encode())))
        lane.speed = window.speed
        # `until` may stay the same text for hours; only a new state is news.
        changed = window.state != lane.state
        lane.state, lane.until_ms = window.state, window.until_ms
        if changed and name != "TEST":
            notices.append((None, self._market_frame(name)))
        return notices

    def _frames(self, lane: Lane, window: Window) -> list[bytes]:
        """Return one window's frames by channel number; an empty list when nobody is due any."""
        for bar in window.bars:
            lane.prices[bar.symbol] = bar.close_e4
        if not lane.wanted:
            return []
        frames = [b""] * len(lane.last)
        moved = {bar.symbol: bar for bar in window.bars}
        flats = window.state == "open"
        encode, seq = self.dialect.bar, window.seq
        made: dict[str, bytes] = {}
        for (instrument, fill), number in lane.numbers.items():
            if number not in lane.wanted:
                continue
            symbol = str(instrument)
            frame = made.get(symbol)
            if frame is None:
                traded = moved.get(symbol)
                if traded is not None:
                    text = encode(
                        symbol, seq, traded.open_e4, traded.high_e4, traded.low_e4, traded.close_e4,
                        traded.volume, traded.turnover_e4,
                    )  # fmt: skip
                elif flats and fill and symbol not in lane.halted and (price := lane.prices.get(symbol)):
                    text = encode(symbol, seq, price, price, price, price, 0, 0)
                else:
                    continue
                frame = text_frame(text.encode())
                if traded is not None:
                    made[symbol] = frame  # the same for those who fill and those who do not
            frames[number] = lane.last[number] = frame
        return frames

    # -- writing ---------------------------------------------------------------------------------------------------

    def _flush(self, name: str, lane: Lane, rows: list[Row]) -> None:
        sent = 0
        for group in list(self.groups.values()):
            pick = group.pick.get(name)
            if pick is None:
                continue
            parts, bars = [], 0
            for notices, frames in rows:
                parts += [frame for symbol, frame in notices if symbol is None or symbol in group.symbols]
                if frames:
                    picked = [frame for frame in pick(frames) if frame]
                    bars += len(picked)
                    parts += picked
            if not parts:
                continue
            data = b"".join(parts)
            for member in list(group.members):
                if member.behind is None and member.wire.buffered() <= SOFT_BYTES:
                    member.wire.write(data)
                    sent += bars
                else:
                    self._fall_behind(member, name, lane, rows, bars)
        metrics.deliveries.inc(sent)
        self._tell_the_rest(name, b"".join(frame for notices, _ in rows for symbol, frame in notices if symbol is None))
        if self.late:
            self._catch_up()

    def _fall_behind(self, member: Member, name: str, lane: Lane, rows: list[Row], bars: int) -> None:
        if member.behind is None:
            member.behind, member.since, member.skipped = set(), time.monotonic(), 0
            self.late.add(member)
            metrics.slow_readers.inc()
        for channel in member.group.key if member.group else ():
            if channel[0].lane == name:
                number = lane.numbers[channel]
                if any(number < len(frames) and frames[number] for _, frames in rows):
                    member.behind.add((name, number))
        if any(symbol is None for notices, _ in rows for symbol, _ in notices):
            member.unheard.add(name)
        member.skipped += bars

    def _catch_up(self) -> None:
        """Runs at every flush and, while anybody is late, on a timer: a quiet market must not keep bars back."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        now = time.monotonic()
        for member in list(self.late):
            buffered = member.wire.buffered()
            if buffered == 0:
                self._drain(member)
            elif now - member.since > PATIENCE_SECONDS or buffered > HARD_BYTES:
                self.leave(member)
                metrics.ended.labels("slow_reader").inc()
                member.end("slow_reader")
        if self.late:
            self._retry = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._catch_up)

    def _drain(self, member: Member) -> None:
        newest = [self.lanes[lane].last[number] for lane, number in sorted(member.behind or ())]
        states = [self._market_frame(lane) for lane in sorted(member.unheard & member.markets)]
        member.unheard.clear()
        skipped = max(0, member.skipped - len(newest))
        metrics.conflated.inc(skipped)
        member.behind = None
        self.late.discard(member)
        notice = text_frame(self.dialect.slow_reader(skipped=skipped).encode())
        member.wire.write(b"".join([notice, *newest, *states]))

    def tell_market(self, name: str) -> None:
        """Send a lane's state to everybody whose plan has the market."""
        if name != "TEST":
            self._tell(name, self.members, self._market_frame(name))

    def _market_frame(self, name: str) -> bytes:
        lane = self.lanes[name]
        return text_frame(self.dialect.market_status(market=name, state=lane.state, until_ms=lane.until_ms).encode())

    def _tell_the_rest(self, name: str, frames: bytes) -> None:
        """Tell a market's news to those who follow nothing of it."""
        if frames:
            self._tell(name, (one for one in self.members if one.group is None or name not in one.group.pick), frames)

    def _tell(self, name: str, members: Iterable[Member], frames: bytes) -> None:
        for member in list(members):
            if name in member.markets:
                if member.behind is None:
                    member.wire.write(frames)
                else:
                    member.unheard.add(name)

    def heartbeat(self, now_ms: int) -> None:
        """Send every member a sign of life; who follows a lane sees whether it lags."""
        frames: dict[frozenset[str], bytes] = {}
        for member in list(self.members):
            frame = frames.get(member.markets)
            if frame is None:
                last = {name: self.lanes[name].seq for name in sorted(member.markets) if self.lanes[name].seq}
                frame = frames[member.markets] = text_frame(self.dialect.heartbeat(now_ms=now_ms, last=last).encode())
            if member.behind is None:
                member.wire.write(frame)

    def busiest(self) -> int:
        """Return the most bytes that any reader who is not known as slow has unsent."""
        return max((m.wire.buffered() for m in self.members if m.behind is None), default=0)

    def stats(self) -> dict[str, Any]:
        return {"connections": len(self.members), "groups": len(self.groups), "late": len(self.late)}
