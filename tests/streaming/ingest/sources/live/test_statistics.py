"""Statistics from a provider's server to a node's answers: asked for once a day, ranked by line, null where untold."""

import asyncio
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from kernel import clock, keyspace
from kernel.instruments import InstrumentId
from streaming.domain.lines import LineSetting
from streaming.domain.statistics import Statistics
from streaming.ingest.sources import Source
from streaming.ingest.sources.live import pacing
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.rest import keep_statistics
from streaming.ingest.sources.live.setting import ProviderSetting, Wanted
from streaming.reference import directory
from streaming.runtime.process import current_process, stop_process
from tests.streaming.conftest import Stream, jwks, make_scope, make_token
from tests.streaming.ingest.conftest import wait_for
from tests.streaming.ingest.sources.live.emulators import pages, sockets
from tests.streaming.ingest.sources.live.emulators.rows import Moment, tencent_row
from tests.streaming.ingest.sources.live.playing import FRIDAY, Day, Playing

MOUTAI, PING_AN = map(InstrumentId.parse, ("600519.SH", "000001.SZ"))
TOLD = {38: "0.17", 39: "20.31", 44: "18281.64", 45: "18281.64", 46: "8.05", 47: "11.00", 48: "9.00", 49: "0.61",
        72: "1252270215", 73: "1252270215"}  # fmt: skip
OF_TENCENT = Statistics(
    MOUTAI, FRIDAY, limit_up_e4=110_000, limit_down_e4=90_000, turnover_rate_e4=1_700, volume_ratio_e4=6_100,
    total_shares=1_252_270_215, circulating_shares=1_252_270_215, market_cap=1_828_164_000_000,
    circulating_market_cap=1_828_164_000_000, pe_ttm_e4=203_100, pb_e4=80_500,
)  # fmt: skip
REPORTED = {"symbol": "600519.SH", "lot_size": "100", "total_shares": "1252270216", "eps": "68.64", "bps": "181.35"}


def tencent(day: Day, url: str) -> dict[str, Source]:
    return {"tencent": day.source("tencent", url, symbols=("600519.SH",))}


# -- Tencent's page ----------------------------------------------------------------------------------------------------


def test_a_rows_statistics_come_with_its_prices_and_again_when_they_move():
    day, page = Day(), pages.TencentPages()
    page.rows["sh600519"] = tencent_row(Moment(100_000, clock=day.clock(), more=TOLD))
    page.rows["sz000001"] = tencent_row(Moment(100_000, clock=day.clock()))
    with pages.serving(page) as url:
        source = day.source("tencent", url, symbols=("600519.SH", "000001.SZ"))
        with Playing(day, {"tencent": source}) as playing:
            playing.until(lambda: playing.statistics and len(playing.references()) == 2)
            first = dict(playing.statistics)
            page.rows["sh600519"] = tencent_row(Moment(100_000, clock=day.clock(), more={**TOLD, 38: "0.18"}))
            playing.until(lambda: playing.statistics != first)

    assert first == {"600519.SH": OF_TENCENT}  # of the other nothing was told
    assert playing.statistics == {"600519.SH": replace(OF_TENCENT, turnover_rate_e4=1_800)}


def test_a_row_of_another_day_tells_nothing_of_today():
    day, page = Day(), pages.TencentPages()
    page.rows["sh600519"] = tencent_row(Moment(100_000, clock="15:00:00", day="2026-11-26", more=TOLD))
    with pages.serving(page) as url, Playing(day, tencent(day, url)) as playing:
        playing.until(lambda: playing.market.counters()["another_day"] and len(page.asked) > 2)

    assert playing.statistics == {}


def test_a_suspension_is_told_in_its_window_and_so_is_its_end():
    day, page = Day(), pages.TencentPages()
    nobody = {"last": "9.90", "high": "0.00", "low": "0.00", "bid": "0.00", "ask": "0.00"}
    page.rows["sh600519"] = tencent_row(Moment(0, clock=day.clock(), more={40: "S"}, **nobody))
    with pages.serving(page) as url, Playing(day, tencent(day, url)) as playing:
        playing.until(lambda: playing.states())
        assert (playing.states(), playing.volumes()) == ({"600519.SH": "suspended"}, {})
        page.rows["sh600519"] = tencent_row(Moment(500, clock=day.clock()))
        playing.until(lambda: playing.states() == {"600519.SH": "trading"})

    told = [state for window in playing.windows for _, state in window.closed.states]
    assert told == ["suspended", "trading"]  # each once, in the window in which it changes
    assert playing.references() == {"600519.SH": 99_000}


