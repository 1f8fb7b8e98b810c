"""The native dialect over a real socket: what a client is told, gets, and is refused, on both kinds of server."""

import contextlib
import json
import time
import uuid

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from kernel import keyspace
from tests.streaming.conftest import FOREIGN_KEY, ServedNode, health, make_scope, make_token, wait_for

pytestmark = pytest.mark.whole


class Client:
    """A socket that remembers what it was sent and hands it out by type."""

    def __init__(self, node: ServedNode, token: str, headers: dict | None = None, **more) -> None:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        self._connecting = connect(node.url, additional_headers=headers, max_size=None, **more)
        self.waiting: list[dict] = []

    def __enter__(self) -> "Client":
        self.socket = self._connecting.__enter__()
        self.welcome = self.get("welcome")
        return self

    def __exit__(self, *error) -> None:
        self._connecting.__exit__(*error)

    def send(self, message) -> None:
        self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def send_in_vain(self, text: str) -> None:
        """Send what the server closes for, perhaps before all of it has left."""
        with contextlib.suppress(ConnectionClosed):
            self.socket.send(text)

    def get(self, kind: str, seconds: float = 20.0, **wanted) -> dict:
        """Return the first message of a kind (and with these values) that has not been handed out."""
        deadline = time.monotonic() + seconds
        while True:
            for message in self.waiting:
                if message["type"] == kind and all(message.get(key) == value for key, value in wanted.items()):
                    self.waiting.remove(message)
                    return message
            self.waiting.append(json.loads(self.socket.recv(timeout=max(0.01, deadline - time.monotonic()))))

    def none(self, kind: str, seconds: float = 0.5) -> None:
        with pytest.raises(TimeoutError):
            self.get(kind, seconds)

    def ask(self, action: str, **more) -> dict:
        answers = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "ping": "pong"}
        self.send({"action": action, **more})
        return self.get(answers.get(action, action))

    def closed_with(self, seconds: float = 20.0) -> int:
        try:
            while True:
                self.socket.recv(timeout=seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@pytest.fixture(params=["node", "plain_node"])
def any_node(request) -> ServedNode:
    return request.getfixturevalue(request.param)


def test_a_subscriber_is_welcomed_answered_and_gets_the_bar(any_node, cn):
    cn.know("000001.SZ")
    cn.write()
    with Client(any_node, make_token()) as client:
        assert client.welcome["quota"] == {
            "used": 0,
            "max_subs": 5,
            "max_conns": 3,
            "steps": client.welcome["quota"]["steps"],
        }
        assert client.welcome["quota"]["steps"][-1]["max_subs"] == 0

        answer = client.ask("subscribe", symbols=["000001.sz"])
        assert answer["added"] == answer["current"] == ["000001.SZ"]
        assert answer["quota"] == {"used": 1, "max_subs": 5}

        seq = cn.write(("000001.SZ", 10.5, 10.55, 10.48, 10.52, 123456, 1298765.0))
        bar = client.get("kline", seq=seq)
        assert bar["symbol"] == "000001.SZ"
        assert {k: bar["data"][k] for k in ("open", "high", "low", "close", "volume", "amount")} == {
            "open": 10.5, "high": 10.55, "low": 10.48, "close": 10.52, "volume": 123456, "amount": 1298765.0,
        }  # fmt: skip


def test_a_quiet_symbol_is_flat_while_open_and_silent_at_lunch(node, cn):
    cn.know("600519.SH", price=1800.0)
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["600519.SH"])
        seq = cn.write()
        flat = client.get("kline", seq=seq)["data"]
        assert (flat["open"], flat["high"], flat["low"], flat["close"], flat["volume"], flat["amount"]) == (
            1800.0,
        ) * 4 + (0, 0.0)

        cn.write(state="lunch_break", until_ms=1_773_032_400_000)
        status = client.get("status", state="lunch_break")
        assert status == {
            "type": "status", "market": "CN", "state": "lunch_break", "until": "2026-03-09T05:00:00.000Z",
            "epoch": "test", "feed": "test",
        }  # fmt: skip
        client.none("kline")


def test_without_fill_only_windows_with_trades_arrive(node, cn):
    cn.know("600519.SH")
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["600519.SH"], fill=False)
        cn.write()
        traded = cn.write(("600519.SH", 1, 1, 1, 1, 100, 100))
        assert client.get("kline")["seq"] == traded


