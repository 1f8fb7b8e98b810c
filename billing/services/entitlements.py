"""Raises the rev of what a customer may follow, and sees to it that nodes know the newest."""

from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Customer
from billing import announcements, selectors
from billing.errors import GrantIsExtended
from billing.models import AccessToken, EntitlementRev, Grant, GrantClosure
from kernel.scope import Scope
from nodes.models import NodeGroup
from nodes.services import rights

BATCH = 500  # scopes written in one round trip


@transaction.atomic
def raise_rev(*, customer: Customer, group: NodeGroup, now: datetime) -> Scope:
    """Count a change and announce the new scope. The caller holds the customer's lock."""
    EntitlementRev.objects.get_or_create(customer=customer, group=group)
    EntitlementRev.objects.filter(customer=customer, group=group).update(rev=F("rev") + 1)
    scope = selectors.scope(customer, group, now)
    announcements.entitlement_changed(scope)
    return scope


@transaction.atomic
def activity_changed(*, customer: Customer, now: datetime) -> None:
    """Announce on every group that a customer was deactivated, or activated again."""
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    for rev in EntitlementRev.objects.filter(customer=customer).select_related("group").order_by("group_id"):
        raise_rev(customer=customer, group=rev.group, now=now)


@transaction.atomic
def close_grant(*, grant_id: int, reason: str, now: datetime) -> GrantClosure:
    """End a grant early. Closing it twice returns the first closure.

    Raises:
        GrantIsExtended: another grant continues it; that one is to be closed first.
    """
    owner = Grant.objects.values_list("customer_id", flat=True).get(pk=grant_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=owner)
    grant = Grant.objects.select_related("group", "closure").get(pk=grant_id)
    if (closed := GrantClosure.objects.filter(grant=grant).first()) is not None:
        return closed
    later = Grant.objects.filter(extends=grant).select_related("closure").first()
    if later is not None and later.as_value().until_at > max(now, later.starts_at):
        raise GrantIsExtended(grant=grant.pk, by=later.pk)
    closure = GrantClosure.objects.create(grant=grant, closed_at=now.replace(microsecond=0), reason=reason)
    raise_rev(customer=customer, group=grant.group, now=now)
    return closure


def refresh_entitlements(*, now: datetime) -> int:
    """Write every scope and revocation again, as a Redis that has lost them needs; return how many were news to it."""
    news = 0
    revs = EntitlementRev.objects.select_related("customer", "group").order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(revs, BATCH)):
        news += len(rights.write_entitlements(scope.as_json() for scope in selectors.scopes(batch, now)))
    rights.write_revocations(_revocation(token, now) for token in selectors.revoked_tokens(now))
    return news


def _revocation(token: AccessToken, now: datetime) -> dict[str, Any]:
    ends = min(at for at in (token.works_until_at, token.revoked_at) if at is not None)
    return {
        "group": token.group.slug,
        "jti": token.jti,
        "works_until_s": int(ends.timestamp()),
        "expires_at_s": int(token.expires_at.timestamp()),
        "now_s": int(now.timestamp()),
    }
