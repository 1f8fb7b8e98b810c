"""In-process fan-out: each frame is encoded once, and what one connection is due leaves in one write.

The unit is a channel; connections with the same set of channels form a group and share one joined buffer a flush.
Where most of what is followed has moved, each group takes its frames out of the whole list; where little has, the
frames look for their groups. A healthy connection gets every frame, also when several windows arrive in one flush.
One hub serves all dialects of one process: a channel belongs to one; everything runs on the event loop's thread.
"""

import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from streaming import metrics
from streaming.hub.keepalive import Beats
from streaming.hub.market import Lane, News, Track
from streaming.hub.members import Group, GroupKey, Member, Plan
from streaming.hub.slow_readers import Late
from streaming.hub.window_cache import Past
from streaming.records.window import Book, Newest, Print, Window
from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import deflated, framed

_FEW = 5  # with less than one in so many channels due, frames look for their groups
Row = tuple[list[News], list[bytes], list[int]]  # one window: its notices, frames by number, numbers that have one


class Hub:
    """See the module."""

    def __init__(self, lanes: Iterable[str]) -> None:
        self.lanes = {name: Lane(name) for name in lanes}
        self.past = {name: Past(lane) for name, lane in self.lanes.items()}
        self.groups: dict[GroupKey, Group] = {}
        self.members: set[Member] = set()
        self.late = Late(self)
        self.beats = Beats()
        self.began: Callable[[], object] = lambda: None  # called when a lane begins: its standing bars are to be found
        self._of_lane: dict[str, dict[Group, None]] = {name: {} for name in self.lanes}
        self._takers: dict[str, dict[int, set[Group]]] = {name: {} for name in self.lanes}  # who takes a number
        self._plans: dict[str, Plan] = {}  # by lane; those that still hold

    # -- membership ------------------------------------------------------------------------------------------------

    def join(self, member: Member) -> None:
        self.members.add(member)
        self.beats.add(member)
        member.wire.watch(lambda: self.late.full(member), lambda: self.late.drained(member))

    def follow(self, member: Member, channels: frozenset[Channel]) -> None:
        """Make `channels` the whole set that a member gets; those that are being replayed wait for their replay."""
        member.channels = channels
        member.held &= channels
        self._regroup(member)

    def hold(self, member: Member, channels: frozenset[Channel]) -> None:
        """Send a member nothing of these: a replay does."""
        member.held |= channels & member.channels
        self._regroup(member)

    def release(self, member: Member, channels: frozenset[Channel]) -> None:
        """Send a member the next window of these: its replay has come to the present one."""
        member.held -= channels
        self._regroup(member)

    def leave(self, member: Member) -> None:
        self._ungroup(member)
        self.members.discard(member)
        self.beats.discard(member)
        self.late.forget(member)
        member.channels = member.held = frozenset()

    def _regroup(self, member: Member) -> None:
        key = (member.channels - member.held, member.wire.deflate)
        if member.group is not None and member.group.key == key:
            return
        # The new one first: a channel that nobody follows for a moment forgets how its bar stands.
        group = self.groups.get(key) if key[0] else None
        if group is None and key[0]:
            group = self.groups[key] = self._new_group(key, member.dialect)
        self._ungroup(member)
        if group is None:
            return
        group.members.add(member)
        member.group = group
        if member.behind is None:
            self.resume(member)

    def resume(self, member: Member) -> None:
        """Write to a member again at each flush."""
        if member.group is not None:
            member.group.wires[member] = member.wire
            self._changed(member.group)

    def pause(self, member: Member) -> None:
        """Write nothing to a member at a flush: it is slow, or leaves."""
        if member.group is not None and member.group.wires.pop(member, None) is not None:
            self._changed(member.group)

    def _changed(self, group: Group) -> None:
        for lane in group.numbers:
            self._plans.pop(lane, None)

    def _new_group(self, key: GroupKey, dialect: Dialect) -> Group:
        numbers: dict[str, list[int]] = {}
        for channel in sorted(key[0]):
            lane = channel.instrument.lane
            numbers.setdefault(lane, []).append(self.lanes[lane].take(channel).number)
        group = Group(key, numbers, dialect)
        for lane, of_lane in numbers.items():
            self._of_lane[lane][group] = None
            takers = self._takers[lane]
            for number in of_lane:
                takers.setdefault(number, set()).add(group)
        return group

    def _ungroup(self, member: Member) -> None:
        group = member.group
        if group is None:
            return
        self.pause(member)
        member.group = None
        group.members.discard(member)
        if group.members:
            return
        del self.groups[group.key]
        for channel in group.key[0]:
            self.lanes[channel.instrument.lane].give_back(channel)
        for lane, numbers in group.numbers.items():
            del self._of_lane[lane][group]
            for number in numbers:
                self._takers[lane][number].discard(group)
                if not self._takers[lane][number]:
                    del self._takers[lane][number]

    # -- what ingest says ------------------------------------------------------------------------------------------

    def begin(self, name: str, epoch: str, newest: dict[str, Newest]) -> None:
        """A lane's stream was opened, or a new epoch of it: take the newest prices as they are."""
        lane = self.lanes[name]
        told = bool(lane.epoch)
        lane.begin(epoch, newest)
        self.began()
        if told:
            self.tell_market(name)  # who resumes later must know that it cannot from before this

    def publish(self, name: str, windows: list[Window]) -> None:
        """Send some windows of one lane, oldest first."""
        started = time.perf_counter()
        lane = self.lanes[name]
        lane.heard_at = time.monotonic()
        rows: list[Row] = []
        for window in windows:
            if window.seq <= lane.seq:
                continue  # the stream refuses a window twice; this is for a reader that begins in the middle
            notices = lane.take_state(window)
            frames, due = lane.frames_of(window)
            if notices or due:
                rows.append((notices, frames, due))
            lane.seq = window.seq
        self._send(name, rows)
        metrics.flush_seconds.observe(time.perf_counter() - started)

    def publish_events(self, name: str, prints: Iterable[Print], books: Iterable[Book]) -> None:
        """Send what the feed told beside its bars."""
        frames, due = self.lanes[name].event_frames(prints, books)
        if due:
            self._send(name, [([], frames, due)])

    def show(self, name: str, track: Track) -> None:
        """Send how a bar of a longer interval stands, now that it is known."""
        frame = self.lanes[name].formed_frame(track)
        if frame:
            frames = [b""] * len(self.lanes[name].by_number)
            frames[track.number] = frame
            self._send(name, [([], frames, [track.number])])

    def show_to(self, member: Member, channels: Iterable[Channel]) -> None:
        """Tell a member how the bars of longer intervals stand that are known already, and the newest pictures."""
        frames = []
        for channel in channels:
            lane = self.lanes[channel.instrument.lane]
            if member.dialect.rules.shows_newest:
                frames.append(lane.newest_frame(channel))
            track = lane.track(channel)
            if track is not None:
                frames.append(lane.formed_frame(track))
        if member.behind is None and (data := b"".join(frames)):
            member.wire.write(data)

    # -- writing ---------------------------------------------------------------------------------------------------

    def _send(self, name: str, rows: list[Row]) -> None:
        if not rows:
            return
        followed = self.lanes[name].followed()
        if len(rows) == 1 and not rows[0][0] and len(rows[0][2]) * _FEW < followed:
            sent = self._flush_few(name, rows[0][1], rows[0][2])
        elif not any(notices for notices, _, _ in rows):
            sent = self._flush(name, rows, followed)
        else:
            sent = self._flush_rows(name, rows)
            self._tell_the_rest(name, [news for notices, _, _ in rows for news in notices if news.symbol is None])
        metrics.deliveries.inc(sent)
        self.late.missed(name, rows)

    def _flush(self, name: str, rows: list[Row], followed: int) -> int:
        """Send windows without news to every group of the lane: the path that nearly all bars take.

        What is rare is sent as it is also where compression was agreed: RFC 7692 leaves each message free.
        """
        plan = self._plans.get(name)
        if plan is None:
            plan = self._plans[name] = Plan(name, self._of_lane[name])
        join, frames = b"".join, rows[0][1]
        if len(rows) == 1:
            for pick, wires in plan.plain:
                if data := join(pick(frames)):
                    for wire in wires:
                        wire.write(data)
        else:
            windows = [frames for _, frames, _ in rows]
            for pick, wires in plan.plain:
                if data := join(chain.from_iterable(map(pick, windows))):
                    for wire in wires:
                        wire.write(data)
        if plan.squeezed:
            # Once, for all of them.
            windows = [[frame and deflated(frame) for frame in frames] for _, frames, _ in rows]
            for pick, wires in plan.squeezed:
                if data := join(chain.from_iterable(map(pick, windows))):
                    for wire in wires:
                        wire.write(data)
        return sum(plan.every if len(due) == followed else self._reached(name, plan, due) for _, _, due in rows)

    def _reached(self, name: str, plan: Plan, due: list[int]) -> int:
        """Return how many deliveries the frames of some numbers were."""
        if not plan.reach:
            takers = self._takers[name].items()
            plan.reach = {number: sum(len(group.wires) for group in groups) for number, groups in takers}
        return sum(plan.reach.get(number, 0) for number in due)

    def _flush_few(self, name: str, frames: list[bytes], due: list[int]) -> int:
        """The same for a window in which little has moved."""
        takers = self._takers[name]
        buckets: dict[Group, list[bytes]] = {}
        for number in due:
            frame = frames[number]
            for group in takers.get(number, ()):
                if group in buckets:
                    buckets[group].append(frame)
                else:
                    buckets[group] = [frame]
        sent = 0
        for group, parts in buckets.items():
            data = b"".join(parts)
            for wire in group.wires.values():
                wire.write(data)
            sent += len(parts) * len(group.wires)
        return sent

    def _flush_rows(self, name: str, rows: list[Row]) -> int:
        """The same with news among the windows."""
        sent = 0
        for group in self._of_lane[name]:
            parts: list[bytes] = []
            bars = 0
            for notices, frames, due in rows:
                parts += [
                    news.frame(group.dialect) for news in notices if news.symbol is None or news.symbol in group.symbols
                ]
                if due:
                    picked = list(filter(None, group.pick[name](frames)))
                    bars += len(picked)
                    parts += picked
            if data := b"".join(parts):
                for wire in group.wires.values():
                    wire.write(data)
                sent += bars * len(group.wires)
        return sent

    def tell_market(self, name: str) -> None:
        """Send a lane's state to everybody whose plan has the market."""
        if name != "TEST":
            self._tell(name, self.members, [self.lanes[name].market_news()])

    def _tell_the_rest(self, name: str, notices: list[News]) -> None:
        """Tell a market's news to those who follow nothing of it."""
        if notices:
            groups = self._of_lane[name]
            self._tell(name, (one for one in self.members if one.group not in groups), notices)

    def _tell(self, name: str, members: Iterable[Member], notices: list[News]) -> None:
        for member in list(members):
            if name in member.markets:
                if member.behind is None:
                    if data := b"".join(news.frame(member.dialect) for news in notices):
                        member.wire.write(data)
                else:
                    member.unheard.add(name)

    def heartbeat(self, members: Iterable[Member], now_ms: int) -> None:
        """Send some members a sign of life; who follows a lane sees whether it lags."""
        frames: dict[tuple[Dialect, frozenset[str]], bytes] = {}
        for member in members:
            if member.behind is not None or member not in self.members:
                continue
            key = (member.dialect, member.markets)
            frame = frames.get(key)
            if frame is None:
                frame = frames[key] = self._heartbeat_frame(*key, now_ms)
            if frame:
                member.wire.write(frame)

    def _heartbeat_frame(self, dialect: Dialect, markets: frozenset[str], now_ms: int) -> bytes:
        last = {name: self.lanes[name].seq for name in sorted(markets) if self.lanes[name].seq}
        epochs = {name: lane.epoch for name, lane in self.lanes.items() if lane.epoch}
        return framed(dialect.heartbeat(now_ms=now_ms, last=last, epochs=epochs))

    def busiest(self) -> int:
        """Return the most bytes that any reader has unsent who has not missed anything yet."""
        return max((m.wire.buffered() for m in self.members if not m.behind), default=0)

    def stats(self) -> dict[str, Any]:
        return {"connections": len(self.members), "groups": len(self.groups), "late": len(self.late)}
