"""Places and settles purchases. What is paid once is granted once."""

import hashlib
import json
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.domain.months import grant_period
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, due_fen
from billing.errors import AmountMismatch, BadPurchase, IdempotencyKeyReused, NotThatGrant, PlanNotOnSale
from billing.models import Grant, Plan, Purchase
from billing.services import entitlements, tokens
from nodes.errors import NodeNotOffered
from nodes.models import Node

PRICE_HOLDS = timedelta(minutes=15)  # and so does the place on the node


@transaction.atomic
def place_purchase(
    *,
    customer: Customer,
    plan: str,
    node: str,
    months: int,
    kind: str,
    extends: int | None,
    idempotency_key: str,
    gateway: str,
    now: datetime,
) -> Purchase:
    """Place an order and hold its price and place for 15 minutes. The same key and body return the same purchase.

    Args:
        plan, node: slugs.
        extends: for kind `extend`, any grant of the chain that goes on longer.

    Raises:
        BadPurchase, PlanNotOnSale, NotThatGrant, NodeNotOffered, IdempotencyKeyReused.
    """
    _check_form(months=months, kind=kind, extends=extends, idempotency_key=idempotency_key)
    body_hash = _hash(plan=plan, node=node, months=months, kind=kind, extends=extends)
    # Lock the customer: two repeats of one request race for the key, and two chains' ends are read below.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    earlier = Purchase.objects.filter(customer=customer, idempotency_key=idempotency_key).first()
    if earlier is not None:
        if earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        return earlier
    sold_plan = Plan.objects.filter(slug=plan).first()
    if sold_plan is None or not sold_plan.on_sale:
        raise PlanNotOnSale(plan=plan[:40])
    chosen = _place(customer, sold_plan, node, now)
    grant = _chain(customer, extends, sold_plan, chosen) if extends is not None else None
    source: Plan | Grant = grant or sold_plan
    return Purchase.objects.create(
        customer=customer,
        idempotency_key=idempotency_key,
        body_hash=body_hash,
        kind=kind,
        plan=sold_plan,
        node=chosen,
        group=chosen.group,
        extends=grant,
        months=months,
        symbols=source.symbols,
        max_connections=source.max_connections,
        markets=source.markets,
        levels=source.levels,
        types=source.types,
        intervals=source.intervals,
        price_fen=sold_plan.price_fen,
        due_fen=due_fen(price_fen=sold_plan.price_fen, months=months),
        gateway=gateway,
        placed_at=now,
        price_until_at=now + PRICE_HOLDS,
    )


@transaction.atomic
def settle_purchase(*, purchase_id: int, paid_fen: int, now: datetime) -> Grant:
    """Turn a paid purchase into a grant. Settling twice returns the first grant.

    An expired or failed purchase settles too when the sum is right: the money was taken.

    Raises:
        AmountMismatch: another sum was paid than what is due.
    """
    purchase = lock_purchase(purchase_id)
    if purchase.state == Purchase.State.SETTLED:
        return purchase.grant
    if paid_fen != purchase.due_fen:
        raise AmountMismatch(paid_fen=paid_fen, due_fen=purchase.due_fen)
    purchase.state = Purchase.State.SETTLED
    purchase.settled_at = now
    purchase.paid_fen = paid_fen
    purchase.save(update_fields=["state", "settled_at", "paid_fen"])
    grant = _append_grant(purchase, now)
    entitlements.raise_rev(customer=purchase.customer, group=purchase.group, now=now)
    tokens.ensure_token(customer=purchase.customer, group=purchase.group, now=now)
    announcements.purchase_settled(purchase)
    return grant


@transaction.atomic
def fail_purchase(*, purchase_id: int) -> Purchase:
    """Note that the gateway declined. Only a pending purchase can fail."""
    purchase = lock_purchase(purchase_id)
    if purchase.state == Purchase.State.PENDING:
        purchase.state = Purchase.State.FAILED
        purchase.save(update_fields=["state"])
    return purchase


def expire_purchases(*, now: datetime) -> int:
    """Give up the price and the place of purchases that nobody has paid in time; return how many."""
    due = Purchase.objects.filter(state=Purchase.State.PENDING, price_until_at__lte=now)
    return due.update(state=Purchase.State.EXPIRED)


def lock_purchase(purchase_id: int) -> Purchase:
    """Lock a purchase and, before it, its customer.

    The purchase alone would stop repeats of one notice. But two paid purchases that extend one chain both read
    where it ends, and their customer is what they share.
    """
    owner = Purchase.objects.values_list("customer_id", flat=True).get(pk=purchase_id)
    Customer.objects.select_for_update(no_key=True).get(pk=owner)
    locked = Purchase.objects.select_for_update(of=("self",)).select_related("customer", "group", "plan", "node")
    return locked.get(pk=purchase_id)


def _append_grant(purchase: Purchase, now: datetime) -> Grant:
    tail = selectors.chain_tail(purchase.extends) if purchase.extends is not None else None
    starts_at, ends_at = grant_period(
        settled_at=now,
        months=purchase.months,
        chain_end_at=tail.as_value().until_at if tail is not None else None,
    )
    return Grant.objects.create(
        customer=purchase.customer,
        group=purchase.group,
        purchase=purchase,
        extends=tail,
        starts_at=starts_at,
        ends_at=ends_at,
        symbols=purchase.symbols,
        max_connections=purchase.max_connections,
        markets=purchase.markets,
        levels=purchase.levels,
        types=purchase.types,
        intervals=purchase.intervals,
    )


def _check_form(*, months: int, kind: str, extends: int | None, idempotency_key: str) -> None:
    if type(months) is not int or not MIN_MONTHS <= months <= MAX_MONTHS:
        raise BadPurchase(f"months must be a whole number from {MIN_MONTHS} to {MAX_MONTHS}")
    if kind not in Purchase.Kind.values:
        raise BadPurchase("kind must be stack or extend")
    if (extends is None) != (kind == Purchase.Kind.STACK):
        raise BadPurchase("extends names a grant for kind extend, and only then")
    if not 1 <= len(idempotency_key) <= 80 or not idempotency_key.isprintable():
        raise BadPurchase("an idempotency key has 1 to 80 printable characters")


def _place(customer: Customer, plan: Plan, node: str, now: datetime) -> Node:
    # Lock the node: two buyers who both see its last place would both get it.
    chosen = Node.objects.select_for_update(of=("self",), no_key=True).select_related("group").filter(slug=node).first()
    offers = {offer.node.slug: offer for offer in selectors.offers(plan=plan, customer=customer, now=now)}
    if chosen is None or node not in offers:
        raise NodeNotOffered(node=node[:40], reason="unknown")
    if (reason := offers[node].refusal) is not None:
        raise NodeNotOffered(node=node, reason=reason)
    return chosen


def _chain(customer: Customer, extends: int, plan: Plan, node: Node) -> Grant:
    grant = Grant.objects.select_related("purchase", "closure").filter(pk=extends, customer=customer).first()
    if grant is None or grant.purchase.plan_id != plan.pk or grant.group_id != node.group_id:
        raise NotThatGrant(grant=extends)
    return grant


def _hash(**body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
