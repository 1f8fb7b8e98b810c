"""What all REST dialects share: one token everywhere, the plan on every request, the limiter, and no way to break it."""

import json
import random
import threading
import time
import uuid
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel import keyspace
from kernel.scope import Scope, Step
from streaming.store.rate_limit import calls_a_minute
from streaming.urls import urlpatterns
from tests.streaming.conftest import FOREIGN_KEY, GROUP, make_scope, make_token, wait_for

pytestmark = pytest.mark.whole
TICK, TICKER = "/stock/tick?region=HK&code=700", "/v1/market/ticker?symbols=700.HK"
ALLTICK = "/quote-stock-b-api/trade-tick?query=" + json.dumps(
    {"trace": "t", "data": {"symbol_list": [{"code": "700.HK"}]}}
)
INFO = "/stock/info?region=HK&code=700"  # no newest value, so it needs no room in the plan
PLACES = [
    (TICK, "header", "token"), (TICK, "query", "token"), (TICK, "header", "Authorization"),
    (TICKER, "header", "X-API-Key"), (TICKER, "query", "api_key"), (TICKER, "header", "Authorization"),
    (ALLTICK, "query", "token"), (ALLTICK, "header", "Authorization"),
]  # fmt: skip


def asked(rest, path, place, name, token):
    if place == "query":
        return rest.get(f"{path}&{name}={token}", None)
    value = f"Bearer {token}" if name == "Authorization" else token
    return rest.get(path, None, headers={name: value})


def ok(answer: httpx.Response) -> bool:
    body = answer.json()
    return answer.status_code == 200 and body.get("code", body.get("ret")) in (0, 200)


def test_one_token_fits_wherever_a_dialect_puts_it(rest):
    token = make_token(make_scope(uuid.uuid4().hex, 50))

    for path, place, name in PLACES:
        assert ok(asked(rest, path, place, name, token)), (path, place, name)


@pytest.mark.parametrize(("path", "code"), [(TICK, "E002"), (TICKER, 1001), (ALLTICK, 401)])
@pytest.mark.parametrize("token", ["x.y.z", "forged", "over"])
def test_a_token_that_is_not_good_is_refused_in_the_dialects_way(rest, path, code, token):
    bad = {"forged": make_token(key=FOREIGN_KEY), "over": make_token(lives_s=-60)}.get(token, token)

    answer = rest.get(path, bad)

    body = answer.json()
    assert (answer.status_code, body.get("code", body.get("ret"))) == (401, code)
    assert "WWW-Authenticate" in answer.headers
    assert bad not in answer.text


def test_a_revocation_acts_on_the_next_request(rest):
    jti = uuid.uuid4().hex
    token = make_token(jti=jti)
    assert ok(rest.get(TICK, token))

    rest.store.set(keyspace.revoked(jti), int(time.time()), ex=60)

    assert [rest.get(path, token).status_code for path in (TICK, TICKER, ALLTICK)] == [401] * 3


def test_a_newer_entitlement_counts_before_the_tokens(rest):
    scope = make_scope(uuid.uuid4().hex, markets=frozenset({"CN"}))
    token = make_token(scope)
    assert rest.get(TICKER, token).json()["code"] == 1004

    grown = make_scope(scope.customer, rev=2)
    rest.store.set(keyspace.entitlement(scope.customer, GROUP), json.dumps(grown.as_json()), ex=60)

    assert ok(rest.get(TICKER, token))


@pytest.mark.parametrize(
    ("path", "code"), [(TICK, "E003"), ("/v1/market/depth?symbol=700.HK", 1004), (ALLTICK, 604), (TICKER, 1004)]
)
def test_a_market_outside_the_plan_is_refused(rest, path, code):
    body = rest.get(path, make_token(make_scope(uuid.uuid4().hex, markets=frozenset({"CN"})))).json()

    assert body.get("code", body.get("ret")) == code


def test_a_market_outside_the_plan_spoils_nothing_of_a_mixed_request(rest):
    token = make_token(make_scope(uuid.uuid4().hex, markets=frozenset({"CN"})))

    told = rest.get("/v1/market/ticker?symbols=700.HK,600519.SH", token).json()

    assert [row["symbol"] for row in told["data"]] == ["600519.SH"]


