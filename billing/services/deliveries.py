"""What the rows say that billing.announcements writes, as mails."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from billing.models import Purchase
from outbox.kinds import Payload
from outbox.transports.mail import Mail


def receipt(payload: Payload, now: datetime) -> Mail:
    """Write to a buyer that a payment has arrived.

    Raises:
        Purchase.DoesNotExist: there is no such purchase.
    """
    purchase = Purchase.objects.select_related("plan", "customer").get(public_id=payload["purchase"])
    url = f"{settings.PANEL_URL}/purchases/{purchase.public_id}/"
    amount = f"{purchase.due_fen / 100:.2f} {purchase.currency}"
    body = _("Your payment of %(amount)s for %(plan)s has arrived.\nToken and address: %(url)s\n")
    return Mail(
        to=purchase.customer.email,
        subject=_("%(plan)s is ready") % {"plan": purchase.plan.name},
        body=body % {"amount": amount, "plan": purchase.plan.name, "url": url},
    )
