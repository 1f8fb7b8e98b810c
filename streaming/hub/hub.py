"""In-process fan-out: each frame is encoded once, and what one connection is due leaves in one write.

The unit is a channel; connections with the same set of channels form a group and share one joined buffer a flush
(streaming.hub.flush). A healthy connection gets every frame, also when several windows arrive in one flush.
One hub serves all dialects of one process: a channel belongs to one; everything runs on the event loop's thread.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kernel import clock
from streaming import metrics
from streaming.domain.calendar import AlwaysOpen, Sessions
from streaming.domain.intervals import Forming
from streaming.hub.delivery import DeliveryTally
from streaming.hub.flush import MarketFlush
from streaming.hub.keepalive import Keepalive
from streaming.hub.market_track import ChannelSlot, MarketTrack, Notice
from streaming.hub.slow_readers import Row, SlowReaders
from streaming.hub.subscribers import Group, GroupKey, Subscriber
from streaming.hub.window_cache import WindowCache
from streaming.latest.market import IntervalBar, LatestMarket
from streaming.records.window import Book, Newest, Print, Window
from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import framed


class Hub:
    """See the module.

    Others call its methods and read what they return; `latest` (newest values by market) and `window_cache` are for
    reading too, `deliveries` for settling and taking. Nothing here blocks, awaits a client or raises for what one
    does; a wire that is gone swallows writes.

    Args:
        latest: the markets, which this hub alone applies windows to.
        dialects: the languages by name; subscribers speak these very objects.
        on_begin: called when a market's stream begins: its bars of longer intervals are to be folded anew.
    """

    def __init__(
        self,
        latest: Mapping[str, LatestMarket],
        dialects: Mapping[str, Dialect],
        on_begin: Callable[[], object] = lambda: None,
    ) -> None:
        self.latest = latest
        self._tracks = {name: MarketTrack(market, dialects) for name, market in latest.items()}
        self._caches = {name: WindowCache(market, dialects) for name, market in latest.items()}
        self._groups: dict[GroupKey, Group] = {}
        self._subscribers: set[Subscriber] = set()
        self.deliveries = DeliveryTally(self._tracks, lambda: self._subscribers)
        self._slow = SlowReaders(
            self._tracks, is_here=self.has, pause=self._pause, resume=self._resume, leave=self.leave,
            caught_up=self.deliveries.caught_up,
        )  # fmt: skip
        self._keepalive = Keepalive()
        self._on_begin = on_begin
        self._heard_at = dict.fromkeys(latest, 0.0)  # monotonic seconds
        self._flushes = {name: MarketFlush(name) for name in latest}

    # -- membership ------------------------------------------------------------------------------------------------

    def join(self, subscriber: Subscriber) -> None:
        """Take a connection in; it hears heartbeats and news from now on, and bars once it follows something."""
        self._subscribers.add(subscriber)
        self._keepalive.add(subscriber)
        slow = self._slow
        subscriber.wire.set_watermarks(lambda: slow.on_high_water(subscriber), lambda: slow.on_low_water(subscriber))

    def has(self, subscriber: Subscriber) -> bool:
        """Tell whether a connection has joined and not left."""
        return subscriber in self._subscribers

    def follow(self, subscriber: Subscriber, channels: frozenset[Channel]) -> None:
        """Make `channels` the whole set that a subscriber gets; those being replayed wait for their replay."""
        subscriber.channels = channels
        subscriber.held &= channels
        self._regroup(subscriber)

    def hold(self, subscriber: Subscriber, channels: frozenset[Channel]) -> None:
        """Send a subscriber nothing of these: a replay does."""
        subscriber.held |= channels & subscriber.channels
        self._regroup(subscriber)

    def release(self, subscriber: Subscriber, channels: frozenset[Channel]) -> None:
        """Send a subscriber the next window of these: its replay has come to the present one."""
        subscriber.held -= channels
        self._regroup(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a connection; nothing is written to it any more."""
        self._ungroup(subscriber)
        self._subscribers.discard(subscriber)
        self._keepalive.discard(subscriber)
        self._slow.forget(subscriber)
        subscriber.channels = subscriber.held = frozenset()

    def _regroup(self, subscriber: Subscriber) -> None:
        key = (subscriber.channels - subscriber.held, subscriber.wire.deflate)
        if subscriber.group is not None and subscriber.group.key == key:
            return
        # The new one first: a channel that nobody follows for a moment forgets how its bar stands.
        group = self._groups.get(key) if key[0] else None
        if group is None and key[0]:
            group = self._groups[key] = self._new_group(key, subscriber.dialect)
        self._ungroup(subscriber)
        if group is None:
            return
        group.members.add(subscriber)
        subscriber.group = group
        self.deliveries.settle(subscriber)
        if subscriber.behind is None:
            self._resume(subscriber)

    def _resume(self, subscriber: Subscriber) -> None:
        """Write to a subscriber again at each flush."""
        if subscriber.group is not None:
            self.deliveries.settle(subscriber)
            subscriber.group.wires[subscriber] = subscriber.wire
            self._changed(subscriber.group)

    def _pause(self, subscriber: Subscriber) -> None:
        """Write nothing to a subscriber at a flush: it is slow, or leaves."""
        self.deliveries.settle(subscriber)
        if subscriber.group is not None and subscriber.group.wires.pop(subscriber, None) is not None:
            self._changed(subscriber.group)

    def _changed(self, group: Group) -> None:
        for market in group.numbers:
            self._flushes[market].changed()

    def _new_group(self, key: GroupKey, dialect: Dialect) -> Group:
        numbers: dict[str, list[int]] = {}
        for channel in sorted(key[0]):
            market = channel.instrument.lane
            numbers.setdefault(market, []).append(self._tracks[market].acquire(channel).number)
        group = Group(key, numbers, dialect)
        for market, of_market in numbers.items():
            self._flushes[market].add(group, of_market)
        return group

    def _ungroup(self, subscriber: Subscriber) -> None:
        group = subscriber.group
        if group is None:
            return
        self._pause(subscriber)
        subscriber.group = None
        subscriber.settled = {}
        group.members.discard(subscriber)
        if group.members:
            return
        del self._groups[group.key]
        for channel in group.key[0]:
            self._tracks[channel.instrument.lane].give_back(channel)
        for market, numbers in group.numbers.items():
            self._flushes[market].remove(group, numbers)

    # -- what ingest says ------------------------------------------------------------------------------------------

    def begin(
        self,
        name: str,
        epoch: str,
        newest: Mapping[str, Newest],
        calendar: Sessions | None = None,
        *,
        from_start: bool = False,
    ) -> None:
        """Open a market's stream, or a new epoch of it; the arguments are LatestMarket.begin's."""
        latest = self.latest[name]
        ran_before = bool(latest.epoch)
        latest.begin(epoch, newest, calendar or AlwaysOpen(), from_start=from_start)
        self._on_begin()
        if ran_before:
            self._tell_market(name)  # who resumes later must know that it cannot from before this

    def publish(
        self,
        name: str,
        windows: Sequence[Window],
        packed: Sequence[bytes] = (),
        *,
        prints: Sequence[Print] = (),
        books: Sequence[Book] = (),
    ) -> None:
        """Apply some windows of one market, oldest first, and send them.

        Args:
            packed: the same windows as they stand on Redis, for who resumes; none where nobody can.
            prints, books: what was told before the last of them closed.
        """
        started = time.perf_counter()
        latest, track, cache = self.latest[name], self._tracks[name], self._caches[name]
        self._heard_at[name] = time.monotonic()
        for window, record in zip(windows, packed, strict=False):
            cache.add(window.seq, record)
        rows: list[Row] = []
        now_ms = clock.now_ms()
        if prints or books:
            latest.apply_events(prints, books)
            if track.events and (told := track.event_frames(prints, books)):
                rows.append(([], [told.get(number, b"") for number in range(len(track.by_number))], sorted(told)))
        for window in windows:
            if window.seq <= latest.seq:
                continue  # the stream refuses a window twice; this is for a reader that begins in the middle
            changes = latest.apply(window)
            notices = track.notices(changes)
            self.deliveries.begin_window(name, window.seq)
            frames, due = track.frames_of(window, changes.moved)
            if latest.is_on_wall_clock:
                self.deliveries.note_late(name, window.seq, due, now_ms)
            if notices or due:
                rows.append((notices, frames, due))
        self._send(name, rows)
        metrics.flush_seconds.observe(time.perf_counter() - started)

    def publish_events(
        self, name: str, trades: Sequence[Print], books: Sequence[Book], *, silently: bool = False
    ) -> None:
        """Apply what the source told beside its bars, and send it to who follows it.

        Args:
            silently: send nothing: it is of before the window that was applied last, and nobody could follow it here.
        """
        self.latest[name].apply_events(trades, books, past=silently)
        track = self._tracks[name]
        if track.events and not silently:
            frames = track.event_frames(trades, books)
            if frames:
                metrics.deliveries.inc(self._flushes[name].send_some(frames))
                self._slow.missed(name, [([], frames, sorted(frames))])

    def adopt(self, channel: Channel, builder: Forming) -> None:
        """Go on with a bar in formation that a replay has brought to the window that was sent last."""
        slot = self._tracks[channel.instrument.lane].slot(channel)
        if slot is not None and slot.interval_bar is not None and slot.interval_bar.builder is None:
            builder.through = self.latest[channel.instrument.lane].seq
            slot.interval_bar.builder = builder

    def interval_known(self, name: str, bar: IntervalBar) -> None:
        """Send how a bar of a longer interval stands, now that it is folded."""
        track = self._tracks[name]
        for slot in track.slots_of(bar):
            self._show(name, track, slot)

    def _show(self, name: str, track: MarketTrack, slot: ChannelSlot) -> None:
        if frame := track.formed_frame(slot):
            frames = [b""] * len(track.by_number)
            frames[slot.number] = frame
            self._send(name, [([], frames, [slot.number])])

    def show_to(self, subscriber: Subscriber, channels: Iterable[Channel]) -> None:
        """Tell a subscriber how the bars of longer intervals stand that are known already, and the newest quotes."""
        frames = []
        for channel in channels:
            track = self._tracks[channel.instrument.lane]
            if subscriber.dialect.rules.shows_newest:
                frames.append(track.newest_frame(channel))
            slot = track.slot(channel)
            if slot is not None:
                frames.append(track.formed_frame(slot))
        if subscriber.behind is None and (data := b"".join(frames)):
            subscriber.wire.write(data)

    def silent_seconds(self, name: str) -> float:
        """Return for how long a market has had no window."""
        return time.monotonic() - self._heard_at[name]

    def fall_silent(self, name: str) -> None:
        """Call a market without windows `no_feed`, and tell everybody."""
        self.latest[name].fall_silent()
        self._tell_market(name)

    def followed(self, name: str) -> int:
        """Return how many channels of a market somebody follows."""
        return self._tracks[name].followed()

    def window_cache(self, name: str) -> WindowCache:
        """Return a market's windows of the last 72 h as replays and folds read them."""
        return self._caches[name]

    # -- writing ---------------------------------------------------------------------------------------------------

    def _send(self, name: str, rows: list[Row]) -> None:
        if not rows:
            return
        metrics.deliveries.inc(self._flushes[name].send(rows, self._tracks[name].followed()))
        self._tell_the_rest(name, [notice for notices, _, _ in rows for notice in notices if notice.symbol is None])
        self._slow.missed(name, rows)

    def _tell_market(self, name: str) -> None:
        """Send a market's state to everybody whose plan has the market."""
        if name != "TEST":
            self._tell(name, self._subscribers, [self._tracks[name].market_notice()])

    def _tell_the_rest(self, name: str, notices: list[Notice]) -> None:
        """Tell a market's news to those who follow nothing of it."""
        if notices:
            followers = self._flushes[name]
            self._tell(name, (one for one in self._subscribers if one.group not in followers), notices)

    def _tell(self, name: str, subscribers: Iterable[Subscriber], notices: list[Notice]) -> None:
        for subscriber in list(subscribers):
            if name in subscriber.markets:
                if subscriber.behind is None:
                    if data := b"".join(notice.frame(subscriber.dialect) for notice in notices):
                        subscriber.wire.write(data)
                else:
                    subscriber.unheard.add(name)

    # -- signs of life -----------------------------------------------------------------------------------------------

    def tick(self, number: int, now_ms: int) -> None:
        """Give and ask for the signs of life that are due; called every `keepalive.TICK_SECONDS`."""
        self._send_heartbeats(self._keepalive.due(number), now_ms)
        self._keepalive.request_pings(number)

    def _send_heartbeats(self, subscribers: Iterable[Subscriber], now_ms: int) -> None:
        """Who follows a market sees by its heartbeat whether it lags."""
        frames: dict[tuple[Dialect, frozenset[str]], bytes] = {}
        for subscriber in subscribers:
            if subscriber.behind is not None or subscriber not in self._subscribers:
                continue
            key = (subscriber.dialect, subscriber.markets)
            frame = frames.get(key)
            if frame is None:
                frame = frames[key] = self._heartbeat_frame(*key, now_ms)
            if frame:
                subscriber.wire.write(frame)

    def _heartbeat_frame(self, dialect: Dialect, markets: frozenset[str], now_ms: int) -> bytes:
        last = {name: self.latest[name].seq for name in sorted(markets) if self.latest[name].seq}
        epochs = {name: market.epoch for name, market in self.latest.items() if market.epoch}
        return framed(dialect.heartbeat(now_ms=now_ms, last=last, epochs=epochs))

    def lags(self, most_bytes: int) -> bool:
        """Tell whether a reader that has missed nothing yet is full, or has more than so many bytes unsent."""
        if self._slow.may_yet_make_it():
            return True
        return max((one.wire.buffered() for one in self._subscribers if not one.behind), default=0) > most_bytes

    def stats(self) -> dict[str, Any]:
        """Return how many connections there are, in how many groups, and how many of them are slow."""
        return {"connections": len(self._subscribers), "groups": len(self._groups), "slow": len(self._slow)}

    def stop(self) -> None:
        """Forget the timers; the process is stopping."""
        self._slow.stop()
