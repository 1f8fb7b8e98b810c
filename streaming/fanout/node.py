"""What one streaming process has once: the hub and its readers, the quota book, and the ear for control messages."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any, Protocol

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from kernel import clock, keyspace
from kernel.instruments import LANES, InstrumentId
from streaming.fanout.hub import Hub
from streaming.fanout.reader import LaneReader
from streaming.store.connection import redis_async
from streaming.store.quota import QuotaBook, keep_signing
from streaming.wire.dialects import native

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 15.0  # makes up for control messages that were lost
_PACE = 200  # re-checks a second: 3,000 sockets in a round of 15 s


class OpenSocket(Protocol):
    """What the node asks of a consumer."""

    field: str
    jti: str

    async def recheck(self) -> None: ...
    async def end(self, code: int, reason: str) -> None: ...


class Node:
    """One process's share of a node. Made on the event loop, by the first connection or the lifespan's start."""

    def __init__(self) -> None:
        self.hub = Hub(native, LANES)
        self.book = QuotaBook(redis_async())
        self.sockets: dict[tuple[str, str], set[OpenSocket]] = {}  # by (customer, group)
        self.draining = False
        self._known: set[InstrumentId] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        jobs: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [
            *((f"read {lane}", LaneReader(self.hub, lane).run) for lane in LANES),
            ("control", self._listen),
            ("heartbeat", self._beat),
            ("recheck", self._recheck_for_ever),
            ("sign", lambda: keep_signing(self.book, clock.now_ms)),
        ]
        self._tasks = [asyncio.create_task(_for_ever(name, job), name=name) for name, job in jobs]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await redis_async().aclose()

    # -- sockets -----------------------------------------------------------------------------------------------

    def enter(self, customer: str, group: str, socket: OpenSocket) -> None:
        self.sockets.setdefault((customer, group), set()).add(socket)

    def leave(self, customer: str, group: str, socket: OpenSocket) -> None:
        of_customer = self.sockets.get((customer, group))
        if of_customer is not None:
            of_customer.discard(socket)
            if not of_customer:
                del self.sockets[customer, group]

    async def replace(self, customer: str, group: str, fields: list[str]) -> None:
        """End the sockets that newer ones have pushed out, wherever they live."""
        if not fields:
            return
        message = {"type": "control", "kind": "replaced", "customer": customer, "group": group, "fields": fields}
        await self._hear(message)
        try:
            layer = get_channel_layer()
            await layer.group_send(keyspace.CONTROL_GROUP, message)
        except (redis.RedisError, OSError) as error:
            log.warning("a replaced socket could not be told elsewhere: %s", type(error).__name__)

    async def carried(self, instruments: tuple[InstrumentId, ...]) -> frozenset[InstrumentId]:
        """Ask the store which of these a feed has registered."""
        client = redis_async()
        found = set()
        for instrument in instruments:
            if instrument in self._known or await client.hexists(keyspace.newest(instrument.lane), str(instrument)):
                self._known.add(instrument)
                found.add(instrument)
        return frozenset(found)

    # -- jobs --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(keyspace.CONTROL_GROUP, channel)
        try:
            while True:
                await self._hear(await layer.receive(channel))
        finally:
            await layer.group_discard(keyspace.CONTROL_GROUP, channel)

    async def _hear(self, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        if kind == "drain":
            if message.get("node") == settings.NODE_ID:
                self.draining = bool(message.get("draining", True))
            return
        of_customer = list(self.sockets.get((message.get("customer", ""), message.get("group", "")), ()))
        for socket in of_customer:
            if kind == "replaced":
                if socket.field in message["fields"]:
                    await socket.end(4409, "replaced by a newer connection")
            else:
                await socket.recheck()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.hub.heartbeat(clock.now_ms())

    async def _recheck_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            self.draining = bool(await redis_async().exists(keyspace.draining(settings.NODE_ID)))
            for count, socket in enumerate([one for sockets in self.sockets.values() for one in sockets]):
                await socket.recheck()
                if count % _PACE == _PACE - 1:
                    await asyncio.sleep(1)


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
