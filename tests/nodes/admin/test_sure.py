"""What would leave a group without a ready node is asked about first."""

import html

import pytest

from kernel.clock import utc_now
from nodes.models import Node
from tests.factories import a_node
from tests.nodes.test_admin import act

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_group_s_last_ready_node_is_drained_only_after_a_yes(root, node):
    second = a_node("sh-2", group=node.group)  # active, and seen by nobody
    Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now(), connections=7)

    for action in ("drain", "retire"):
        asked = act(root, Node, action, node)
        assert "left without a node that takes anybody: 7 open connections" in html.unescape(asked.text)
        assert "/readyz answers 503" in asked.text
    node.refresh_from_db()
    assert node.state == "active"

    Node.objects.filter(pk=second.pk).update(last_seen_at=utc_now())
    act(root, Node, "drain", second)  # the first one goes on
    second.refresh_from_db()
    assert second.state == "draining"
    act(root, Node, "drain", node, sure="yes")
    node.refresh_from_db()
    assert node.state == "draining"


def test_the_last_active_node_is_not_asked_for_but_refused(root, node):
    Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now())

    assert "last node" in act(root, Node, "retire", node).text
