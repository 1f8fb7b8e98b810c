"""How this process is: for `/healthz` at once, and upwards every few seconds."""

import asyncio
import os
from collections.abc import Mapping

import psutil
from django.conf import settings

from kernel import clock
from streaming.domain.windows import end_ms
from streaming.latest.market import LatestMarket
from streaming.records.reports import Health, window_lag_ms
from streaming.runtime.open_sockets import OpenSockets
from streaming.store.connection import redis_async
from streaming.store.quota import PROCESS
from streaming.store.reports import health_command, program_version

REPORT_SECONDS = 5.0


def lag_ms(market: LatestMarket, now_ms: int) -> int | None:
    """Return how long ago a market's newest window ended; None where the wall clock does not tell."""
    return window_lag_ms(market.state, end_ms(market.seq), now_ms, on_wall_clock=market.is_on_wall_clock)


def is_realtime(latest: Mapping[str, LatestMarket]) -> bool:
    """Tell whether every market that has a stream here is told as it should be: `closed` is, `no_feed` is not.

    A market that no feed was ever chosen for has no stream and does not count; with none at all nothing is real-time.
    """
    carried = [market for name, market in latest.items() if name != "TEST" and market.epoch]
    return bool(carried) and all(market.state != "no_feed" for market in carried)


class HealthReports:
    """One process's reports; `run` is the task."""

    def __init__(self, latest: Mapping[str, LatestMarket], sockets: OpenSockets) -> None:
        self._latest, self._sockets = latest, sockets

    def now(self) -> Health:
        """Return how the process is now."""
        now_ms = clock.now_ms()
        return Health(
            process=PROCESS,
            node=settings.NODE_ID,
            role="node",
            version=program_version(),
            at_ms=now_ms,
            sockets=len(self._sockets),
            lag_ms={name: lag_ms(market, now_ms) for name, market in self._latest.items()},
            markets={name: market.state for name, market in self._latest.items()},
            feeds={name: market.feed for name, market in self._latest.items() if market.feed},
            rss_bytes=psutil.Process(os.getpid()).memory_info().rss,
        )

    async def run(self) -> None:
        """Report for ever; raises redis.RedisError where the store is away."""
        while True:
            await redis_async().execute_command(*health_command(self.now()))
            await asyncio.sleep(REPORT_SECONDS)
