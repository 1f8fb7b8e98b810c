"""Who says more than the budget allows is read later and loses nothing; only a flood is ended. In every language."""

import contextlib
import json
import uuid
from itertools import islice

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kernel import keyspace
from streaming.reference import directory
from streaming.runtime.dialects import dialects
from tests.streaming.conftest import GROUP, ServedNode, make_scope, make_token, wait_for

pytestmark = pytest.mark.whole
HONGKONG = list(islice((one.symbol for one in directory() if one.id.market == "HK" and one.kind == "stock"), 100))
SUBSCRIBE = {
    "native": '{"action":"subscribe","symbols":["%s"]}',
    "itick": '{"ac":"subscribe","params":"%s","types":"quote"}',
    "tickdb": '{"cmd":"subscribe","data":{"channel":"trade","symbols":["%s"]}}',
    "alltick": '{"cmd_id":22004,"seq_id":1,"trace":"","data":{"symbol_list":[{"code":"%s"}]}}',
    "rt_receiver": '{"action":"subscribe","symbols":["%s"]}',
    "realtime_hk": '{"action":"subscribe","symbols":["%s"]}',
}
EVERY_LANGUAGE = pytest.mark.parametrize("name", sorted(dialects()))


def opened(node: ServedNode, name: str, token: str) -> ClientConnection:
    path = next(iter(dialects()[name].paths))
    url = f"{node.base.replace('http', 'ws')}/{path}"
    return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None)


@EVERY_LANGUAGE
def test_a_hundred_subscribes_one_by_one_are_all_done(node, store, name):
    customer = uuid.uuid4().hex
    with opened(node, name, make_token(make_scope(customer, 100))) as socket:
        for symbol in HONGKONG:
            socket.send(SUBSCRIBE[name] % symbol)

        if name == "alltick":  # each replaces the one before it, so the answers are counted
            answers = 0
            while answers < 100:
                message = json.loads(socket.recv(timeout=10))
                answers += message.get("cmd_id") == 22005
                assert message.get("ret", 200) == 200
        else:
            key = keyspace.follows(customer, GROUP)
            wait_for(lambda: sum(len(json.loads(one)["symbols"]) for one in store.hvals(key)) == 100, 20)


def test_late_messages_are_answered_in_their_order(node):
    with opened(node, "native", make_token()) as socket:
        for nth in range(100):
            socket.send(json.dumps({"action": "snapshot", "symbols": [HONGKONG[nth]]}))
        answers: list[dict] = []
        while len(answers) < 100:
            message = json.loads(socket.recv(timeout=10))
            answers += [message] if message["type"] == "snapshot" else []

    assert [json.dumps(one).count(symbol) > 0 for one, symbol in zip(answers, HONGKONG, strict=True)] == [True] * 100


@EVERY_LANGUAGE
def test_a_flood_that_has_filled_its_bounds_is_closed_4429(node, name):
    with opened(node, name, make_token()) as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(3000):
                socket.send(SUBSCRIBE[name] % "00700.HK")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4429
