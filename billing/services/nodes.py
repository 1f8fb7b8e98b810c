"""Retiring a node moves what was bought on it."""

from django.db import transaction

from billing import selectors
from billing.models import Purchase
from nodes.models import Node
from nodes.services import states


@transaction.atomic
def retire_node(*, node_id: int) -> Node:
    """Take a node out of the shop for good; settled orders name another one of its group from then on.

    What was bought is the group's: tokens and quota stay as they are.

    Raises:
        LastNodeOfGroup: its buyers would hold tokens for a group without a node.
    """
    node = states.retire_node(node_id=node_id)
    target = selectors.serving_node(node)
    Purchase.objects.filter(node=node, state=Purchase.State.SETTLED).update(node=target)
    return node
