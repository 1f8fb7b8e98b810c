"""Disputes: while a buyer's bank asks, what was paid for is frozen; what the bank takes and returns is booked."""

from datetime import datetime

from billing import selectors
from billing.domain import ledger as rules
from billing.gateways.protocol import FactKind
from billing.models import Dispute, GiftCode, GrantFreeze, LedgerLine, PaymentFact, Prepayment, Purchase
from billing.services import entitlements, ledger, upgrades


def told(row: PaymentFact, *, now: datetime) -> None:
    """Do what a fact of a dispute says, in whatever order they come. The caller holds the purchase's lock."""
    dispute = _dispute(row, now)
    if row.kind == FactKind.DISPUTE_WITHDRAWN and row.amount_fen:
        lines = rules.dispute_withdrawn(row.provider, row.amount_fen, row.currency)
        ledger.post(kind="dispute_withdrawn", source=f"{row.provider}:{row.reference}", lines=lines, now=now)
    elif row.kind == FactKind.DISPUTE_REINSTATED and row.amount_fen:
        lines = rules.dispute_reinstated(row.provider, row.amount_fen, row.currency)
        ledger.post(kind="dispute_reinstated", source=f"{row.provider}:{row.reference}", lines=lines, now=now)
    elif row.kind in (FactKind.DISPUTE_WON, FactKind.DISPUTE_LOST) and dispute.state == Dispute.State.OPEN:
        won = row.kind == FactKind.DISPUTE_WON
        dispute.state = Dispute.State.WON if won else Dispute.State.LOST
        dispute.ended_at = now
        dispute.save(update_fields=["state", "ended_at"])
    _freeze_or_lift(dispute, now)


def payment_came(payment: PaymentFact, *, now: datetime) -> None:
    """A payment is told after its dispute was: what it settles is frozen as if it had come first."""
    told = PaymentFact.objects.filter(
        provider=payment.provider, kind__startswith="dispute", transaction_id=payment.transaction_id
    )
    early = Dispute.objects.filter(
        provider=payment.provider, payment=None, dispute_id__in=told.values_list("reference", flat=True)
    )
    for dispute in early:
        dispute.payment, dispute.purchase = payment, payment.purchase
        dispute.save(update_fields=["payment", "purchase"])
        _freeze_or_lift(dispute, now)


def _dispute(row: PaymentFact, now: datetime) -> Dispute:
    payment = None
    if row.transaction_id:
        paid = PaymentFact.objects.filter(provider=row.provider, kind=FactKind.PAID, transaction_id=row.transaction_id)
        payment = paid.first()
    found, _ = Dispute.objects.get_or_create(
        provider=row.provider,
        dispute_id=row.reference,
        defaults={
            "payment": payment,
            "purchase": payment.purchase if payment is not None else row.purchase,
            "amount_fen": row.amount_fen,
            "opened_at": now,
        },
    )
    return found


def _freeze_or_lift(dispute: Dispute, now: datetime) -> None:
    """Freeze what was paid for while a dispute is open and after one that was lost; lift it when it was won."""
    payment = dispute.payment
    # A second payment that is disputed bought nothing: there is nothing to freeze.
    if payment is None or payment.outcome != PaymentFact.Outcome.SETTLED:
        return
    if payment.prepayment is not None:
        _hold_or_let_go(dispute, payment, payment.prepayment, now)
        return
    if payment.purchase_id is None:
        return
    purchase = Purchase.objects.select_related("customer", "group", "grant__group").get(pk=payment.purchase_id)
    grant, reason = selectors.live_grant(purchase.grant), f"dispute {dispute.provider} {dispute.dispute_id}"[:200]
    open_freeze = GrantFreeze.objects.filter(grant=grant, lifted_at=None).first()
    at = now.replace(microsecond=0)
    if dispute.state == Dispute.State.WON:
        # What an upgrade has replaced is paid for by several payments: each may be disputed.
        stands_on = [one.purchase_id for one in upgrades.lineage(grant)]
        others = Dispute.objects.filter(purchase__in=[purchase.pk, *stands_on]).exclude(state=Dispute.State.WON)
        if open_freeze is None or others.exists():
            return
        open_freeze.lifted_at = at
        open_freeze.save(update_fields=["lifted_at"])
    elif open_freeze is None:
        GrantFreeze.objects.create(grant=grant, frozen_at=at, reason=reason)
    else:
        return
    entitlements.raise_rev(customer=purchase.customer, group=purchase.group, now=now)


def _hold_or_let_go(dispute: Dispute, payment: PaymentFact, order: Prepayment, now: datetime) -> None:
    """Keep what is left of a disputed top-up from being spent; void a disputed gift code that nobody has redeemed.

    The caller holds the customer's lock.
    """
    source = f"{dispute.provider}:{dispute.dispute_id}"
    if order.kind == Prepayment.Kind.GIFT:
        code = GiftCode.objects.filter(bought_with=order, state=GiftCode.State.NEW)
        if dispute.state != Dispute.State.WON and code.update(
            state=GiftCode.State.VOID, ended_at=now, why=source[:200]
        ):
            # A part may have gone back before: what is left of it is what the code stood for.
            ledger.post(kind="gift_lost", source=source, lines=rules.gift_lost(selectors.kept_fen(payment)), now=now)
        return
    customer = order.customer.public_id
    if dispute.state == Dispute.State.OPEN:
        fen = min(dispute.amount_fen, selectors.balance_fen(order.customer))
        if fen:
            ledger.post(kind="dispute_held", source=source, lines=rules.reserved(customer, fen), now=now)
        return
    held = LedgerLine.objects.filter(entry__kind="dispute_held", entry__source=source, account__code="reserved").first()
    if held is None:
        return
    fen = -held.amount_fen
    lines = rules.released(customer, fen) if dispute.state == Dispute.State.WON else rules.dispute_hold_lost(fen)
    ledger.post(kind="dispute_hold_ended", source=source, lines=lines, now=now)
