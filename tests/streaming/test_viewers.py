"""Pages on a real node: they push no program out, give way within a second, and their token is no use elsewhere."""

import asyncio
import contextlib
import json
import time
import uuid

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.store.connection import new_redis_async
from streaming.store.quota import ConnectionKey, QuotaRegistry
from tests.streaming.conftest import GROUP, PANEL, ServedNode, Stream, guest_token, make_scope, make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
FIVE = ["000001.SZ", "000002.SZ", "600000.SH", "600036.SH", "600519.SH"]
SOCKETS = {  # every language but ours: its path, and where its clients put a token
    "itick": ("stock", "token"), "alltick": ("quote-stock-b-ws-api", "token"), "tickdb": ("v1/realtime", "x-api-key"),
    "realtime_hk": ("realtime/hk", "token"), "rt_receiver": ("ws", "authorization"),
}  # fmt: skip


@pytest.fixture
def customer() -> str:
    return uuid.uuid4().hex


def page(node: ServedNode, customer: str, *, origin: str = PANEL, token: str = "", **more) -> Client:
    token = token or make_token(make_scope(customer), viewer=True)
    return Client(node, token, headers={"Origin": origin} if origin else {}, **more)


def program(node: ServedNode, customer: str, max_conns: int = 2) -> Client:
    return Client(node, make_token(make_scope(customer, max_conns=max_conns)))


def refused(node: ServedNode, token: str, *, path: str = "ws/stock", where: str = "authorization", origin=PANEL):
    """Return the status and body with which an upgrade is refused."""
    told = {where: f"Bearer {token}" if where == "authorization" else token, **({"Origin": origin} if origin else {})}
    with pytest.raises(InvalidStatus) as caught, connect(f"ws{node.base[4:]}/{path}", additional_headers=told):
        pass
    return caught.value.response.status_code, json.loads(caught.value.response.body)


