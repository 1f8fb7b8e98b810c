"""What this process has delivered to whom: upwards every minute, and once more when it stops.

A process that is killed takes what it has not reported yet with it: DELIVERY_SECONDS at most, neither due nor sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count

import redis
from django.conf import settings

from kernel import clock
from streaming.hub.delivery import Counts, DeliveryTally, Followed
from streaming.hub.fairness import Timeslice
from streaming.records.reports import DeliveredBars, Delivery
from streaming.store.connection import redis_async
from streaming.store.quota import PROCESS
from streaming.store.reports import delivery_command

log = logging.getLogger(__name__)
MOST_BARS = 400  # symbols in one report, of all its customers together: 10 kB
_LAST_SECONDS = 3.0  # a store that is away does not keep a process from stopping


class DeliveryReports:
    """One process's reports; `run` is the task."""

    def __init__(self, tally: DeliveryTally) -> None:
        self._tally = tally
        self._numbers = count(1)
        self._unsent: deque[Delivery] = deque()

    async def run(self) -> None:
        """Report for ever; raises redis.RedisError where the store is away, and nothing is lost by that."""
        while True:
            await self.report()
            await asyncio.sleep(settings.DELIVERY_SECONDS)

    async def report(self) -> None:
        """Report what was delivered since the last time.

        A report whose answer was lost goes out again under the same id: whoever reads takes it once. What is delivered
        meanwhile is added up for the next one.

        Raises:
            redis.RedisError: the store is away; call again.
        """
        if not self._unsent:
            slices = Timeslice()
            for subscriber in self._tally.subscribers():
                self._tally.settle(subscriber)
                await slices.checkpoint()
            self._unsent.extend(self._reports(self._tally.take()))
        while self._unsent:
            await redis_async().execute_command(*delivery_command(self._unsent[0]))
            self._unsent.popleft()

    async def stop(self) -> None:
        """Report what is left; the sockets are gone."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.report()  # what could not be sent before,
                await self.report()  # and what was counted since
        except (TimeoutError, redis.RedisError, OSError) as error:
            log.warning("what was delivered last could not be reported: %s", type(error).__name__)

    def _reports(self, rows: Mapping[Followed, Mapping[str, Counts]]) -> Iterator[Delivery]:
        some: list[DeliveredBars] = []
        for followed, bars in _pieces(rows):
            if some and sum(len(one.bars) for one in some) + len(bars) > MOST_BARS:
                yield self._report_of(some)
                some = []
            some.append(DeliveredBars(customer=followed.customer, market=followed.market, day=followed.day, bars=bars))
        if some:
            yield self._report_of(some)

    def _report_of(self, rows: list[DeliveredBars]) -> Delivery:
        return Delivery(id=f"{PROCESS}:{next(self._numbers)}", node=settings.NODE_ID, rows=rows, at_ms=clock.now_ms())


def _pieces(rows: Mapping[Followed, Mapping[str, Counts]]) -> Iterator[tuple[Followed, dict[str, Counts]]]:
    """Yield the rows, with no more than a report's symbols each."""
    for followed, bars in rows.items():
        symbols = sorted(bars)
        for first in range(0, len(symbols), MOST_BARS):
            yield followed, {symbol: bars[symbol] for symbol in symbols[first : first + MOST_BARS]}
