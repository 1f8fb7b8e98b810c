"""Leaving with a hint: an operator's order or a stop sends every client away over a time, each told where to go."""

import asyncio
import json
import random
import time
from typing import Any

import redis
from django.conf import settings

from kernel import keyspace
from streaming import metrics
from streaming.runtime.errands import Errands
from streaming.runtime.open_sockets import OpenSockets
from streaming.store.connection import redis_async
from streaming.wire.connection import CLOSE_DRAINING

_REASON_BYTES = 120  # a close frame carries 123


class Drain:
    """Whether this process takes new connections. `ordered` is so while it does not."""

    def __init__(self, sockets: OpenSockets, errands: Errands) -> None:
        self._sockets, self._errands = sockets, errands
        self.ordered = False
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Begin or end draining as the operator's order in the store says; a store that is away changes nothing."""
        try:
            ordered = bool(await redis_async().exists(keyspace.draining(settings.NODE_ID)))
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()  # the sockets are looked after all the same: their time goes on
            return
        if ordered and not self.ordered:
            self.ordered = True
            self._task = asyncio.create_task(self.run(settings.DRAIN_SECONDS))
        elif not ordered and self.ordered:
            self.ordered = False
            if self._task is not None:
                self._task.cancel()

    async def run(self, seconds: float) -> None:
        """Send every client away, evenly over a time, with a hint where to; take no new ones."""
        self.ordered = True
        other = await _other_node()
        sockets = self._sockets.all()
        random.shuffle(sockets)  # those of one customer do not all go at once
        began, ending = time.monotonic(), []
        for nth, socket in enumerate(sockets):
            ending.append(self._errands.run(socket.end(CLOSE_DRAINING, _hint(other))))
            ahead = began + seconds * (nth + 1) / len(sockets) - time.monotonic()
            if ahead > 0.01:
                await asyncio.sleep(ahead)
        if ending:
            await asyncio.wait(ending, timeout=2)


async def _other_node() -> dict[str, str]:
    """Return another node of the group that takes connections; empty where none is known."""
    try:
        packed = await redis_async().get(keyspace.siblings(settings.NODE_GROUP))
    except (redis.RedisError, OSError):
        return {}
    others = [one for one in json.loads(packed or b"[]") if one.get("node") != settings.NODE_ID]
    return random.choice(others) if others else {}


def _hint(other: dict[str, str]) -> str:
    """Return the close reason of a node that drains: JSON of at most 120 bytes."""
    wait: dict[str, Any] = {"retry_after": 1 if other else 2}
    for keys in (("node", "url"), ("node",), ()):
        text = json.dumps(wait | {key: other[key] for key in keys if key in other}, separators=(",", ":"))
        if len(text.encode()) <= _REASON_BYTES:
            break
    return text
