"""Bars of longer intervals for REST: a channel that was asked for stands in its lane as if a socket followed it.

So `kline/latest` is answered from memory after the first question, which waits until the bar is folded out of the
stream. Where an interval has no trade yet the one before it is told, at first from history.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from streaming.domain.calendar import AlwaysOpen
from streaming.domain.intervals import FormedBar
from streaming.domain.minutes import MinuteBar
from streaming.errors import HistoryUnavailable
from streaming.history import threads
from streaming.history.rollup import Span, read_bars
from streaming.hub.hub import Hub
from streaming.hub.market import Track
from streaming.reference import Instrument
from streaming.wire.channels import Channel

KEPT_SECONDS = 600.0  # after it was asked for last
_MOST = 5_000  # channels; each costs a microsecond a window
_WAIT_SECONDS = 2.0
_LOOK_SECONDS = 0.005
_AWAY_SECONDS = 5.0  # before history that was away is asked again
_AGAIN_SECONDS = 60.0  # before history is asked anew for an instrument that does not trade


class _Stood:
    """One channel that stands, when it was asked for last, and what history has of it."""

    __slots__ = ("asked_at", "before", "before_at", "channel", "track")

    def __init__(self, channel: Channel, track: Track) -> None:
        self.channel, self.track = channel, track
        self.asked_at, self.before_at = 0.0, float("-inf")  # monotonic
        self.before: FormedBar | None = None


class Standing:
    """One process's channels that REST keeps.

    Args:
        wake: called when a channel begins, so that its bar is folded.
    """

    def __init__(self, hub: Hub, wake: Callable[[], object]) -> None:
        self._hub, self._wake = hub, wake
        self._stood: dict[str, dict[str, _Stood]] = {}  # interval -> symbol
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None

    async def formed(self, instruments: Sequence[Instrument], interval: str) -> dict[str, FormedBar]:
        """Return by symbol the bars that are being formed, or the last ones that were; who has none is absent.

        Waits at most 2 s for those that nobody has asked for lately.
        """
        stood, now = self._stand(instruments, interval), time.monotonic()
        if any(one.track.forming is None for one in stood):
            await self._until_known(stood)
        bars: dict[str, FormedBar] = {}
        lacking = []
        for one in stood:
            one.asked_at = now
            forming = one.track.forming
            if forming is not None and (bar := forming.bar or forming.ended) is not None:
                bars[one.track.symbol] = bar
            else:
                lacking.append(one)
        if lacking:
            await self._ask_history([one for one in lacking if now - one.before_at > _AGAIN_SECONDS], interval)
            bars |= {one.track.symbol: one.before for one in lacking if one.before is not None}
        return bars

    def _stand(self, instruments: Sequence[Instrument], interval: str) -> list[_Stood]:
        known = self._stood.setdefault(interval, {})
        stood = []
        for instrument in instruments:
            one = known.get(instrument.symbol)
            if one is None:
                channel = Channel(instrument.id, interval)
                one = known[instrument.symbol] = _Stood(channel, self._hub.lanes[instrument.lane].take(channel))
                one.asked_at = time.monotonic()
                self._count += 1
            stood.append(one)
        if self._count > _MOST:
            self._sweep_to(_MOST, keep=stood)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._sweep)
        return stood

    def _sweep(self) -> None:
        """Give back what nobody has asked for in ten minutes."""
        self._sweeper = None
        old = time.monotonic() - KEPT_SECONDS
        for one in [one for of in self._stood.values() for one in of.values() if one.asked_at <= old]:
            self._give_back(one)
        if self._count:
            self._sweeper = asyncio.get_running_loop().call_later(KEPT_SECONDS / 10, self._sweep)

    def _sweep_to(self, most: int, keep: Sequence[_Stood]) -> None:
        kept = set(map(id, keep))
        everything = [one for of in self._stood.values() for one in of.values() if id(one) not in kept]
        everything.sort(key=lambda one: one.asked_at)
        for one in everything[: self._count - most]:
            self._give_back(one)

    def _give_back(self, one: _Stood) -> None:
        del self._stood[one.channel.kind][one.track.symbol]
        self._count -= 1
        self._hub.lanes[one.channel.instrument.lane].give_back(one.channel)

    def stop(self) -> None:
        """Forget the timer; the process is stopping."""
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _until_known(self, stood: Sequence[_Stood]) -> None:
        self._wake()
        deadline = time.monotonic() + _WAIT_SECONDS
        # A lane without a stream has nothing to fold.
        waited = [one.track for one in stood if self._hub.lanes[one.channel.instrument.lane].seq]
        while any(track.forming is None for track in waited) and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ask_history(self, stood: Sequence[_Stood], interval: str) -> None:
        now = time.monotonic()
        for lane in {one.channel.instrument.lane for one in stood}:
            some = [one for one in stood if one.channel.instrument.lane == lane]
            symbols = [one.track.symbol for one in some]
            try:
                found = await threads.run(read_bars, symbols, interval, Span(limit=1), sessions=self.sessions(lane))
            except HistoryUnavailable:
                # Who asks history itself hears that it is away; here nobody waits for it again and again.
                for one in some:
                    one.before_at = now - _AGAIN_SECONDS + _AWAY_SECONDS
                continue
            for one in some:
                rows = found.get(one.track.symbol)
                one.before, one.before_at = _formed(rows[-1]) if rows else None, now

    def sessions(self, lane: str) -> bool:
        """Tell whether a lane's feed keeps its market's hours; else intervals are counted from midnight."""
        return not isinstance(self._hub.lanes[lane].sessions, AlwaysOpen)


def _formed(bar: MinuteBar) -> FormedBar:
    return FormedBar(
        bar.opened_ms, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4
    )  # fmt: skip
