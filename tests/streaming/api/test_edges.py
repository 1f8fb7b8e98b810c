"""A script that asks the wrong thing gets JSON that says what is wrong, never a page for people."""

import json
import urllib.error
import urllib.request

import pytest
from django.test import Client

pytestmark = pytest.mark.whole
CLIENT = Client(enforce_csrf_checks=True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/v1/usage", 401, "token_missing"),
        ("post", "/v1/usage", 405, "method_not_allowed"),
        ("delete", "/v1/market/kline", 405, "method_not_allowed"),
        ("post", "/v1/market/kline", 405, "method_not_allowed"),
        ("get", "/v1/", 404, "not_found"),
        ("get", "/v1/nope", 404, "not_found"),
        ("post", "/v1/nope/deeper", 404, "not_found"),
        ("get", "/ws/stock", 426, "upgrade_required"),
    ],
)
def test_the_answer_is_json_with_a_code(method, path, status, code):
    answer = getattr(CLIENT, method)(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_refused_method_is_told_which_ones_are_taken_and_a_stream_how_to_ask():
    assert CLIENT.post("/v1/usage")["Allow"] == "GET, OPTIONS"
    assert CLIENT.get("/ws/stock")["Upgrade"] == "websocket"


def test_a_node_without_a_panel_answers_the_same(node):
    for path, status, code in [("/v1/", 404, "not_found"), ("/v1/nope", 404, "not_found"),
                               ("/v1/usage", 401, "token_missing"), ("/ws/stock", 426, "upgrade_required")]:  # fmt: skip
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(node.base + path, timeout=5)
        with refused.value as answer:
            assert (answer.status, json.load(answer)["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/market/kline"])
def test_a_browser_may_ask_from_any_origin(path):
    answer = CLIENT.options(path)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "X-API-Key" in answer["Access-Control-Allow-Headers"]


def test_a_read_is_tried_once_more_on_a_fresh_connection(history_server, monkeypatch, caplog):
    from clickhouse_connect.driver.exceptions import OperationalError

    from streaming.history import connection as minutes

    minutes.query("SELECT 1", {})
    dead = minutes._client()

    def broken(*_, **__):
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(dead, "query", broken)
    assert minutes.query("SELECT 1", {}) == [(1,)]
    assert "the connection is gone" in caplog.text


def test_what_the_panel_asks_for_who_looks_on_is_no_use_of_a_token():
    from streaming import urls

    asked = {one.name for one in urls.urlpatterns if getattr(one.callback, "of_the_panel", False)}

    assert asked == {"usage", "sockets", "socket-end"}
