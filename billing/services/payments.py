"""Between the shop and its gateways: sends buyers off to pay, and takes notices in."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from billing import selectors
from billing.errors import BadPurchase
from billing.gateways import gateway
from billing.gateways.protocol import Notice, Order
from billing.models import GatewayNotice, Purchase
from billing.services.purchases import fail_purchase, lock_purchase, settle_purchase

log = logging.getLogger(__name__)


def start_payment(*, purchase: Purchase, now: datetime) -> str:
    """Return where the buyer's browser is sent to pay.

    Raises:
        BadPurchase: it is no longer waiting for payment.
        PaymentsOff: its gateway is not set up here.
    """
    if not selectors.can_be_paid(purchase, now):
        raise BadPurchase("this purchase no longer waits for payment; start a new one", state=purchase.state)
    order = Order(
        order_id=purchase.public_id,
        due_fen=purchase.due_fen,
        currency=purchase.currency,
        title=f"{purchase.plan.name_en}, {purchase.months} mo.",
        return_path=f"/purchases/{purchase.public_id}/",
    )
    return gateway(purchase.gateway).pay_url(order)


def accept_notice(*, provider: str, headers: Mapping[str, str], body: bytes, now: datetime) -> GatewayNotice:
    """Verify a gateway's notice and do what it says, once an event, however often and however parallel it comes.

    Raises:
        BadNotice: it is forged, stale or unreadable; nothing is stored.
        PaymentsOff: this gateway is not set up here.
    """
    notice = gateway(provider).read_notice(headers=headers, body=body, now=now)
    purchase_id = Purchase.objects.filter(public_id=notice.order_id, gateway=provider).values_list("pk", flat=True)
    try:
        return _apply(notice, purchase_id.first(), now)
    except IntegrityError:
        # Only a notice without a purchase to lock can race here; the other one has been stored meanwhile.
        return GatewayNotice.objects.get(provider=provider, event_id=notice.event_id)


@transaction.atomic
def _apply(notice: Notice, purchase_id: int | None, now: datetime) -> GatewayNotice:
    # Lock before looking: the repeat of this event waits here, and then finds what the first one stored.
    purchase = lock_purchase(purchase_id) if purchase_id is not None else None
    earlier = GatewayNotice.objects.filter(provider=notice.provider, event_id=notice.event_id).first()
    if earlier is not None:
        return earlier
    outcome = _outcome(notice, purchase)
    if purchase is not None and outcome == GatewayNotice.Outcome.SETTLED:
        settle_purchase(purchase_id=purchase.pk, paid_fen=notice.amount_fen, now=now)
    elif purchase is not None and outcome == GatewayNotice.Outcome.DECLINED:
        fail_purchase(purchase_id=purchase.pk)
    if outcome in (GatewayNotice.Outcome.AMOUNT_MISMATCH, GatewayNotice.Outcome.UNKNOWN_PURCHASE):
        log.warning("%s notice %s: %s for order %s", notice.provider, notice.event_id, outcome, notice.order_id)
    return GatewayNotice.objects.create(
        provider=notice.provider,
        event_id=notice.event_id,
        purchase=purchase,
        order_id=notice.order_id,
        amount_fen=notice.amount_fen,
        currency=notice.currency,
        paid_at=notice.paid_at,
        received_at=now,
        outcome=outcome,
    )


def _outcome(notice: Notice, purchase: Purchase | None) -> GatewayNotice.Outcome:
    outcome = GatewayNotice.Outcome
    if purchase is None:
        return outcome.UNKNOWN_PURCHASE
    if not notice.paid:
        return outcome.DECLINED
    if purchase.state == Purchase.State.SETTLED:
        return outcome.ALREADY_SETTLED
    if (notice.amount_fen, notice.currency) != (purchase.due_fen, purchase.currency):
        return outcome.AMOUNT_MISMATCH
    return outcome.SETTLED