def test_a_halted_symbol_is_told_and_not_filled(node, cn):
    cn.know("600519.SH")
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["600519.SH"])
        cn.write(states=[("600519.SH", "halted")])
        assert client.get("status", symbol="600519.SH")["state"] == "halted"
        client.none("kline")


def test_two_windows_in_one_read_both_arrive_in_order(node, cn):
    cn.know("600519.SH")
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["600519.SH"])
        with cn.redis.pipeline(transaction=True) as pipe:
            plain, cn.redis = cn.redis, pipe
            seqs = [cn.write(("600519.SH", 1, 1, 1, 1, 100, 100)) for _ in range(300)]
            pipe.execute()
            cn.redis = plain
        assert [client.get("kline")["seq"] for _ in seqs] == seqs


def test_the_sixth_symbol_of_pack_5_is_rejected_by_name(node):
    six = ["600519.SH", "000001.SZ", "600000.SH", "00700.HK", "9988.HK", "510300.SH"]
    with Client(node, make_token()) as client:
        answer = client.ask("subscribe", symbols=six)
        assert answer["current"] == ["000001.SZ", "00700.HK", "09988.HK", "600000.SH", "600519.SH"]
        assert answer["rejected"] == [
            {"symbol": "510300.SH", "reason": "quota_exceeded", "message": "Max subscriptions reached (5 of 5)"}
        ]  # fmt: skip


def test_the_quota_is_one_union_over_all_sockets_of_a_customer(node):
    token = make_token()
    with Client(node, token) as one, Client(node, token) as two:
        one.ask("subscribe", symbols=["600519.SH", "000001.SZ", "600000.SH"])
        answer = two.ask("subscribe", symbols=["700.HK", "0700.HK", "600519.SH", "09988.HK", "00005.HK"])
        assert answer["current"] == ["00700.HK", "09988.HK", "600519.SH"]
        assert [row["symbol"] for row in answer["rejected"]] == ["00005.HK"]
        assert answer["quota"] == {"used": 5, "max_subs": 5}

        assert (
            one.ask("unsubscribe", symbols=["600519.SH", "000001.SZ"])["quota"]["used"] == 4
        )  # two still follows Moutai
        assert two.ask("subscribe", symbols=["00005.HK"])["quota"]["used"] == 5


def test_quota_comes_back_when_a_socket_goes(node):
    token = make_token(make_scope(uuid.uuid4().hex, 1))
    with Client(node, token) as one:
        one.ask("subscribe", symbols=["600519.SH"])
    with Client(node, token) as two:
        assert wait_for(lambda: two.ask("subscribe", symbols=["000001.SZ"])["added"] == ["000001.SZ"])


def test_test_cn_costs_no_quota_and_every_token_may_follow_it(node, store):
    token = make_token(make_scope(uuid.uuid4().hex, 1, markets=frozenset({"HK"})))
    with Client(node, token) as client:
        answer = client.ask("subscribe", symbols=["TEST.CN", "600519.SH", "00700.HK", "nonsense", "99999.HK"])
        assert answer["added"] == ["TEST.CN", "00700.HK"]
        assert {row["symbol"]: row["reason"] for row in answer["rejected"]} == {
            "600519.SH": "market_not_allowed", "nonsense": "unknown_symbol", "99999.HK": "unknown_symbol",
        }  # fmt: skip
        assert answer["quota"]["used"] == 1


def test_list_snapshot_ping_and_unsubscribe_answer(node, cn):
    cn.know("601398.SH", price=12.5)
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=["601398.SH"])
        assert client.ask("list")["current"] == ["601398.SH"]
        snapshot = client.ask("snapshot")["data"]
        assert [(row["symbol"], row["day"]["prev_close"]) for row in snapshot] == [("601398.SH", 12.5)]
        assert client.ask("snapshot", symbols=["000001.SZ"])["rejected"][0]["reason"] == "not_subscribed"
        assert client.ask("ping", id="7")["id"] == "7"
        assert client.ask("unsubscribe", symbols=["601398.SH"])["removed"] == ["601398.SH"]


