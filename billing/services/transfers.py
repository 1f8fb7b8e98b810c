"""Bank transfers: who saw the money on the statement asks, another person confirms, and it is a fact like any other."""

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Customer
from billing.errors import AlreadyDecided, NotThatMoney, SecondPersonNeeded
from billing.gateways.protocol import Fact, FactKind
from billing.models import BankTransfer, PaymentAttempt, PaymentFact
from billing.services.facts import record

PROVIDER = "transfer"


def note_transfer(
    *, order_no: str, reference: str, amount_fen: int, came_at: datetime, by: Customer, now: datetime
) -> BankTransfer:
    """Note money that has come; in a shop of one person it is confirmed at once.

    Raises:
        NotThatMoney: nobody was asked to transfer under this number, or the bank's reference was noted before.
    """
    attempt = PaymentAttempt.objects.filter(order_no=order_no.strip(), gateway=PROVIDER).first()
    if attempt is None:
        raise NotThatMoney(f"nobody was asked to transfer with the purpose {order_no[:40]!r}")
    if not reference.strip() or amount_fen <= 0:
        raise NotThatMoney("a transfer has the bank's reference and an amount")
    try:
        with transaction.atomic():
            made = BankTransfer.objects.create(
                attempt=attempt, reference=reference.strip()[:80], amount_fen=amount_fen, came_at=came_at, asked_at=now,
                asked_by=by,
            )  # fmt: skip
    except IntegrityError:
        raise NotThatMoney(f"the transfer {reference[:40]!r} was noted before") from None
    return confirm_transfer(transfer_id=made.pk, by=by, now=now) if settings.ONE_PERSON_SHOP else made


@transaction.atomic
def confirm_transfer(*, transfer_id: int, by: Customer, now: datetime) -> BankTransfer:
    """Confirm what another person saw; the money is booked, and settles its order where the sum is right.

    Raises:
        SecondPersonNeeded, AlreadyDecided.
    """
    found = BankTransfer.objects.select_for_update(of=("self",)).select_related("attempt").get(pk=transfer_id)
    if found.state == BankTransfer.State.WITHDRAWN:
        raise AlreadyDecided(state=found.state)
    if found.state == BankTransfer.State.CONFIRMED:
        return found
    if found.asked_by_id == by.pk and not settings.ONE_PERSON_SHOP:
        raise SecondPersonNeeded(transfer=found.reference)
    found.state, found.decided_at, found.decided_by = BankTransfer.State.CONFIRMED, now, by
    found.save(update_fields=["state", "decided_at", "decided_by"])
    fact = Fact(
        provider=PROVIDER,
        kind=FactKind.PAID,
        reference=found.reference,
        order_no=found.attempt.order_no,
        amount_fen=found.amount_fen,
        currency=found.attempt.currency,
        at=found.came_at,
    )
    record(fact, source=PaymentFact.Source.PERSON, now=now)
    return found


@transaction.atomic
def withdraw_transfer(*, transfer_id: int, by: Customer, now: datetime) -> BankTransfer:
    """Take back what was noted by mistake.

    Raises:
        AlreadyDecided: it was confirmed.
    """
    found = BankTransfer.objects.select_for_update(of=("self",)).get(pk=transfer_id)
    if found.state == BankTransfer.State.CONFIRMED:
        raise AlreadyDecided(state=found.state)
    found.state, found.decided_at, found.decided_by = BankTransfer.State.WITHDRAWN, now, by
    found.save(update_fields=["state", "decided_at", "decided_by"])
    return found
