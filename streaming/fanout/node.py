"""What one streaming process has once: the hub and its readers, the quota book, and the ear for control messages."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from types import ModuleType
from typing import Any, Protocol

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from kernel import clock, keyspace
from kernel.instruments import LANES, InstrumentId
from streaming import metrics
from streaming.fanout.hub import Hub
from streaming.fanout.reader import LaneReader
from streaming.store.connection import redis_async
from streaming.store.quota import QuotaBook, Socket, keep_signing
from streaming.wire.dialects import native

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 15.0  # makes up for control messages that were lost
_PACE = 200  # re-checks a second: 3,000 sockets in a round of 15 s
_DUE_SECONDS = 0.5  # how often it is asked whose entitlement changes by the clock


class OpenSocket(Protocol):
    """What the node asks of a consumer."""

    field: str
    jti: str
    due_s: float  # when its entitlement changes by the clock alone

    async def recheck(self) -> None: ...
    async def end(self, code: int, reason: str) -> None: ...


class Node:
    """One process's share of a node. Made on the event loop, by the first connection or the lifespan's start."""

    def __init__(self) -> None:
        self.hub = Hub(native, LANES)
        self.book = QuotaBook(redis_async())
        self.sockets: dict[tuple[str, str], set[OpenSocket]] = {}  # by (customer, group)
        self.draining = False
        self.heard = 0  # control messages about customers so far
        self._known: set[InstrumentId] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._errands: set[asyncio.Task[None]] = set()
        self._owed: set[Socket] = set()  # places in the books that the store did not take back yet

    def start(self) -> None:
        jobs: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [
            *((f"read {lane}", LaneReader(self.hub, lane).run) for lane in LANES),
            ("control", self._listen),
            ("heartbeat", self._beat),
            ("recheck", self._recheck_for_ever),
            ("due", self._recheck_when_due),
            ("sign", lambda: keep_signing(self.book, clock.now_ms)),
        ]
        self._tasks = [asyncio.create_task(_for_ever(name, job), name=name) for name, job in jobs]

    async def stop(self) -> None:
        await end_tasks([*self._tasks, *self._errands])
        await redis_async().aclose()

    def run(self, errand: Coroutine[Any, Any, None]) -> None:
        """Do something to one socket in a task of its own: a peer that is stuck must not keep the others waiting."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._ran)

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
        if not fields:
            return
        message = {"type": "control", "kind": "replaced", "customer": customer, "group": group, "fields": fields}
        self._hear(message)
        try:
            layer = get_channel_layer()
            await layer.group_send(keyspace.CONTROL_GROUP, message)
        except (redis.RedisError, OSError) as error:
            log.warning("a replaced socket could not be told elsewhere: %s", type(error).__name__)

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
                self.draining = bool(message.get("draining", True))
            return
        of_customer = list(self.sockets.get((message.get("customer", ""), message.get("group", "")), ()))
        if kind == "replaced":
            for socket in of_customer:
                if socket.field in message["fields"]:
                    self.run(socket.end(4409, "replaced by a newer connection"))
            return
        self.heard += 1
        for socket in of_customer:
            self.run(socket.recheck())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.hub.heartbeat(clock.now_ms())

    async def _recheck_for_ever(self) -> None:
        while True:
            await self._see_whether_to_drain()
            await asyncio.sleep(RECHECK_SECONDS)
            await self._settle()
            for count, socket in enumerate(self._all_sockets()):
                self.run(socket.recheck())
                if count % _PACE == _PACE - 1:
                    await asyncio.sleep(1)

    async def _settle(self) -> None:
        for owed in list(self._owed):
            await self.give_back(owed)
            if owed in self._owed:
                return  # still away

    async def _see_whether_to_drain(self) -> None:
        try:
            self.draining = bool(await redis_async().exists(keyspace.draining(settings.NODE_ID)))
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()  # the sockets are looked after all the same: their time goes on

    async def _recheck_when_due(self) -> None:
        while True:
            await asyncio.sleep(_DUE_SECONDS)
            now_s = clock.now_ms() / 1000
            for socket in self._all_sockets():
                if socket.due_s <= now_s:
                    self.run(socket.recheck())

    def _all_sockets(self) -> list[OpenSocket]:
        return [one for sockets in self.sockets.values() for one in sockets]


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


async def stop_node() -> None:
    node = _nodes.pop(asyncio.get_running_loop(), None)
    if node is not None:
        await node.stop()


def dialects() -> list[ModuleType]:
    return [native]
