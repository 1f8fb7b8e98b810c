"""The ear for control messages, which reach a process once and not every socket; what is lost is made up for."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from kernel import keyspace
from kernel.scope import MARKETS
from streaming.runtime.draining import Drain
from streaming.runtime.errands import Errands
from streaming.runtime.open_sockets import OpenSockets
from streaming.store import socket_list
from streaming.store.connection import redis_async
from streaming.store.quota import ConnectionKey
from streaming.wire import announced
from streaming.wire.connection import CLOSE_ENDED, CLOSE_REPLACED

log = logging.getLogger(__name__)
_AT_ONCE = 200  # sockets that are told before the loop does other things


class Control:
    """Hears and says what concerns every streaming process.

    Kinds: `entitlement` and `revoked` (customer, group), `subscription` (customer, group), `replaced`, `viewers` and
    `ended` (customer, group, fields), `describe` (customer, group, asked), `drain` (node), `calendar` (lane),
    `instruments`, `announcement` (group, told). `heard` counts those about entitlements.
    """

    def __init__(
        self,
        sockets: OpenSockets,
        errands: Errands,
        drain: Drain,
        read_calendar: Callable[[str], Coroutine[Any, Any, None]],
        read_instruments: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._sockets, self._errands, self._drain, self._read_calendar = sockets, errands, drain, read_calendar
        self._read_instruments = read_instruments
        self.heard = 0

    async def listen(self) -> None:
        """Hear for ever; raises what the channel layer raises when the store is away."""
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(keyspace.CONTROL_GROUP, channel)
        try:
            while True:
                self._hear(await layer.receive(channel))
        finally:
            await layer.group_discard(keyspace.CONTROL_GROUP, channel)

    async def tell(self, control: dict[str, Any]) -> None:
        """Say something to every streaming process, this one first."""
        message = {"type": "control", **control}
        self._hear(message)
        try:
            await get_channel_layer().group_send(keyspace.CONTROL_GROUP, message)
        except (redis.RedisError, OSError) as error:
            log.warning("%s could not be told elsewhere: %s", control["kind"], type(error).__name__)

    async def replace(self, customer: str, group: str, fields: list[str]) -> None:
        """End the sockets that newer ones have pushed out, wherever they live."""
        if fields:
            await self.tell({"kind": "replaced", "customer": customer, "group": group, "fields": fields})

    def give_way(self, program: ConnectionKey, fields: list[str]) -> None:
        """Have the pages that a program has taken symbols from look at what they still have, wherever they live."""
        told = {"kind": "viewers", "customer": program.customer, "group": program.group, "fields": fields}
        self._errands.run(self.tell(told))

    async def _describe(self, question: dict[str, Any], told: dict[str, dict[str, Any]]) -> None:
        """Answer who asks what is known here of a customer's sockets."""
        try:
            await socket_list.tell(redis_async(), question["customer"], question["group"], question["asked"], told)
        except (redis.RedisError, OSError) as error:
            log.warning("sockets could not be described: %s", type(error).__name__)

    def _hear(self, message: dict[str, Any]) -> None:
        kind, run = message.get("kind"), self._errands.run
        of_customer = self._sockets.of(message.get("customer", ""), message.get("group", ""))
        match kind:
            case "drain":
                if message.get("node") == settings.NODE_ID:
                    run(self._drain.look())
            case "calendar":
                if message.get("lane") in MARKETS:
                    run(self._read_calendar(message["lane"]))
            case "instruments":
                run(self._read_instruments())
            case "announcement":
                if message.get("group") in ("", settings.NODE_GROUP):
                    run(self._announce(message.get("told", {})))
            case "replaced":
                for socket in of_customer:
                    if socket.field in message["fields"]:
                        run(socket.end(CLOSE_REPLACED, "replaced by a newer connection"))
            case "ended":
                for socket in of_customer:
                    if socket.field in message["fields"]:
                        run(socket.end(CLOSE_ENDED, "ended by its owner"))
            case "describe":
                if told := {socket.field: socket.describe() for socket in of_customer}:
                    run(self._describe(message, told))
            case "viewers":
                for socket in of_customer:
                    if socket.field in message["fields"]:
                        run(socket.refresh_entitlement())
            case "subscription":
                for socket in of_customer:
                    run(socket.sync_stored())
            case _:
                self.heard += 1
                for socket in of_customer:
                    run(socket.refresh_entitlement())

    async def _announce(self, told: dict[str, Any]) -> None:
        """Tell every socket what the operator announces, each by itself: a peer that is stuck keeps nobody waiting."""
        try:
            read = announced.read(told)
        except ValueError as error:
            log.warning("an announcement could not be read: %s", error)
            return
        for nth, socket in enumerate(self._sockets.all(), 1):
            self._errands.run(socket.announce(read))
            if nth % _AT_ONCE == 0:
                await asyncio.sleep(0)
