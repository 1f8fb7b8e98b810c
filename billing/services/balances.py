"""A customer's money with the shop: reserved by orders that wait, spent when they settle, free again when they do not.

The caller has locked the customer, so that a balance that was read is still there when it is booked; the ledger refuses
to let one fall below zero in any case.
"""

from datetime import datetime

from billing import selectors
from billing.domain import ledger as rules
from billing.gateways.protocol import FactKind
from billing.models import LedgerEntry, PaymentFact, Purchase
from billing.services import ledger

PROVIDER = "balance"  # of the fact that an order was paid from it


def reserve(purchase: Purchase, now: datetime) -> None:
    """Put the part of an order that is paid from the balance aside; of one that is paid late, once more."""
    if purchase.balance_fen and not reserved(purchase):
        _post("reserved", rules.reserved(purchase.customer.public_id, purchase.balance_fen), purchase, now)


def release(purchase: Purchase, now: datetime) -> None:
    """Give back what was put aside for an order that came to nothing."""
    if purchase.balance_fen and reserved(purchase):
        _post("released", rules.released(purchase.customer.public_id, purchase.balance_fen), purchase, now)


def reserved(purchase: Purchase) -> bool:
    """Tell whether an order's part is put aside now."""
    return _times("reserved", purchase) > _times("released", purchase)


def can_reserve(purchase: Purchase) -> bool:
    """Tell whether an order's part is put aside, or the balance has it."""
    return reserved(purchase) or selectors.balance_fen(purchase.customer) >= purchase.balance_fen


def spend(purchase: Purchase, now: datetime) -> None:
    """Pay an order's part from what was put aside: a fact like a gateway's, that refunds go back to."""
    if not purchase.balance_fen:
        return
    reserve(purchase, now)
    PaymentFact.objects.create(
        provider=PROVIDER,
        kind=FactKind.PAID,
        reference=purchase.public_id,
        transaction_id=purchase.public_id,
        purchase=purchase,
        amount_fen=purchase.balance_fen,
        currency=purchase.currency,
        at=now,
        received_at=now,
        source=PaymentFact.Source.SHOP,
        outcome=PaymentFact.Outcome.SETTLED,
    )
    source = f"{PROVIDER}:{purchase.public_id}"
    ledger.post(kind="payment", source=source, lines=rules.spent(purchase.balance_fen), now=now)


def _post(kind: str, lines: rules.Lines, purchase: Purchase, now: datetime) -> None:
    source = f"{purchase.public_id}:{_times(kind, purchase) + 1}"
    ledger.post(kind=kind, source=source, lines=lines, now=now)


def _times(kind: str, purchase: Purchase) -> int:
    return LedgerEntry.objects.filter(kind=kind, source__startswith=f"{purchase.public_id}:").count()
