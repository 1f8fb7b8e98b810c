"""The admin's home: how the shop, its nodes and its outbox stand."""

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
    """Add the home page's figures (settings.UNFOLD)."""
    now = utc_now()
    shop, waiting = billing.figures(now), outbox.waiting()
    held = billing.sockets_held(now)
    nodes = Node.objects.exclude(state=Node.State.RETIRED).select_related("group")
    figures = [
        (_("Customers"), Customer.objects.filter(is_staff=False).count()),
        (_("Grants in force"), shop.grants),
        (_("Symbols in force"), shop.symbols),
        (_("Paid, CNY"), yuan(shop.paid_fen)),
        (_("Purchases waiting"), shop.purchases_waiting),
        (_("Money that matches no purchase"), shop.unmatched),
        (_("Outbox waiting"), waiting.all),
        (_("Outbox in trouble"), waiting.in_trouble + waiting.unknown),
    ]
    return {**context, "figures": figures, "node_states": [billing.standing(node, held, now) for node in nodes]}
