"""Asks gateways: what became of attempts whose notice may be lost, and for refunds until they are certain.

Nothing is locked while a gateway answers. Whoever moves the next question's instant is the one who asks; a process that
dies in between is followed by that next question.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from billing.domain.asking import PAGE_EVERY, next_ask
from billing.errors import GatewayRefused, GatewayUnavailable, PaymentsOff
from billing.gateways import gateway
from billing.gateways.protocol import Fact, FactKind, RefundOrder, RefundResult, RefundStatus
from billing.models import PaymentAttempt, PaymentFact, Prepayment, Purchase, Refund
from billing.services.facts import record

log = logging.getLogger(__name__)

REFUND_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
_OVER = ("settled", "cancelled")


def ask_attempts(*, now: datetime, most: int = 50) -> int:
    """Ask for the attempts that are due; return how many were asked for. Beat offers this each few seconds."""
    due = PaymentAttempt.objects.filter(next_ask_at__lte=now).order_by("next_ask_at")
    away: set[str] = set()
    return sum(_ask(attempt, now, away) for attempt in list(due.select_related("purchase", "prepayment")[:most]))


def ask_for_page(*, order: Purchase | Prepayment, now: datetime) -> None:
    """Ask for an order whose page is open, each attempt once in five seconds at most."""
    for attempt in order.attempts.filter(state=PaymentAttempt.State.OPEN).select_related("purchase", "prepayment"):
        if attempt.asked_at is None or now - attempt.asked_at >= PAGE_EVERY:
            _ask(attempt, now, set())


def _ask(attempt: PaymentAttempt, now: datetime, away: set[str]) -> bool:
    """Ask for one attempt, unless its gateway is among those that did not answer this time: each waits for seconds."""
    if attempt.gateway in away:
        return False
    following = next_ask(started_at=attempt.started_at, expires_at=attempt.expires_at, now=now)
    mine = PaymentAttempt.objects.filter(pk=attempt.pk, next_ask_at=attempt.next_ask_at, asked_at=attempt.asked_at)
    if not mine.update(next_ask_at=following, asked_at=now, asks=attempt.asks + 1):
        return False
    ends = now >= attempt.expires_at or attempt.order.state in _OVER
    try:
        at = gateway(attempt.gateway)
        facts = at.query(attempt.order_no, now, kept=attempt.kept)
        if ends and not facts:
            facts = at.close(attempt.order_no, now, kept=attempt.kept)
    except (GatewayUnavailable, GatewayRefused, PaymentsOff) as error:
        log.warning("attempt %s: %s (%s); asked again at %s", attempt.order_no, error.message, error.fields, following)
        if isinstance(error, GatewayUnavailable):
            away.add(attempt.gateway)
        return True
    for fact in facts:
        record(fact, source=PaymentFact.Source.QUERY, now=now)
    if following is None:
        still = PaymentAttempt.objects.filter(pk=attempt.pk, state=PaymentAttempt.State.OPEN)
        still.update(state=PaymentAttempt.State.CLOSED)
    return True


def send_refunds(*, now: datetime, most: int = 20) -> int:
    """Ask gateways to pay back what is due, or what became of it; return how many were asked for."""
    due = Refund.objects.filter(next_try_at__lte=now).order_by("next_try_at")
    away: set[str] = set()
    return sum(_send(refund, now, away) for refund in list(due.select_related("payment")[:most]))


def _send(refund: Refund, now: datetime, away: set[str]) -> bool:
    if refund.payment.provider in away:
        return False
    later = now + REFUND_AFTER[min(refund.tries, len(REFUND_AFTER) - 1)]
    mine = Refund.objects.filter(pk=refund.pk, next_try_at=refund.next_try_at)
    if not mine.update(next_try_at=later, tries=refund.tries + 1):
        return False
    order = _order(refund)
    try:
        at = gateway(refund.payment.provider)
        result = at.query_refund(order, now) if refund.tries else RefundResult(RefundStatus.UNKNOWN)
        if result.status == RefundStatus.UNKNOWN:
            Refund.objects.filter(pk=refund.pk, state=Refund.State.DECIDED).update(state=Refund.State.SENT)
            result = at.refund(order, now)
    except (GatewayUnavailable, PaymentsOff) as error:
        log.warning("refund %s: %s; asked again at %s", refund.refund_no, error.message, later)
        away.add(refund.payment.provider)
        return True
    except GatewayRefused as error:
        why = f"{error.fields.get('provider_code', '')} {error.message}".strip()
        log.warning("refund %s: refused, %s; it stays due", refund.refund_no, why)
        Refund.objects.filter(pk=refund.pk).update(why=why[:200])
        return True
    _took(refund, result, now)
    return True


def _took(refund: Refund, result: RefundResult, now: datetime) -> None:
    if result.refund_id:
        Refund.objects.filter(pk=refund.pk, refund_id="").update(refund_id=result.refund_id[:255])
    if result.why:
        Refund.objects.filter(pk=refund.pk).update(why=result.why[:200])
    kinds = {RefundStatus.DONE: FactKind.REFUNDED, RefundStatus.FAILED: FactKind.REFUND_FAILED}
    if result.status in kinds:
        payment = refund.payment
        fact = Fact(
            provider=payment.provider,
            kind=kinds[result.status],
            reference=refund.refund_no,
            order_no=payment.order_no,
            amount_fen=refund.amount_fen,
            currency=refund.currency,
            at=result.at or now,
            transaction_id=payment.transaction_id,
            refund_no=refund.refund_no,
        )
        record(fact, source=PaymentFact.Source.QUERY, now=now)


def _order(refund: Refund) -> RefundOrder:
    payment = refund.payment
    return RefundOrder(
        refund_no=refund.refund_no,
        order_no=payment.order_no,
        transaction_id=payment.transaction_id,
        amount_fen=refund.amount_fen,
        paid_fen=payment.amount_fen,
        currency=refund.currency,
        reason=refund.reason[:80],
        notify_url=f"{settings.PANEL_URL}/payments/{payment.provider}/notify",
    )
