"""Orders for money in the balance and for gift codes: placed, paid through a gateway like a purchase, settled once."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import Customer
from billing import announcements
from billing.domain import ledger as rules
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, priced
from billing.errors import BadPurchase, IdempotencyKeyReused, PlanNotOnSale, TooManyOrders
from billing.models import PaymentFact, Plan, Prepayment
from billing.services import gift_codes, ledger, plans
from billing.services.purchases import ORDERS_AN_HOUR, PRICE_HOLDS
from billing.services.steps import lock_prepayment


def place_top_up(*, customer: Customer, amount_fen: int, idempotency_key: str, now: datetime) -> Prepayment:
    """Place an order for money in the balance.

    Raises:
        BadPurchase: less or more than the shop takes (TOP_UP_LEAST_FEN, TOP_UP_MOST_FEN), or no key.
        IdempotencyKeyReused, TooManyOrders.
    """
    least, most = settings.TOP_UP_LEAST_FEN, settings.TOP_UP_MOST_FEN
    if type(amount_fen) is not int or not least <= amount_fen <= most:
        raise BadPurchase(f"a top-up is {least} to {most} fen, not {amount_fen!r:.20}", least_fen=least, most_fen=most)
    return _place(customer, idempotency_key, now, kind=Prepayment.Kind.BALANCE, due_fen=amount_fen)


@transaction.atomic
def place_gift(*, customer: Customer, plan: str, months: int, idempotency_key: str, now: datetime) -> Prepayment:
    """Place an order for a gift code: a plan for some months, at the price and with the content of now.

    Raises:
        PlanNotOnSale, BadPurchase, IdempotencyKeyReused, TooManyOrders.
    """
    if type(months) is not int or not MIN_MONTHS <= months <= MAX_MONTHS:
        raise BadPurchase(f"months must be a whole number from {MIN_MONTHS} to {MAX_MONTHS}")
    sold = Plan.objects.filter(slug=plan, on_sale=True).first()
    if sold is None:
        raise PlanNotOnSale(plan=plan[:40])
    terms = plans.version_of(sold, now)
    due = priced(terms.price_fen * months).due_fen
    return _place(
        customer, idempotency_key, now, kind=Prepayment.Kind.GIFT, due_fen=due, plan_version=terms, months=months
    )


@transaction.atomic
def settle(fact: PaymentFact, *, now: datetime) -> Prepayment:
    """Book what was paid for a prepayment and hand it out. The caller has locked it and found that the sum is right."""
    assert fact.prepayment_id is not None  # the caller's fact is about one
    order = lock_prepayment(fact.prepayment_id)
    order.state, order.settled_at = Prepayment.State.SETTLED, now
    order.save(update_fields=["state", "settled_at"])
    if order.kind == Prepayment.Kind.BALANCE:
        lines = rules.topped_up(fact.provider, order.customer.public_id, fact.amount_fen)
    else:
        lines = rules.gift_bought(fact.provider, fact.amount_fen)
        gift_codes.make_bought(order, now=now)
    ledger.post(kind="payment", source=f"{fact.provider}:{fact.reference}", lines=lines, now=now)
    announcements.prepayment_settled(order)
    return order


@transaction.atomic
def cancel_prepayment(*, prepayment_id: int, now: datetime) -> Prepayment:
    """Give up an order that waits for its payment; money that comes anyway is paid back. Twice is once.

    Raises:
        BadPurchase: it does not wait any more.
    """
    order = lock_prepayment(prepayment_id)
    if order.state == Prepayment.State.CANCELLED:
        return order
    if order.state != Prepayment.State.PENDING:
        raise BadPurchase(f"order {order.public_id} is {order.state}: only one that waits can be cancelled")
    order.state = Prepayment.State.CANCELLED
    order.save(update_fields=["state"])
    order.attempts.filter(state="open").update(next_ask_at=now)  # asked at once, and closed at the gateway
    return order


def expire_prepayments(*, now: datetime) -> int:
    """Give up orders that nobody has paid in time; return how many."""
    due = Prepayment.objects.filter(state=Prepayment.State.PENDING, price_until_at__lte=now)
    return due.update(state=Prepayment.State.EXPIRED)


@transaction.atomic
def _place(customer: Customer, idempotency_key: str, now: datetime, **order: object) -> Prepayment:
    if not 1 <= len(idempotency_key) <= 80 or not idempotency_key.isprintable():
        raise BadPurchase("an idempotency key has 1 to 80 printable characters")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    earlier = Prepayment.objects.filter(customer=customer, idempotency_key=idempotency_key).first()
    if earlier is not None:
        if any(getattr(earlier, name) != value for name, value in order.items()):
            raise IdempotencyKeyReused
        return earlier
    if Prepayment.objects.filter(customer=customer, placed_at__gt=now - 4 * PRICE_HOLDS).count() >= ORDERS_AN_HOUR:
        raise TooManyOrders(most=ORDERS_AN_HOUR, of="customer")
    return Prepayment.objects.create(
        customer=customer,
        idempotency_key=idempotency_key,
        placed_at=now,
        price_until_at=now + PRICE_HOLDS,
        **order,
    )