# -- the vendors' REST -------------------------------------------------------------------------------------------------


def test_alltick_is_asked_for_all_at_once():
    day, vendor = Day(), sockets.AllTickVendor()
    vendor.rest["/static_info"] = (200, {"ret": 200, "msg": "ok", "data": {"static_info_list": [REPORTED]}})
    with sockets.serving(vendor) as where:
        source = day.source("alltick", **where, key=sockets.KEY, symbols=("600519.SH", "000001.SZ"))
        with Playing(day, {"alltick": source}) as playing:
            playing.until(lambda: playing.statistics)

    (told,) = playing.statistics.values()
    assert (told.lot, told.total_shares, told.eps_e4, told.bps_e4) == (100, 1_252_270_216, 686_400, 1_813_500)
    assert (told.day, told.limit_up_e4, told.hk_shares) == (FRIDAY, None, None)
    ((query, _),) = vendor.asked_of("/static_info")
    assert [one["code"] for one in json.loads(query["query"])["data"]["symbol_list"]] == ["600519.SH", "000001.SZ"]


def test_itick_is_asked_for_each_instrument():
    day, vendor = Day(), sockets.ITickVendor()
    vendor.rest["/stock/info"] = (200, lambda query: {
        "code": 0, "msg": "ok", "data": {"c": query["code"], "t": "stock", "tso": 1_000 + int(query["code"])},
    })  # fmt: skip
    with sockets.serving(vendor) as where:
        source = day.source("itick", **where, key=sockets.KEY, symbols=("600519.SH", "000001.SZ"))
        with Playing(day, {"itick": source}) as playing:
            playing.until(lambda: len(playing.statistics) == 2)

    assert {symbol: one.total_shares for symbol, one in playing.statistics.items()} == {
        "600519.SH": 601_519, "000001.SZ": 1_001,
    }  # fmt: skip
    assert [(query["region"], query["type"]) for query, _ in vendor.asked_of("/stock/info")] == [
        ("SH", "stock"), ("SZ", "stock"),
    ]  # fmt: skip


def test_tickdbs_reports_count_where_its_plan_has_no_ratios():
    day, vendor = Day(), sockets.TickDBVendor()
    vendor.rest["/v1/market/stock-info"] = (200, {"code": 0, "message": "success", "data": [REPORTED]})
    vendor.rest["/v1/market/kline"] = (200, {"code": 0, "message": "success", "data": {"klines": []}})
    vendor.rest["/v1/market/calc-index"] = (403, {"code": 1004, "message": "no", "data": None})
    with sockets.serving(vendor) as where:
        source = day.source("tickdb", **where, key=sockets.KEY, symbols=("600519.SH",))
        with Playing(day, {"tickdb": source}) as playing:
            playing.until(lambda: playing.statistics and "ratios" in source.condition.remark)
            condition = source.condition

    assert playing.statistics["600519.SH"].eps_e4 == 686_400
    assert (condition.state, condition.problem) == ("live", "")
    assert condition.remark == "It was asked for ratios and gave 403."


def test_the_better_line_has_the_word_and_the_other_adds_what_it_does_not_tell():
    day, page, vendor = Day(), pages.TencentPages(), sockets.AllTickVendor()
    page.rows["sh600519"] = tencent_row(Moment(100_000, clock=day.clock(), more=TOLD))
    vendor.rest["/static_info"] = (200, {"ret": 200, "msg": "ok", "data": {"static_info_list": [REPORTED]}})
    with pages.serving(page) as url, sockets.serving(vendor) as where:
        lines = {
            "alltick": day.source("alltick", **where, key=sockets.KEY, symbols=("600519.SH",)),
            **tencent(day, url),
        }
        ranks = [LineSetting("alltick", "alltick", rank=2), LineSetting("tencent", "tencent", rank=1)]
        with Playing(day, lines, settings=ranks) as playing:
            playing.until(lambda: (one := playing.statistics.get("600519.SH")) and one.eps_e4 and one.limit_up_e4)
            both = playing.statistics["600519.SH"]
            playing.market.arrange([replace(ranks[0], rank=1), replace(ranks[1], rank=2)], {})
            playing.until(lambda: playing.statistics["600519.SH"] != both)

    assert both == replace(OF_TENCENT, lot=100, eps_e4=686_400, bps_e4=1_813_500)
    assert playing.statistics["600519.SH"] == replace(both, total_shares=1_252_270_216)  # the operator's other order


