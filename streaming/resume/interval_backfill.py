"""Where a bar of a longer interval stands when somebody begins to follow it: folded out of the stream.

Minutes to hours are folded from the windows since their opening; a day is taken from the newest bar's own sums, and the
days before it in a week or month from history. The channel is live from the very window at which its fold has come to
the hub's.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from kernel import keyspace
from streaming.domain.calendar import AlwaysOpen, day_start_ms, exchange_day
from streaming.domain.intervals import DAYS, FormedBar, Forming, first_day_of, opening_of
from streaming.domain.minutes import grown
from streaming.domain.windows import seq_of, start_ms
from streaming.errors import HistoryUnavailable
from streaming.history import threads
from streaming.history.rollup import Span, read_bars
from streaming.hub.fairness import Timeslice
from streaming.hub.hub import Hub
from streaming.latest.market import IntervalBar, LatestMarket
from streaming.records.newest import unpack_newest
from streaming.records.window import Window, chunk_of
from streaming.store.readable import readable

log = logging.getLogger(__name__)
_AUCTION_MS = 35 * 60_000  # the opening's auction counts in its first minute


class IntervalBackfill:
    """Brings the bars of longer intervals up to the present; `run` is the task.

    Args:
        client: the real-time store's.
        wake: set when somebody follows something new, or a market began anew.
    """

    def __init__(self, hub: Hub, client: Callable[[], Any], wake: asyncio.Event) -> None:
        self._hub, self._client, self._wake = hub, client, wake

    def wake(self) -> None:
        """Somebody follows something new."""
        self._wake.set()

    async def run(self) -> None:
        """Fold what is lacking whenever somebody asks, for ever; raises redis.RedisError where the store is away."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for market in self._hub.latest.values():
                lacking = [bar for bar in market.interval_bars.values() if bar.builder is None]
                if lacking and market.seq:
                    await self._bring_up(market, lacking)
                elif lacking:
                    asyncio.get_running_loop().call_later(0.5, self._wake.set)

    async def _bring_up(self, market: LatestMarket, targets: list[IntervalBar]) -> None:
        epoch = market.epoch
        days = [target for target in targets if target.interval in DAYS]
        forming = await self._days(market, days) if days else {}
        sessions = not isinstance(market.sessions, AlwaysOpen)
        shorter = {
            target: Forming(target.interval, sessions=sessions) for target in targets if target.interval not in DAYS
        }
        if shorter:
            await self._fold(market, shorter)
        if market.epoch != epoch:
            self._wake.set()
            return
        for target, builder in {**forming, **shorter}.items():
            target.builder = builder
            self._hub.interval_known(market.name, target)

    async def _days(self, market: LatestMarket, targets: list[IntervalBar]) -> dict[IntervalBar, Forming]:
        symbols = [target.symbol for target in targets]
        rows = await self._client().hmget(keyspace.newest(market.name), symbols)
        packed = ((symbol, row) for symbol, row in zip(symbols, rows, strict=True) if row is not None)
        known = dict(readable(packed, unpack_newest, f"newest bars of market {market.name}"))
        today = exchange_day(start_ms(market.seq))
        before = {kind: await self._before(market, targets, kind, today) for kind in ("1w", "1M")}
        forming = {}
        for target in targets:
            newest = known.get(target.symbol)
            bar, through = before.get(target.interval, {}).get(target.symbol), 0
            if newest is not None and newest.day == today.isoformat() and newest.day_open_e4:
                opened_ms = day_start_ms(first_day_of(today, target.interval))
                of_today = FormedBar(
                    opened_ms, newest.day_open_e4, newest.day_high_e4, newest.day_low_e4, newest.close_e4,
                    newest.day_volume, newest.day_turnover_e4,
                )  # fmt: skip
                bar = FormedBar(opened_ms, *grown(bar, of_today))
                through = newest.seq  # it may be ahead of what this process has read
            forming[target] = Forming(target.interval, sessions=False, bar=bar, through=through)
        return forming

    async def _before(
        self, market: LatestMarket, targets: list[IntervalBar], kind: str, today: date
    ) -> dict[str, FormedBar]:
        """Return the bars of a week or month as they stood last night; empty where history is away."""
        symbols = [target.symbol for target in targets if target.interval == kind]
        first = first_day_of(today, kind)
        if not symbols or first == today:
            return {}
        span = Span(start_ms=day_start_ms(first), end_ms=day_start_ms(today), limit=31)
        try:
            days = await threads.run(
                read_bars, symbols, "1d", span, sessions=not isinstance(market.sessions, AlwaysOpen)
            )
        except HistoryUnavailable:
            log.warning("market %s: bars of %s begin with today, history is away", market.name, kind)
            return {}
        bars: dict[str, FormedBar] = {}
        for symbol, of_symbol in days.items():
            for day in of_symbol:
                bars[symbol] = FormedBar(day_start_ms(first), *grown(bars.get(symbol), day))
        return bars

    async def _fold(self, market: LatestMarket, forming: dict[IntervalBar, Forming]) -> None:
        """Fold the windows since the earliest opening, up to the one that the hub sent last."""
        cache, came_to = self._hub.window_cache(market.name), 0
        number = chunk_of(self._from_seq(market, {target.interval for target in forming}))
        slices = Timeslice()
        while came_to < market.seq:
            segment = await cache.segment(self._client(), number)
            for window in segment.windows(after=came_to):
                if came_to < window.seq <= market.seq:
                    _take(market, window, forming)
                    came_to = window.seq
                await slices.checkpoint()
            if number >= chunk_of(market.seq):
                if came_to < market.seq and segment.last_seq < market.seq:
                    return  # the stream has less than was sent: it was lost
                continue
            number += 1

    def _from_seq(self, market: LatestMarket, kinds: set[str]) -> int:
        minute = market.sessions.minute_of(market.seq)
        if minute is None:
            return market.seq
        sessions = not isinstance(market.sessions, AlwaysOpen)
        opened_ms = min(opening_of(minute, kind, sessions=sessions) for kind in kinds)
        return seq_of(opened_ms - (_AUCTION_MS if sessions else 0))


def _take(market: LatestMarket, window: Window, forming: dict[IntervalBar, Forming]) -> None:
    minute, over = market.minute_of(window)
    moved = {bar.symbol: bar for bar in window.bars}
    for target, one in forming.items():
        one.take(minute, moved.get(target.symbol), over=over)
