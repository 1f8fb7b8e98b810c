"""A source that says what a test wrote down, on the wall clock or as a recording; and a market with it as its line."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain.bars import Bar
from streaming.domain.calendar import AlwaysOpen, Calendar, Sessions
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.ingest.clocks import Clock, RecordingClock, WallClock
from streaming.ingest.market import Market, MarketWindow
from streaming.ingest.publisher import Publisher
from streaming.ingest.sources import Reading
from streaming.records.newest import Newest
from streaming.reference import published_days
from streaming.store.lanes import Commit

MOUTAI = InstrumentId.parse("600519.SH")
NINE_THIRTY = 1_675_215_000_000  # Wednesday, 2023-02-01 in Shanghai
DAY_MS = 86_400_000


def calendar(market: str = "CN") -> Calendar:
    days = published_days(market)
    return Calendar(market, days)


def trade(at_ms: int, price_e4: int = 100, volume: int = 10, instrument: InstrumentId = MOUTAI) -> Trade:
    return Trade(instrument, at_ms, price_e4, volume, price_e4 * volume)


def snapshot(at_ms: int, last_e4: int, cum_volume: int, *, prev_close_e4: int = 90) -> Snapshot:
    return Snapshot(MOUTAI, at_ms, prev_close_e4, 95, max(110, last_e4), 90, last_e4, cum_volume, cum_volume * 100)


class Scripted:
    """Says its readings when their receive time has come; a recording says its ticks by their own times."""

    def __init__(
        self, readings: Sequence[Reading] = (), *, name: str = "scripted", carries: Callable[[str], bool] = bool
    ) -> None:
        self.name, self.own_clock, self.speed, self.finished = name, False, 1.0, False
        self.readings = list(readings)
        self.position = ""
        self._carries = carries

    def carries(self, symbol: str) -> bool:
        return self._carries(symbol)

    def read(self, until_ms: int) -> Iterator[Reading]:
        while self.readings and (self.readings[0].received_ms or 0) <= until_ms:
            reading = self.readings.pop(0)
            self.position = reading.position
            yield reading

    def counters(self) -> Counter[str]:
        return Counter(unreadable=1)


class ScriptedRecording:
    """Says ticks in the order of their times."""

    name = "recording"
    own_clock = True
    position = ""

    def __init__(self, ticks: Sequence[Tick], speed: float = 0.0) -> None:
        self.speed = speed
        self._ticks = list(ticks)
        self.first_ms = self._ticks[0].at_ms

    @property
    def next_ms(self) -> int | None:
        return self._ticks[0].at_ms if self._ticks else None

    @property
    def finished(self) -> bool:
        return not self._ticks

    def carries(self, symbol: str) -> bool:
        return True

    def read(self, until_ms: int) -> Iterator[Reading]:
        ticks = []
        while self._ticks and self._ticks[0].at_ms < until_ms:
            ticks.append(self._ticks.pop(0))
        yield Reading(ticks)

    def counters(self) -> Counter[str]:
        return Counter()


def live(
    *sources: Scripted,
    now_ms: int,
    sessions: Callable[[], Sessions] = AlwaysOpen,
    newest: Mapping[str, Newest] | None = None,
    resume_after: int | None = None,
    close_delay_ms: int = 500,
    since_ms: int = 0,
) -> Market:
    """Return a market on the wall clock."""
    clock: Clock = WallClock(now_ms=now_ms, resume_after=resume_after, close_delay_ms=close_delay_ms)
    return Market(
        name="scripted", lines={source.name: source for source in sources}, clock=clock, sessions=sessions,
        newest=newest or {}, resume_after=resume_after, now_ms=now_ms, since_ms=since_ms,
    )  # fmt: skip


def recorded(ticks: Sequence[Tick], *, resume_after: int | None = None) -> Market:
    """Return a market that plays ticks of Shanghai as fast as possible."""
    source = ScriptedRecording(ticks)
    days = calendar()
    clock = RecordingClock(
        sources=[source], calendar=days, resume_after=resume_after, wanted=lambda: True, wait_ms=0
    )  # fmt: skip
    return Market(
        name="replay", lines={"recording": source}, clock=clock, sessions=lambda: days, newest={},
        resume_after=resume_after, now_ms=0,
    )  # fmt: skip


def bars_of(windows: Sequence[MarketWindow]) -> dict[int, list[Bar]]:
    """Return what moved, by window."""
    return {window.closed.seq: window.closed.bars for window in windows if window.closed.bars}


class Kept:
    """Stands where the store is and keeps what it is handed; no Redis is needed to look at it."""

    def __init__(self, written: tuple[str, int] | None = None) -> None:
        self.commits: list[Commit] = []
        self.written = written
        self.trimmed_before: list[int] = []

    def commit(self, fence: int, epoch: str, commits: list[Commit], after: int | None) -> int:
        self.commits += commits
        return 0

    def history_position(self) -> tuple[str, int] | None:
        return self.written

    def trim(self, fence: int, epoch: str, before_ms: int) -> int:
        self.trimmed_before.append(before_ms)
        return 0


def newest_after(windows: Sequence[MarketWindow]) -> dict[str, Newest]:
    """Return what the store holds after these windows."""
    store: Any = Kept()
    publisher = Publisher(
        store=store, fence=1, epoch="e", feed="scripted", recorded=False, speed=1.0, choice={}, newest={}, keep_hours=72
    )
    publisher.publish(windows)
    return publisher.newest