@pytest.mark.parametrize(
    ("levels", "mainland", "hong_kong"), [({"L1"}, 5, 1), ({"L2"}, 10, 10), ({"L1", "L2"}, 10, 10), (set(), None, None)]
)
def test_depth_is_cut_to_what_the_level_includes(rest, levels, mainland, hong_kong):
    token = make_token(make_scope(uuid.uuid4().hex, levels=frozenset(levels)))
    query = {"query": json.dumps({"trace": "", "data": {"symbol_list": [{"code": "700.HK"}]}})}

    cn, hk = (rest.get(f"/stock/depth?region={region}&code={code}", token).json()
              for region, code in (("SH", "600519"), ("HK", "700")))  # fmt: skip
    alltick = rest.get("/quote-stock-b-api/depth-tick", token, params=query).json()
    tickdb = rest.get("/v1/market/depth?symbol=600519.SH&limit=50", token).json()

    if mainland is None:
        assert (cn["code"], hk["code"], alltick["ret"], tickdb["code"]) == ("E003", "E003", 603, 1004)
        return
    assert (len(cn["data"]["b"]), len(hk["data"]["a"])) == (mainland, hong_kong)
    assert (len(alltick["data"]["tick_list"][0]["asks"]), len(tickdb["data"]["bids"])) == (hong_kong, mainland)


# -- the limiter -------------------------------------------------------------------------------------------------------


def small_scope() -> Scope:
    """A customer between two grants: nothing to follow, sixty calls a minute."""
    now = int(time.time())
    none = Step(now - 60, 0, 1, frozenset({"CN", "HK"}), frozenset({"L1"}))
    return Scope(uuid.uuid4().hex, GROUP, 1, (none, Step(now + 3600, 5, 1, none.markets, none.levels),
                                              Step(now + 7200, 0, 0, frozenset(), frozenset())))  # fmt: skip


def test_calls_beyond_the_plans_are_answered_429_with_the_time_to_wait(rest):
    token = make_token(small_scope())
    answers = [rest.get(INFO, token) for _ in range(70)]

    good = sum(map(ok, answers))
    assert 60 <= good <= 62  # one comes back each second
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "E003")
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    tickdb = rest.get(TICKER, token)
    assert (tickdb.status_code, tickdb.json()["code"], tickdb.json()["data"]["limit"]) == (429, 3001, 60)
    assert tickdb.json()["data"]["reset_at"] > time.time() * 1000
    assert rest.get(ALLTICK, token).json()["ret"] == 605


def test_calls_at_once_on_many_connections_are_counted_exactly(rest):
    token, good = make_token(small_scope()), []

    def ask() -> None:
        with httpx.Client(base_url=rest.base) as client:
            good.extend(ok(client.get(INFO, headers={"token": token})) for _ in range(10))

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 60 <= sum(good) <= 61 + (time.monotonic() - began)


def test_the_limit_stacks_as_symbols_do():
    def step(max_subs):
        return Step(0, max_subs, 1, frozenset(), frozenset())

    assert [calls_a_minute(step(count)) for count in (0, 5, 15, 50, 55)] == [60, 120, 240, 660, 720]


# -- browsers, methods, addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [TICK, TICKER, ALLTICK, "/stock/nope", "/v1/market/kline"])
def test_a_page_of_any_origin_may_ask_with_its_key(rest, path):
    answer = rest.get(path, None, method="OPTIONS", headers={
        "Origin": "https://shop.example", "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-api-key",
    })  # fmt: skip

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-API-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert rest.get(path).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stock/nope", 404),
        ("/symbol/", 404),
        ("/quote-stock-b-api/nope", 404),
        ("/v1/market/nope", 404),
        ("/nope", 404),
        ("/", 404),
    ],
)
def test_an_address_that_does_not_exist_is_said_in_json(rest, path, status):
    answer = rest.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert path in answer.text


def test_a_wrong_method_is_told_the_right_one(rest):
    answer = rest.get("/stock/tick", method="DELETE")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS")


def test_requests_are_counted_by_dialect_and_status(rest):
    rest.get(TICK)
    rest.get(TICK, "x.y.z")

    page = rest.get("/metrics", None).text
    assert 'tickpack_rest_calls_total{dialect="itick",status="200"}' in page
    assert 'tickpack_rest_calls_total{dialect="itick",status="401"}' in page


def test_no_cookie_is_set_or_read(rest):
    answer = rest.get(TICK, None, headers={"Cookie": f"token={make_token()}"})

    assert answer.status_code == 401
    assert "set-cookie" not in rest.get(TICK).headers


ADDRESSES = sorted(
    f"/{one.pattern}"
    for one in urlpatterns
    if getattr(one.callback, "straight", False)
    and not one.pattern.converters
    and one.name not in ("healthz", "readyz", "metrics")  # no dialect's
)
NAMES = ("symbol", "symbols", "code", "codes", "region", "interval", "limit", "start_time", "end_time", "type", "market",
         "kType", "period", "et", "end", "offset", "beg_day", "end_day", "adjust", "query", "exchange")  # fmt: skip
