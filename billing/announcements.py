"""What the shop tells other processes, as rows of the outbox in the transaction that causes them."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from billing.models import AccessToken, Purchase
from kernel.scope import Scope
from nodes import announcements as outbox


def entitlement_changed(scope: Scope) -> None:
    """Tell nodes what a customer may follow now."""
    outbox.entitlement(scope=scope.as_json())


def token_ends(token: AccessToken, works_until_at: datetime) -> None:
    """Tell nodes from when on a token no longer works; now for a revoked one, a day ahead for a rotated one."""
    outbox.revocation(
        jti=token.jti,
        customer=token.customer.public_id,
        group=token.group.slug,
        works_until_s=int(works_until_at.timestamp()),
        expires_at_s=int(token.expires_at.timestamp()),
    )


def purchase_settled(purchase: Purchase) -> None:
    """Send the buyer a receipt."""
    url = f"{settings.PANEL_URL}/purchases/{purchase.public_id}/"
    amount = f"{purchase.due_fen / 100:.2f} {purchase.currency}"
    body = _("Your payment of %(amount)s for %(plan)s has arrived.\nToken and address: %(url)s\n")
    outbox.mail(
        to=purchase.customer.email,
        subject=_("%(plan)s is ready") % {"plan": purchase.plan.name},
        body=body % {"amount": amount, "plan": purchase.plan.name, "url": url},
    )


def later(*, task: str, kwargs: dict[str, Any], delay: timedelta = timedelta(0)) -> None:
    """Run a Celery task by name once this transaction has happened."""
    outbox.task(name=task, kwargs=kwargs, delay=delay)
