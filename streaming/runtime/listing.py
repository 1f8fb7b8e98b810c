"""Keeping a process at the newest list of instruments: told by a control message, and looked for every few seconds."""

import asyncio
import logging

import redis

from streaming import metrics
from streaming.runtime.errands import Errands
from streaming.runtime.open_sockets import OpenSockets
from streaming.store.connection import redis_async
from streaming.store.instruments import look_async

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0  # makes up for a control message that was lost


class Listing:
    """One process's look at the published list."""

    def __init__(self, sockets: OpenSockets, errands: Errands) -> None:
        self._sockets, self._errands = sockets, errands

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Take a list that is new; sockets that follow what has another code now connect again and find it."""
        try:
            moved = await look_async(redis_async())
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()
            return  # the list in force goes on
        if not moved:
            return
        for socket in self._sockets.all():
            self._errands.run(socket.rename(moved))
