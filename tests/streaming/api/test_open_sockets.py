"""Sockets now: a customer sees everything that is connected, on whatever process and node, and can end each."""

import sys
import uuid
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from config.embedded.children import free_port
from kernel import keyspace
from tests.streaming.conftest import PANEL, ServedNode, guest_token, make_scope, make_token, serve
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def other_node(tmp_path_factory) -> Iterator[ServedNode]:
    """A second node of the group: another process, with the same store."""
    port = free_port()
    argv = [sys.executable, "manage.py", "serve", "--port", str(port)]
    yield from serve("other", argv, port, tmp_path_factory.mktemp("other"), NODE_ID="sh-2")


@pytest.fixture
def token() -> str:
    return make_token(make_scope(uuid.uuid4().hex, max_conns=3))


def ask(node: ServedNode, token: str, path: str = "", method: str = "GET", **headers: str) -> httpx.Response:
    told = {"Authorization": f"Bearer {token}", **headers}
    return httpx.request(method, f"{node.base}/v1/sockets{path}", headers=told, timeout=30)


def test_all_of_a_customers_are_listed_from_every_node(node, other_node, cn, token):
    cn.know("000001.SZ")
    cn.write()
    with (
        Client(node, token) as here,
        connect(f"ws{other_node.base[4:]}/quote-stock-b-ws-api", additional_headers={"token": token}),
        Client(node, make_token()),  # somebody else's
    ):
        here.ask("subscribe", symbols=["000001.SZ", "TEST.CN"])
        for asked in (node, other_node):
            told = ask(asked, token).json()

            assert (told["connections"], told["max_conns"], told["viewers"], told["max_viewers"]) == (2, 3, 0, 5)
            first, second = told["sockets"]
            assert {key: value for key, value in first.items() if key not in ("id", "since", "node")} == {
                "viewer": False, "symbols": 1, "address": "127.0.0.1", "language": "native", "unsent_bytes": 0,
            }  # fmt: skip
            assert (second["node"], second["language"], second["symbols"]) == ("sh-2", "alltick", 0)
            assert first["node"] not in ("sh-2", None)
            assert first["since"] < second["since"]
            assert first["id"] != second["id"]


def test_one_is_ended_on_whatever_node_it_is_and_the_others_stay(node, other_node, token):
    with Client(node, token) as here, Client(other_node, token) as there:
        sockets = ask(node, token).json()["sockets"]
        (away,) = [one["id"] for one in sockets if one["node"] == "sh-2"]

        answer = ask(node, token, f"/{away}", "DELETE")

        assert (answer.status_code, answer.json()) == (200, {"id": away, "ended": True})
        assert there.closed_with(60) == 4410
        assert there.socket.close_reason == "ended by its owner"
        assert here.ask("ping")["type"] == "pong"
        assert [one["id"] for one in ask(other_node, token).json()["sockets"]] == [
            one["id"] for one in sockets if one["id"] != away
        ]
        assert ask(node, token, f"/{away}", "DELETE").json()["code"] == "no_such_socket"


def test_nobody_ends_or_sees_anybody_elses(node, token):
    with Client(node, token) as here:
        (mine,) = ask(node, token).json()["sockets"]
        mallory = make_token()

        assert ask(node, mallory).json()["sockets"] == []
        answer = ask(node, mallory, f"/{mine['id']}", "DELETE")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_socket")
        for path in ("/x", "/..%2f", f"/{mine['id']}x", "/*"):
            assert ask(node, token, path, "DELETE").status_code in (400, 404)
        assert here.ask("ping")["type"] == "pong"


def test_looking_ends_nothing(node, token):
    with Client(node, token) as here:
        (mine,) = ask(node, token).json()["sockets"]
        for method in ("GET", "HEAD", "POST", "PUT"):
            assert ask(node, token, f"/{mine['id']}", method).status_code == 405
        assert ask(node, token, "", "DELETE").status_code == 405
        assert here.ask("ping")["type"] == "pong"


def test_a_page_of_the_panel_asks_and_ends_and_nobody_elses_page_does(node):
    customer = uuid.uuid4().hex
    page, program = make_token(make_scope(customer), viewer=True), make_token(make_scope(customer))
    with Client(node, program) as mine, Client(node, page, headers={"Origin": PANEL}):
        told = ask(node, page, Origin=PANEL).json()
        assert [(one["viewer"], one["language"]) for one in told["sockets"]] == [(False, "native"), (True, "native")]
        assert (told["connections"], told["viewers"]) == (1, 1)
        wanted = told["sockets"][0]["id"]
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-origin", "Host": PANEL[7:]}):
            assert ask(node, page, f"/{wanted}", "DELETE", **headers).status_code == 403

        assert ask(node, page, f"/{wanted}", "DELETE", Origin=PANEL).json()["ended"] is True
        assert mine.closed_with(60) == 4410


def test_a_browser_may_ask_to_end_one_from_the_panels_origin(node):
    answer = httpx.options(f"{node.base}/v1/sockets/x", headers={"Access-Control-Request-Method": "DELETE"})
    assert answer.status_code == 200
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(("path", "method"), [("", "GET"), ("/x", "DELETE")])
def test_a_guest_sees_and_ends_nothing(node, path, method):
    answer = ask(node, guest_token(), path, method, Origin=PANEL)
    assert (answer.status_code, answer.json()["code"]) == (403, "guest_not_allowed")


def test_a_socket_whose_process_does_not_answer_is_listed_all_the_same(node, store, token):
    import jwt

    customer = jwt.decode(token, options={"verify_signature": False})["sub"]
    store.hset(keyspace.follows(customer, "local"), "hangs-1-aa:abc", '{"at":1773032400000,"symbols":{"A":"1"}}')

    (told,) = ask(node, token).json()["sockets"]

    assert told == {
        "id": "abc", "since": "2026-03-09T05:00:00.000Z", "viewer": False, "symbols": 1,
        "node": None, "address": None, "language": None, "unsent_bytes": None,
    }  # fmt: skip
    assert ask(node, token, "/abc", "DELETE").json() == {"id": "abc", "ended": False}
    store.delete(keyspace.follows(customer, "local"))
