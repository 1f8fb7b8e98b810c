"""Every node is asked how it is, and only its own ok counts."""

import json
import socket
import threading
from datetime import timedelta

import pytest

from kernel import keyspace
from nodes.models import Node
from nodes.services import polling
from nodes.services.polling import poll_nodes
from tests.factories import NOW, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATER = NOW + timedelta(seconds=10)


def test_a_node_that_answers_is_seen(health_server):
    node = a_node(health_url=health_server.url, last_seen_at=None, last_error="away")
    health_server.answer = (200, {"status": "ok", "node": "sh-1", "connections": 7, "realtime": True})

    assert poll_nodes(now=LATER) == 1
    node.refresh_from_db()
    assert (node.last_seen_at, node.connections, node.last_error, node.reports_realtime) == (LATER, 7, "", True)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"status": "ok", "node": "hk-1"}),
        (200, {"status": "starting", "node": "sh-1"}),
        (200, "not json"),
        (200, [1]),
        (503, {"status": "ok", "node": "sh-1"}),
        (302, {"status": "ok", "node": "sh-1"}),
    ],
)
def test_an_answer_that_is_not_this_nodes_ok_does_not_count(health_server, answer):
    node = a_node(health_url=health_server.url, last_seen_at=NOW)
    health_server.answer = answer

    assert poll_nodes(now=LATER) == 0
    node.refresh_from_db()
    assert node.last_seen_at == NOW
    assert node.last_error


def test_a_node_that_is_away_does_not_keep_the_others_from_being_seen(health_server):
    away = a_node("sh-0", health_url="http://127.0.0.1:1/healthz", last_seen_at=None)
    a_node("sh-1", health_url=health_server.url, last_seen_at=None)
    health_server.answer = (200, {"status": "ok", "node": "sh-1", "connections": True})

    assert poll_nodes(now=LATER) == 1
    away.refresh_from_db()
    assert away.last_seen_at is None
    assert "ConnectError" in away.last_error


def test_nodes_that_hang_are_waited_for_at_the_same_time(health_server, monkeypatch):
    """Twenty silent nodes: every one of them has been asked before any answer is given up."""
    monkeypatch.setattr(polling, "POLL_TIMEOUT_SECONDS", 10.0)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}/healthz"
        for number in range(20):
            a_node(f"dead-{number:02}", health_url=hangs, last_seen_at=None)
        a_node("sh-1", health_url=health_server.url, last_seen_at=None)
        health_server.answer = (200, {"status": "ok", "node": "sh-1", "connections": 1, "realtime": True})
        asked = []

        def hang_up():
            # Only when all twenty have come is any of them let go: one after the other, the second never would.
            asked.extend(silent.accept()[0] for _ in range(20))
            for connection in asked:
                connection.close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()

        assert poll_nodes(now=LATER) == 1
        hanging_up.join(10)

    assert len(asked) == 20
    assert all("timed out" not in node.last_error.lower() for node in Node.objects.exclude(slug="sh-1"))


def test_the_nodes_of_a_group_learn_who_else_takes_connections(health_server, data_redis):
    a_node("sh-1", health_url=health_server.url)
    a_node("sh-2", health_url="http://127.0.0.1:1/healthz")
    health_server.answer = (200, {"status": "ok", "node": "sh-1"})

    poll_nodes(now=LATER)

    siblings = json.loads(data_redis.get(keyspace.siblings("sh")))
    assert siblings == [{"node": "sh-1", "url": "wss://sh-1.example:8443/ws/stock"}]


def test_a_group_whose_redis_is_away_is_polled_all_the_same(health_server):
    far = a_group("far")
    far.address = "redis://127.0.0.1:1/0"
    far.save()
    a_node("sh-1", group=far, health_url=health_server.url)
    health_server.answer = (200, {"status": "ok", "node": "sh-1"})

    assert poll_nodes(now=LATER) == 1


def test_a_retired_node_is_left_alone():
    a_node(health_url="http://127.0.0.1:1/healthz", state="retired")

    assert poll_nodes(now=LATER) == 0
    assert Node.objects.get().last_error == ""
