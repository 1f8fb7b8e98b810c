"""Raises the rev of what a customer may follow, and sees to it that nodes know the newest."""

import logging
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from accounts.models import Customer
from billing import announcements, selectors
from billing.errors import GrantIsExtended
from billing.models import EntitlementRev, Grant, GrantClosure, GrantFreeze, Purchase
from kernel.scope import Scope
from nodes import store
from nodes.models import NodeGroup
from nodes.selectors import links as links_of_groups
from outbox.restated import Piece

log = logging.getLogger(__name__)

BATCH = 500  # scopes computed at a time


@transaction.atomic
def raise_rev(*, customer: Customer, group: NodeGroup, now: datetime) -> Scope:
    """Count a change and announce the new scope. The caller holds the customer's lock."""
    EntitlementRev.objects.get_or_create(customer=customer, group=group)
    # Never below the time: a database that was restored from an older copy would otherwise count what nodes know anew.
    risen = Greatest(F("rev") + 1, int(now.timestamp()))
    EntitlementRev.objects.filter(customer=customer, group=group).update(rev=risen)
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
def close_grant(*, grant_id: int, reason: str, now: datetime, closed_at: datetime | None = None) -> GrantClosure:
    """End a grant early. Closing it twice returns the first closure; one that was to end later gives nothing from now.

    Args:
        closed_at: when it ends; now without it.

    Raises:
        GrantIsExtended: another grant continues it; that one is to be closed first.
    """
    owner = Grant.objects.values_list("customer_id", flat=True).get(pk=grant_id)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=owner)
    grant = Grant.objects.select_related("group", "closure").get(pk=grant_id)
    ends = (closed_at or now).replace(microsecond=0)
    if (closed := GrantClosure.objects.filter(grant=grant).first()) is not None:
        # A closure is written once: what was shortened before, and is ended now, is frozen for the rest.
        frozen = GrantFreeze.objects.filter(grant=grant, lifted_at=None).exists()
        if ends < closed.closed_at and not frozen:
            GrantFreeze.objects.create(grant=grant, frozen_at=ends, reason=reason[:200])
            raise_rev(customer=customer, group=grant.group, now=now)
        return closed
    later = Grant.objects.filter(extends=grant).select_related("closure").first()
    if later is not None and later.as_value().until_at > max(now, later.starts_at):
        raise GrantIsExtended(grant=grant.pk, by=later.pk)
    closure = GrantClosure.objects.create(grant=grant, closed_at=ends, reason=reason)
    raise_rev(customer=customer, group=grant.group, now=now)
    return closure


def replace_grant(*, grant: Grant, purchase: Purchase, now: datetime) -> None:
    """End a grant in favour of an upgrade. The caller holds the customer's lock and raises the rev."""
    at = now.replace(microsecond=0)
    GrantClosure.objects.create(grant=grant, closed_at=at, reason=f"upgrade {purchase.public_id}", replaced_by=purchase)


def restated_entitlements(now: datetime) -> Iterator[Piece]:
    """Yield every scope, for a Redis that has lost them (outbox.restated). Nothing is locked: the higher rev wins."""
    links = links_of_groups()
    revs = EntitlementRev.objects.select_related("customer", "group").order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(revs, BATCH)):
        for rev, scope in zip(batch, selectors.scopes(batch, now), strict=True):
            if (link := links.get(scope.group)) is not None:
                tell = {"kind": "entitlement", "customer": scope.customer, "group": scope.group}
                overtake = partial(_overtake, rev.customer, rev.group, rev.rev, now)
                yield Piece(link, store.entitlement(scope.as_json()), tell=tell, outdated=overtake)


def restated_revocations(now: datetime) -> Iterator[Piece]:
    """Yield from when on each revoked or rotated token no longer works."""
    links = links_of_groups()
    for token in selectors.revoked_tokens(now):
        ends = min(at for at in (token.works_until_at, token.revoked_at) if at is not None)
        times = {"works_until_s": int(ends.timestamp()), "expires_at_s": int(token.expires_at.timestamp())}
        for command in store.revocation(jti=token.jti, now_s=int(now.timestamp()), **times):
            if (link := links.get(token.group.slug)) is not None:
                who = {"jti": token.jti, "customer": token.customer.public_id, "group": token.group.slug}
                yield Piece(link, command, tell={"kind": "revoked", **who})


@transaction.atomic
def _overtake(customer: Customer, group: NodeGroup, rev: int, now: datetime) -> None:
    """Give a scope a rev above the one that Redis has: SQL went back to an older copy, and what it says counts."""
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if EntitlementRev.objects.filter(customer=customer, group=group, rev=rev).exists():  # else it was raised meanwhile
        log.warning(
            "customer %s: group %s knows a newer entitlement than the database, which was restored from an older copy? "
            "What the database says is announced again.", customer.public_id, group.slug,
        )  # fmt: skip
        raise_rev(customer=customer, group=group, now=now)
