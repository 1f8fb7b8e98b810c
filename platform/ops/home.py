"""The admin's home: how the shop, its nodes and its outbox stand."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing import selectors as billing
from billing.domain.pricing import yuan
from kernel.clock import utc_now
from nodes.models import Node
from outbox import selectors as outbox


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's figures (settings.UNFOLD): each for those who may see the rows that it counts."""
    now = utc_now()
    shop, waiting = billing.figures(now), outbox.waiting()
    figures = [
        ("accounts.view_customer", _("Customers"), Customer.objects.filter(is_staff=False).count()),
        ("billing.view_grant", _("Grants in force"), shop.grants),
        ("billing.view_grant", _("Symbols in force"), shop.symbols),
        ("billing.view_purchase", _("Paid, CNY"), yuan(shop.paid_fen)),
        ("billing.view_purchase", _("Purchases waiting"), shop.purchases_waiting),
        ("billing.view_gatewaynotice", _("Money that matches no purchase"), shop.unmatched),
        ("outbox.view_outbox", _("Outbox waiting"), waiting.all),
        ("outbox.view_outbox", _("Outbox in trouble"), waiting.in_trouble + waiting.unknown),
    ]
    allowed = request.user.has_perm
    seen = {
        "figures": [(label, value) for permission, label, value in figures if allowed(permission)],
        "node_states": _nodes(now) if allowed("nodes.view_node") else None,
    }
    return {**context, **seen}


def _nodes(now: datetime) -> list[billing.Standing]:
    held = billing.sockets_held(now)
    nodes = Node.objects.exclude(state=Node.State.RETIRED).select_related("group")
    return [billing.standing(node, held, now) for node in nodes]
