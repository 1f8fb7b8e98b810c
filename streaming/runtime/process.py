"""What one streaming process has once: the hub and its readers, the quota book, and the ear for control messages."""

import asyncio
import itertools
import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from kernel import clock, keyspace
from kernel.instruments import LANES, InstrumentId
from kernel.tokens import Claims
from streaming import metrics
from streaming.hub.fairness import AdmissionQueue
from streaming.hub.hub import Hub
from streaming.hub.keepalive import TICK_SECONDS
from streaming.latest.market import LatestMarket
from streaming.latest.quotes import LatestQuotes
from streaming.resume.interval_backfill import IntervalBackfill
from streaming.resume.pinned_intervals import PinnedIntervals
from streaming.resume.replays import Replays
from streaming.runtime.reader import MarketReader
from streaming.store import entitlements
from streaming.store.calls import CallBook
from streaming.store.connection import redis_async
from streaming.store.quota import QuotaBook, Socket, keep_signing
from streaming.wire.connection import CLOSE_DRAINING

log = logging.getLogger(__name__)
RECHECK_SECONDS = 15.0  # makes up for control messages that were lost
_AT_ONCE = 250  # customers that are looked up in one round trip
_REMIND_ROUNDS = 40  # every socket's place in the books is said again every ten minutes
_PACE = 200  # of those a second
_WANT_SECONDS = 20.0
_REASON_BYTES = 120  # a close frame carries 123
_DUE_SECONDS = 0.5  # how often it is asked whose entitlement changes by the clock


class OpenSocket(Protocol):
    """What the node asks of a consumer."""

    field: str
    jti: str
    claims: Claims | None
    due_s: float  # when its entitlement changes by the clock alone

    def knows(self, stored: entitlements.Stored) -> bool: ...

    async def recheck(self) -> None: ...
    async def restock(self) -> None: ...
    async def end(self, code: int, reason: str) -> None: ...