def rest(node: ServedNode, path: str, token: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{node.base}{path}", headers={"Authorization": f"Bearer {token}", **headers}, timeout=30)


@pytest.fixture
def market(cn) -> Stream:
    cn.know(*FIVE, "600030.SH", "600050.SH", price=10.0)
    cn.write()
    return cn


# -- what looking costs ------------------------------------------------------------------------------------------------


def test_a_programs_subscribe_takes_a_symbol_back_and_the_page_is_told_at_once(node, market, customer):
    with program(node, customer) as mine, page(node, customer) as tab:
        assert tab.ask("subscribe", symbols=FIVE)["quota"] == {"used": 5, "max_subs": 5}
        began = time.monotonic()

        answer = mine.ask("subscribe", symbols=["600030.SH"])

        told = tab.get("quota_changed", 60)
        print(f"the page was told after {(time.monotonic() - began) * 1000:.0f} ms")
        assert answer["added"] == ["600030.SH"]
        assert answer["quota"] == {"used": 5, "max_subs": 5}
        assert told == {
            "type": "quota_changed", "max_subs": 5, "used": 5, "dropped": [FIVE[-1]], "reason": "taken_by_program",
        }  # fmt: skip
        assert tab.ask("list")["current"] == sorted(FIVE[:-1])
        seq = market.write((FIVE[-1], 10, 10, 10, 10, 100, 1000), (FIVE[0], 10, 10, 10, 10, 100, 1000))
        assert tab.get("kline", 60, seq=seq)["symbol"] in FIVE[:-1]
        assert {one["symbol"] for one in tab.waiting if one["type"] == "kline" and one["seq"] == seq} <= set(FIVE[:-1])


def test_a_page_that_nobody_has_told_finds_out_by_itself(node, market, customer):
    """The program is of a process whose message was lost."""
    program = ConnectionKey(customer, GROUP, "elsewhere-1-aa:1")

    async def take() -> None:
        async with new_redis_async() as client:
            wanted = [InstrumentId.parse("600030.SH")]
            await QuotaRegistry(client).claim(program, wanted, 5, int(time.time() * 1000))

    with page(node, customer) as tab:
        tab.ask("subscribe", symbols=FIVE)
        asyncio.run(take())

        assert tab.get("quota_changed", 90)["dropped"] == [FIVE[-1]]


def test_a_page_is_refused_what_programs_hold_and_pays_nothing_for_what_they_follow(node, market, customer):
    with program(node, customer) as mine, page(node, customer) as tab:
        mine.ask("subscribe", symbols=FIVE)

        answer = tab.ask("subscribe", symbols=[*FIVE, "600030.SH"])

        assert answer["added"] == FIVE
        assert [(one["symbol"], one["reason"]) for one in answer["rejected"]] == [("600030.SH", "quota_exceeded")]


def test_usage_tells_programs_and_pages_apart(node, market, customer):
    with program(node, customer) as mine, page(node, customer) as tab, page(node, customer):
        mine.ask("subscribe", symbols=FIVE[:2])
        tab.ask("subscribe", symbols=FIVE[1:3])

        told = rest(node, "/v1/usage", make_token(make_scope(customer))).json()

        assert (told["used"], told["symbols"], told["connections"]) == (3, FIVE[:3], 1)
        assert told["viewers"] == {"used": 1, "symbols": [FIVE[2]], "connections": 2, "max_conns": 5}


def test_the_sixth_page_is_refused_before_the_upgrade_and_nobody_is_pushed_out(node, customer):
    with contextlib.ExitStack() as opened:
        tabs = [opened.enter_context(page(node, customer)) for _ in range(5)]
        status, body = refused(node, make_token(make_scope(customer), viewer=True))
        assert (status, body["code"]) == (429, "too_many_viewers")
        assert [tab.ask("ping")["type"] for tab in tabs] == ["pong"] * 5


def test_pages_of_another_customer_are_nothing_to_this_one(node, market, customer):
    with page(node, uuid.uuid4().hex) as tab, program(node, customer) as mine:
        tab.ask("subscribe", symbols=FIVE)
        mine.ask("subscribe", symbols=FIVE)
        tab.none("quota_changed")


# -- what ends one -----------------------------------------------------------------------------------------------------


def test_a_page_ends_with_its_own_time_and_with_the_account_and_with_no_programs_token(node, store, customer):
    scope = make_scope(customer)
    with program(node, customer) as mine, page(node, customer) as tab:
        store.set(keyspace.revoked("some-programs-jti"), int(time.time()), ex=60)
        off = {**make_scope(customer, rev=2).as_json(), "active": False}
        store.set(keyspace.entitlement(customer, GROUP), json.dumps(off), ex=60)
        assert (tab.closed_with(60), mine.closed_with(60)) == (4401, 4401)
    assert refused(node, make_token(scope, viewer=True))[1]["code"] == "customer_deactivated"
    assert refused(node, make_token(scope, viewer=True, lives_s=-60))[1]["code"] == "token_expired"


# -- in other hands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["", "https://evil.example", "null", "http://127.0.0.1:8001"])
@pytest.mark.parametrize("make", [lambda: make_token(viewer=True), guest_token])
def test_a_pages_token_opens_no_socket_to_a_script_or_to_anybody_elses_page(node, origin, make):
    status, body = refused(node, make(), origin=origin)
    assert (status, body["code"]) == (403, "viewer_origin")


@pytest.mark.parametrize("make", [lambda: make_token(viewer=True), guest_token])
def test_a_pages_token_answers_no_script_and_nobody_elses_page_over_rest(node, make):
    for headers in (
        {}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site", "Host": "127.0.0.1:8000"}, {"Referer": f"{PANEL}/live/"},
    ):  # fmt: skip
        answer = rest(node, "/v1/market/ticker?symbols=TEST.CN", make(), **headers)
        assert answer.status_code == 403, headers
        assert "panel's own pages" in answer.json()["message"]


def test_a_page_of_the_panels_own_host_says_no_origin_over_rest_and_is_answered(node, customer):
    token = make_token(make_scope(customer), viewer=True)
    own = {"Sec-Fetch-Site": "same-origin", "Host": "127.0.0.1:8000"}

    assert rest(node, "/v1/usage", token, **own).status_code == 200
    assert rest(node, "/v1/usage", token, Origin=PANEL).status_code == 200


@pytest.mark.parametrize("make", [lambda: make_token(viewer=True), guest_token])
@pytest.mark.parametrize("language", SOCKETS)
def test_no_language_of_programs_takes_a_pages_token(node, language, make):
    path, where = SOCKETS[language]
    told = {where: f"Bearer {make()}" if where == "authorization" else make(), "Origin": PANEL}
    with pytest.raises((InvalidStatus, ConnectionClosed)) as ended, contextlib.ExitStack() as opened:
        socket = opened.enter_context(connect(f"ws{node.base[4:]}/{path}", additional_headers=told))
        for _ in range(5):  # of a language that says it in a message
            socket.recv(timeout=60)

    if isinstance(ended.value, InvalidStatus):
        assert ended.value.response.status_code in (401, 403)
    else:
        assert ended.value.rcvd.code == 4401


@pytest.mark.parametrize("make", [lambda: make_token(viewer=True), guest_token])
def test_a_language_that_takes_its_token_by_message_refuses_a_pages_too(node, make):
    with connect(f"ws{node.base[4:]}/stock", additional_headers={"Origin": PANEL}) as socket:
        socket.send(json.dumps({"ac": "auth", "params": make()}))
        with pytest.raises(ConnectionClosed) as ended:
            for _ in range(5):
                assert '"code":1,"msg":"authenticated"' not in socket.recv(timeout=60)
    assert ended.value.rcvd.code == 4401


@pytest.mark.parametrize("make", [lambda: make_token(viewer=True), guest_token])
@pytest.mark.parametrize(
    "path", ["/stock/quote?region=HK&code=700", "/quote-stock-b-api/trade-tick?query=%7B%7D", "/api/v1/rt-kline/latest"]
)
def test_no_rest_of_programs_takes_a_pages_token(node, path, make):
    told = {"token": make(), "Origin": PANEL}
    answer = httpx.get(f"{node.base}{path}", headers={**told, "Authorization": f"Bearer {make()}"}, timeout=30)
    assert answer.status_code in (401, 403), answer.text  # each in its language's words
    assert "panel's own pages" in answer.text


# -- who has no account ------------------------------------------------------------------------------------------------


@pytest.fixture
def test_lane(store):
    lane = Stream(store, "TEST")
    lane.know("TEST.CN", price=10.0)
    lane.write(("TEST.CN", 10, 10, 10, 10, 100, 1000))
    return lane


def test_a_guest_hears_the_test_instrument_and_is_refused_every_other(node, market, hk, test_lane):
    hk.know("00700.HK", "HSI.HK")
    hk.write()
    with page(node, "", token=guest_token()) as tab:
        assert (tab.welcome["quota"]["max_subs"], tab.welcome["markets"]) == (0, {})
        others = ["600519.SH", "00700.HK", "HSI", "000001.SH", "510300.SH", "TEST.HK", "test.cn.sh"]

        answer = tab.ask("subscribe", symbols=["TEST.CN", *others], types=["kline", "quote", "depth", "tick"])

        assert answer["added"] == answer["current"] == ["TEST.CN"]
        assert {one["symbol"] for one in answer["rejected"]} == set(others)
        for symbol in others:
            assert tab.ask("snapshot", symbols=[symbol])["data"] == []
        assert [one["symbol"] for one in tab.ask("snapshot")["data"]] == ["TEST.CN"]
        market.write(("600519.SH", 10, 10, 10, 10, 100, 1000))
        seq = test_lane.write(("TEST.CN", 11, 11, 11, 11, 100, 1100))
        assert tab.get("kline", 60, seq=seq)["symbol"] == "TEST.CN"
        assert {one["symbol"] for one in tab.waiting if one["type"] in ("kline", "quote", "tick", "depth")} <= {
            "TEST.CN"
        }


def test_ten_guests_of_an_address_and_no_more(node):
    with contextlib.ExitStack() as opened:
        for _ in range(10):
            opened.enter_context(page(node, "", token=guest_token()))
        status, body = refused(node, guest_token())
        assert (status, body["code"]) == (429, "too_many_viewers")
    wait_for(lambda: _gets_in(node), 60)


def _gets_in(node) -> bool:
    try:
        with page(node, "", token=guest_token()):
            return True
    except InvalidStatus:
        return False


@pytest.mark.parametrize("symbol", ["600519.SH", "00700.HK", "HSI.HK", "510300.SH"])
@pytest.mark.parametrize(
    "path",
    ["/v1/market/kline?symbol={}", "/v1/market/kline/latest?symbols={}&interval=1m", "/v1/market/ticker?symbols={}",
     "/v1/market/depth?symbol={}", "/v1/market/trades?symbol={}", "/v1/market/intraday?symbols={}",
     "/v1/statistics?symbols={}", "/v1/market/stock-info?symbols={}", "/v1/history/{}/2023-02.csv",
     "/v1/market/kline?symbol=TEST.CN&symbol={}", "/v1/market/calc-index?symbols={}"],
)  # fmt: skip
def test_a_guest_is_told_nothing_of_another_instrument_over_rest(node, market, hk, test_lane, path, symbol):
    hk.know("00700.HK", "HSI.HK")
    hk.write(("00700.HK", 460, 460, 460, 460, 100, 46_000))
    market.write(("600519.SH", 10, 10, 10, 10, 100, 1000))

    answer = rest(node, path.format(symbol), guest_token(), Origin=PANEL)

    assert answer.status_code == 403, answer.text
    assert not answer.json().get("data")


def test_a_guest_gets_the_test_instruments_newest_and_history(node, test_lane):
    for path in ("/v1/market/ticker?symbols=TEST.CN", "/v1/market/kline/latest?symbols=TEST.CN&interval=1m"):
        answer = rest(node, path, guest_token(), Origin=PANEL)
        assert (answer.status_code, answer.json()["code"]) == (200, 0), answer.text
    mixed = rest(node, "/v1/market/ticker?symbols=TEST.CN,600519.SH", guest_token(), Origin=PANEL)
    assert "600519" not in json.dumps(mixed.json()["data"])


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/instruments?q=600519", "/v1/symbols/available"])
def test_a_guest_gets_nothing_else_over_rest(node, path):
    assert rest(node, path, guest_token(), Origin=PANEL).status_code == 403


def test_guests_are_held_to_so_many_calls_an_address(node, store):
    statuses = {
        rest(node, "/v1/market/kline?symbol=600519.SH", guest_token(), Origin=PANEL).status_code for _ in range(70)
    }
    store.delete(keyspace.rate("call-viewer", f"guest:127.0.0.1@{GROUP}"))
    assert statuses == {403, 429}