UGLY = ("", "0", "-1", "1e9", "9" * 18, "９", "\x00", "700", "700.HK", "HK", "1m", "nan", "{}", '{"data":{}}', "[" * 500, "a,b,,", "$", "null", "20260230", "99991231", "00010101")  # fmt: skip
TOKEN = make_token(make_scope("garbage", 100_000))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(ADDRESSES),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(UGLY) | st.text(max_size=20), max_size=5),
    st.sampled_from(["GET", "POST"]),
)
def test_no_parameters_at_all_make_an_error_of_ours(rest, path, query, method):
    answer = rest.get(path, TOKEN, params=query, method=method)

    assert answer.status_code < 500, (path, query, answer.text)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if answer.status_code != 405 and body.get("code", body.get("ret", 0)) not in (0, 200):
        assert body.get("message") or body.get("msg")


def test_a_body_without_end_or_form_is_refused(rest):
    for body in (
        b"",
        b'{"data": {"data_list": [{"code": "700.HK", "kline_type": "1e999999"}]}}',
        b'{"data": {"data_list": [{"code": "700.HK", "query_kline_num": 1e308}]}}',
        b"x" * 200_000,
        b"[" * 100_000,
        random.Random(7).randbytes(500),
        b'{"data": {"data_list": 7}}',
    ):
        answer = rest.get("/quote-stock-b-api/batch-kline", TOKEN, method="POST", content=body)
        assert answer.status_code == 200
        assert answer.json()["ret"] in (402, 601)


def test_the_first_request_for_an_interval_waits_until_it_is_folded_and_the_next_are_told_the_same(rest):
    """That the next ones wait for nothing: resume/test_pinned_intervals.py."""
    path = "/v1/market/kline/latest?symbols=00700.HK&interval=30m"

    first, second = (rest.get(path, token).json()["data"][0]["klines"][0] for token in (TOKEN, TOKEN))

    assert first["close"] == "462.4"
    assert second == first


def test_the_bar_that_is_being_formed_changes_with_every_trade(rest):
    rest.cn.know("600036.SH", price=40.0)
    path = "/v1/market/kline/latest?symbols=600036.SH&interval=5m"

    def told():
        rows = rest.get(path).json()["data"] if ok(rest.get(path)) else []
        return rows and rows[0]["klines"] and rows[0]["klines"][0]

    rest.cn.write(("600036.SH", 40.0, 40.0, 40.0, 40.0, 100, 4000.0))
    wait_for(lambda: (told() or {}).get("volume") == "100")
    rest.cn.write(("600036.SH", 41.0, 41.0, 41.0, 41.0, 200, 8200.0))

    bar = wait_for(lambda: (now := told()) and now["volume"] == "300" and now)
    assert (bar["open"], bar["high"], bar["close"], bar["quote_volume"]) == ("40", "41", "41", "12200")


@pytest.mark.parametrize("path", ["/symbol/list", "/symbol/holidays", "/symbol/v2/holidays"])
def test_what_itick_sdk_asks_without_any_parameter_is_answered(rest, path):
    body = rest.get(path, None, headers={"token": make_token(), "accept": "application/json"}).json()

    assert body["code"] == 0  # anything but the whole number is an error to it
    assert len(body["data"]) >= 2


def test_a_bar_of_history_and_the_present_one_are_told_together_and_in_order(rest):
    told = rest.get("/stock/klines?region=HK&codes=700,HSI&kType=8&limit=5").json()["data"]

    assert told["700"][0]["c"] == 380.5  # 1 February 2023, out of history
    assert sorted(row["t"] for row in told["700"]) == [row["t"] for row in told["700"]]


def test_a_price_with_an_end_in_the_past_has_no_present_bar(rest):
    told = rest.get("/stock/kline?region=HK&code=700&kType=1&limit=500&et=1675300000000").json()["data"]

    assert len(told) == 120