# -- asked once a day --------------------------------------------------------------------------------------------------


class Asking:
    """An outlet of two instruments on a clock that a test sets, and what was asked through it."""

    def __init__(self) -> None:
        self.day, self.answers, self.asked = Day(), True, []
        self.now_ms = self.day.now_ms()
        wanted = Wanted((directory().described(MOUTAI), directory().described(PING_AN)))
        self.readings: list[Any] = []

        async def put(reading: Any) -> None:
            self.readings.append(reading)

        self.out = Outlet(wanted, put, lambda: self.now_ms, lambda: None)

    async def ask(self, some: Any) -> bool:
        self.asked.append([one.symbol for one in some])
        return self.answers

    def keep(self, until: Any) -> None:
        async def run() -> None:
            setting = ProviderSetting("alltick", retry_seconds=0.00001)
            task = asyncio.create_task(keep_statistics(self.out, setting, self.ask, 1))
            async with asyncio.timeout(10):
                while not until():
                    await asyncio.sleep(0.001)
            task.cancel()

        asyncio.run(run())


def test_nobody_is_asked_twice_on_a_day_and_everybody_on_the_next():
    asking = Asking()
    looks = iter(range(50))
    asking.keep(lambda: next(looks, None) is None)
    assert asking.asked == [["600519.SH"], ["000001.SZ"]]

    asking.now_ms += 86_400_000
    asking.keep(lambda: len(asking.asked) == 4)
    assert asking.asked[2:] == [["600519.SH"], ["000001.SZ"]]


def test_who_fails_is_asked_again_and_nobody_while_the_market_is_closed():
    asking = Asking()
    asking.answers = False
    asking.keep(lambda: len(asking.asked) >= 3)
    assert asking.asked[:3] == [["600519.SH"]] * 3  # the rest of a round waits, too

    asking.answers, asking.out.idle, asking.asked = True, True, []
    looks = iter(range(50))
    asking.keep(lambda: next(looks, None) is None)
    assert asking.asked == []


def test_only_todays_and_those_that_changed_are_handed_over():
    asking = Asking()
    told = Statistics(MOUTAI, FRIDAY, lot=100)
    stranger = Statistics(InstrumentId.parse("600000.SH"), FRIDAY, lot=100)

    async def say(*statistics: Statistics) -> list[Statistics]:
        asking.readings.clear()
        await asking.out.say(statistics=statistics)
        return [one for reading in asking.readings for one in reading.statistics]

    yesterdays = replace(told, day=date(2026, 11, 26))
    empty = Statistics(PING_AN, FRIDAY)
    assert asyncio.run(say(told, yesterdays, empty, stranger)) == [told]
    assert asyncio.run(say(told)) == []
    assert asyncio.run(say(replace(told, lot=200))) == [replace(told, lot=200)]


# -- all the way: a page, a worker, Redis, a node ----------------------------------------------------------------------


async def answers(token: str, *paths: str) -> list[Any]:
    """Ask a node that has read the market's stream."""
    try:
        client, node = AsyncClient(), current_process()
        async with asyncio.timeout(20):
            while not all(node.quotes.carries(directory().described(one)) for one in (MOUTAI, PING_AN)):
                await asyncio.sleep(0.05)
        told = [await client.get(path, headers={"Authorization": f"Bearer {token}"}) for path in paths]
        return [json.loads(one.content) for one in told]
    finally:
        await stop_process()


