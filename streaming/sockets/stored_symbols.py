"""What a socket's requests do to its customer's stored symbols, and how it is told whether that was done.

Only of languages that store them (Rules.stores_symbols). A request that nobody typed, whose `ref` is STORED, changes
nothing: it comes from there.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from redis.exceptions import RedisError

from kernel import clock
from kernel.instruments import InstrumentId
from streaming.store import subscriptions
from streaming.store.connection import redis_async
from streaming.wire import requests
from streaming.wire.connection import Connection
from streaming.wire.requests import STORED

log = logging.getLogger(__name__)
OK, SKIPPED = "ok", "skipped"


class StoredSymbols:
    """One customer's, as one connection sees them."""

    def __init__(self, customer: str, group: str, connection: Connection) -> None:
        self._customer, self._group, self._connection = customer, group, connection

    async def read(self) -> list[str] | None:
        """Return them in their order; None where the store is away."""
        try:
            return await subscriptions.read(redis_async(), self._customer, self._group)
        except (RedisError, OSError) as error:
            log.warning("stored symbols cannot be read: %s", type(error).__name__)
            return None

    async def noted(self, claim: requests.Claim, granted: frozenset[InstrumentId]) -> requests.Claim:
        """Store what a subscribe was granted; return the claim whose request knows whether that was done."""
        if claim.request.ref == STORED:
            return claim
        done = await self._sync("add", [one for one in claim.instruments if one in granted])
        return replace(claim, request=replace(claim.request, ref=done))

    async def forgotten(self, release: requests.Release) -> requests.Release:
        """Forget what an unsubscribe has left; return the release whose request knows whether that was done."""
        if release.request is None or release.request.ref == STORED:
            return release
        done = await self._sync("remove", release.instruments)
        return replace(release, request=replace(release.request, ref=done))

    async def _sync(self, mode: subscriptions.Mode, instruments: Sequence[InstrumentId]) -> str:
        if not instruments:
            return SKIPPED
        symbols: Any = [str(one) for one in instruments]
        most = self._connection.scope.at(clock.now_ms() / 1000).max_subs
        try:
            synced = await subscriptions.sync(redis_async(), self._customer, self._group, mode, symbols, most)
        except (RedisError, OSError) as error:
            log.warning("symbols cannot be stored: %s", type(error).__name__)
            return SKIPPED
        return OK if not synced[1] else SKIPPED
