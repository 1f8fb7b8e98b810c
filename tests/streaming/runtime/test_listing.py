"""A node knows a published list within seconds, without SQL; sockets that follow a renamed code find it again."""

import json
import time
import urllib.parse
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed

from kernel import keyspace
from kernel.listing import complete, line, pack
from nodes import store as control
from streaming.client.routes import read_hint
from tests.streaming.conftest import make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
TOKEN = make_token()
SECONDS = 8.0  # a node looks every five, also where the control message was lost


def found(node, asked):
    request = urllib.request.Request(
        f"{node.base}/v1/instruments?q={urllib.parse.quote(asked)}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        told = json.load(answer)
    return told["list"], [item["symbol"] for item in told["results"][0]["items"]]


@pytest.fixture
def publish(store, node):
    def told(rev, *rows):
        store.set(keyspace.INSTRUMENTS, pack(rev, [line(complete(row)) for row in rows]))

    yield told
    store.delete(keyspace.INSTRUMENTS)
    control.tell({"kind": "instruments"})
    wait_for(lambda: found(node, "gzmt")[0] == 0, SECONDS)


def test_a_node_knows_a_new_list_when_it_is_told_and_also_when_it_is_not(node, publish):
    assert found(node, "刚上市") == (0, [])

    publish(11, {"symbol": "688999.SH", "name_zh": "刚上市"})
    began = time.monotonic()
    control.tell({"kind": "instruments"})
    wait_for(lambda: found(node, "刚上市") == (11, ["688999.SH"]), SECONDS)
    at_once = time.monotonic() - began

    publish(12, {"symbol": "688999.SH", "name_zh": "刚改名"})
    wait_for(lambda: found(node, "刚改名") == (12, ["688999.SH"]), SECONDS)
    assert found(node, "刚上市") == (12, [])
    assert at_once < SECONDS


def test_a_socket_that_follows_a_renamed_code_is_led_to_the_new_one(node, cn, publish):
    cn.know("830999.BJ", "000001.SZ")
    cn.write()
    rows = [{"symbol": "830999.BJ", "name_zh": "甲"}, {"symbol": "000001.SZ", "name_zh": "平安银行"}]
    with Client(node, TOKEN) as follower, Client(node, TOKEN) as other:
        assert follower.ask("subscribe", symbols=["830999.BJ"])["current"] == ["830999.BJ"]
        other.ask("subscribe", symbols=["000001.SZ"])
        publish(21, rows[1], {"symbol": "920999.BJ", "name_zh": "甲", "former_codes": "830999.BJ"})
        control.tell({"kind": "instruments"})

        with pytest.raises(ConnectionClosed) as closed:
            while True:
                follower.socket.recv(timeout=SECONDS)

        assert closed.value.rcvd.code == 1012
        assert json.loads(closed.value.rcvd.reason)["renamed"] == {"830999.BJ": "920999.BJ"}
        assert read_hint(closed.value.rcvd.reason) == (0.0, None)  # clients come back at once
        assert other.ask("ping", id="1")["id"] == "1"  # whoever follows something else notices nothing
    cn.know("920999.BJ")
    cn.write()
    with Client(node, TOKEN) as again:
        assert again.ask("subscribe", symbols=["830999.BJ"])["current"] == ["920999.BJ"]
        cn.write(("920999.BJ", 10, 10, 10, 10, 100, 1000))
        assert again.get("kline")["symbol"] == "920999.BJ"


def test_a_delisted_product_is_found_and_followed_only_where_a_feed_has_it(node, publish):
    publish(31, {"symbol": "600998.SH", "name_zh": "退市", "state": "delisted"})
    control.tell({"kind": "instruments"})
    wait_for(lambda: found(node, "退市") == (31, ["600998.SH"]), SECONDS)

    with Client(node, TOKEN) as client:
        answer = client.ask("subscribe", symbols=["600998.SH"])

    assert [one["reason"] for one in answer["rejected"]] == ["unknown_symbol"]
