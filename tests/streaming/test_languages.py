"""What the dialects share: one token, one quota, one plan; and the rules in which they differ."""

import json
import logging
import uuid
from contextlib import ExitStack
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from kernel import keyspace
from kernel.scope import Scope, Step
from streaming.runtime.dialects import dialects
from tests.streaming.conftest import GROUP, ServedNode, make_scope, make_token
from tests.streaming.test_conversations import Market

pytestmark = pytest.mark.whole


@pytest.fixture
def market(store, cn, hk) -> Market:
    return Market(store, cn, hk)


@pytest.fixture
def opened():
    with ExitStack() as until:
        yield until


_PUSHED = {
    "welcome", "status", "heartbeat", "kline", "Connected Successfully", "authenticated", "ticker", "depth", "trade", 22998,
    22999,
}  # fmt: skip


def client(node: ServedNode, path: str, token: str, opened: ExitStack) -> ClientConnection:
    """Open a socket with the token where every language takes it, and skip its greeting."""
    url = f"{node.base.replace('http', 'ws')}/{path}"
    return opened.enter_context(connect(url, additional_headers={"Authorization": f"Bearer {token}"}))


def said(socket: ClientConnection, text: str) -> dict:
    """Say something and return the answer: the first message that is none of a greeting, a push or news."""
    socket.send(text)
    while True:
        message = json.loads(socket.recv(timeout=30))
        words = {message.get("type"), message.get("msg"), message.get("cmd"), message.get("cmd_id")}
        data = message.get("data")
        pushed = words & _PUSHED or (isinstance(data, dict) and "type" in data)
        if not pushed:
            return message


def test_one_symbol_in_four_languages_costs_one_symbol(node, market, opened):
    token = make_token(make_scope(uuid.uuid4().hex, max_subs=1, max_conns=5))
    itick = client(node, "stock", token, opened)
    assert said(itick, '{"ac":"subscribe","params":"700$HK","types":"quote,tick,depth,kline@1,kline@8"}')["code"] == 1
    tickdb = client(node, "v1/realtime", token, opened)
    assert said(tickdb, '{"cmd":"subscribe","data":{"channel":"trade","symbols":["700.HK"]}}')["code"] == 0
    alltick = client(node, "quote-stock-b-ws-api", token, opened)
    ask = '{"cmd_id":22004,"seq_id":1,"trace":"","data":{"symbol_list":[{"code":"00700.HK"}]}}'
    assert said(alltick, ask)["ret"] == 200
    native = client(node, "ws/stock", token, opened)
    answer = said(native, '{"action":"subscribe","symbols":["0700.HK","600519.SH"]}')
    assert (answer["quota"], answer["added"]) == ({"used": 1, "max_subs": 1}, ["00700.HK"])
    assert [one["reason"] for one in answer["rejected"]] == ["quota_exceeded"]

    # Each says in its own way that the second one is too many.
    assert said(itick, '{"ac":"subscribe","params":"600519$SH","types":"tick"}')["msg"].startswith("exceeding the max")
    assert said(tickdb, '{"cmd":"subscribe","data":{"channel":"trade","symbols":["600519.SH"]}}')["code"] == 3004


def test_what_the_level_includes_is_shown_and_the_rest_of_a_mixed_request_is_served(node, market, opened):
    def token_with(*levels: str) -> str:
        scope = make_scope(uuid.uuid4().hex)
        running, over = scope.steps
        step = Step(running.from_s, 5, 3, running.markets, frozenset(levels))
        return make_token(Scope(scope.customer, GROUP, 1, (step, over)))

    rows = {}
    for levels in (("L1",), ("L1", "L2")):
        socket = client(node, "quote-stock-b-ws-api", token_with(*levels), opened)
        ask = '{"cmd_id":22002,"seq_id":1,"trace":"","data":{"symbol_list":[{"code":"700.HK","depth_level":10}]}}'
        assert said(socket, ask)["ret"] == 200
        market.move("book", "00700.HK", "461.4", "450.0", "461.2", "461.4")
        rows[levels] = len(json.loads(socket.recv(timeout=30))["data"]["bids"])
    assert rows == {("L1",): 1, ("L1", "L2"): 2}

    native = client(node, "ws/stock", token_with(), opened)
    answer = said(native, '{"action":"subscribe","symbols":["00700.HK"],"types":["kline","depth"]}')
    assert (answer["added"], answer["rejected"][0]["reason"]) == (["00700.HK"], "level_not_allowed")
    itick = client(node, "stock", token_with(), opened)
    answer = said(itick, '{"ac":"subscribe","params":"700$HK","types":"depth,kline@1"}')
    assert (answer["code"], answer["data"]["rejected"][0]["s"]) == (1, "700$HK")