class Node:
    """One process's share of a node. Made on the event loop, by the first connection or the lifespan's start."""

    def __init__(self) -> None:
        latest = {name: LatestMarket(name) for name in LANES}
        self.quotes = LatestQuotes(latest)
        wake_backfill = asyncio.Event()
        self.hub = Hub(latest, on_begin=wake_backfill.set)
        self.book = QuotaBook(redis_async())
        self.replays = Replays(self.hub, redis_async, self.run)
        self.admission = AdmissionQueue()
        self.backfill = IntervalBackfill(self.hub, redis_async, wake_backfill)
        self.pinned = PinnedIntervals(latest, self.backfill.wake)
        self.calls = CallBook(redis_async)
        self.sockets: dict[tuple[str, str], set[OpenSocket]] = {}  # by (customer, group)
        self.draining = False
        self.waiting = 0  # sockets that have not sent a token yet
        self.heard = 0  # control messages about customers so far
        self._known: set[InstrumentId] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._errands: set[asyncio.Task[None]] = set()
        self._owed: set[Socket] = set()  # places in the books that the store did not take back yet
        self._due_s = float("inf")  # no socket is due before
        self._wanted_at: dict[str, float] = {}
        self._drain: asyncio.Task[None] | None = None

    def start(self) -> None:
        jobs: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [
            *((f"read {lane}", MarketReader(self.hub, lane).run) for lane in LANES),
            ("control", self._listen),
            ("heartbeat", self._beat),
            ("intervals", self.backfill.run),
            ("recheck", self._recheck_for_ever),
            ("due", self._recheck_when_due),
            ("sign", lambda: keep_signing(self.book, clock.now_ms)),
        ]
        self._tasks = [asyncio.create_task(_for_ever(name, job), name=name) for name, job in jobs]

    async def stop(self) -> None:
        self.hub.stop()
        self.pinned.stop()
        await end_tasks([*self._tasks, *self._errands])
        await redis_async().aclose()

    def run(self, errand: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Do something to one socket in a task of its own: a peer that is stuck must not keep the others waiting."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._ran)
        return task

    def _ran(self, task: "asyncio.Task[None]") -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a socket could not be looked after", exc_info=error)

    # -- sockets -----------------------------------------------------------------------------------------------

    def enter(self, customer: str, group: str, socket: OpenSocket) -> None:
        self.sockets.setdefault((customer, group), set()).add(socket)

    def leave(self, customer: str, group: str, socket: OpenSocket) -> None:
        of_customer = self.sockets.get((customer, group))
        if of_customer is not None:
            of_customer.discard(socket)
            if not of_customer:
                del self.sockets[customer, group]

    async def give_back(self, socket: Socket) -> None:
        """Take a socket out of the books, now or as soon as the store is there."""
        try:
            await self.book.leave(socket)
            self._owed.discard(socket)
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()
            self._owed.add(socket)

    async def replace(self, customer: str, group: str, fields: list[str]) -> None:
        """End the sockets that newer ones have pushed out, wherever they live."""
        if fields:
            await self.tell({"kind": "replaced", "customer": customer, "group": group, "fields": fields})

    async def tell(self, control: dict[str, Any]) -> None:
        """Say something to every streaming process, this one first."""
        message = {"type": "control", **control}
        self._hear(message)
        try:
            layer = get_channel_layer()
            await layer.group_send(keyspace.CONTROL_GROUP, message)
        except (redis.RedisError, OSError) as error:
            log.warning("%s could not be told elsewhere: %s", control["kind"], type(error).__name__)

    async def want(self, lanes: Iterable[str]) -> None:
        """Tell ingest that somebody follows something of these lanes."""
        now = time.monotonic()
        for lane in lanes:
            if now - self._wanted_at.get(lane, float("-inf")) > _WANT_SECONDS:
                await redis_async().set(keyspace.wanted(lane), 1, ex=60)
                self._wanted_at[lane] = now

    async def carried(self, instruments: tuple[InstrumentId, ...]) -> frozenset[InstrumentId]:
        """Ask the store which of these a feed has registered."""
        client = redis_async()
        asked = [one for one in instruments if one not in self._known]
        for lane in {one.lane for one in asked}:
            of_lane = [one for one in asked if one.lane == lane]
            values = await client.hmget(keyspace.newest(lane), [str(one) for one in of_lane])
            self._known.update(one for one, value in zip(of_lane, values, strict=True) if value is not None)
        return frozenset(one for one in instruments if one in self._known)

    # -- jobs --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(keyspace.CONTROL_GROUP, channel)
        try:
            while True:
                self._hear(await layer.receive(channel))
        finally:
            await layer.group_discard(keyspace.CONTROL_GROUP, channel)

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        if kind == "drain":
            if message.get("node") == settings.NODE_ID:
                self.run(self._see_whether_to_drain())
            return
        of_customer = list(self.sockets.get((message.get("customer", ""), message.get("group", "")), ()))
        if kind == "replaced":
            for socket in of_customer:
                if socket.field in message["fields"]:
                    self.run(socket.end(4409, "replaced by a newer connection"))
            return
        if kind == "subscription":
            for socket in of_customer:
                self.run(socket.restock())
            return
        self.heard += 1
        for socket in of_customer:
            self.run(socket.recheck())

    async def _beat(self) -> None:
        for tick in itertools.count():
            await asyncio.sleep(TICK_SECONDS)
            self.hub.tick(tick, clock.now_ms())

    async def _recheck_for_ever(self) -> None:
        lost = self.book.lost
        for turn in itertools.count(1):
            await self._see_whether_to_drain()
            await asyncio.sleep(RECHECK_SECONDS)
            await self._settle()
            # A store that came back empty is told everything again; else now and then is enough.
            if turn % _REMIND_ROUNDS == 0 or self.book.lost != lost:
                lost = self.book.lost
                await self._recheck_all()
            else:
                await self._recheck_what_has_changed()

    async def _recheck_all(self) -> None:
        for count, socket in enumerate(self._all_sockets()):
            self.run(socket.recheck())
            if count % _PACE == _PACE - 1:
                await asyncio.sleep(1)

    async def _recheck_what_has_changed(self) -> None:
        """Look everybody up, many in one round trip; a socket is troubled only where something is new."""
        sockets = [one for one in self._all_sockets() if one.claims is not None]
        for start in range(0, len(sockets), _AT_ONCE):
            some = sockets[start : start + _AT_ONCE]
            try:
                found = await entitlements.look_up([one.claims for one in some if one.claims is not None])
            except (redis.RedisError, OSError):
                metrics.store_errors.inc()
                return  # time goes on without the store: _recheck_when_due
            for socket, (stored, revoked) in zip(some, found, strict=True):
                if revoked or not socket.knows(stored):
                    self.run(socket.recheck())
            await asyncio.sleep(0.05)

    async def _settle(self) -> None:
        for owed in list(self._owed):
            await self.give_back(owed)
            if owed in self._owed:
                return  # still away

    async def _see_whether_to_drain(self) -> None:
        try:
            ordered = bool(await redis_async().exists(keyspace.draining(settings.NODE_ID)))
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()  # the sockets are looked after all the same: their time goes on
            return
        if ordered and not self.draining:
            self.draining = True
            self._drain = asyncio.create_task(self.drain(settings.DRAIN_SECONDS))
        elif not ordered and self.draining:
            self.draining = False
            if self._drain is not None:
                self._drain.cancel()

    async def drain(self, seconds: float) -> None:
        """Send every client away, evenly over a time, with a hint where to; take no new ones."""
        self.draining = True
        other = await self._other_node()
        sockets = self._all_sockets()
        random.shuffle(sockets)  # those of one customer do not all go at once
        began, ending = time.monotonic(), []
        for nth, socket in enumerate(sockets):
            ending.append(self.run(socket.end(CLOSE_DRAINING, _hint(other))))
            ahead = began + seconds * (nth + 1) / len(sockets) - time.monotonic()
            if ahead > 0.01:
                await asyncio.sleep(ahead)
        if ending:
            await asyncio.wait(ending, timeout=2)

    async def _other_node(self) -> dict[str, str]:
        """Return another node of the group that takes connections; empty where none is known."""
        try:
            packed = await redis_async().get(keyspace.siblings(settings.NODE_GROUP))
        except (redis.RedisError, OSError):
            return {}
        others = [one for one in json.loads(packed or b"[]") if one.get("node") != settings.NODE_ID]
        return random.choice(others) if others else {}

    def due(self, at_s: float) -> None:
        """Note that a socket's entitlement changes by the clock then."""
        self._due_s = min(self._due_s, at_s)

    async def _recheck_when_due(self) -> None:
        while True:
            await asyncio.sleep(_DUE_SECONDS)
            now_s = clock.now_ms() / 1000
            if self._due_s > now_s:
                continue
            sockets = self._all_sockets()
            for socket in sockets:
                if socket.due_s <= now_s:
                    self.run(socket.recheck())  # which says when it is due next
            self._due_s = min((one.due_s for one in sockets if one.due_s > now_s), default=float("inf"))

    def _all_sockets(self) -> list[OpenSocket]:
        return [one for sockets in self.sockets.values() for one in sockets]


def _hint(other: dict[str, str]) -> str:
    """Return the close reason of a node that drains: JSON of at most 120 bytes."""
    wait: dict[str, Any] = {"retry_after": 1 if other else 2}
    for keys in (("node", "url"), ("node",), ()):
        text = json.dumps(wait | {key: other[key] for key in keys if key in other}, separators=(",", ":"))
        if len(text.encode()) <= _REASON_BYTES:
            break
    return text


async def _for_ever(name: str, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a job again whenever it fails: a node without its ear or its heartbeat must not look healthy for long."""
    while True:
        try:
            await job()
        except (redis.RedisError, OSError) as error:
            log.warning("%s: the store is away (%s); trying again", name, type(error).__name__)
        except Exception:
            log.exception("%s failed; starting it again", name)
        await asyncio.sleep(1)


async def end_tasks(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks until they are done.

    Once is not always enough: a cancellation that arrives while redis-py gives up waiting for an answer is taken for
    that time-out, and the task goes on (a stop that waited for it hung for ever).
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)


_nodes: dict[asyncio.AbstractEventLoop, Node] = {}


def the_node() -> Node:
    """Return the running loop's node, started."""
    loop = asyncio.get_running_loop()
    node = _nodes.get(loop)
    if node is None:
        for dead in [other for other in _nodes if other.is_closed()]:
            del _nodes[dead]
        node = _nodes[loop] = Node()
        node.start()
    return node


def running_node() -> Node | None:
    """Return the running loop's node where it has one."""
    return _nodes.get(asyncio.get_running_loop())


async def drain_running(seconds: float) -> None:
    """Send the clients of the running loop's process away over some seconds; nothing happens where it has none."""
    node = running_node()
    if node is not None:
        await node.drain(seconds)


async def stop_node() -> None:
    node = _nodes.pop(asyncio.get_running_loop(), None)
    if node is not None:
        await node.stop()
