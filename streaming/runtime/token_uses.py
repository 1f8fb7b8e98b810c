"""Which tokens are in use on this process: upwards every minute, so that their owners see which ones nobody needs."""

import asyncio
from collections.abc import Iterator

from kernel import clock
from streaming.records.reports import TokenUses
from streaming.runtime.open_sockets import OpenSockets
from streaming.store.connection import redis_async
from streaming.store.reports import token_uses_command

REPORT_SECONDS = 60.0
MOST_USES = 1000  # tokens in one report: 50 kB


class UseReports:
    """One process's reports; `run` is the task. What a process that is killed has not reported is lost."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        self._noted: dict[str, int] = {}

    def note(self, jti: str, at_ms: int) -> None:
        """Note that a token was used over REST."""
        self._noted[jti] = at_ms

    async def run(self) -> None:
        """Report for ever; raises redis.RedisError where the store is away."""
        while True:
            await self.report()
            await asyncio.sleep(REPORT_SECONDS)

    async def report(self) -> None:
        """Report what was used since the last time and what is open now.

        Raises:
            redis.RedisError: the store is away; what was noted is told the next time.
        """
        for report in self._reports():
            await redis_async().execute_command(*token_uses_command(report))
            for jti, at_ms in report.uses.items():
                if self._noted.get(jti) == at_ms:
                    del self._noted[jti]

    def _reports(self) -> Iterator[TokenUses]:
        now_ms = clock.now_ms()
        # What closes before the next report was in use until now at least.
        self._noted |= {socket.jti: now_ms for socket in self._sockets.all()}
        noted = list(self._noted.items())
        for first in range(0, len(noted), MOST_USES):
            yield TokenUses(uses=dict(noted[first : first + MOST_USES]))
