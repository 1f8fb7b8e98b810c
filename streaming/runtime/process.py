"""What one streaming process has once, put together: hub and readers, quota registry, replays, and its jobs."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from kernel import clock, keyspace
from kernel.instruments import LANES, InstrumentId
from streaming.hub.fairness import AdmissionQueue
from streaming.hub.hub import Hub
from streaming.hub.keepalive import TICK_SECONDS
from streaming.latest.market import LatestMarket
from streaming.latest.quotes import LatestQuotes
from streaming.resume.interval_backfill import IntervalBackfill
from streaming.resume.pinned_intervals import PinnedIntervals
from streaming.resume.replays import Replays
from streaming.runtime.control import Control
from streaming.runtime.deliveries import DeliveryReports
from streaming.runtime.dialects import dialects
from streaming.runtime.doorstep import Doorstep
from streaming.runtime.draining import Drain
from streaming.runtime.errands import Errands, end_tasks, run_for_ever
from streaming.runtime.health import HealthReports
from streaming.runtime.listing import Listing
from streaming.runtime.open_sockets import OpenSockets
from streaming.runtime.quota_returns import QuotaReturns
from streaming.runtime.reader import MarketReader
from streaming.runtime.refreshing import Refreshing
from streaming.runtime.token_uses import UseReports
from streaming.store.calendars import read_calendar_async
from streaming.store.connection import redis_async
from streaming.store.quota import ConnectionKey, QuotaRegistry, heartbeat_loop
from streaming.store.rate_limit import RateLimiter

_DEMAND_SECONDS = 20.0


class StreamProcess:
    """One process's share of a node. Made on the event loop, by the first connection or the lifespan's start."""

    def __init__(self) -> None:
        latest = {name: LatestMarket(name) for name in LANES}
        wake_backfill = asyncio.Event()
        self.hub = Hub(latest, dialects(), on_begin=wake_backfill.set)
        self.quotes = LatestQuotes(latest)
        self.backfill = IntervalBackfill(self.hub, redis_async, wake_backfill)
        self.pinned = PinnedIntervals(latest, self.backfill.wake)
        self.errands = Errands()
        self.replays = Replays(self.hub, redis_async, self.errands.run)
        self.admission = AdmissionQueue()
        self.quota = QuotaRegistry(redis_async(), self._gave_way)
        self.limiter = RateLimiter(redis_async, lambda: self.quota.dead)
        self.sockets = OpenSockets()
        self.returns = QuotaReturns(self.quota)
        self.drain = Drain(self.sockets, self.errands)
        self.listing = Listing(self.sockets, self.errands)
        self.control = Control(self.sockets, self.errands, self.drain, self.read_calendar, self.listing.look)
        self.refreshing = Refreshing(self.sockets, self.errands, self.quota, self.returns, self.drain)
        self.health = HealthReports(latest, self.sockets)
        self.deliveries = DeliveryReports(self.hub.deliveries)
        self.uses = UseReports(self.sockets)
        self.doorstep = Doorstep()
        self._carried: set[InstrumentId] = set()
        self._demanded_at: dict[str, float] = {}  # monotonic seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin all jobs; each is started again whenever it fails."""
        jobs: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [
            *((f"read {lane}", MarketReader(self.hub, lane).run) for lane in LANES),
            ("control", self.control.listen),
            ("heartbeat", self._tick),
            ("intervals", self.backfill.run),
            ("refresh", self.refreshing.run_periodically),
            ("due", self.refreshing.run_when_due),
            ("health", self.health.run),
            ("deliveries", self.deliveries.run),
            ("token uses", self.uses.run),
            ("instruments", self.listing.run),
            ("sign", lambda: heartbeat_loop(self.quota, clock.now_ms)),
        ]
        self._tasks = [asyncio.create_task(run_for_ever(name, job), name=name) for name, job in jobs]

    async def stop(self) -> None:
        """End all jobs and let the store go."""
        self.hub.stop()
        self.pinned.stop()
        await end_tasks(self._tasks)
        await self.errands.stop()
        await self.deliveries.stop()
        await redis_async().aclose()

    async def _tick(self) -> None:
        for number in itertools.count():
            await asyncio.sleep(TICK_SECONDS)
            self.hub.tick(number, clock.now_ms())

    async def signal_demand(self, lanes: Iterable[str]) -> None:
        """Tell ingest that somebody follows something of these lanes."""
        now = time.monotonic()
        for lane in lanes:
            if now - self._demanded_at.get(lane, float("-inf")) > _DEMAND_SECONDS:
                await redis_async().set(keyspace.wanted(lane), 1, ex=60)
                self._demanded_at[lane] = now

    def _gave_way(self, program: ConnectionKey, fields: list[str]) -> None:
        self.control.give_way(program, fields)

    async def read_calendar(self, lane: str) -> None:
        """Take a market's trading days as operators have changed them now."""
        self.hub.latest[lane].take_calendar(await read_calendar_async(redis_async(), lane))

    async def carried(self, instruments: tuple[InstrumentId, ...]) -> frozenset[InstrumentId]:
        """Ask the store which of these a feed has registered."""
        client = redis_async()
        asked = [one for one in instruments if one not in self._carried]
        for lane in {one.lane for one in asked}:
            of_lane = [one for one in asked if one.lane == lane]
            values = await client.hmget(keyspace.newest(lane), [str(one) for one in of_lane])
            self._carried.update(one for one, value in zip(of_lane, values, strict=True) if value is not None)
        return frozenset(one for one in instruments if one in self._carried)


_processes: dict[asyncio.AbstractEventLoop, StreamProcess] = {}


def current_process() -> StreamProcess:
    """Return the running loop's process, started."""
    loop = asyncio.get_running_loop()
    process = _processes.get(loop)
    if process is None:
        for dead in [other for other in _processes if other.is_closed()]:
            del _processes[dead]
        process = _processes[loop] = StreamProcess()
        process.start()
    return process


def running_process() -> StreamProcess | None:
    """Return the running loop's process where it has one."""
    return _processes.get(asyncio.get_running_loop())


async def drain_running(seconds: float) -> None:
    """Send the clients of the running loop's process away over some seconds; nothing happens where it has none."""
    process = running_process()
    if process is not None:
        await process.drain.run(seconds)


async def stop_process() -> None:
    """End the running loop's process; nothing happens where it has none."""
    process = _processes.pop(asyncio.get_running_loop(), None)
    if process is not None:
        await process.stop()
