"""A step in a purchase's life: it is locked before anybody looks at it, and noted."""

from datetime import datetime

from accounts.models import Customer
from billing.models import Prepayment, Purchase, PurchaseEvent


def lock_purchase(purchase_id: int) -> Purchase:
    """Lock a purchase and, before it, its customer.

    The purchase alone would stop repeats of one notice. But two paid purchases that extend one chain both read
    where it ends, and their customer is what they share.
    """
    owner = Purchase.objects.values_list("customer_id", flat=True).get(pk=purchase_id)
    Customer.objects.select_for_update(no_key=True).get(pk=owner)
    locked = Purchase.objects.select_for_update(of=("self",)).select_related("customer", "group", "plan", "node")
    return locked.get(pk=purchase_id)


def lock_prepayment(prepayment_id: int) -> Prepayment:
    """Lock a prepayment and, before it, its customer, as for a purchase."""
    owner = Prepayment.objects.values_list("customer_id", flat=True).get(pk=prepayment_id)
    Customer.objects.select_for_update(no_key=True).get(pk=owner)
    locked = Prepayment.objects.select_for_update(of=("self",)).select_related("customer", "plan_version__plan")
    return locked.get(pk=prepayment_id)


def note(purchase: Purchase, before: str, now: datetime, *, by: Customer | None = None, why: str = "") -> None:
    """Write the step that a purchase has just taken into its life."""
    PurchaseEvent.objects.create(purchase=purchase, at=now, from_state=before, to_state=purchase.state, by=by, why=why)
