"""Newest values over REST are held to the plan: what fits is answered, and each language names the rest in its way."""

import json
import uuid

import pytest

from tests.streaming.conftest import make_scope, make_token
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def one_symbol() -> str:
    return make_token(make_scope(uuid.uuid4().hex, 1))


def alltick(name: str, *codes: str) -> str:
    rows = [{"code": code, "kline_type": 1, "query_kline_num": 3} for code in codes]
    asked = {"symbol_list": rows} if name.endswith("-tick") else {"data_list": rows}
    return f"/quote-stock-b-api/{name}?query=" + json.dumps({"trace": "t", "data": asked})


# address of two symbols: where the plan has room for one; whose answer names the second and shows the first alone
SEVERAL = {
    "/stock/quotes?region=HK&codes=700,5": (lambda body: list(body["data"]), ["700"], "msg", "5"),
    "/stock/ticks?region=HK&codes=700,5": (lambda body: list(body["data"]), ["700"], "msg", "5"),
    "/stock/depths?region=HK&codes=700,5": (lambda body: list(body["data"]), ["700"], "msg", "5"),
    "/v1/market/ticker?symbols=700.HK,5.HK": (
        lambda body: [one["symbol"] for one in body["data"]], ["700.HK"], "message", "5.HK",
    ),
    "/v1/market/kline/latest?interval=1m&symbols=700.HK,5.HK": (
        lambda body: [one["symbol"] for one in body["data"]], ["700.HK"], "message", "5.HK",
    ),
    "/v1/market/calc-index?symbols=700.HK,5.HK": (
        lambda body: [one["symbol"] for one in body["data"]], ["700.HK"], "message", "5.HK",
    ),
    "/v1/statistics?symbols=700.HK,5.HK": (
        lambda body: [one["symbol"] for one in body["data"]], ["00700.HK"], "left_out", "5.HK",
    ),
    "/v1/market/intraday?symbols=700.HK,5.HK": (
        lambda body: [one["symbol"] for one in body["data"]], ["700.HK"], "message", "5.HK",
    ),
    alltick("trade-tick", "700.HK", "5.HK"): (
        lambda body: [one["code"] for one in body["data"]["tick_list"]], ["700.HK"], "msg", "5.HK",
    ),
    alltick("depth-tick", "700.HK", "5.HK"): (
        lambda body: [one["code"] for one in body["data"]["tick_list"]], ["700.HK"], "msg", "5.HK",
    ),
}  # fmt: skip
ONE = {
    "/stock/quote?region=HK&code=5": (200, "code", "E003"),
    "/stock/tick?region=HK&code=5": (200, "code", "E003"),
    "/stock/depth?region=HK&code=5": (200, "code", "E003"),
    "/v1/market/ticker?symbols=5.HK": (403, "code", 3004),
    "/v1/market/depth?symbol=5.HK": (403, "code", 3004),
    "/v1/market/trades?symbol=5.HK": (403, "code", 3004),
    "/v1/market/kline/latest?interval=1m&symbols=5.HK": (403, "code", 3004),
    "/v1/market/intraday?symbols=5.HK": (403, "code", 3004),
    "/v1/market/calc-index?symbols=5.HK": (403, "code", 3004),
    "/v1/statistics?symbols=5.HK": (403, "code", "plan_full"),
    alltick("trade-tick", "5.HK"): (200, "ret", 604),
    alltick("depth-tick", "5.HK"): (200, "ret", 604),
    "/api/v1/rt-kline/latest?ts_code=00005.HK": (403, "code", 403),
}


@pytest.mark.parametrize("path", SEVERAL)
def test_what_fits_is_answered_and_the_rest_is_named(rest, path):
    shown, fits, where, second = SEVERAL[path]

    answer = rest.get(path, one_symbol())

    assert answer.status_code == 200
    assert (shown(answer.json()), answer.json()[where].count(second)) == (fits, 1)


@pytest.mark.parametrize("path", ONE)
def test_one_too_many_is_refused_in_each_languages_way(rest, path):
    token = one_symbol()
    rest.get("/v1/market/ticker?symbols=700.HK", token)

    answer = rest.get(path, token)

    status, name, code = ONE[path]
    assert (answer.status_code, answer.json()[name]) == (status, code)


