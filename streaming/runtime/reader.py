"""Reads one lane's streams of windows and of events into the hub, by id, without ever losing its place.

A dead link shows itself after 3 s (streaming.store.connection); then we wait, connect anew and go on after the last
window that was read. A new epoch is noticed by its key, which is looked at whenever the stream was quiet for a moment.
"""

import asyncio
import logging
import time
from typing import Any

import msgspec
import redis

from kernel import clock, keyspace
from streaming import metrics
from streaming.domain.calendar import AlwaysOpen, Sessions
from streaming.hub.fairness import Timeslice
from streaming.hub.hub import Hub
from streaming.records.window import WINDOW_MS, Book, Print, Window, end_ms, unpack_events, unpack_window
from streaming.server.wires import SOFT_BYTES
from streaming.store.calendars import read_calendar_async
from streaming.store.connection import new_redis_async
from streaming.store.lanes import newest_by_symbol

log = logging.getLogger(__name__)
_BATCH = 100  # entries of each stream a read; a replay at full speed brings thousands
_TOGETHER = 20  # windows that are sent in one write with what was told before them, which costs more than bars
_BLOCK_MS = WINDOW_MS + 250  # a stream that runs answers before
_QUIET_SECONDS = 3 * WINDOW_MS / 1000 + 1.0  # three windows missing in a row, and a second for the closing delay
_EAGER_SECONDS = 5.0
_DEAD_SECONDS = 2.5  # of silence on a link that then broke
_RECENT_WINDOWS = 400  # ten minutes of trades and pictures are what a process that joins late begins with
_BREATH_SECONDS = 0.5  # the most that one catching-up batch waits for healthy readers


