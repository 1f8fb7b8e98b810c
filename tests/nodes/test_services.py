"""Nodes are drained, retired and polled."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection

from nodes.errors import LastNodeOfGroup
from nodes.models import Node, Outbox
from nodes.services import drain_node, poll_nodes, retire_node, undrain_node
from tests.factories import NOW, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATER = NOW + timedelta(seconds=10)


def test_draining_is_announced():
    node = a_node()

    assert drain_node(node_id=node.pk).state == "draining"
    assert undrain_node(node_id=node.pk).state == "active"
    assert [row.payload for row in Outbox.objects.filter(kind="drain")] == [{"node": "sh-1"}] * 2


def test_the_last_node_of_a_group_is_not_retired():
    first, second = a_node("sh-1"), a_node("sh-2")
    a_node("hk-1", group=a_group("hk"))
    retire_node(node_id=first.pk)

    with pytest.raises(LastNodeOfGroup):
        retire_node(node_id=second.pk)

    assert Node.objects.get(pk=second.pk).state == "active"


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


def test_many_nodes_that_hang_cost_one_timeout(health_server):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}/healthz"
        for number in range(20):
            a_node(f"dead-{number}", health_url=hangs, last_seen_at=None)
        a_node("sh-1", health_url=health_server.url, last_seen_at=None)
        health_server.answer = (200, {"status": "ok", "node": "sh-1", "connections": 1, "realtime": True})
        began = time.monotonic()

        assert poll_nodes(now=LATER) == 1
        assert time.monotonic() - began < 5  # one after the other it would be 40 s


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_retire_the_last_two_nodes_at_once_leave_one():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    nodes, start, said = [a_node("sh-1"), a_node("sh-2")], threading.Barrier(2), []

    def retire(node):
        close_old_connections()
        start.wait(5)
        try:
            said.append(retire_node(node_id=node.pk).state)
        except LastNodeOfGroup as refused:
            said.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=retire, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sorted(said) == ["last_node_of_group", "retired"]


def test_a_retired_node_is_left_alone():
    a_node(health_url="http://127.0.0.1:1/healthz", state="retired")

    assert poll_nodes(now=LATER) == 0
    assert Node.objects.get().last_error == ""


@pytest.mark.parametrize(
    ("ws_url", "base"),
    [
        ("wss://sh-1.example:8443/ws/stock", "https://sh-1.example:8443"),
        ("ws://127.0.0.1:8000/ws/stock", "http://127.0.0.1:8000"),
        ("ws://[::1]:8000/ws/stock", "http://[::1]:8000"),
    ],
)
def test_where_a_node_answers_http_follows_from_its_socket_address(ws_url, base):
    assert Node(ws_url=ws_url).http_base == base
