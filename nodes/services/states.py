"""Nodes are drained, put back to work and retired."""

from django.db import transaction

from nodes import announcements
from nodes.errors import LastNodeOfGroup
from nodes.models import Node


@transaction.atomic
def drain_node(*, node_id: int) -> Node:
    """Take no new buyers and no new connections on this node; those connected are asked to move."""
    return _change_state(node_id, Node.State.DRAINING)


@transaction.atomic
def undrain_node(*, node_id: int) -> Node:
    """Put a drained or retired node back to work."""
    return _change_state(node_id, Node.State.ACTIVE)


@transaction.atomic
def retire_node(*, node_id: int) -> Node:
    """Take a node out of the shop for good.

    Raises:
        LastNodeOfGroup: its buyers would hold tokens for a group without a node.
    """
    node = Node.objects.select_related("group").get(pk=node_id)
    # Lock the whole group, in key order: two admins who retire its last two nodes would each see the other one alive.
    group = list(Node.objects.select_for_update().filter(group=node.group).order_by("pk"))
    if not any(other.state == Node.State.ACTIVE for other in group if other.pk != node.pk):
        raise LastNodeOfGroup(node=node.slug, group=node.group.slug)
    return _change_state(node_id, Node.State.RETIRED)


def _change_state(node_id: int, state: Node.State) -> Node:
    node = Node.objects.select_for_update().get(pk=node_id)
    node.state = state
    node.save(update_fields=["state"])
    announcements.drain(node=node.slug)
    return node
