"""Takes in what gateways say of money: notices, answers to our questions and bills all end in `record`.

A fact counts once, whoever tells it. What was paid is booked in the same transaction, to what it settles or to
suspense: no sum stands in a log alone.
"""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Customer
from billing import selectors
from billing.domain import ledger as rules
from billing.domain.pricing import money
from billing.errors import AlreadyDecided, BadNotice, NotThatMoney
from billing.gateways.protocol import Fact, FactKind
from billing.models import PaymentAttempt, PaymentFact, Prepayment, Purchase, Suspense
from billing.services import disputes, ledger, prepayments, refund_facts, refunds, settling
from billing.services.purchases import fail_purchase
from billing.services.refunds import new_number
from billing.services.settling import settle_purchase
from billing.services.steps import lock_prepayment, lock_purchase

log = logging.getLogger(__name__)

_MOST_FEN = 10**11


def record(fact: Fact, *, source: str, now: datetime) -> PaymentFact:
    """Store a fact and do what it says, once, however often and however parallel it is told.

    Args:
        source: who told it, of PaymentFact.Source.

    Returns:
        The row; of a repeat the first one.

    Raises:
        BadNotice: its amount is no amount of money.
    """
    if not 0 <= fact.amount_fen < _MOST_FEN:
        raise BadNotice(f"{fact.amount_fen} is no amount of money")
    attempt = _whose(fact)
    try:
        return _record(fact, attempt, source, now)
    except IntegrityError:
        # Only a fact without a purchase to lock can race here; the other one has been stored meanwhile.
        stored = _stored(fact)
        if stored is None:
            raise
        return stored


@transaction.atomic
def settle_by_hand(*, purchase: Purchase, provider: str, reference: str, now: datetime) -> PaymentFact:
    """Note that a purchase was paid in full where no gateway tells it: seen by a person, or for trying out."""
    attempt = PaymentAttempt.objects.create(
        order_no=new_number("P", now),
        purchase=purchase,
        gateway=provider,
        method="transfer",
        due_fen=purchase.cash_fen,
        currency=purchase.currency,
        started_at=now,
        expires_at=now,
    )
    fact = Fact(
        provider=provider,
        kind=FactKind.PAID,
        reference=reference,
        order_no=attempt.order_no,
        amount_fen=purchase.cash_fen,
        currency=purchase.currency,
        at=now,
    )
    return record(fact, source=PaymentFact.Source.PERSON, now=now)


@transaction.atomic
def _record(fact: Fact, attempt: PaymentAttempt | None, source: str, now: datetime) -> PaymentFact:
    # Lock before looking: a repeat of this fact waits here, and then finds what the first one stored.
    order: Purchase | Prepayment | None = None
    if attempt is not None:
        if attempt.purchase_id is not None:
            order = lock_purchase(attempt.purchase_id)
        elif attempt.prepayment_id is not None:
            order = lock_prepayment(attempt.prepayment_id)
        attempt.refresh_from_db()
    if (earlier := _stored(fact)) is not None:
        _tell_contradiction(earlier, fact)
        return earlier
    reason = _why_not(fact, attempt, order, now) if fact.kind == FactKind.PAID else None
    outcome = PaymentFact.Outcome.NOTED
    if fact.kind == FactKind.PAID:
        outcome = PaymentFact.Outcome.SETTLED if reason is None else PaymentFact.Outcome.SUSPENSE
    row = PaymentFact.objects.create(
        provider=fact.provider,
        kind=fact.kind,
        reference=fact.reference,
        transaction_id=fact.transaction_id or (fact.reference if fact.kind == FactKind.PAID else ""),
        order_no=fact.order_no[:64],
        refund_no=fact.refund_no[:64],
        event_id=fact.event_id[:255],
        attempt=attempt,
        purchase=order if isinstance(order, Purchase) else None,
        prepayment=order if isinstance(order, Prepayment) else None,
        amount_fen=fact.amount_fen,
        currency=fact.currency[:8],
        at=fact.at,
        received_at=now,
        source=source,
        outcome=outcome,
    )
    _follow(row, attempt, reason, now)
    return row


def _follow(row: PaymentFact, attempt: PaymentAttempt | None, reason: str | None, now: datetime) -> None:
    """Do what a new fact means."""
    if row.kind == FactKind.PAID:
        _paid(row, attempt, reason, now)
    elif row.kind in (FactKind.DECLINED, FactKind.CLOSED):
        _not_paid(row, attempt, now)
    elif row.kind == FactKind.REFUNDED:
        refund_facts.confirmed(row, now=now)
    elif row.kind == FactKind.REFUND_FAILED:
        refund_facts.came_to_nothing(row, now=now)
    else:
        disputes.told(row, now=now)


def _paid(row: PaymentFact, attempt: PaymentAttempt | None, reason: str | None, now: datetime) -> None:
    source = f"{row.provider}:{row.reference}"
    if attempt is not None:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state=PaymentAttempt.State.PAID, next_ask_at=None)
    if reason is None:
        if row.prepayment_id is not None:
            prepayments.settle(row, now=now)
        else:
            assert row.purchase_id is not None  # _why_not has looked
            settle_purchase(purchase_id=row.purchase_id, paid_fen=row.amount_fen, gateway=row.provider, now=now)
            ledger.post(kind="payment", source=source, lines=rules.payment(row.provider, row.amount_fen), now=now)
        refund_facts.payment_came(row, now=now)
        disputes.payment_came(row, now=now)
        return
    log.warning("%s %s: %s %s in suspense, %s", row.provider, row.reference, row.amount_fen, row.currency, reason)
    suspense = Suspense.objects.create(fact=row, reason=reason, opened_at=now)
    if row.amount_fen:
        lines = rules.suspended(row.provider, row.amount_fen, row.currency)
        ledger.post(kind="suspense", source=source, lines=lines, now=now)
    refund_facts.payment_came(row, now=now)
    disputes.payment_came(row, now=now)
    refunds.refund_by_rule(suspense, now=now)