class MarketReader:
    """Feeds one market of a hub for ever; `run` is the task."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name, self._latest = hub, name, hub.latest[name]
        self._last_id = "0-0"
        self._last_event = "0-0"
        self.found_no_stream = False  # this process looked before there was any stream
        self._client: Any = None
        self._looking_since = time.monotonic()

    async def run(self) -> None:
        """Read for ever; a store that is away is tried again."""
        while True:
            try:
                self._client = new_redis_async()
                await self._read_for_ever(self._client)
            except (redis.RedisError, OSError) as error:
                metrics.store_errors.inc()
                log.warning("lane %s: the stream cannot be read (%s); trying again", self.name, type(error).__name__)
                # A link that is dead shows itself after 3 s without any answer: that is silence enough.
                self._notice_silence(after=_DEAD_SECONDS)
                await asyncio.sleep(0.2)
            finally:
                if self._client is not None:
                    await self._client.aclose()

    async def _read_for_ever(self, client: Any) -> None:
        while True:
            raw_epoch = await client.get(keyspace.epoch(self.name))
            if raw_epoch is None:
                self.found_no_stream = True
                self._notice_silence()
                # A lane that begins is met at once; one that nobody runs is not asked for ten times a second for ever.
                await asyncio.sleep(0.1 if time.monotonic() - self._looking_since < _EAGER_SECONDS else 1.0)
                continue
            self._looking_since = time.monotonic()
            if raw_epoch.decode() != self._latest.epoch:
                await self._begin(client, raw_epoch.decode())
            await self._read_until_quiet(client)

    async def _begin(self, client: Any, epoch: str) -> None:
        """Open a stream: at its end when it ran before this process did, else at its start, for nothing was missed."""
        calendar = await self._calendar(client)
        joins_late = not self._latest.epoch and not self.found_no_stream
        self._last_id = self._last_event = "0-0"
        # The end before the prices: a price that moves in between is told again by the windows that follow.
        ends = await client.xrevrange(keyspace.stream(self.name, epoch), count=1)
        packed = await client.hgetall(keyspace.newest(self.name))
        newest = newest_by_symbol(packed, self.name)
        self.hub.begin(self.name, epoch, newest, calendar, from_start=not joins_late)
        if joins_late and ends:
            entry_id, fields = ends[0]
            self._last_id = entry_id.decode()
            self.hub.publish(self.name, *self._windows([(entry_id, fields)]))
            await self._take_recent_events(client, int(self._last_id.split("-")[0]))

    async def _calendar(self, client: Any) -> Sessions:
        """Return the market's trading days with what operators have changed."""
        if self.name == "TEST":
            return AlwaysOpen()
        return await read_calendar_async(client, self.name)

    async def _read_until_quiet(self, client: Any) -> None:
        epoch = self._latest.epoch
        stream, told = keyspace.stream(self.name, epoch), keyspace.events(self.name, epoch)
        while True:
            last = {stream: self._last_id, told: self._last_event}
            answer = await client.xread(last, count=_BATCH, block=_BLOCK_MS)
            self._notice_silence()  # also where trades come and no windows
            if not answer:
                return
            pairs = answer if isinstance(answer, list) else [(key, rows[0]) for key, rows in answer.items()]
            entries = {key.decode(): rows for key, rows in pairs}
            read_at = time.perf_counter()
            windows, events = _in_one_order(entries.get(stream, []), entries.get(told, []))
            await self._publish(windows, events)
            if windows and (taken := self._windows(windows[-1:])[0]):
                self._measure_lag(taken[0], read_at)

    async def _publish(self, windows: list[Any], events: list[Any]) -> None:
        """Send what was read: some windows at a time, each behind what was told before it.

        Between two awaits the hub has all that was told before the window that it has sent last, and what was told
        since then it has kept: a replay hands over just there.
        """
        at, together = 0, _TOGETHER if events else _BATCH
        for first in range(0, len(windows), together):
            some, before = windows[first : first + together], at
            while at < len(events) and _order(events[at]) < _order(some[-1]):
                at += 1
            prints, books = self._told(events[before:at])
            self.hub.publish(self.name, *self._windows(some), prints=prints, books=books)
            self._last_id = some[-1][0].decode()
            if len(windows) > 1:
                await self._let_healthy_readers_drain()
        prints, books = self._told(events[at:])
        if prints or books:
            self.hub.publish_events(self.name, prints, books)

    def _told(self, entries: list[Any]) -> tuple[list[Print], list[Book]]:
        """Return the trades and pictures of some entries, which are behind us then."""
        prints: list[Print] = []
        books: list[Book] = []
        for entry_id, fields in entries:
            try:
                events = unpack_events(fields[b"e"])
            except (KeyError, msgspec.MsgspecError) as error:
                log.error("lane %s: events %s cannot be read (%s)", self.name, entry_id.decode(), error)
                continue
            prints += events.prints
            books += events.books
        if entries:
            self._last_event = entries[-1][0].decode()
        return prints, books

    async def _take_recent_events(self, client: Any, until_ms: int) -> None:
        """Take what was told within ten minutes before the window that is shown first; what comes behind it is live."""
        stream, slices = keyspace.events(self.name, self._latest.epoch), Timeslice()
        after = f"{max(0, until_ms - _RECENT_WINDOWS * WINDOW_MS)}-0"
        while entries := await client.xrange(stream, min=f"({after}", max=f"{until_ms}-0", count=_BATCH):
            self.hub.publish_events(self.name, *self._told(entries), silently=True)
            after = self._last_event
            await slices.checkpoint()
        self._last_event = f"{until_ms}-0"

    def _windows(self, entries: list[Any]) -> tuple[list[Window], list[bytes]]:
        """Return the windows and as they were packed.

        An entry that cannot be read is said and passed over, or it would stop the market for ever.
        """
        windows, packed = [], []
        for entry_id, fields in entries:
            try:
                windows.append(unpack_window(fields[b"w"]))
                packed.append(fields[b"w"])
            except (KeyError, msgspec.MsgspecError) as error:
                log.error("lane %s: entry %s cannot be read (%s); passed over", self.name, entry_id.decode(), error)
        return windows, packed

    async def _let_healthy_readers_drain(self) -> None:
        """Between batches of a catch-up, so that our own burst makes nobody a slow reader."""
        deadline = time.monotonic() + _BREATH_SECONDS
        await asyncio.sleep(0)
        while time.monotonic() < deadline and self.hub.lags(SOFT_BYTES // 2):
            await asyncio.sleep(0.005)

    def _measure_lag(self, window: Window, read_at: float) -> None:
        if window.speed != 1.0:
            return
        now_ms = clock.now_ms()
        metrics.lag_seconds.labels(self.name, "exchange").set((now_ms - end_ms(window.seq)) / 1000)
        metrics.lag_seconds.labels(self.name, "store").set(time.perf_counter() - read_at)
        if window.made_ms:
            metrics.lag_seconds.labels(self.name, "ingest").set((now_ms - window.made_ms) / 1000)
        metrics.follows.labels(self.name).set(self.hub.followed(self.name))

    def _notice_silence(self, after: float | None = None) -> None:
        """Call a market without entries `no_feed`, unless it is closed: then silence is what was promised."""
        silent = self.hub.silent_seconds(self.name)
        if self._latest.state in ("closed", "no_feed") or silent < (_QUIET_SECONDS if after is None else after):
            return
        self.hub.fall_silent(self.name)


def _order(entry: Any) -> tuple[int, int]:
    at_ms, _, nth = entry[0].partition(b"-")
    return int(at_ms), int(nth)


def _in_one_order(windows: list[Any], events: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return what of two streams that were read together may be taken: as far as both of them are known.

    One that had more than a read brings is known up to the last entry that it brought.
    """
    ends = [_order(entries[-1]) for entries in (windows, events) if len(entries) >= _BATCH]
    if not ends:
        return windows, events
    end = min(ends)
    return [one for one in windows if _order(one) <= end], [one for one in events if _order(one) <= end]
