"""The tokens that our own pages use, for whoever renders one: nothing is written by looking at a page."""

from datetime import datetime

from django.conf import settings

from accounts.models import Customer
from billing.services import viewers
from nodes.models import NodeGroup


def token_for(customer: Customer, group: NodeGroup, now: datetime) -> tuple[str, int]:
    """Return a page's token for a customer's data on a node group, and when it expires in epoch seconds.

    Raises:
        NoEntitlement: nothing that was bought there holds now or will.
    """
    return viewers.viewer_token(customer=customer, group=group, now=now)


def guest_token(now: datetime, group: str = "") -> tuple[str, int]:
    """Return a page's token for who has not logged in: TEST.CN alone; and when it expires in epoch seconds.

    Args:
        group: slug of the group whose node the page asks; empty is the panel's own.
    """
    return viewers.guest_token(group=group or settings.NODE_GROUP, now=now)
