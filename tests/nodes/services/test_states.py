"""Nodes are drained, put back to work and retired; the last one of a group stays."""

import threading
from functools import partial

import pytest
from django.db import connection
from django.db.models import QuerySet

from nodes.errors import LastNodeOfGroup
from nodes.models import Node
from nodes.services import states
from nodes.services.states import drain_node, retire_node, undrain_node
from outbox.models import Outbox
from tests.at_once import at_once
from tests.factories import a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


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


@pytest.fixture
def two_admins(transactional_db, monkeypatch):
    """Two who retire the last two nodes of a group at once, each waiting a second for the other after having looked."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    nodes, looked, change = [a_node("sh-1"), a_node("sh-2")], threading.Barrier(2), states._change_state

    def meet_and_change(node_id, state):
        try:
            looked.wait(1)
        except threading.BrokenBarrierError:
            pass
        return change(node_id, state)

    monkeypatch.setattr(states, "_change_state", meet_and_change)

    def both():
        def retire(node):
            try:
                return retire_node(node_id=node.pk).state
            except LastNodeOfGroup as refused:
                return refused.code

        return sorted(at_once([partial(retire, node) for node in nodes]))

    return both, looked


def test_two_admins_who_retire_the_last_two_nodes_at_once_leave_one(two_admins):
    both, looked = two_admins

    assert both() == ["last_node_of_group", "retired"]
    assert looked.broken  # they never met: one waited until the other had written


def test_without_the_lock_the_same_two_leave_none(two_admins, monkeypatch):
    """The twin: shows that the test above can fail, and that the lock is what protects."""
    both, looked = two_admins
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert both() == ["retired", "retired"]
    assert not looked.broken
