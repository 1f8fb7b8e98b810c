"""Giving quota back, now or as soon as the store is there."""

import redis

from streaming import metrics
from streaming.store.quota import ConnectionKey, QuotaRegistry


class QuotaReturns:
    """What sockets that have left still owe the quota registry."""

    def __init__(self, quota: QuotaRegistry) -> None:
        self._quota = quota
        self._owed: set[ConnectionKey] = set()  # places that the store did not take back yet

    async def give_back(self, socket: ConnectionKey) -> None:
        """Take a socket out of the registry; it is owed where the store is away."""
        try:
            await self._quota.leave(socket)
            self._owed.discard(socket)
        except (redis.RedisError, OSError):
            metrics.store_errors.inc()
            self._owed.add(socket)

    async def settle(self) -> None:
        """Try again with all that is owed."""
        for owed in list(self._owed):
            await self.give_back(owed)
            if owed in self._owed:
                return  # still away