BAD_MESSAGES = {
    "not json": "hello",
    "scalar": "5",
    "no action": "{}",
    "deep": "[" * 100_000,
    "symbols missing": '{"action":"subscribe"}',
    "symbols of numbers": '{"action":"subscribe","symbols":[1]}',
    "too many symbols": json.dumps({"action": "subscribe", "symbols": ["601398.SH"] * 501}),
    "unknown type": '{"action":"subscribe","symbols":["601398.SH"],"types":["news"]}',
    "types that are no list": '{"action":"subscribe","symbols":["601398.SH"],"types":"kline"}',
    "unknown interval": '{"action":"subscribe","symbols":["601398.SH"],"intervals":["7m"]}',
    "intervals of quotes": '{"action":"subscribe","symbols":["601398.SH"],"types":["quote"],"intervals":["1m"]}',
    "since a float": '{"action":"subscribe","symbols":["601398.SH"],"since":1.5}',
    "since before time": '{"action":"subscribe","symbols":["601398.SH"],"since":-1}',
    "since no time": '{"action":"subscribe","symbols":["601398.SH"],"since":"yesterday"}',
    "since without a zone": '{"action":"subscribe","symbols":["601398.SH"],"since":"2026-03-08T06:30:01"}',
    "since of no lane": '{"action":"subscribe","symbols":["601398.SH"],"since":{"US":1}}',
    "epoch no object": '{"action":"subscribe","symbols":["601398.SH"],"since":1,"epoch":"e"}',
    "lone surrogate": '{"action":"subscribe","symbols":["\\ud800"]}',
    "half a megabyte of digits": "1" * 100_000,
}


def test_garbage_is_answered_and_the_socket_stays_open(any_node):
    with Client(any_node, make_token()) as client:
        for name, text in BAD_MESSAGES.items():
            client.send(text)
            assert client.get("error")["code"] in ("malformed", "unsupported"), name
        client.send(b"\x00\x01")
        assert client.get("error")["code"] == "binary_not_supported"
        assert client.ask("ping")["type"] == "pong"


def test_a_message_over_the_limit_closes_1009_and_the_books_are_cleared(node, store):
    scope = make_scope(uuid.uuid4().hex)
    with Client(node, make_token(scope)) as client:
        client.ask("subscribe", symbols=["600519.SH"])
        client.send_in_vain("x" * 1_048_576)
        assert client.closed_with() == 1009
    assert wait_for(lambda: not store.exists(keyspace.follows(scope.customer, scope.group)))


def test_the_close_frame_of_a_huge_message_always_arrives(node):
    """A reset for the unread rest used to overtake it now and then."""
    for _ in range(15):
        with Client(node, make_token()) as client:
            client.send_in_vain("x" * 8_000_000)
            assert client.closed_with() == 1009


def refused(node: ServedNode, **headers) -> tuple[int, dict, str]:
    with pytest.raises(InvalidStatus) as caught, connect(node.url, additional_headers=headers):
        pass
    response = caught.value.response
    return response.status_code, json.loads(response.body), response.headers.get("WWW-Authenticate", "")


BAD_TOKENS = {
    "token_expired": lambda: make_token(lives_s=-60),
    "token_unknown_key": lambda: make_token(kid="nobody"),
    "token_foreign": lambda: make_token(issuer="somebody-else"),
    "token_invalid": lambda: make_token(key=FOREIGN_KEY),
}


@pytest.mark.parametrize("code", BAD_TOKENS)
def test_a_bad_token_is_refused_with_401_before_the_upgrade(node, code):
    status, body, challenge = refused(node, Authorization=f"Bearer {BAD_TOKENS[code]()}")

    assert (status, body["code"]) == (401, code)
    assert code in challenge


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "x" * 20_000, "x" * 60_000, "é", ""])
def test_a_garbled_token_is_refused_with_401(node, token):
    assert refused(node, Authorization=f"Bearer {token}".encode().decode("latin-1"))[0] == 401


def test_no_token_and_a_token_in_the_query_are_refused_and_told_apart(node):
    assert refused(node)[1]["code"] == "token_missing"
    with pytest.raises(InvalidStatus) as caught, connect(f"{node.url}?token={make_token()}"):
        pass
    assert json.loads(caught.value.response.body)["code"] == "token_in_query"


def test_a_revoked_token_is_refused_and_an_open_socket_ends(node, store):
    scope, jti = make_scope(uuid.uuid4().hex), uuid.uuid4().hex
    token = make_token(scope, jti=jti)
    with Client(node, token) as client:
        store.set(keyspace.revoked(jti), int(time.time()))
        tell(store, kind="revoked", jti=jti, customer=scope.customer, group=scope.group)
        assert client.closed_with(30) == 4401
    assert refused(node, Authorization=f"Bearer {token}")[1]["code"] == "token_revoked"