def _not_paid(row: PaymentFact, attempt: PaymentAttempt | None, now: datetime) -> None:
    if attempt is None:
        return
    states = PaymentAttempt.State
    ended = states.DECLINED if row.kind == FactKind.DECLINED else states.CLOSED
    still = PaymentAttempt.objects.filter(pk=attempt.pk, state=states.OPEN)
    # A stale word that nothing was paid never overwrites that it was.
    if not still.update(state=ended, next_ask_at=None) or row.kind == FactKind.CLOSED or attempt.purchase_id is None:
        return
    others = PaymentAttempt.objects.filter(purchase_id=attempt.purchase_id, state=states.OPEN)
    if not others.exists():
        fail_purchase(purchase_id=attempt.purchase_id, now=now)


def _why_not(
    fact: Fact, attempt: PaymentAttempt | None, order: Purchase | Prepayment | None, now: datetime
) -> str | None:
    """Return why a payment does not settle its order, as a word of Suspense.Reason; None where it does."""
    reasons = Suspense.Reason
    if attempt is None or order is None:
        return reasons.UNKNOWN_ORDER
    if fact.currency != attempt.currency:
        return reasons.WRONG_CURRENCY
    if order.state == "settled":
        return reasons.SECOND_PAYMENT
    if fact.amount_fen != order.cash_fen:
        return reasons.WRONG_AMOUNT
    if order.state == "cancelled":
        return reasons.CANCELLED
    if isinstance(order, Prepayment):
        return None
    if not selectors.has_room(order, now):
        return reasons.NO_ROOM
    return settling.why_not(order, now)


@transaction.atomic
def use_suspense(*, suspense_id: int, order: str, by: Customer, why: str, now: datetime) -> Purchase:
    """Settle an order with money that matched nothing: the sum is right, and somebody has found out whose it is.

    Args:
        order: the purchase's number.

    Raises:
        AlreadyDecided: the money is on its way back, or was used.
        NotThatMoney: no such order, or it is paid, or another sum is due.
    """
    purchase_id = Purchase.objects.filter(public_id=order).values_list("pk", flat=True).first()
    if purchase_id is None:
        raise NotThatMoney(f"there is no order {order[:40]!r}")
    purchase = lock_purchase(purchase_id)
    suspense = Suspense.objects.select_for_update(of=("self",)).select_related("fact").get(pk=suspense_id)
    fact = suspense.fact
    if suspense.state != Suspense.State.OPEN or refunds.left_of(fact) != fact.amount_fen:
        raise AlreadyDecided(state=suspense.state)
    if purchase.state == Purchase.State.SETTLED:
        raise NotThatMoney(f"order {order} is paid already")
    if (fact.amount_fen, fact.currency) != (purchase.cash_fen, purchase.currency):
        raise NotThatMoney(
            f"{money(fact.amount_fen, fact.currency)} came, and {money(purchase.cash_fen, purchase.currency)} are due"
        )
    if (reason := settling.why_not(purchase, now)) is not None:
        raise NotThatMoney(f"order {order} cannot be settled any more: {Suspense.Reason(reason).label}")
    settle_purchase(purchase_id=purchase.pk, paid_fen=fact.amount_fen, gateway=fact.provider, now=now)
    suspense.state, suspense.used_for, suspense.decided_at = Suspense.State.USED, purchase, now
    suspense.decided_by, suspense.why = by, why[:200]
    suspense.save(update_fields=["state", "used_for", "decided_at", "decided_by", "why"])
    source = f"{fact.provider}:{fact.reference}"
    ledger.post(kind="suspense_used", source=source, lines=rules.used(fact.provider, fact.amount_fen), now=now)
    purchase.refresh_from_db()
    return purchase


def _whose(fact: Fact) -> PaymentAttempt | None:
    """Return the attempt that a fact is about: by its order number, else by its transaction."""
    attempts = PaymentAttempt.objects.filter(gateway=fact.provider)
    found = attempts.filter(order_no=fact.order_no).first() if fact.order_no else None
    if found is None and fact.transaction_id:
        paid = PaymentFact.objects.filter(
            provider=fact.provider, kind=FactKind.PAID, transaction_id=fact.transaction_id, attempt__isnull=False
        )
        told = paid.select_related("attempt").first()
        found = told.attempt if told is not None else None
    return found


def _tell_contradiction(stored: PaymentFact, told: Fact) -> None:
    """Say where the same payment is told with another amount or for another order: the first word stands."""
    was = (stored.amount_fen, stored.currency, stored.order_no)
    now = (told.amount_fen, told.currency, told.order_no or stored.order_no)
    if was != now:
        log.error("%s %s was told as %s and now as %s; the first stands", stored.provider, stored.reference, was, now)


def _stored(fact: Fact) -> PaymentFact | None:
    return PaymentFact.objects.filter(provider=fact.provider, kind=fact.kind, reference=fact.reference).first()