@pytest.mark.parametrize("interval", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M"])
def test_every_interval_of_tickdb_is_answered_by_both_addresses(rest, interval):
    latest = rest.get(f"/v1/market/kline/latest?symbols=00700.HK&interval={interval}").json()
    closed = rest.get(f"/v1/market/kline?symbol=00700.HK&interval={interval}&end_time=1675300000000").json()

    assert (latest["code"], closed["code"]) == (0, 0)
    assert closed["data"]["klines"][-1]["close"] == "380.5"  # 1 February 2023, out of history
    assert len(latest["data"][0]["klines"]) == 1


def test_tickdbs_minutes_of_a_day_are_lines_with_the_days_sums(rest):
    got = rest.get("/v1/market/intraday?symbols=700.HK,300750.SZ,NOTHING.HK").json()

    assert got["code"] == 0
    tencent, catl = got["data"]
    assert (tencent["symbol"], tencent.keys()) == ("700.HK", {"symbol", "lines"})
    assert catl == {"symbol": "300750.SZ", "lines": []}  # it has not traded
    newest = tencent["lines"][-1]
    assert newest.keys() == {"timestamp", "price", "volume", "turnover", "avg_price"}
    assert (type(newest["timestamp"]), type(newest["volume"])) == (int, int)
    assert float(newest["avg_price"]) == pytest.approx(float(newest["turnover"]) / newest["volume"], abs=1e-6)


@pytest.mark.parametrize("path", ["intraday", "stock-info"])
def test_tickdb_takes_fifty_symbols_at_a_time_and_no_more(rest, path):
    many = [f"{600000 + nth}.SH" for nth in range(51)]

    assert rest.get(f"/v1/market/{path}?symbols={','.join(many)}").json()["code"] == 2004
    assert rest.get(f"/v1/market/{path}").json()["code"] == 2001
    assert rest.get("/v1/market/trades?symbols=700.HK,5.HK").json()["code"] == 2004


def bound_token(types=None, intervals=None) -> str:
    scope = make_scope(uuid.uuid4().hex)
    running, over = scope.steps
    bound = replace(running, types=types and frozenset(types), intervals=intervals and frozenset(intervals))
    return make_token(replace(scope, steps=(bound, over)))


def code_of(got) -> object:
    body = got.json()
    return body.get("code", body.get("ret"))


def alltick_of(name: str, data: dict) -> str:
    return f"/quote-stock-b-api/{name}?query=" + quote(json.dumps({"trace": "", "data": data}))


ONE_CODE = {"symbol_list": [{"code": "700.HK"}]}
OF_A_TYPE = [
    ("tick", "/stock/tick?region=HK&code=700", "E003"), ("tick", "/stock/ticks?region=HK&codes=700", "E003"),
    ("tick", "/v1/market/trades?symbol=700.HK", 1004), ("tick", alltick_of("trade-tick", ONE_CODE), 603),
    ("quote", "/stock/quote?region=HK&code=700", "E003"), ("quote", "/v1/market/ticker?symbols=700.HK", 1004),
    ("quote", "/api/v1/rt-kline/latest?ts_code=00700.HK", 403), ("quote", "/api/v1/rt-kline/subscription/latest", 403),
    ("depth", "/stock/depth?region=HK&code=700", "E003"), ("depth", "/v1/market/depth?symbol=700.HK", 1004),
    ("depth", alltick_of("depth-tick", ONE_CODE), 603),
    ("kline", "/stock/kline?region=HK&code=700&kType=1", "E003"), ("kline", "/v1/market/kline?symbol=700.HK", 1004),
    ("kline", "/v1/market/kline/latest?symbols=700.HK&interval=1m", 1004),
    ("kline", "/v1/market/intraday?symbols=700.HK", 1004),
    ("kline", alltick_of("kline", {"code": "700.HK", "kline_type": 1, "query_kline_num": 1}), 603),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "path", "code"), OF_A_TYPE)
def test_a_type_outside_the_plan_is_refused_and_one_of_it_is_not(rest, type_, path, code):
    others = {"kline", "quote", "tick", "depth"} - {type_}

    assert code_of(rest.get(path, bound_token(types=others))) == code
    assert rest.get(path, bound_token(types=[type_])).status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/stock/kline?region=HK&code=700&kType=2", "E003"), ("/stock/klines?region=HK&codes=700&kType=2", "E003"),
        ("/v1/market/kline?symbol=700.HK&interval=5m", 1004),
        ("/v1/market/kline/latest?symbols=700.HK&interval=5m", 1004),
        (alltick_of("kline", {"code": "700.HK", "kline_type": 2, "query_kline_num": 1}), 603),
    ],
)  # fmt: skip
def test_an_interval_outside_the_plan_is_refused(rest, path, code):
    assert code_of(rest.get(path, bound_token(intervals=["1m"]))) == code
    assert rest.get(path, bound_token(intervals=["5m"])).status_code == 200


def test_of_a_batch_of_bars_those_outside_the_plan_are_left_out(rest):
    rows = [{"code": "700.HK", "kline_type": kind, "query_kline_num": 1} for kind in (1, 2)]
    body = {"trace": "", "data": {"data_list": rows}}

    def ask(*intervals: str):
        token = bound_token(intervals=intervals)
        return rest.get("/quote-stock-b-api/batch-kline", token, method="POST", json=body).json()

    assert [row["kline_type"] for row in ask("5m")["data"]["kline_list"]] == [2]
    assert ask("1d")["ret"] == 603
