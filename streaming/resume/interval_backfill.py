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
from streaming.hub.fairness import Slices
from streaming.hub.hub import Hub
from streaming.hub.market import Lane, Track
from streaming.records.window import Window, chunk_of, unpack_newest

log = logging.getLogger(__name__)
_AUCTION_MS = 35 * 60_000  # the opening's auction counts in its first minute


class Formers:
    """Brings the channels of longer intervals up to the present; `run` is the task."""

    def __init__(self, hub: Hub, client: Callable[[], Any]) -> None:
        self._hub, self._client = hub, client
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Somebody follows something new."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for lane in self._hub.lanes.values():
                lacking = [track for track in lane.intervals.values() if track.forming is None]
                if lacking and lane.seq:
                    await self._bring_up(lane, lacking)
                elif lacking:
                    asyncio.get_running_loop().call_later(0.5, self._wake.set)

    async def _bring_up(self, lane: Lane, tracks: list[Track]) -> None:
        epoch = lane.epoch
        days = [track for track in tracks if track.kind in DAYS]
        forming = await self._days(lane, days) if days else {}
        sessions = not isinstance(lane.sessions, AlwaysOpen)
        shorter = {track: Forming(track.kind, sessions=sessions) for track in tracks if track.kind not in DAYS}
        if shorter:
            await self._fold(lane, shorter)
        if lane.epoch != epoch:
            self._wake.set()
            return
        for track, formed in {**forming, **shorter}.items():
            track.forming = formed
            self._hub.show(lane.name, track)

    async def _days(self, lane: Lane, tracks: list[Track]) -> dict[Track, Forming]:
        symbols = [track.symbol for track in tracks]
        rows = await self._client().hmget(keyspace.newest(lane.name), symbols)
        today = exchange_day(start_ms(lane.seq))
        before = {kind: await self._before(lane, tracks, kind, today) for kind in ("1w", "1M")}
        forming = {}
        for track, packed in zip(tracks, rows, strict=True):
            newest = unpack_newest(packed) if packed is not None else None
            bar, through = before.get(track.kind, {}).get(track.symbol), 0
            if newest is not None and newest.day == today.isoformat() and newest.day_open_e4:
                opened_ms = day_start_ms(first_day_of(today, track.kind))
                of_today = FormedBar(
                    opened_ms, newest.day_open_e4, newest.day_high_e4, newest.day_low_e4, newest.close_e4,
                    newest.day_volume, newest.day_turnover_e4,
                )  # fmt: skip
                bar = FormedBar(opened_ms, *grown(bar, of_today))
                through = newest.seq  # it may be ahead of what this process has read
            forming[track] = Forming(track.kind, sessions=False, bar=bar, through=through)
        return forming

    async def _before(self, lane: Lane, tracks: list[Track], kind: str, today: date) -> dict[str, FormedBar]:
        """Return the bars of a week or month as they stood last night; empty where history is away."""
        symbols = [track.symbol for track in tracks if track.kind == kind]
        first = first_day_of(today, kind)
        if not symbols or first == today:
            return {}
        span = Span(start_ms=day_start_ms(first), end_ms=day_start_ms(today), limit=31)
        try:
            days = await threads.run(read_bars, symbols, "1d", span, sessions=not isinstance(lane.sessions, AlwaysOpen))
        except HistoryUnavailable:
            log.warning("lane %s: bars of %s begin with today, history is away", lane.name, kind)
            return {}
        bars: dict[str, FormedBar] = {}
        for symbol, of_symbol in days.items():
            for day in of_symbol:
                bars[symbol] = FormedBar(day_start_ms(first), *grown(bars.get(symbol), day))
        return bars

    async def _fold(self, lane: Lane, forming: dict[Track, Forming]) -> None:
        """Fold the windows since the earliest opening, up to the one that the hub sent last."""
        past, came_to = self._hub.past[lane.name], 0
        number = chunk_of(self._from_seq(lane, {track.kind for track in forming}))
        slices = Slices()
        while came_to < lane.seq:
            chunk = await past.chunk(self._client(), number)
            for window in chunk.windows(after=came_to):
                if came_to < window.seq <= lane.seq:
                    _take(lane, window, forming)
                    came_to = window.seq
                await slices.breathe()
            if number >= chunk_of(lane.seq):
                if came_to < lane.seq and chunk.last_seq < lane.seq:
                    return  # the stream has less than was sent: it was lost
                continue
            number += 1

    def _from_seq(self, lane: Lane, kinds: set[str]) -> int:
        minute = lane.sessions.minute_of(lane.seq)
        if minute is None:
            return lane.seq
        sessions = not isinstance(lane.sessions, AlwaysOpen)
        opened_ms = min(opening_of(minute, kind, sessions=sessions) for kind in kinds)
        return seq_of(opened_ms - (_AUCTION_MS if sessions else 0))


def _take(lane: Lane, window: Window, forming: dict[Track, Forming]) -> None:
    minute, over = lane.minute_of(window)
    moved = {bar.symbol: bar for bar in window.bars}
    for track, one in forming.items():
        one.take(minute, moved.get(track.symbol), over=over)
