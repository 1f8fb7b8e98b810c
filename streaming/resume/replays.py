"""Resume: what a socket missed, out of the stream, then live without gap, double or reorder.

While a channel is being replayed the hub sends its live frames to nobody who waits for it: they are in the stream too.
When the replay has come to the very window that the hub sent last, the channel is the hub's again, in the same step of
the event loop. All replays of a process share one task that works a few milliseconds at a time and hands a socket more
only when the kernel has taken what it had, so thousands of them do not keep live frames back.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from kernel import keyspace
from streaming import metrics
from streaming.hub.fairness import Timeslice
from streaming.hub.hub import Hub
from streaming.hub.subscribers import Subscriber
from streaming.hub.window_cache import Segment, WindowCache
from streaming.records.events import Events
from streaming.records.window import WINDOW_MS, chunk_of
from streaming.resume.beside_bars import (
    EventPieces,
    FormedAgain,
    event_frames,
    first_seq_of,
    next_window_of,
    split,
)
from streaming.store.answers import floor_of
from streaming.wire.channels import EVENTS, WINDOW, Channel
from streaming.wire.framing import framed
from streaming.wire.requests import ResumeDecision

log = logging.getLogger(__name__)
_WRITE_BYTES = 48_000  # a slice; below what makes a reader slow
_FRAME_BYTES = 240
_STUCK_SECONDS = 10.0
_KEEP_SECONDS = 30.0  # decoded pieces, after the last replay
Told = Mapping[int, Sequence[Events]]  # beside the bars, by the window that closed next


@dataclass(eq=False)
class Job:
    """One socket's replay of one lane."""

    subscriber: Subscriber
    lane: str
    epoch: str
    channels: tuple[Channel, ...]
    since: int
    after: int  # everything up to this window has been handed over
    moved_at: float = field(default_factory=time.monotonic)
    met: bool = False  # this process reads that epoch
    formed: FormedAgain | None = None  # of longer intervals


