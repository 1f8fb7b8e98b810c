"""A bar of a longer interval that somebody begins to follow: folded out of the stream up to the very window sent."""

import asyncio
from datetime import date

import pytest

from kernel import keyspace
from streaming.domain.calendar import AlwaysOpen, day_start_ms, exchange_day
from streaming.domain.minutes import MinuteBar
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.errors import HistoryUnavailable
from streaming.records.window import MovedBar, Newest, Window, pack
from streaming.resume import interval_backfill as backfill_module
from streaming.resume.interval_backfill import IntervalBackfill
from tests.streaming.resume.conftest import make_hub

MOUTAI = "600519.SH"
WEDNESDAY = date(2026, 3, 11)
NINE_THIRTY = day_start_ms(WEDNESDAY) + (9 * 60 + 30) * 60_000
FIRST = seq_of(NINE_THIRTY)  # the first window of a minute, and 40 of them are one


class Store:
    """One market's stream and newest values, as a client reads them."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, bytes]] = []
        self.newest: dict[str, Newest] = {}
        self.on_read = lambda: None

    async def xrange(self, key, min="-", max="+", count=None):
        self.on_read()
        after, until = int(min[1:].partition("-")[0]), int(max.partition("-")[0])
        return [(b"%d-0" % at, {b"w": packed}) for at, packed in self.entries if after < at <= until][:count]

    async def hmget(self, key, symbols):
        assert key == keyspace.newest("CN")
        return [pack(self.newest[symbol]) if symbol in self.newest else None for symbol in symbols]


class Market:
    """A market that has sent some windows, and its backfill."""

    def __init__(self, monkeypatch) -> None:
        self.hub, self.store, self.wake = make_hub(), Store(), asyncio.Event()
        self.backfill = IntervalBackfill(self.hub, lambda: self.store, self.wake)
        self.latest = self.hub.latest["CN"]
        self.hub.begin("CN", "e1", {}, AlwaysOpen())
        self.asked: list[tuple] = []
        self.history: list[MinuteBar] | None = []
        monkeypatch.setattr(backfill_module, "read_bars", self._read_bars)

    def _read_bars(self, symbols, interval, span, *, sessions):
        self.asked.append((list(symbols), interval, span.start_ms, span.end_ms))
        if self.history is None:
            raise HistoryUnavailable
        return {MOUTAI: self.history} if self.history else {}

    def send(self, seq: int, *traded: tuple[int, int], stored: bool = True) -> None:
        """Write and send a window in which Moutai traded (price, volume)."""
        bars = [MovedBar(MOUTAI, price, price, price, price, volume, 0) for price, volume in traded]
        one = Window(seq, "open", None, "replay", 1, bars)
        if stored:
            self.store.entries.append((end_ms(seq), pack(one)))
        self.hub.publish("CN", [one])

    async def folded(self, interval: str):
        """Follow an interval and return its bar once it is folded."""
        held = self.latest.hold(MOUTAI, interval)
        task = asyncio.create_task(self.backfill.run())
        self.backfill.wake()
        try:
            async with asyncio.timeout(5):
                while held.builder is None:
                    await asyncio.sleep(0.005)
        finally:
            task.cancel()
        return held.builder.bar


@pytest.fixture
async def market(monkeypatch):
    made = Market(monkeypatch)
    yield made
    made.hub.stop()


async def test_an_interval_is_folded_from_its_opening_to_the_window_sent_last(market):
    market.send(FIRST - 1, (50, 1))  # of the interval before
    market.send(FIRST, (100, 5))
    market.send(FIRST + 40, (120, 6))
    market.send(FIRST + 41, (110, 7))

    bar = await market.folded("5m")

    assert (bar.opened_ms, bar.open_e4, bar.high_e4, bar.close_e4, bar.volume) == (NINE_THIRTY, 100, 120, 110, 18)


async def test_it_goes_on_live_from_there_without_gap_or_double(market):
    market.send(FIRST, (100, 5))
    await market.folded("5m")

    market.send(FIRST + 1, (101, 6))

    (held,) = market.latest.interval_bars.values()
    assert held.builder.bar.volume == 5 + 6


async def test_what_is_sent_while_it_is_folded_is_in_it_once(market):
    market.send(FIRST, (100, 5))
    more = iter([FIRST + 1])
    market.store.on_read = lambda: [market.send(seq, (101, 6)) for seq in more]

    assert (await market.folded("5m")).volume == 11


async def test_an_interval_without_a_trade_has_no_bar_and_is_known_all_the_same(market):
    market.send(FIRST)

    assert await market.folded("1m") is None


async def test_a_market_that_begins_anew_meanwhile_is_folded_anew(market):
    market.send(FIRST, (100, 5))
    news = iter(["e2"])

    def begin_anew() -> None:
        for epoch in news:
            market.store.entries.clear()
            market.hub.begin("CN", epoch, {}, AlwaysOpen())
            market.send(FIRST + 2, (7, 1))

    market.store.on_read = begin_anew

    assert (await market.folded("5m")).volume == 1


async def test_a_day_is_the_newest_bars_own_sums(market):
    market.send(FIRST, (100, 5))
    market.store.newest[MOUTAI] = Newest(
        FIRST, 100, 100, 100, 100, 5, 0, "trading", 90, WEDNESDAY.isoformat(), 95, 105, 94, 700, 70_000
    )

    bar = await market.folded("1d")

    assert (bar.opened_ms, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume) == (
        day_start_ms(WEDNESDAY), 95, 105, 94, 100, 700,
    )  # fmt: skip
    assert market.asked == []
    assert exchange_day(start_ms(FIRST)) == WEDNESDAY


async def test_a_day_that_was_yesterdays_is_not_todays(market):
    market.send(FIRST)
    market.store.newest[MOUTAI] = Newest(1, 1, 1, 1, 1, 1, 1, "trading", 90, "2026-03-10", 95, 105, 94, 700, 70_000)

    assert await market.folded("1d") is None


async def test_a_week_begins_on_monday_with_the_days_that_history_has(market):
    monday = day_start_ms(date(2026, 3, 9))
    market.history = [MinuteBar(MOUTAI, monday, 80, 90, 70, 85, 100, 0)]
    market.send(FIRST, (100, 5))
    market.store.newest[MOUTAI] = Newest(
        FIRST, 100, 100, 100, 100, 5, 0, "trading", 90, WEDNESDAY.isoformat(), 95, 105, 94, 700, 0
    )

    bar = await market.folded("1w")

    assert (bar.opened_ms, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume) == (
        monday, 80, 105, 70, 100, 800,
    )  # fmt: skip
    assert market.asked == [([MOUTAI], "1d", monday, day_start_ms(WEDNESDAY))]


async def test_a_month_begins_with_today_where_history_is_away(market, caplog):
    market.history = None
    market.send(FIRST, (100, 5))
    market.store.newest[MOUTAI] = Newest(
        FIRST, 100, 100, 100, 100, 5, 0, "trading", 90, WEDNESDAY.isoformat(), 95, 105, 94, 700, 0
    )

    bar = await market.folded("1M")

    assert (bar.opened_ms, bar.volume) == (day_start_ms(date(2026, 3, 1)), 700)
    assert "bars of 1M begin with today, history is away" in caplog.text