def test_a_revoked_token_ends_sockets_of_every_language(node, market, store, opened):
    jti, scope = uuid.uuid4().hex, make_scope(uuid.uuid4().hex, max_conns=9)
    token = make_token(scope, jti=jti)
    sockets = {name: client(node, next(iter(one.paths)), token, opened) for name, one in dialects().items()}
    store.set(keyspace.revoked(jti), 1)
    for name, socket in sockets.items():
        if name == "itick":  # a message and an answer, so that all are in
            said(socket, '{"ac":"ping","params":1}')
    from asgiref.sync import async_to_sync
    from channels.layers import get_channel_layer

    message = {"type": "control", "kind": "entitlement", "customer": scope.customer, "group": GROUP}
    async_to_sync(get_channel_layer().group_send)(keyspace.CONTROL_GROUP, message)
    last = {}
    for name, socket in sockets.items():
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                last[name] = json.loads(socket.recv(timeout=20))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401, name
    assert last["itick"] == {"code": 0, "resAc": "auth", "msg": "auth failed"}
    assert "realtime_hk" not in last, "it has words for nothing but trades"


def test_alltick_refuses_the_newest_connection_and_itick_ends_the_oldest(node, opened):
    token = make_token(make_scope(uuid.uuid4().hex, max_conns=1))
    first = client(node, "quote-stock-b-ws-api", token, opened)
    with pytest.raises(InvalidStatus) as refused:
        client(node, "quote-stock-b-ws-api", token, opened)
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"]
    assert said(first, '{"cmd_id":22000,"seq_id":1,"trace":"","data":{}}')["ret"] == 200

    second = client(node, "stock", token, opened)
    assert said(second, '{"ac":"ping","params":1}')["resAc"] == "pong"
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            first.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4409


def test_a_plain_get_on_a_sockets_address_answers(node):
    import httpx

    for dialect in dialects().values():
        for path in dialect.paths:
            assert httpx.get(f"{node.base}/{path}").status_code == 426, path


def test_the_token_in_a_url_reaches_no_log(node, opened, caplog):
    """Where a peer puts it in the URL it is accepted there; the server's own log is the canary's cage."""
    caplog.set_level(logging.DEBUG)
    canary = make_token()
    for path in ("stock?token=", "v1/realtime?api_key=", "quote-stock-b-ws-api?token=", "realtime/hk?token="):
        opened.enter_context(connect(f"{node.base.replace('http', 'ws')}/{path}{canary}"))
        with pytest.raises(InvalidStatus):
            opened.enter_context(connect(f"{node.base.replace('http', 'ws')}/ws/stock?token={canary}"))
    opened.close()
    assert canary.partition(".")[2] not in node.log.read_text()
    assert canary[-20:] not in node.log.read_text()


def test_a_plan_without_a_type_or_interval_says_so_in_every_language(node, market, opened):
    """Bars of 1m alone: everything else is refused in each language's own word, and bars are followed."""
    scope = make_scope(uuid.uuid4().hex, max_conns=9)
    running, over = scope.steps
    bound = replace(running, types=frozenset({"kline"}), intervals=frozenset({"1m"}))
    token = make_token(replace(scope, steps=(bound, over)))

    native = client(node, "ws/stock", token, opened)
    answer = said(
        native, '{"action":"subscribe","symbols":["00700.HK"],"types":["kline","quote"],"intervals":["1m","5m"]}'
    )
    assert answer["added"] == ["00700.HK"]
    assert {one["reason"] for one in answer["rejected"]} == {"type_not_allowed", "interval_not_allowed"}
    answer = said(native, '{"action":"subscribe","symbols":["600519.SH"]}')  # the 1.5 s bar, where nothing is named
    assert ([one["reason"] for one in answer["rejected"]], answer["added"]) == (["interval_not_allowed"], [])

    itick = client(node, "stock", token, opened)
    assert said(itick, '{"ac":"subscribe","params":"700$HK","types":"quote"}')["msg"].startswith("exceeding the max")
    answer = said(itick, '{"ac":"subscribe","params":"700$HK","types":"quote,kline@1,kline@2"}')
    assert (answer["code"], {one["s"] for one in answer["data"]["rejected"]}) == (1, {"700$HK"})

    tickdb = client(node, "v1/realtime", token, opened)
    assert said(tickdb, '{"cmd":"subscribe","data":{"channel":"trade","symbols":["700.HK"]}}')["code"] == 4005

    alltick = client(node, "quote-stock-b-ws-api", token, opened)
    ask = '{"cmd_id":22004,"seq_id":1,"trace":"","data":{"symbol_list":[{"code":"700.HK"}]}}'
    assert said(alltick, ask)["ret"] == 603

    receiver = client(node, "ws", token, opened)
    answer = said(receiver, '{"action":"subscribe","symbols":["00700.HK"]}')
    assert (answer["added"], answer["rejected_symbols"][0]["reason"]) == ([], "symbol_not_allowed")

    realtime_hk = client(node, "realtime/hk", token, opened)
    realtime_hk.send('{"action":"subscribe","symbols":["00700.HK"]}')
    with pytest.raises(ConnectionClosed) as closed:
        realtime_hk.recv(timeout=30)
    assert (closed.value.rcvd.code, "type tick" in closed.value.rcvd.reason) == (4403, True)