def tell(store, **message) -> None:
    """Send a control message as the outbox does."""
    from asgiref.sync import async_to_sync
    from channels.layers import get_channel_layer

    async_to_sync(get_channel_layer().group_send)(keyspace.CONTROL_GROUP, {"type": "control", **message})


def test_growth_and_shrinkage_reach_an_open_socket_within_a_second(node, store):
    scope = make_scope(uuid.uuid4().hex, 2)
    with Client(node, make_token(scope)) as client:
        client.ask("subscribe", symbols=["600519.SH", "000001.SZ", "600000.SH"])

        def entitle(max_subs: int, rev: int) -> None:
            newer = make_scope(scope.customer, max_subs, rev=rev)
            store.set(keyspace.entitlement(scope.customer, scope.group), json.dumps(newer.as_json()))
            tell(store, kind="entitlement", customer=scope.customer, group=scope.group)

        entitle(3, 2)
        assert client.get("quota_changed", 1.0)["max_subs"] == 3
        client.ask("subscribe", symbols=["600000.SH"])

        entitle(1, 3)
        shrunk = client.get("quota_changed", 1.0)
        assert shrunk["dropped"] == ["600000.SH", "000001.SZ"]
        assert client.ask("list")["current"] == ["600519.SH"]


def test_a_deactivated_customers_socket_ends_and_the_same_token_opens_one_after_activation(node, store):
    scope = make_scope(uuid.uuid4().hex, 2)
    token, key = make_token(scope), keyspace.entitlement(scope.customer, scope.group)
    with Client(node, token) as client:
        gone = make_scope(scope.customer, 0, rev=2).as_json() | {"active": False}
        store.set(key, json.dumps(gone))
        tell(store, kind="entitlement", customer=scope.customer, group=scope.group)
        assert client.closed_with() == 4401

    with pytest.raises(InvalidStatus) as refused:
        connect(node.url, additional_headers={"Authorization": f"Bearer {token}"})
    assert refused.value.response.status_code == 401
    store.set(key, json.dumps(make_scope(scope.customer, 2, rev=3).as_json()))
    with Client(node, token) as client:
        assert client.ask("ping")["type"] == "pong"


def test_the_newest_connection_replaces_the_oldest(node):
    token = make_token(make_scope(uuid.uuid4().hex, 5, 2))
    with Client(node, token) as oldest, Client(node, token) as middle, Client(node, token) as newest:
        assert oldest.closed_with() == 4409
        assert middle.ask("ping")["type"] == newest.ask("ping")["type"] == "pong"


def test_a_browser_may_send_its_token_as_a_subprotocol(node):
    with connect(node.url, subprotocols=["bearer", make_token()], origin="https://quant.example") as socket:
        assert socket.subprotocol == "bearer"
        assert json.loads(socket.recv(timeout=30))["type"] == "welcome"


def test_a_subprotocols_token_without_an_origin_is_refused(node):
    with pytest.raises(InvalidStatus) as caught, connect(node.url, subprotocols=["bearer", make_token()]):
        pass
    assert caught.value.response.status_code == 403
    assert json.loads(caught.value.response.body)["code"] == "origin_not_allowed"


def test_a_path_without_a_stream_is_404(node):
    with pytest.raises(InvalidStatus) as caught, connect(node.url + "/nothing"):
        pass
    assert caught.value.response.status_code == 404


def test_a_refusal_writes_nothing_into_the_log(node):
    before = node.log.read_text()
    for url, headers in ((f"{node.url}/nothing", {}), (node.url, {}), (node.url, {"Authorization": "Bearer x"})) * 5:
        with pytest.raises(InvalidStatus), connect(url, additional_headers=headers):
            pass
    # What a request writes stands there before the answer of the next one.
    health(node.base)
    assert node.log.read_text().removeprefix(before) == ""


def test_a_text_that_is_not_utf_8_ends_the_socket_and_writes_nothing_into_the_log(node):
    before = node.log.read_text()
    with pytest.raises(ConnectionClosed) as closed, Client(node, make_token()) as client:
        client.socket.send(b"\xff\xfe{}", text=True)
        while True:
            client.socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
    assert node.log.read_text().removeprefix(before) == ""
