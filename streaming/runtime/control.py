"""The ear for control messages, which reach a process once and not every socket; what is lost is made up for."""

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
from streaming.wire.connection import CLOSE_REPLACED

log = logging.getLogger(__name__)


class Control:
    """Hears and says what concerns every streaming process.

    Kinds: `entitlement` and `revoked` (customer, group), `subscription` (customer, group), `replaced` (customer,
    group, fields), `drain` (node), `calendar` (lane). `heard` counts those about entitlements.
    """

    def __init__(
        self,
        sockets: OpenSockets,
        errands: Errands,
        drain: Drain,
        read_calendar: Callable[[str], Coroutine[Any, Any, None]],
    ) -> None:
        self._sockets, self._errands, self._drain, self._read_calendar = sockets, errands, drain, read_calendar
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
            case "replaced":
                for socket in of_customer:
                    if socket.field in message["fields"]:
                        run(socket.end(CLOSE_REPLACED, "replaced by a newer connection"))
            case "subscription":
                for socket in of_customer:
                    run(socket.sync_stored())
            case _:
                self.heard += 1
                for socket in of_customer:
                    run(socket.refresh_entitlement())
