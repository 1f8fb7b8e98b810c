"""Fifty subscribes at once over ten real sockets of one customer (the twin without the lock: store/test_quota.py)."""

import uuid
from contextlib import ExitStack

import pytest

from streaming.reference import directory
from tests.streaming.conftest import make_scope, make_token
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def test_fifty_subscribes_at_once_on_ten_sockets_are_granted_exactly_the_quota(node):
    token = make_token(make_scope(uuid.uuid4().hex, max_subs=15, max_conns=10))
    fifty = [one.symbol for one in directory() if one.lane == "CN"][:50]
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(node, token)) for _ in range(10)]
        for count, symbol in enumerate(fifty):  # nobody waits for an answer
            clients[count % 10].send({"action": "subscribe", "symbols": [symbol]})
        answers = [clients[count % 10].get("subscribed") for count in range(50)]

        granted = {symbol for answer in answers for symbol in answer["added"]}
        assert len(granted) == 15
        assert all(answer["quota"]["used"] <= 15 for answer in answers)
        assert {row["reason"] for answer in answers for row in answer["rejected"]} == {"quota_exceeded"}
        assert clients[0].ask("list")["quota"]["max_subs"] == 15