def test_every_address_draws_on_one_plan(rest):
    token = make_token(make_scope(uuid.uuid4().hex, 2))

    assert rest.get("/stock/quote?region=HK&code=700", token).json()["code"] == 0
    assert rest.get("/v1/market/depth?symbol=600519.SH", token).json()["code"] == 0
    assert rest.get(alltick("trade-tick", "700.HK"), token).json()["ret"] == 200
    assert rest.get("/api/v1/rt-kline/latest?ts_code=600519.SH", token).json()["count"] == 1
    assert rest.get("/api/v1/rt-kline/latest?ts_code=00005.HK", token).status_code == 403


def test_test_cn_needs_no_room(rest):
    token = one_symbol()
    rest.get("/v1/market/ticker?symbols=700.HK", token)

    assert rest.get("/v1/market/ticker?symbols=TEST.CN", token).json()["code"] != 3004


def test_closed_history_is_bounded_by_calls_alone(rest):
    token = one_symbol()
    rest.get("/v1/market/ticker?symbols=5.HK", token)

    closed = rest.get("/v1/market/kline?symbol=700.HK&limit=3", token).json()
    itick = rest.get("/stock/kline?region=HK&code=700&kType=1&limit=3", token).json()
    over = rest.get("/stock/kline?region=HK&code=700&kType=1&limit=3&et=1675222200000", token).json()
    batch = rest.get(alltick("kline", "700.HK").replace('"data_list": [', '"x": [').replace(
        '"data": {', '"data": {"code": "700.HK", "kline_type": 1, "query_kline_num": 3, '), token).json()  # fmt: skip

    assert (closed["code"], len(closed["data"]["klines"])) == (0, 3)
    assert (itick["code"], len(itick["data"]), itick["msg"].endswith(": 700")) == (0, 3, True)
    assert (over["code"], len(over["data"]), over["msg"]) == (0, 3, None)
    assert (batch["ret"], len(batch["data"]["kline_list"]), "700.HK" in batch["msg"]) == (200, 3, True)


def test_a_list_without_symbols_shows_what_is_followed_or_stored(rest):
    customer = uuid.uuid4().hex
    token = make_token(make_scope(customer, 2))
    assert rest.get("/api/v1/rt-kline/latest", token).json() == {"count": 0, "data": []}

    rest.get("/api/v1/rt-kline/subscription/sync", token, method="POST", json={"mode": "add", "symbols": ["600519.SH"]})
    with Client(rest_node(rest), token) as socket:
        socket.ask("subscribe", symbols=["00700.HK"])
        told = rest.get("/api/v1/rt-kline/latest", token).json()
        hong_kong = rest.get("/api/v1/rt-kline/latest?market=hk", token).json()

    assert [row["ts_code"] for row in told["data"]] == ["600519.SH", "00700.HK"]
    assert [row["ts_code"] for row in hong_kong["data"]] == ["00700.HK"]


def test_what_is_stored_beyond_the_room_is_named(rest):
    token = make_token(make_scope(uuid.uuid4().hex, 2))
    body = {"mode": "add", "symbols": ["600519.SH", "000001.SZ"]}
    rest.get("/api/v1/rt-kline/subscription/sync", token, method="POST", json=body)
    rest.get("/v1/market/ticker?symbols=700.HK", token)

    stored = rest.get("/api/v1/rt-kline/subscription/latest", token).json()
    listed = rest.get("/api/v1/rt-kline/latest", token).json()

    assert (stored["accepted_symbols"], stored["count"]) == (["600519.SH"], 1)
    assert stored["rejected_symbols"] == [{"reason": "quota_exceeded", "symbol": "000001.SZ"}]
    assert [row["ts_code"] for row in listed["data"]] == ["600519.SH"]
    assert listed["rejected_symbols"] == [{"reason": "quota_exceeded", "symbol": "000001.SZ"}]


def rest_node(rest):
    class Node:
        base, url = rest.base, f"{rest.base.replace('http', 'ws')}/ws/stock"

    return Node()
