"""Channels that REST keeps: known from memory, given back when nobody asks, never more than so many."""

import asyncio
import time

import pytest

from streaming.domain.calendar import AlwaysOpen
from streaming.domain.intervals import FormedBar, Forming
from streaming.domain.minutes import MinuteBar
from streaming.errors import HistoryUnavailable
from streaming.latest.market import IntervalBar, LatestMarket
from streaming.records.window import MovedBar, Window
from streaming.reference import directory
from streaming.resume import pinned_intervals as pinned_module
from streaming.resume.pinned_intervals import PinnedIntervals

MOUTAI, PINGAN, TENCENT = (directory().resolve(symbol) for symbol in ("600519.SH", "000001.SZ", "00700.HK"))
BAR = FormedBar(60_000, 1, 2, 3, 4, 5, 6)


class Kept:
    """Markets whose bars are folded as soon as somebody asks."""

    def __init__(self, monkeypatch, history=()) -> None:
        self.latest = {name: LatestMarket(name) for name in ("CN", "HK", "TEST")}
        for name in ("CN", "HK"):
            self.latest[name].begin("e1", {}, AlwaysOpen(), from_start=True)
            self.latest[name].apply(Window(1_000_000, "open", None, "simulated", 1, []))
        self.pinned, self.woken, self.asked = PinnedIntervals(self.latest, self.wake), 0, []
        self.bar: FormedBar | None = BAR

        def read(symbols, interval, span, *, sessions):
            self.asked.append((sorted(symbols), interval))
            if history is None:
                raise HistoryUnavailable
            return {bar.symbol: [bar] for bar in history if bar.symbol in symbols}

        monkeypatch.setattr(pinned_module, "read_bars", read)

    def wake(self) -> None:
        self.woken += 1
        for bar in self.bars():
            if bar.builder is None:
                bar.builder = Forming(bar.interval, sessions=False, bar=self.bar)

    def bars(self, *markets: str) -> list[IntervalBar]:
        return [bar for name in markets or self.latest for bar in self.latest[name].interval_bars.values()]

    @property
    def followed(self) -> int:
        return len(self.bars())


async def test_a_bar_is_folded_once_and_then_known(monkeypatch):
    kept = Kept(monkeypatch)

    for _ in range(3):
        assert await kept.pinned.formed([MOUTAI, TENCENT], "5m") == {"600519.SH": BAR, "00700.HK": BAR}

    assert (kept.woken, kept.followed, kept.asked) == (1, 2, [])
    kept.pinned.stop()


async def test_where_an_interval_has_no_trade_yet_the_one_before_is_told(monkeypatch):
    kept = Kept(monkeypatch)
    await kept.pinned.formed([MOUTAI], "1m")
    (bar,) = kept.bars("CN")

    bar.builder.take(10_000_000, None, over=False)  # a later minute, without a trade

    assert bar.builder.bar is None
    assert await kept.pinned.formed([MOUTAI], "1m") == {"600519.SH": BAR}
    bar.builder.take(10_000_000, MovedBar("600519.SH", 7, 7, 7, 7, 1, 7), over=False)
    assert (await kept.pinned.formed([MOUTAI], "1m"))["600519.SH"].close_e4 == 7
    kept.pinned.stop()


async def test_history_tells_the_last_bar_of_what_has_not_traded_and_is_asked_once(monkeypatch):
    kept = Kept(monkeypatch, [MinuteBar("600519.SH", 60_000, 1, 2, 3, 4, 5, 6)])
    kept.bar = None

    for _ in range(3):
        assert await kept.pinned.formed([MOUTAI, PINGAN], "1d") == {"600519.SH": BAR}

    assert kept.asked == [(["000001.SZ", "600519.SH"], "1d")]
    kept.pinned.stop()


async def test_history_that_is_away_is_not_waited_for_by_everybody(monkeypatch):
    kept = Kept(monkeypatch, None)
    kept.bar = None

    for _ in range(3):
        assert await kept.pinned.formed([MOUTAI], "1d") == {}

    assert len(kept.asked) == 1
    kept.pinned.stop()


async def test_what_nobody_asks_for_is_given_back(monkeypatch):
    monkeypatch.setattr(pinned_module, "KEPT_SECONDS", 0.1)
    kept = Kept(monkeypatch)
    await kept.pinned.formed([MOUTAI, TENCENT], "5m")

    began = time.monotonic()
    while kept.followed and time.monotonic() < began + 3:
        if time.monotonic() < began + 0.3:
            await kept.pinned.formed([TENCENT], "5m")  # it is asked for again and again
            assert TENCENT.symbol in {bar.symbol for bar in kept.bars("HK")}
        await asyncio.sleep(0.02)

    assert kept.followed == 0
    kept.pinned.stop()


async def test_channels_are_no_more_than_so_many_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr(pinned_module, "_MOST", 3)
    kept = Kept(monkeypatch)
    for interval in ("1m", "5m", "15m", "30m"):
        await kept.pinned.formed([MOUTAI], interval)
        await asyncio.sleep(0.002)

    assert {bar.interval for bar in kept.bars("CN")} == {"5m", "15m", "30m"}
    kept.pinned.stop()


@pytest.mark.parametrize("symbols", [[MOUTAI, MOUTAI], [MOUTAI]])
async def test_asking_twice_for_one_is_one_channel(monkeypatch, symbols):
    kept = Kept(monkeypatch)

    await kept.pinned.formed(symbols, "5m")

    assert kept.followed == 1
    kept.pinned.stop()
