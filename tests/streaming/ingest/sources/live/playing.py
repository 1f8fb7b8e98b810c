"""A market on a trading day of the past, at the pace of the wall, with real connections to emulated providers."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from streaming.domain.calendar import Calendar, day_start_ms
from streaming.domain.lines import LineSetting
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, News
from streaming.ingest.clocks import WallClock
from streaming.ingest.market import Market, MarketWindow
from streaming.ingest.sources import Source
from streaming.ingest.sources.live.providers import made
from streaming.ingest.sources.live.runner import LiveSource
from streaming.ingest.sources.live.setting import ProviderSetting
from streaming.reference import published_days

FRIDAY = date(2026, 11, 27)
QUICK: dict[str, Any] = {
    "seconds": 0.05, "per_minute": 6_000, "retry_seconds": 0.05, "refused_seconds": 0.2, "silence_seconds": 2.0,
    "heartbeat_seconds": 0.1,
}  # fmt: skip


class Day:
    """A clock that begins at an instant of a trading day and goes four times as fast as the wall."""

    def __init__(self, clock: str = "10:00:00", day: date = FRIDAY, speed: int = 4) -> None:
        hours, minutes, seconds = map(int, clock.split(":"))
        self._begins_ms = day_start_ms(day) + ((hours * 60 + minutes) * 60 + seconds) * 1000
        self._began_at = time.monotonic()
        self._speed = speed

    def now_ms(self) -> int:
        return self._begins_ms + round((time.monotonic() - self._began_at) * 1000 * self._speed)

    def clock(self) -> str:
        """The wall of the exchange, as rows state it."""
        seconds = (self.now_ms() - day_start_ms(FRIDAY)) // 1000
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def store(self, lane: str = "CN") -> Any:
        class Store:
            def __init__(self) -> None:
                self.lane = lane

            def calendar(self) -> Calendar:
                return Calendar(lane, published_days(lane))

        return Store()

    def source(self, provider: str, url: str, *, lane: str = "CN", line: str = "", **more: Any) -> LiveSource:
        setting = ProviderSetting(provider, url=url, **{**QUICK, **more})
        return made(setting, self.store(lane), line or provider, self.now_ms)


class Playing:
    """A market with its lines, asked as a worker asks it; ends its sources at the end."""

    def __init__(
        self, day: Day, lines: dict[str, Source], lane: str = "CN", settings: Sequence[LineSetting] = ()
    ) -> None:
        self.day = day
        calendar = Calendar(lane, published_days(lane))
        self.market = Market(
            name="live", lines=lines, clock=WallClock(now_ms=day.now_ms(), resume_after=None, close_delay_ms=0),
            sessions=lambda: calendar, newest={}, resume_after=None, now_ms=day.now_ms(),
            since_ms=day_start_ms(FRIDAY), settings=list(settings),
        )  # fmt: skip
        self.windows: list[MarketWindow] = []
        self.news: list[News] = []
        self.statistics: dict[str, Statistics] = {}
        self._stop = threading.Event()

    def __enter__(self) -> "Playing":
        return self

    def __exit__(self, *error: object) -> None:
        self.market.close()

    def step(self) -> None:
        """Ask once, then wait as a worker does."""
        for window in self.market.due(self.day.now_ms()):
            self.windows.append(window)
            self._take(window.told)
        self._take(self.market.told())
        self.statistics |= self.market.statistics()
        self.market.wait(self._stop, self.day.now_ms())

    def _take(self, told: Any) -> None:
        if told is not None:
            self.news += [one for run, _ in told.runs for one in run]

    def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        """Go on until something holds; fail where it does not within the time."""
        ends_at = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends_at, (self.market.counters(), self.market.lines.conditions())
            self.step()

    def play(self, seconds: float) -> None:
        """Go on for so long."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            self.step()

    def volumes(self) -> dict[str, int]:
        """Return the shares of all bars, with what was corrected, by symbol."""
        found: dict[str, int] = defaultdict(int)
        for window in self.windows:
            for bar in window.closed.bars:
                found[bar.symbol] += bar.volume
            for one in window.closed.corrections:
                found[one.symbol] += one.volume
        return {symbol: volume for symbol, volume in found.items() if volume}  # joined: flat at what was told

    def turnovers(self) -> dict[str, int]:
        """Return the money of all bars in 1/10,000, by symbol."""
        found: Counter[str] = Counter()
        for window in self.windows:
            for bar in window.closed.bars:
                found[bar.symbol] += bar.turnover_e4
        return {symbol: money for symbol, money in found.items() if money}

    def closes(self) -> dict[str, int]:
        """Return the last bar's close, by symbol."""
        return {bar.symbol: bar.close_e4 for window in self.windows for bar in window.closed.bars}

    def states(self) -> dict[str, str]:
        return {symbol: state for window in self.windows for symbol, state in window.closed.states}

    def references(self) -> dict[str, int]:
        return {symbol: price for window in self.windows for symbol, price in window.closed.references}

    def pictures(self, symbol: str) -> list[Levels]:
        return [one for one in self.news if isinstance(one, Levels) and one.instrument.symbol == symbol]
