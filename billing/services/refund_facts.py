"""What gateways tell of refunds: done, failed, or made in their own console. The caller holds the locks."""

import logging
from datetime import datetime

from billing.domain import ledger as rules
from billing.gateways.protocol import FactKind
from billing.models import PaymentFact, Refund, Suspense
from billing.services import ledger, refunds

log = logging.getLogger(__name__)


def confirmed(row: PaymentFact, *, now: datetime) -> None:
    """A gateway says that money went back: by our number, or in its own console. The caller holds the locks."""
    refund = Refund.objects.filter(refund_no=row.refund_no).first() if row.refund_no else None
    if refund is not None and not refund.by_hand:
        if refund.state in (Refund.State.DECIDED, Refund.State.SENT, Refund.State.FAILED):
            refunds.finish(refund, now, refund_id=row.reference if row.reference != row.refund_no else "")
        return
    paid = PaymentFact.objects.filter(provider=row.provider, kind=FactKind.PAID, transaction_id=row.transaction_id)
    payment = paid.first() if row.transaction_id else None
    # Booked as paid without having been owed: `refund_due` falls below zero until a person says what it was for.
    ledger.post(
        kind="console_refund",
        source=f"{row.provider}:{row.reference}",
        lines=rules.refund_done(row.provider, row.amount_fen, row.currency),
        now=now,
    )
    log.warning("%s refund %s of %s fen was not made here", row.provider, row.reference, row.amount_fen)
    if payment is not None:
        _note_console(row, payment, now)


def payment_came(payment: PaymentFact, *, now: datetime) -> None:
    """A payment is told after a refund of it was, which the gateway's console made."""
    told = PaymentFact.objects.filter(
        provider=payment.provider, kind=FactKind.REFUNDED, transaction_id=payment.transaction_id, refund_no=""
    )
    for row in told:
        _note_console(row, payment, now)


def _note_console(row: PaymentFact, payment: PaymentFact, now: datetime) -> None:
    Refund.objects.create(
        refund_no=refunds.new_number("R", now),
        payment=payment,
        purchase=payment.purchase,
        amount_fen=row.amount_fen,
        currency=row.currency,
        fault=Refund.Fault.CONSOLE,
        reason="made at the gateway",
        state=Refund.State.DONE,
        asked_at=now,
        done_at=now,
        refund_id=row.reference[:255],
    )
    refunds.book_decision(payment, row.amount_fen, f"console:{row.provider}:{row.reference}", now)
    if refunds.left_of(payment) <= 0:
        refunds.void_gift(payment, "paid back at the gateway", now)
    suspense = Suspense.objects.filter(fact=payment, state=Suspense.State.OPEN)
    if refunds.left_of(payment) <= 0:
        suspense.update(state=Suspense.State.REFUNDED, decided_at=now, why="made at the gateway")


def came_to_nothing(row: PaymentFact, *, now: datetime) -> None:
    """A refund failed, also after it was reported as done: the money is owed again, and a person has to act."""
    ours = Refund.objects.filter(payment__provider=row.provider)
    refund = ours.filter(refund_no=row.refund_no).first() if row.refund_no else None
    refund = refund or ours.filter(refund_id=row.reference).exclude(refund_id="").first()
    if refund is None or refund.state == Refund.State.FAILED:
        return
    if refund.state == Refund.State.DONE:
        lines = rules.refund_came_back(row.provider, refund.amount_fen, refund.currency)
        ledger.post(kind="refund_failed", source=refund.refund_no, lines=lines, now=now)
    refund.state, refund.next_try_at = Refund.State.FAILED, None
    refund.save(update_fields=["state", "next_try_at"])