class Replays:
    """All replays of one process."""

    def __init__(self, hub: Hub, client: Callable[[], Any], run: Callable[[Any], Any]) -> None:
        self._hub, self._client, self._start = hub, client, run
        self._jobs: dict[Job, None] = {}
        self._events = {name: EventPieces(market) for name, market in hub.latest.items()}
        self._running = False

    async def judge(
        self,
        lane: str,
        since: int | None,
        since_ms: int | None,
        epoch: str | None,
        kinds: Sequence[str] = (WINDOW,),
    ) -> ResumeDecision:
        """Tell whether the stream has everything behind an instant, and of which kinds it has not.

        Args:
            since, since_ms: a window, or an instant in epoch ms.
            epoch: what the client knows; None where it did not say.

        Raises:
            redis.RedisError: the store is away.
        """
        after = since if since is not None else (since_ms or 0) // WINDOW_MS
        present, first, last, noted, told = await self._ends(lane, self._hub.latest[lane].epoch)
        if not first:
            return ResumeDecision(lane, False, present, after, None, "no_stream")
        first_seq, last_seq = (int(rows[0][0].split(b"-")[0]) // WINDOW_MS for rows in (first, last))
        if epoch is not None and epoch != present:
            return ResumeDecision(lane, False, present, after, first_seq, "epoch_changed")
        if after > last_seq:
            return ResumeDecision(lane, False, present, after, first_seq, "ahead")
        floor = floor_of(noted.decode() if noted else None, present)
        if after < (floor if floor is not None else first_seq - 1):
            return ResumeDecision(lane, False, present, after, first_seq, "trimmed")
        return ResumeDecision(lane, True, present, after, first_seq, "", self._lacking(lane, after, floor, told, kinds))

    def _lacking(self, lane: str, after: int, floor: int | None, told: Any, kinds: Sequence[str]) -> tuple[str, ...]:
        """Return the kinds of which nothing can be replayed behind a window; `told` describes the events' stream."""
        market, lacking = self._hub.latest[lane], []
        whole = told is None or told["entries-added"] == told["length"]
        for kind in kinds:
            if kind in EVENTS:
                oldest = None if whole else told["first-entry"]
                # What was told before one window may have been cut in the middle.
                if not whole and (oldest is None or next_window_of(oldest[0]) > after):
                    lacking.append(kind)
            elif kind != WINDOW:
                begins = first_seq_of(kind, market, after)
                if begins is None or begins <= (floor or 0):
                    lacking.append(kind)
        return tuple(lacking)

    async def _ends(self, lane: str, epoch: str) -> tuple[str, Any, Any, bytes | None, Any]:
        """Return the present epoch, its stream's first and last entry, what was trimmed, and how its events stand."""
        stream = keyspace.stream(lane, epoch)
        pipe = self._client().pipeline(transaction=False)
        pipe.get(keyspace.epoch(lane))
        pipe.xrange(stream, count=1)
        pipe.xrevrange(stream, count=1)
        pipe.get(keyspace.floor(lane))
        pipe.xinfo_stream(keyspace.events(lane, epoch))
        present, first, last, noted, told = await pipe.execute(raise_on_error=False)
        for answer in (present, first, last, noted):
            if isinstance(answer, Exception):
                raise answer
        if isinstance(told, Exception):
            told = None  # nothing was ever told beside the bars
        name = present.decode() if present else ""
        if name and name != epoch:  # newer than what this process has read so far
            return await self._ends(lane, name)
        return name, first, last, noted, told

    def begin(self, subscriber: Subscriber, verdict: ResumeDecision, channels: frozenset[Channel]) -> None:
        """Replay some channels of one lane; the subscriber follows them already. The hub leaves them to us until
        then."""
        for other in [one for one in self._jobs if one.subscriber is subscriber and one.lane == verdict.lane]:
            # The same symbol asked twice: the newer answer counts for it.
            other.channels = tuple(one for one in other.channels if one not in channels)
        self._hub.hold(subscriber, channels)
        job = Job(subscriber, verdict.lane, verdict.epoch, tuple(sorted(channels)), verdict.since, verdict.since)
        self._jobs[job] = None
        metrics.replays.inc()
        metrics.replaying.set(len(self._jobs))
        if not self._running:
            self._running = True
            self._start(self._work())

    def __len__(self) -> int:
        return len(self._jobs)

    # -- the one task ----------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            while True:
                idle_since = time.monotonic()
                while not self._jobs:
                    if time.monotonic() - idle_since > _KEEP_SECONDS:
                        return
                    await asyncio.sleep(0.05)
                await self._go_round()
        finally:
            self._running = False
            for lane in self._hub.latest:
                self._hub.window_cache(lane).forget()
                self._events[lane].forget()

    async def _go_round(self) -> None:
        """Give every replay one slice."""
        slices, moved = Timeslice(), False
        for job in list(self._jobs):
            try:
                moved = await self._advance(job) or moved
            except (redis.RedisError, OSError) as error:
                metrics.store_errors.inc()
                log.warning("a replay waits for the store: %s", type(error).__name__)
                await asyncio.sleep(0.2)
            except Exception:
                log.exception("a replay of lane %s failed", job.lane)
                self._finish(job, recovered=False)
            await slices.checkpoint()
        if not moved:
            await asyncio.sleep(0.01)

    async def _advance(self, job: Job) -> bool:
        """Hand one slice over; return whether anything moved."""
        subscriber, lane = job.subscriber, self._hub.latest[job.lane]
        job.channels = tuple(one for one in job.channels if one in subscriber.channels)
        if not self._hub.has(subscriber) or not job.channels:
            self._finish(job, recovered=None)
            return True
        job.met = job.met or job.epoch == lane.epoch
        if (job.met and job.epoch != lane.epoch) or time.monotonic() - job.moved_at > _STUCK_SECONDS:
            self._finish(job, recovered=False)
            return True
        if not job.met:
            return False  # this process's reader comes to the epoch in a moment
        if subscriber.behind is not None or subscriber.wire.buffered():
            return False  # the hub ends who stays slow
        if lane.seq < job.since:
            return False  # this process's reader comes to the window in a moment
        bars, events, forming = split(job.channels)
        cache = self._hub.window_cache(job.lane)
        if forming and job.formed is None:
            # Also where nothing was missed: what comes next may end the bar that is being formed.
            job.formed = FormedAgain(lane, forming, job.after)
            await job.formed.catch_up(lambda of: cache.segment(self._client(), of))
        if job.after >= lane.seq:
            # What was told since that window; what comes next is the hub's to send.
            self._write(job, event_frames(lane.since, events, subscriber.dialect))
            self._finish(job, recovered=True)
            return True
        number = chunk_of(job.after + 1)
        told = await self._events[job.lane].piece(self._client(), number) if events else (lane.seq, {})
        segment = await cache.encoded(self._client(), number, bars, lambda: self._wanted(job.lane, number))
        return self._hand_over(job, segment, *told) or await self._leap(job, cache, told[1])

    def _wanted(self, lane: str, number: int) -> set[Channel]:
        """Return what the replays that are still to come through a piece want of it."""
        jobs = [job for job in self._jobs if job.lane == lane and chunk_of(job.after) <= number]
        return {one for job in jobs for one in job.channels if one.kind == WINDOW}

    def _hand_over(self, job: Job, segment: Segment, told_through: int, told: Told) -> bool:
        """Write the next windows of a piece. No await in here: `lane.seq` must not move.

        Args:
            told, told_through: what was told before each window, and up to which window that is all.
        """
        lane = self._hub.latest[job.lane]
        if job.epoch != lane.epoch or job.subscriber.behind is not None:
            return True  # seen to in the next round
        place = segment.index_after(job.after)
        if place < len(segment.seqs) and not segment.whole:
            self._finish(job, recovered=False)  # nobody knows the prices that it begins with
            return True
        bars, events, forming = split(job.channels)
        end = min(place + max(1, _WRITE_BYTES // (_FRAME_BYTES * len(job.channels))), segment.index_after(lane.seq))
        end = min([end, segment.index_after(told_through), *(len(segment.frames(channel)) for channel in bars)])
        if end <= place:
            return False
        columns = [segment.frames(channel)[place:end] for channel in bars]
        rows = [list(row) for row in zip(*columns, strict=True)] if bars else [[] for _ in range(place, end)]
        dialect = job.subscriber.dialect
        if forming and job.formed is not None:
            for row, window in zip(rows, segment.windows(after=job.after), strict=False):
                row.extend(job.formed.frames(window, forming, dialect))
        for row, seq in zip(rows, segment.seqs[place:end], strict=True):
            row[:0] = _frames_until(seq, job, told, events)
            job.after = seq
        job.moved_at = time.monotonic()
        self._write(job, [frame for row in rows for frame in row])
        return True

    @staticmethod
    def _write(job: Job, frames: Sequence[bytes]) -> None:
        if data := b"".join(frames):
            job.subscriber.wire.write(data)
            metrics.replayed_bytes.inc(len(data))

    async def _leap(self, job: Job, cache: WindowCache, told: Told) -> bool:
        """Go on behind a hole in the stream: the market was closed."""
        lane = self._hub.latest[job.lane]
        if chunk_of(job.after + 1) >= chunk_of(lane.seq):
            return False
        following = await cache.next_seq(self._client(), job.after)
        if following is None or following <= job.after:
            return False
        if job.epoch != lane.epoch or job.subscriber.behind is not None:
            return True
        # Of a worker that died before its window: another one has gone on later.
        self._write(job, _frames_until(following - 1, job, told, split(job.channels)[1]))
        job.after, job.moved_at = following - 1, time.monotonic()
        return True

    def _finish(self, job: Job, *, recovered: bool | None) -> None:
        """Give the channels to the hub. `recovered` None: nobody is there to be told."""
        self._jobs.pop(job, None)
        metrics.replaying.set(len(self._jobs))
        subscriber = job.subscriber
        if not self._hub.has(subscriber):
            return
        self._hub.release(subscriber, frozenset(job.channels))
        if recovered and job.formed is not None:
            for channel, builder in job.formed.forming.items():
                self._hub.adopt(channel, builder)
            if job.after == job.since:  # no window told it
                self._hub.show_to(subscriber, job.formed.forming)
        if recovered is not None:
            metrics.replays_ended.labels("recovered" if recovered else "broken_off").inc()
            text = subscriber.dialect.resumed(market=job.lane, seq=job.after, recovered=recovered)
            subscriber.wire.write(framed(text))


def _frames_until(seq: int, job: Job, told: Told, channels: Sequence[Channel]) -> list[bytes]:
    """Return the frames of what was told before a window and is not handed over yet."""
    if not (channels and told):
        return []
    windows = [seq] if seq == job.after + 1 else sorted(of for of in told if job.after < of <= seq)
    dialect = job.subscriber.dialect
    return [frame for of in windows for frame in event_frames(told.get(of, ()), channels, dialect)]
