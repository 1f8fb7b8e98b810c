"""Bars of longer intervals for REST: a bar that was asked for stays in formation as if a socket followed it.

So `kline/latest` is answered from memory after the first question, which waits until the bar is folded out of the
stream. Where an interval has no trade yet the one before it is told, at first from history.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from streaming.domain.calendar import AlwaysOpen
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import FormedBar
from streaming.domain.minutes import MinuteBar
from streaming.errors import HistoryUnavailable
from streaming.history import threads
from streaming.history.rollup import Span, read_bars
from streaming.latest.market import IntervalBar, LatestMarket

KEPT_SECONDS = 600.0  # after it was asked for last
_MOST = 5_000  # bars; each costs a microsecond a window
_WAIT_SECONDS = 2.0
_LOOK_SECONDS = 0.005
_AWAY_SECONDS = 5.0  # before history that was away is asked again
_AGAIN_SECONDS = 60.0  # before history is asked anew for an instrument that does not trade


class _Pin:
    """One bar that is kept, when it was asked for last, and what history has of it."""

    __slots__ = ("asked_at", "bar", "before", "before_at", "market")

    def __init__(self, market: str, bar: IntervalBar) -> None:
        self.market, self.bar = market, bar
        self.asked_at, self.before_at = time.monotonic(), float("-inf")
        self.before: FormedBar | None = None


class PinnedIntervals:
    """The bars in formation that REST keeps in one process.

    Args:
        latest: the markets by name.
        wake: called when a bar is kept anew, so that it is folded.
    """

    def __init__(self, latest: Mapping[str, LatestMarket], wake: Callable[[], object]) -> None:
        self._latest, self._wake = latest, wake
        self._pins: dict[str, dict[str, _Pin]] = {}  # interval -> symbol
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None

    async def formed(self, instruments: Sequence[Instrument], interval: str) -> dict[str, FormedBar]:
        """Return by symbol the bars that are being formed, or the last ones that were; who has none is absent.

        Waits at most 2 s for those that nobody has asked for lately.
        """
        pins, now = self._pin(instruments, interval), time.monotonic()
        if any(pin.bar.builder is None for pin in pins):
            await self._until_known(pins)
        bars: dict[str, FormedBar] = {}
        lacking = []
        for pin in pins:
            pin.asked_at = now
            builder = pin.bar.builder
            if builder is not None and (bar := builder.bar or builder.ended) is not None:
                bars[pin.bar.symbol] = bar
            else:
                lacking.append(pin)
        if lacking:
            await self._ask_history([pin for pin in lacking if now - pin.before_at > _AGAIN_SECONDS], interval)
            bars |= {pin.bar.symbol: pin.before for pin in lacking if pin.before is not None}
        return bars

    def _pin(self, instruments: Sequence[Instrument], interval: str) -> list[_Pin]:
        known = self._pins.setdefault(interval, {})
        pins = []
        for instrument in instruments:
            pin = known.get(instrument.symbol)
            if pin is None:
                bar = self._latest[instrument.lane].hold(instrument.symbol, interval)
                pin = known[instrument.symbol] = _Pin(instrument.lane, bar)
                self._count += 1
            pins.append(pin)
        if self._count > _MOST:
            self._sweep_to(_MOST, keep=pins)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._sweep)
        return pins

    def _sweep(self) -> None:
        """Give back what nobody has asked for in ten minutes."""
        self._sweeper = None
        old = time.monotonic() - KEPT_SECONDS
        for pin in [pin for of in self._pins.values() for pin in of.values() if pin.asked_at <= old]:
            self._unpin(pin)
        if self._count:
            self._sweeper = asyncio.get_running_loop().call_later(KEPT_SECONDS / 10, self._sweep)

    def _sweep_to(self, most: int, keep: Sequence[_Pin]) -> None:
        kept = set(map(id, keep))
        everything = [pin for of in self._pins.values() for pin in of.values() if id(pin) not in kept]
        everything.sort(key=lambda pin: pin.asked_at)
        for pin in everything[: self._count - most]:
            self._unpin(pin)

    def _unpin(self, pin: _Pin) -> None:
        del self._pins[pin.bar.interval][pin.bar.symbol]
        self._count -= 1
        self._latest[pin.market].let_go(pin.bar.symbol, pin.bar.interval)

    def stop(self) -> None:
        """Forget the timer; the process is stopping."""
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _until_known(self, pins: Sequence[_Pin]) -> None:
        self._wake()
        deadline = time.monotonic() + _WAIT_SECONDS
        # A market without a stream has nothing to fold.
        waited = [pin.bar for pin in pins if self._latest[pin.market].seq]
        while any(bar.builder is None for bar in waited) and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ask_history(self, pins: Sequence[_Pin], interval: str) -> None:
        now = time.monotonic()
        for market in {pin.market for pin in pins}:
            some = [pin for pin in pins if pin.market == market]
            symbols = [pin.bar.symbol for pin in some]
            try:
                found = await threads.run(read_bars, symbols, interval, Span(limit=1), sessions=self.sessions(market))
            except HistoryUnavailable:
                # Who asks history itself hears that it is away; here nobody waits for it again and again.
                for pin in some:
                    pin.before_at = now - _AGAIN_SECONDS + _AWAY_SECONDS
                continue
            for pin in some:
                rows = found.get(pin.bar.symbol)
                pin.before, pin.before_at = _formed(rows[-1]) if rows else None, now

    def sessions(self, market: str) -> bool:
        """Tell whether a market's feed keeps its hours; else intervals are counted from midnight."""
        return not isinstance(self._latest[market].sessions, AlwaysOpen)


def _formed(bar: MinuteBar) -> FormedBar:
    return FormedBar(
        bar.opened_ms, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4
    )  # fmt: skip
