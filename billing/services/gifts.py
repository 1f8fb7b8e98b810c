"""What the shop gives for nothing: a right by hand (comp), and time for everybody after an outage."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.domain.months import add_months, shanghai
from billing.errors import BadPurchase, NothingToGive
from billing.models import Compensation, Grant, Plan, PlanVersion, Purchase
from billing.models.catalogue import TERMS
from billing.services import entitlements, plans, tokens, upgrades
from billing.services.purchases import MOST_MONTHS_AHEAD
from billing.services.steps import note
from nodes.models import Node, NodeGroup

MOST_HOURS = 24 * 31


@dataclass(frozen=True, slots=True)
class Affected:
    """Somebody who had something there, and what of it would last longer."""

    customer: Customer
    tails: tuple[Grant, ...]


@transaction.atomic
def grant_by_hand(
    *,
    customer: Customer,
    plan: Plan,
    node: Node,
    ends_at: datetime,
    reason: str,
    by: Customer,
    now: datetime,
    symbols: int | None = None,
) -> Grant:
    """Give a plan, or so many symbols with its other terms, from now until an instant, for nothing.

    Raises:
        BadPurchase: no reason, no time, no symbols, or more than 24 months ahead.
    """
    if not reason.strip():
        raise BadPurchase("what is given by hand has a reason")
    if not now < ends_at <= add_months(now, MOST_MONTHS_AHEAD):
        raise BadPurchase(f"it ends between now and {MOST_MONTHS_AHEAD} months from now, not at {shanghai(ends_at)}")
    if symbols is not None and symbols < 1:
        raise BadPurchase(f"{symbols} symbols are nothing to give")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    terms = plans.version_of(plan, now)
    given = {name: getattr(terms, name) for name in TERMS}
    given["symbols"] = symbols or terms.symbols
    grant = _give(customer, terms, node, given, now.replace(microsecond=0), ends_at, None, reason, by, now, key="")
    tokens.ensure_token(customer=customer, group=node.group, now=now)
    return grant


def affected(
    *, now: datetime, group: NodeGroup | None = None, node: Node | None = None, market: str = ""
) -> list[Affected]:
    """Return who has something in force on a group, a node or a market, and which chains it stands in."""
    rows = Grant.objects.filter(starts_at__lte=now, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    if group is not None:
        rows = rows.filter(group=group)
    if node is not None:
        rows = rows.filter(purchase__node=node)
    live = [grant for grant in rows.select_related("customer") if not market or market in grant.markets]
    found = []
    for customer in sorted({grant.customer for grant in live}, key=lambda one: one.pk):
        mine = {grant.pk for grant in live if grant.customer_id == customer.pk}
        tails = [
            tail
            for tail in selectors.chain_tails(customer, now=now)
            if mine & {link.pk for link in selectors.chain_of(tail)}
        ]
        if tails:
            found.append(Affected(customer, tuple(tails)))
    return found


@transaction.atomic
def compensate(
    *,
    key: str,
    hours: int,
    reason: str,
    by: Customer,
    now: datetime,
    group: NodeGroup | None = None,
    node: Node | None = None,
    market: str = "",
) -> tuple[Compensation, int]:
    """Give everybody on a group, a node or a market so many hours behind what they have, with a mail; once a key.

    Returns:
        The compensation, and to how many people it was given: 0 where the key was used before.

    Raises:
        NothingToGive: no reason, no hours, nothing named, or nobody there.
    """
    if not reason.strip() or not 1 <= hours <= MOST_HOURS or not (group or node or market):
        raise NothingToGive(f"a compensation has a reason, 1 to {MOST_HOURS} hours, and a group, a node or a market")
    made, new = Compensation.objects.get_or_create(
        key=key[:80],
        defaults={
            "hours": hours, "group": group, "node": node, "market": market, "reason": reason[:200], "by": by, "at": now,
        },
    )  # fmt: skip
    if not new:
        return made, 0
    people = affected(now=now, group=group, node=node, market=market)
    if not people:
        raise NothingToGive("nobody has anything in force there")
    for one in people:
        _extend_all(one.customer, one.tails, made, by, now)
    return made, len(people)


def _extend_all(customer: Customer, tails: Iterable[Grant], made: Compensation, by: Customer, now: datetime) -> None:
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    last: Grant | None = None
    for tail in tails:
        _, end_at = selectors.period_behind(selectors.chain_of(tail), months=0, now=now)
        last = _give(
            customer,
            tail.purchase.plan_version,
            tail.purchase.node,
            {name: getattr(tail, name) for name in TERMS},
            end_at,
            end_at + timedelta(hours=made.hours),
            tail,
            made.reason,
            by,
            now,
            key=f"compensation:{made.pk}:{tail.pk}",
        )
        tokens.extend_token(customer=customer, group=tail.group)
    if last is not None:
        announcements.compensated(last.purchase, hours=made.hours, reason=made.reason)


def give_back(purchase: Purchase, *, reason: str, by: Customer | None, now: datetime) -> list[Grant]:
    """Give what an upgrade had replaced again, for the time that is left of it: the upgrade was paid back.

    The caller holds the customer's lock and has closed the upgrade's grant.
    """
    given: list[Grant] = []
    at = now.replace(microsecond=0)
    replaced = purchase.replaced.select_related("grant__purchase__plan_version__plan", "grant__purchase__node")
    for grant in sorted((closure.grant for closure in replaced), key=lambda one: one.starts_at):
        key = f"given back:{purchase.pk}:{grant.pk}"
        # A second refund of the rest ends nothing more: it was given back with the first.
        if grant.ends_at <= at or Purchase.objects.filter(customer=purchase.customer, idempotency_key=key).exists():
            continue
        terms = {name: getattr(grant, name) for name in TERMS}
        version, node = grant.purchase.plan_version, grant.purchase.node
        extends = given[-1] if given and given[-1].ends_at == grant.starts_at else None
        given.append(
            _give(
                purchase.customer, version, node, terms, max(at, grant.starts_at), grant.ends_at, extends, reason, by,
                now, key=key, replaces=grant, month_day=upgrades.day_of(grant),
            )
        )  # fmt: skip
    return given


def _give(
    customer: Customer,
    terms: PlanVersion,
    node: Node,
    given: dict[str, object],
    starts_at: datetime,
    ends_at: datetime,
    extends: Grant | None,
    reason: str,
    by: Customer | None,
    now: datetime,
    *,
    key: str,
    replaces: Grant | None = None,
    month_day: int | None = None,
) -> Grant:
    purchase = Purchase(
        customer=customer,
        body_hash="",
        kind=Purchase.Kind.COMP,
        plan=terms.plan,
        plan_version=terms,
        node=node,
        group=node.group,
        extends=extends,
        replaces=replaces,
        months=0,
        price_fen=0,
        due_fen=0,
        paid_fen=0,
        state=Purchase.State.SETTLED,
        placed_at=now,
        settled_at=now,
        price_until_at=now + timedelta(seconds=1),
        **given,
    )
    purchase.idempotency_key = key or f"comp:{purchase.public_id}"
    purchase.save()
    note(purchase, "", now, by=by, why=reason[:200])
    grant = Grant.objects.create(
        customer=customer, group=node.group, purchase=purchase, extends=extends, starts_at=starts_at,
        ends_at=ends_at.replace(microsecond=0), month_day=month_day, **given,
    )  # fmt: skip
    entitlements.raise_rev(customer=customer, group=node.group, now=now)
    return grant