@pytest.mark.whole
def test_from_a_page_to_a_nodes_answers_in_every_language(
    clean_lane, worker, monkeypatch, settings, tmp_path: Path, redis_url
):
    day, store, page = Day(speed=1), clean_lane("CN"), pages.TencentPages()
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    Path(settings.TOKEN_JWKS).write_text(json.dumps(jwks()))
    pacing.bucket_of.cache_clear()
    more = {**TOLD, 60: ""}
    page.rows["sh600519"] = tencent_row(Moment(100_000, clock=day.clock(), more=more))
    page.rows["sz000001"] = tencent_row(Moment(100_000, clock=day.clock()))
    with pages.serving(page) as url, monkeypatch.context() as friday:
        friday.setattr(clock, "now_ms", day.now_ms)
        quick = {"url": url, "symbols": ("600519.SH", "000001.SZ"), "seconds": 0.1, "per_minute": 6_000}
        settings.PROVIDERS = {**settings.PROVIDERS, "tencent": {**settings.PROVIDERS["tencent"], **quick}}
        line = {"name": "tencent", "source": "tencent"}
        store._client.set(keyspace.feed_setting("CN"), json.dumps({"feed": "live", "lines": [line]}))
        running = worker(store)
        wait_for(lambda: store._client.hexists(keyspace.statistics("CN"), "600519.SH"))
        wait_for(lambda: {"600519.SH", "000001.SZ"} <= set(store.newest()))
        running.end()

    settings.REDIS_URL = redis_url.rsplit("/", 1)[0] + "/9"  # the worker's
    query = '{"trace":"7","data":{"symbol_list":[{"code":"600519.SH"},{"code":"000001.SZ"}]}}'
    native, itick, itick_untold, alltick, tickdb, ratios = asyncio.run(
        answers(
            make_token(make_scope("alice")),
            "/v1/statistics?symbols=600519.SH,000001.SZ,NOPE",
            "/stock/info?region=SH&code=600519",
            "/stock/info?region=SZ&code=000001",
            f"/quote-stock-b-api/static_info?query={query}",
            "/v1/market/stock-info?symbols=600519.SH,000001.SZ",
            "/v1/market/calc-index?symbols=600519.SH,000001.SZ",
        )
    )

    told, untold = native["data"]
    assert [(row["symbol"], row["reason"]) for row in native["rejected"]] == [("NOPE", "bad_symbol")]
    assert (told["date"], told["limit_up"], told["limit_down"], told["turnover_rate"]) == (
        "2026-11-27",
        11.0,
        9.0,
        0.17,
    )
    assert (told["pe_ttm"], told["pe_static"], told["market_cap"]) == (20.31, None, 1_828_164_000_000)
    assert {name for name, value in untold.items() if value is not None} == {"symbol", "currency", "lot"}
    assert (itick["data"]["t"], itick["data"]["cs"], itick["data"]["ep"]) == (1_252_270_215, 1_252_270_215, None)
    assert (itick_untold["data"]["t"], itick_untold["data"]["cs"]) == (None, None)
    rows = alltick["data"]["static_info_list"]
    assert [(row["total_shares"], row["eps"]) for row in rows] == [("1252270215", ""), ("", "")]
    assert [row.get("total_shares") for row in tickdb["data"]] == [1_252_270_215, None]
    assert (ratios["data"][0]["pe_ttm_ratio"], ratios["data"][0]["total_market_value"]) == ("20.31", "1828164000000")
    assert "pe_ttm_ratio" not in ratios["data"][1]
    assert ratios["data"][1]["last_done"] == "10"


@pytest.mark.whole
def test_yesterdays_limits_are_none_of_todays_and_shares_stay(clean_lane, settings, tmp_path: Path, redis_url):
    store = clean_lane("CN")
    settings.REDIS_URL = redis_url.rsplit("/", 1)[0] + "/9"
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    Path(settings.TOKEN_JWKS).write_text(json.dumps(jwks()))
    fence = store.take_lease("one")
    store.statistics.write(fence, {"600519.SH": OF_TENCENT})  # of 27 November; the quotes are of today's wall
    stream = Stream(store._client, "CN")
    stream.know("600519.SH", "000001.SZ")
    stream.write(("600519.SH", 10.0, 10.0, 10.0, 10.0, 100, 1_000.0))

    native, itick = asyncio.run(
        answers(make_token(make_scope("bob")), "/v1/statistics?symbols=600519.SH", "/stock/info?region=SH&code=600519")
    )

    (row,) = native["data"]
    assert (row["date"], row["limit_up"], row["total_shares"]) == (None, None, None)
    assert itick["data"]["t"] == 1_252_270_215
