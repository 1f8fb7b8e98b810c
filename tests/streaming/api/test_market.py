"""Proves the REST range rules, the envelope, and that a token opens its own markets only."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from kernel import clock
from kernel.trading_days import horizon_warning
from streaming.domain.calendar import exchange_day
from streaming.domain.minutes import MinuteBar
from streaming.history.minutes import insert_minutes
from streaming.reference import published_days
from streaming.runtime.process import stop_process
from tests.streaming.conftest import FOREIGN_KEY, jwks, make_scope, make_token

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]

NINE_THIRTY = int(datetime(2023, 2, 1, 1, 30, tzinfo=UTC).timestamp()) * 1000
MINUTE = 60_000


@pytest.fixture(autouse=True)
def trusted_key(settings, tmp_path: Path) -> None:
    settings.TOKEN_JWKS = str(tmp_path / "jwks.json")
    Path(settings.TOKEN_JWKS).write_text(json.dumps(jwks()))


@pytest.fixture(scope="module", autouse=True)
def recorded(history_server: str) -> None:
    bars = [
        MinuteBar("600111.SH", NINE_THIRTY + nth * MINUTE, 18_549_800, 18_550_000, 18_460_500, 18_471_000 + nth,
                  86_700, 1_606_673_500_000)
        for nth in range(120)
    ]  # fmt: skip
    insert_minutes([*bars, MinuteBar("00700.HK", NINE_THIRTY, 1, 1, 1, 1, 100, 100)], version=1, made_up=True)


def ask(token: str | None = "", method: str = "get", **query: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {}
    if token is not None:
        headers["X-API-Key"] = token or make_token()

    async def asked() -> tuple[int, dict[str, Any], dict[str, str]]:
        try:
            answer = await getattr(AsyncClient(), method)("/v1/market/kline", query, headers=headers)
            return answer.status_code, answer.json(), dict(answer.headers)
        finally:
            await stop_process()

    return asyncio.run(asked())


def minutes_of(body: dict[str, Any]) -> list[int]:
    return [(row["time"] - NINE_THIRTY) // MINUTE for row in body["data"]["klines"]]


def test_a_bar_is_written_with_texts_for_prices_and_the_opening_in_ms() -> None:
    status, body, _ = ask(symbol="600111.sh", interval="1m", start_time=NINE_THIRTY, end_time=NINE_THIRTY + MINUTE)

    assert status == 200
    assert body == {
        "code": 0,
        "message": "success",
        "data": {
            "symbol": "600111.sh",
            "type": "stock",
            "interval": "1m",
            "klines": [
                {
                    "time": NINE_THIRTY, "open": "1854.98", "high": "1855", "low": "1846.05", "close": "1847.1",
                    "volume": "86700", "quote_volume": "160667350",
                }
            ],
        },
    }  # fmt: skip


def test_without_a_start_the_newest_hundred_come_and_with_one_the_oldest() -> None:
    _, newest, _ = ask(symbol="600111.SH")
    _, before, _ = ask(symbol="600111.SH", end_time=NINE_THIRTY + 10 * MINUTE, limit=3)
    _, after, _ = ask(symbol="600111.SH", start_time=NINE_THIRTY + 10 * MINUTE, limit=3)

    assert minutes_of(newest) == list(range(20, 120))
    assert minutes_of(before) == [7, 8, 9]
    assert minutes_of(after) == [10, 11, 12]


@pytest.mark.parametrize(("limit", "count"), [(0, 100), (-5, 100), (1, 1), (5000, 120), ("", 100)])
def test_a_limit_out_of_range_is_brought_into_it(limit: object, count: int) -> None:
    _, body, _ = ask(symbol="600111.SH", limit=limit)

    assert len(body["data"]["klines"]) == count


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, 2001),
        ({"symbol": "600111.SH", "interval": "7m"}, 2001),
        ({"symbol": "600111.SH", "limit": "ten"}, 2001),
        ({"symbol": "600111.SH", "start_time": "1e3"}, 2001),
        ({"symbol": "600111.SH", "end_time": "９"}, 2001),
        ({"symbol": "600111.SH", "adjust": "sideways"}, 2001),
        ({"symbol": "Moutai"}, 2005),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_by_what_is_wrong(query: dict[str, str], code: int) -> None:
    status, body, _ = ask(**query)

    assert (status, body["code"], body["data"]) == (400, code, None)


def test_an_interval_that_is_not_carried_is_answered_with_those_that_are() -> None:
    assert "1m" in ask(symbol="600111.SH", interval="7h")[1]["message"]


def test_a_symbol_that_nobody_carries_is_not_found() -> None:
    status, body, _ = ask(symbol="999999.SH")

    assert (status, body["code"]) == (404, 2002)


def test_a_market_outside_the_token_is_forbidden() -> None:
    token = make_token(make_scope("only-cn", markets=frozenset({"CN"})))

    assert ask(token, symbol="600111.SH")[0] == 200
    status, body, _ = ask(token, symbol="700.HK")
    assert (status, body["code"]) == (403, 1004)


def test_no_token_and_bad_tokens_are_told_apart() -> None:
    assert [ask(token, symbol="600111.SH")[0] for token in (None, "x.y.z", make_token(key=FOREIGN_KEY))] == [401] * 3
    assert ask(None, symbol="600111.SH")[1]["code"] == 1002
    assert ask(make_token(lives_s=-60), symbol="600111.SH")[1]["code"] == 1001


def test_history_that_is_away_says_try_again(settings) -> None:
    settings.CLICKHOUSE_URL = "http://127.0.0.1:9/default"

    status, body, _ = ask(symbol="600111.SH")

    assert (status, body["code"]) == (503, 5001)


def test_history_that_is_away_is_named_without_its_address_or_its_own_words(settings) -> None:
    settings.CLICKHOUSE_URL = "http://reader:hush@127.0.0.1:9/default"

    status, no_history, headers = ask(symbol="600111.SH")

    assert (status, no_history["code"], headers["Retry-After"]) == (503, 5001, "2")
    assert no_history["message"] == "History is away; try again in a few seconds"


def test_a_browser_of_any_origin_may_ask_with_the_key_header() -> None:
    _, _, headers = ask(None, "options")

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "X-API-Key" in headers["Access-Control-Allow-Headers"]


# -- trading days -----------------------------------------------------------------------------------------------------


def test_trading_days_beyond_what_is_published_are_told_and_marked(rest):
    told = rest.get("/v1/market/trade-days?market=CN&beg_day=20261230&end_day=20270105").json()["data"]

    assert told["trade_days"] == ["20261230", "20261231", "20270104", "20270105"]
    assert told["presumed_trade_days"] == ["20270104", "20270105"]
    assert told["half_trade_days"] == []


@pytest.mark.parametrize("market", ["CN", "HK"])
def test_trading_days_are_told_whenever_they_are_asked_for(rest, market):
    for query in ("", "&beg_day=20991220&end_day=21000110", "&beg_day=20100101&end_day=20100131"):
        answer = rest.get(f"/v1/market/trade-days?market={market}{query}")
        assert (answer.status_code, answer.json()["code"]) == (200, 0)
        assert answer.json()["data"]["trade_days"]


def test_trading_days_that_are_published_are_not_marked(rest):
    told = rest.get("/v1/market/trade-days?market=HK&beg_day=20271220&end_day=20271231").json()["data"]

    assert told["half_trade_days"] == ["20271224", "20271231"]
    assert "presumed_trade_days" not in told


def test_a_node_says_in_its_readiness_that_known_days_end_soon(rest):
    today = exchange_day(clock.now_ms())
    due = (horizon_warning(market, published_days(market).last, today) for market in ("CN", "HK"))

    told = rest.get("/readyz").json()

    assert set(told["ingest"]) == {"CN", "HK", "TEST"}, "no worker runs beside this node"
    assert told.get("warnings", []) == [warning for warning in due if warning]


def test_an_instrument_that_got_another_code_has_one_history(recorded: None) -> None:
    bars = [
        MinuteBar("430047.BJ", NINE_THIRTY, 100_000, 110_000, 90_000, 105_000, 100, 1),
        MinuteBar("430047.BJ", NINE_THIRTY + MINUTE, 105_000, 106_000, 104_000, 105_500, 200, 2),
        MinuteBar("920047.BJ", NINE_THIRTY + 2 * MINUTE, 105_500, 120_000, 105_000, 119_000, 300, 4),
    ]
    insert_minutes(bars, version=1, made_up=True)
    span = {"start_time": NINE_THIRTY, "end_time": NINE_THIRTY + 3_600_000}

    for symbol in ("430047.BJ", "920047.BJ"):
        minutes = ask(symbol=symbol, interval="1m", **span)[1]["data"]["klines"]
        assert [one["volume"] for one in minutes] == ["100", "200", "300"], symbol
    around = {"start_time": NINE_THIRTY - 86_400_000, "end_time": NINE_THIRTY + 86_400_000}
    (day,) = ask(symbol="430047.BJ", interval="1d", **around)[1]["data"]["klines"]
    assert [float(day[name]) for name in ("open", "high", "low", "close", "volume")] == [10.0, 12.0, 9.0, 11.9, 600.0]
    oldest = ask(symbol="920047.BJ", interval="1m", limit=2, start_time=NINE_THIRTY)[1]["data"]["klines"]
    newest = ask(symbol="920047.BJ", interval="1m", limit=2)[1]["data"]["klines"]
    assert [[one["volume"] for one in some] for some in (oldest, newest)] == [["100", "200"], ["200", "300"]]
