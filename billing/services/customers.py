"""What the shop does when a person is deactivated or activated again: every token ends at once, or works again."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Customer
from billing.services import entitlements
from kernel.clock import utc_now

_BEFORE = "_was_active"  # of an instance between the two signals of one save


@transaction.atomic
def set_active(*, customer: Customer, active: bool, now: datetime) -> bool:
    """Deactivate or activate a customer; return whether that changed anything.

    Deactivated: open sockets are closed, REST answers 401, nobody logs in. Activated: the same tokens work again.
    """
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    changed = row.is_active != active
    if changed:
        Customer.objects.filter(pk=row.pk).update(is_active=active)
        entitlements.activity_changed(customer=row, now=now)
    customer.is_active = active
    return changed


def note_activity(sender: type[Customer], instance: Customer, **_: Any) -> None:
    """Before a row is saved: note what it was. Connected to `pre_save`, since the admin's form is not ours to call."""
    before = Customer.objects.filter(pk=instance.pk).values_list("is_active", flat=True).first()
    setattr(instance, _BEFORE, before)


def announce_activity(
    sender: type[Customer], instance: Customer, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    """After a row is saved, in the same transaction where there is one: announce what has changed (`post_save`)."""
    before = instance.__dict__.pop(_BEFORE, None)
    written = update_fields is None or "is_active" in update_fields
    if written and before is not None and before != instance.is_active:
        entitlements.activity_changed(customer=instance, now=utc_now())
