"""What the shop tells other processes and people, as rows of the outbox in the transaction that causes them."""

from datetime import datetime

from billing.models import AccessToken, Purchase
from kernel.scope import Scope
from nodes import announcements as nodes
from outbox.services.sending import say

RECEIPT = "receipt"


def entitlement_changed(scope: Scope) -> None:
    """Tell nodes what a customer may follow now."""
    nodes.entitlement(scope=scope.as_json())


def token_ends(token: AccessToken, works_until_at: datetime) -> None:
    """Tell nodes from when on a token no longer works; now for a revoked one, a day ahead for a rotated one."""
    nodes.revocation(
        jti=token.jti,
        customer=token.customer.public_id,
        group=token.group.slug,
        works_until_s=int(works_until_at.timestamp()),
        expires_at_s=int(token.expires_at.timestamp()),
    )


def purchase_settled(purchase: Purchase) -> None:
    """Send the buyer a receipt, in the buyer's language."""
    say(RECEIPT, {"purchase": purchase.public_id}, language=purchase.customer.language)
