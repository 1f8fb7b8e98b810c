"""Places purchases, and ends those that nobody pays."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.domain.months import add_months
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.errors import (
    BadPurchase,
    IdempotencyKeyReused,
    MarketNotSold,
    NotThatGrant,
    PriceChanged,
    TooFarAhead,
    TooManyOrders,
    TrialRefused,
)
from billing.models import Plan, PlanVersion, Purchase
from billing.models.catalogue import TERMS
from billing.services import balances, coupons, plans, quotes, settling, trials
from billing.services.quotes import Quote, Wanted
from billing.services.steps import lock_purchase, note
from nodes.errors import NodeNotOffered
from nodes.models import Node

MOST_MONTHS_AHEAD = 24
PRICE_HOLDS = timedelta(minutes=15)  # and so does the place on the node
ORDERS_AN_HOUR = 20  # of a customer
ORDERS_AN_HOUR_FROM = 60  # of an address: an office may share one
OWN_KEYS = ("renewal:", "gift:", "comp:", "compensation:", "given back:")  # how idempotency keys of the shop begin


def key_of_buyer(text: str) -> str:
    """Return an idempotency key that came from outside: with one of the shop's own a buyer would stop what is theirs.

    Raises:
        BadPurchase: it begins as the shop's own do.
    """
    if text.startswith(OWN_KEYS):
        raise BadPurchase(f"an idempotency key does not begin with {text.partition(':')[0]}:; take another one")
    return text


def place_purchase(
    *,
    customer: Customer,
    plan: str,
    node: str,
    months: int,
    kind: str,
    extends: int | None,
    idempotency_key: str,
    now: datetime,
    replaces: int | None = None,
    with_later: bool = False,
    coupon: str = "",
    use_balance: bool = False,
    quote: str = "",
    gateway: str = "",
    placed_from: str | None = None,
    go_on_with_waiting: bool = False,
) -> Purchase:
    """Place an order and hold its price and place for 15 minutes. The same key and body return the same purchase.

    Price and content come from one version of the plan: an extension has both as they were bought. What nothing is
    left to pay of (a coupon, a credit, the balance) is settled at once.

    Args:
        plan, node: slugs.
        extends: for kind `extend`, any grant of the chain that goes on longer.
        replaces, with_later: for kind `upgrade`, the grant in force, and whether what extends it goes with it; months
            is 0 then, the end stays.
        coupon: a code.
        use_balance: pay from the customer's balance as far as it goes.
        quote: what `quotes.pin` returned, for the price that was shown.
        gateway: the one that the buyer means to pay with; another may take the money in the end.
        placed_from: the buyer's address.
        go_on_with_waiting: return the same order where it waits for its payment already: a person who went back and
            pressed the button again wants one.

    Raises:
        BadPurchase, PlanNotOnSale, TermsEnded, MarketNotSold, NotThatGrant, NodeNotOffered, IdempotencyKeyReused,
        TooFarAhead, TooManyOrders, UpgradeRefused, CouponRefused.
        PriceChanged: the quote is over; it brings the price of now, pinned.
    """
    check_form(months=months, kind=kind, extends=extends, replaces=replaces, idempotency_key=idempotency_key)
    order = _Order(
        Wanted(plan, months, kind, extends or replaces, with_later, coupon),
        node, use_balance, quote, gateway, placed_from, idempotency_key,
    )  # fmt: skip
    placed = _placed(customer, order, now, go_on_with_waiting=go_on_with_waiting)
    if isinstance(placed, Quote):  # committed: what it is pinned to is stored
        raise PriceChanged(
            due_fen=placed.price.due_fen, quote=quotes.pin(customer, placed), until=placed.until_at.isoformat()
        )
    return placed


@dataclass(frozen=True, slots=True)
class _Order:
    wanted: Wanted
    node: str
    use_balance: bool
    quote: str
    gateway: str
    placed_from: str | None
    idempotency_key: str


@transaction.atomic
def _placed(customer: Customer, order: _Order, now: datetime, *, go_on_with_waiting: bool) -> Purchase | Quote:
    """Return the purchase, or the quote of now where the one that was shown is over."""
    wanted, idempotency_key = order.wanted, order.idempotency_key
    body_hash = _hash(wanted, node=order.node, use_balance=order.use_balance)
    # Lock the customer: two repeats of one request race for the key, and two chains' ends are read below.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    earlier = Purchase.objects.filter(customer=customer, idempotency_key=idempotency_key).first()
    if earlier is not None:
        if earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        return earlier
    if go_on_with_waiting and (waiting := _waiting(customer, body_hash, now)) is not None:
        return waiting
    _bound_orders(customer, order.placed_from, now)
    found = quotes.pinned(customer, wanted, order.quote, now=now, lock=True) if order.quote else None
    if found is None:
        found = quotes.quote(customer, wanted, now=now, lock=True)
        if order.quote:
            return found
    chosen = offered_node(customer, found.terms, order.node, now)
    check_chain(found, chosen, now)
    due = found.price.due_fen
    placed = Purchase.objects.create(
        customer=customer,
        idempotency_key=idempotency_key,
        body_hash=body_hash,
        kind=wanted.kind,
        plan=found.terms.plan,
        plan_version=found.terms,
        node=chosen,
        group=chosen.group,
        extends=found.grant,
        replaces=found.replaced.grants[0] if found.replaced is not None else None,
        with_later=wanted.with_later,
        months=wanted.months,
        **{name: getattr(found.terms, name) for name in TERMS},
        price_fen=found.terms.price_fen,
        priced_at=found.at,
        credit_fen=found.credit_fen,
        discount_fen=found.price.discount_fen,
        rounding_fen=found.price.rounding_fen,
        due_fen=due,
        balance_fen=min(due, selectors.balance_fen(customer)) if order.use_balance else 0,
        gateway=order.gateway,
        placed_from=order.placed_from,
        placed_at=now,
        price_until_at=now + PRICE_HOLDS,
    )
    note(placed, "", now, by=customer)
    if found.coupon is not None:
        coupons.reserve(found.coupon, placed, now)
    balances.reserve(placed, now)
    if placed.cash_fen == 0:
        settling.settle_purchase(purchase_id=placed.pk, paid_fen=0, gateway=balances.PROVIDER, now=now)
        placed.refresh_from_db()
    else:
        announcements.order_placed(placed)
    return placed


@transaction.atomic
def place_trial(
    *, customer: Customer, plan: str, node: str, idempotency_key: str, now: datetime, placed_from: str | None = None
) -> Purchase:
    """Place an order to try a plan for some days; with a verified phone it costs nothing and is settled at once.

    Raises:
        TrialRefused: there is none, or this customer or phone number has had one.
        BadPurchase, MarketNotSold, NodeNotOffered, IdempotencyKeyReused, TooManyOrders.
    """
    if not 1 <= len(idempotency_key) <= 80 or not idempotency_key.isprintable():
        raise BadPurchase("an idempotency key has 1 to 80 printable characters")
    body_hash = _hash(Wanted(plan, 0, Purchase.Kind.TRIAL), node=node, use_balance=False)
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    earlier = Purchase.objects.filter(customer=customer, idempotency_key=idempotency_key).first()
    if earlier is not None:
        if earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        return earlier
    _bound_orders(customer, placed_from, now)
    sold = Plan.objects.filter(slug=plan).first()
    if sold is None:
        raise TrialRefused(f"there is no plan {plan[:40]!r}", reason="none")
    offer, due_fen = trials.offer_for(customer, sold)
    terms = plans.version_of(sold, now)
    chosen = offered_node(customer, terms, node, now)
    if not_sold := selectors.not_sold_at_present(terms.markets, now):
        raise MarketNotSold(markets=not_sold)
    placed = Purchase.objects.create(
        customer=customer,
        idempotency_key=idempotency_key,
        body_hash=body_hash,
        kind=Purchase.Kind.TRIAL,
        plan=sold,
        plan_version=terms,
        node=chosen,
        group=chosen.group,
        months=0,
        days=offer.days,
        **{name: getattr(terms, name) for name in TERMS},
        price_fen=0,
        due_fen=due_fen,
        placed_from=placed_from,
        placed_at=now,
        price_until_at=now + PRICE_HOLDS,
    )
    note(placed, "", now, by=customer)
    if due_fen == 0:
        settling.settle_purchase(purchase_id=placed.pk, paid_fen=0, now=now)
        placed.refresh_from_db()
    else:
        announcements.order_placed(placed)
    return placed


@transaction.atomic
def fail_purchase(*, purchase_id: int, now: datetime) -> Purchase:
    """Note that the gateway declined. Only a pending purchase can fail."""
    purchase = lock_purchase(purchase_id)
    if purchase.state == Purchase.State.PENDING:
        _end(purchase, Purchase.State.FAILED, now, by=None, why="declined by the gateway")
    return purchase


@transaction.atomic
def cancel_purchase(*, purchase_id: int, by: Customer, now: datetime) -> Purchase:
    """Give up an order that waits for its payment. Money that comes anyway is paid back. Twice is once.

    Raises:
        BadPurchase: it does not wait any more.
    """
    purchase = lock_purchase(purchase_id)
    if purchase.state == Purchase.State.CANCELLED:
        return purchase
    if purchase.state != Purchase.State.PENDING:
        raise BadPurchase(
            f"order {purchase.public_id} is {purchase.state}: only one that waits for payment can be cancelled",
            state=purchase.state,
        )
    _end(purchase, Purchase.State.CANCELLED, now, by=by, why="")
    # Asked at once: somebody may still have the gateway's page open, and it is closed there.
    purchase.attempts.filter(state="open").update(next_ask_at=now)
    return purchase


def expire_purchases(*, now: datetime) -> int:
    """Give up the price and the place of purchases that nobody has paid in time; return how many."""
    due = Purchase.objects.filter(state=Purchase.State.PENDING, price_until_at__lte=now).values_list("pk", flat=True)
    return sum(_expire(purchase_id, now) for purchase_id in list(due))


@transaction.atomic
def _expire(purchase_id: int, now: datetime) -> bool:
    purchase = lock_purchase(purchase_id)
    if purchase.state != Purchase.State.PENDING:  # settled meanwhile
        return False
    _end(purchase, Purchase.State.EXPIRED, now, by=None, why="")
    return True


def _end(purchase: Purchase, state: str, now: datetime, *, by: Customer | None, why: str) -> None:
    before, purchase.state = purchase.state, state
    purchase.save(update_fields=["state"])
    note(purchase, before, now, by=by, why=why)
    _let_go(purchase, now)


def _let_go(purchase: Purchase, now: datetime) -> None:
    """Give back what an order that came to nothing has reserved."""
    balances.release(purchase, now)
    coupons.free(purchase, now)


def check_form(*, months: int, kind: str, extends: int | None, replaces: int | None, idempotency_key: str) -> None:
    """Refuse an order whose parts do not fit each other.

    Raises:
        BadPurchase.
    """
    if kind not in (Purchase.Kind.STACK, Purchase.Kind.EXTEND, Purchase.Kind.UPGRADE):
        raise BadPurchase("kind must be stack, extend or upgrade")
    if kind == Purchase.Kind.UPGRADE:
        if type(months) is not int or months != 0:
            raise BadPurchase("an upgrade keeps its end: months must be 0; extend it to have it longer")
    elif type(months) is not int or not MIN_MONTHS <= months <= MAX_MONTHS:
        raise BadPurchase(f"months must be a whole number from {MIN_MONTHS} to {MAX_MONTHS}")
    if (extends is not None) != (kind == Purchase.Kind.EXTEND):
        raise BadPurchase("extends names a grant for kind extend, and only then")
    if (replaces is not None) != (kind == Purchase.Kind.UPGRADE):
        raise BadPurchase("replaces names a grant for kind upgrade, and only then")
    if not 1 <= len(idempotency_key) <= 80 or not idempotency_key.isprintable():
        raise BadPurchase("an idempotency key has 1 to 80 printable characters")


def check_chain(found: Quote, chosen: Node, now: datetime) -> None:
    """Refuse what a quote is for where it cannot be sold on a node.

    Raises:
        NotThatGrant, MarketNotSold, TooFarAhead.
    """
    grant = found.grant or (found.replaced.grants[0] if found.replaced is not None else None)
    if grant is not None and grant.group_id != chosen.group_id:
        raise NotThatGrant(grant=grant.pk)
    if not_sold := selectors.not_sold_at_present(found.terms.markets, now):
        raise MarketNotSold(markets=not_sold)
    if found.replaced is None:
        _, ends_at = selectors.period_behind(selectors.chain_of(found.grant), months=found.wanted.months, now=now)
        if ends_at > add_months(now, MOST_MONTHS_AHEAD):
            raise TooFarAhead(until=ends_at.isoformat())


def _waiting(customer: Customer, body_hash: str, now: datetime) -> Purchase | None:
    same = Purchase.objects.filter(customer=customer, body_hash=body_hash, state=Purchase.State.PENDING)
    return same.filter(price_until_at__gt=now).order_by("-placed_at").first()


def _bound_orders(customer: Customer, placed_from: str | None, now: datetime) -> None:
    since = now - timedelta(hours=1)
    recent = Purchase.objects.filter(placed_at__gt=since)
    if recent.filter(customer=customer).count() >= ORDERS_AN_HOUR:
        raise TooManyOrders(most=ORDERS_AN_HOUR, of="customer")
    unpaid = recent.filter(placed_from=placed_from).exclude(state=Purchase.State.SETTLED)
    if placed_from is not None and unpaid.count() >= ORDERS_AN_HOUR_FROM:
        raise TooManyOrders(most=ORDERS_AN_HOUR_FROM, of="address")


def offered_node(customer: Customer, terms: PlanVersion, node: str, now: datetime) -> Node:
    """Lock and return a node that has a place for a customer.

    Raises:
        NodeNotOffered.
    """
    # Lock the node: two buyers who both see its last place would both get it.
    chosen = Node.objects.select_for_update(of=("self",), no_key=True).select_related("group").filter(slug=node).first()
    offers = {offer.node.slug: offer for offer in selectors.offers(plan=terms, customer=customer, now=now)}
    if chosen is None or node not in offers:
        raise NodeNotOffered(node=node[:40], reason="unknown")
    if (reason := offers[node].refusal) is not None:
        raise NodeNotOffered(node=node, reason=reason)
    return chosen


def _hash(wanted: Wanted, *, node: str, use_balance: bool) -> str:
    extends = wanted.grant if wanted.kind == Purchase.Kind.EXTEND else None
    body = {"plan": wanted.plan, "node": node, "months": wanted.months, "kind": wanted.kind, "extends": extends}
    chosen = {
        "replaces": wanted.grant if extends is None else None,
        "with_later": wanted.with_later,
        "coupon": wanted.coupon.strip().upper(),
        "use_balance": use_balance,
    }
    # What was not chosen is left out: orders that were placed before it could be are still found by their keys.
    body |= {name: value for name, value in chosen.items() if value}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
