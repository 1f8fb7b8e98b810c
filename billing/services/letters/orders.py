"""Letters about an order and its money: it waits, it is paid, it is paid back, its fapiao."""

from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing import selectors
from billing.gateways.protocol import Instructions
from billing.models import FapiaoRequest, PaymentAttempt, Prepayment, Purchase, Refund
from billing.services import attempts, receipts
from billing.services.letters import (
    Letter,
    about_orders,
    instant,
    money,
    order_facts,
    page,
    page_of,
    period,
)
from outbox.kinds import Payload
from outbox.transports.mail import Attachment


def order_waits(payload: Payload, now: datetime) -> Letter | None:
    """Remind a buyer who has not paid after some minutes, while the price still holds.

    Whoever was given a bank account has had a letter with it.
    """
    purchase = Purchase.objects.select_related("plan", "customer").get(public_id=payload["purchase"])
    if not selectors.can_be_paid(purchase, now) or purchase.attempts.filter(gateway="transfer").exists():
        return None
    return Letter(
        to=purchase.customer.email,
        subject=_("Your order of %(plan)s waits for its payment") % {"plan": purchase.plan.name},
        paragraphs=(_("We hold its price and its place until %(at)s.") % {"at": instant(purchase.price_until_at)},),
        facts=order_facts(purchase),
        button=(_("Pay or cancel the order"), page_of(purchase)),
        after=(_("If you do not want it any more you need not do anything: it ends by itself."),),
        about=about_orders(),
    )


def order_to_transfer(payload: Payload, now: datetime) -> Letter | None:
    """Give a buyer the account to transfer to, and the purpose by which the money is found."""
    rows = PaymentAttempt.objects.select_related("purchase__plan", "purchase__customer", "prepayment__customer")
    attempt = rows.get(pk=payload["attempt"])
    order, start = attempt.order, attempts.shown(attempt)
    if attempt.state == PaymentAttempt.State.PAID or not isinstance(start, Instructions):
        return None
    names = {"Account name": _("Account name"), "Account number": _("Account number"), "Bank": _("Bank")}
    account = tuple((names[label], value) for label, value in start.lines if label in names)
    return Letter(
        to=order.customer.email,
        subject=_("Where to transfer the payment of your order"),
        paragraphs=(
            _("Transfer exactly this amount, and write the purpose as it stands here: by it we find your money."),
        ),
        facts=(*_facts(order), *account, (_("Purpose"), start.purpose)),
        button=(_("To the order"), page_of(order)),
        after=(
            _(
                "Your pack begins when a person has seen the money on our account. The price holds until %(at)s; what "
                "comes later is used for the order where there is still room, and else paid back."
            )
            % {"at": instant(order.price_until_at)},
        ),
        about=about_orders(),
    )


def receipt(payload: Payload, now: datetime) -> Letter | None:
    """Tell a buyer that the payment has arrived and what it gave, with the receipt.

    Raises:
        Purchase.DoesNotExist: there is no such purchase.
    """
    rows = Purchase.objects.select_related("plan", "customer", "grant")
    purchase = rows.get(public_id=payload["purchase"])
    grant, plan = purchase.grant, purchase.plan.name
    extended = purchase.kind == Purchase.Kind.EXTEND
    if not receipts.has_receipt(purchase):
        return _ready(purchase)
    pdf = receipts.receipt_pdf(purchase=purchase, language=get_language() or "en")
    return Letter(
        to=purchase.customer.email,
        subject=(_("%(plan)s goes on, as you have paid") if extended else _("%(plan)s is ready")) % {"plan": plan},
        paragraphs=(
            _("Your payment of %(amount)s for %(plan)s has arrived.")
            % {"amount": money(purchase.due_fen, purchase.currency), "plan": plan},
        ),
        facts=(
            *order_facts(purchase),
            (_("Symbols at once"), str(grant.symbols)),
            *period(grant),
            (_("Receipt number"), receipts.number_of(purchase)),
        ),
        button=(_("Token and address"), page_of(purchase)),
        after=(
            _("The receipt is attached, and always at %(url)s")
            % {"url": page(f"/purchases/{purchase.public_id}/receipt.pdf")},
            _("If you need a fapiao, ask for it at %(url)s") % {"url": page("/fapiao/")},
        ),
        attachments=(Attachment(receipts.file_name(purchase), "application/pdf", pdf),),
        about=about_orders(),
    )


def _ready(purchase: Purchase) -> Letter:
    """Tell somebody what a gift code, a trial, a coupon or a credit has given: nothing was paid."""
    grant, plan = purchase.grant, purchase.plan.name
    return Letter(
        to=purchase.customer.email,
        subject=_("%(plan)s is ready") % {"plan": plan},
        paragraphs=(_("There is nothing to pay for it."),),
        facts=(*order_facts(purchase), (_("Symbols at once"), str(grant.symbols)), *period(grant)),
        button=(_("Token and address"), page_of(purchase)),
        about=about_orders(),
    )


def prepaid(payload: Payload, now: datetime) -> Letter | None:
    """Tell a customer that a top-up has arrived, or that a gift code is there; the code itself is on the page alone."""
    order = Prepayment.objects.select_related("customer", "plan_version__plan").get(public_id=payload["order"])
    gift = order.kind == Prepayment.Kind.GIFT
    says = _("Your gift code is on the page of the order. Whoever has it can redeem it.")
    return Letter(
        to=order.customer.email,
        subject=(
            _("Your gift code is ready")
            if gift
            else _("%(amount)s are in your balance") % {"amount": money(order.due_fen)}
        ),
        paragraphs=(
            _("Your payment of %(amount)s has arrived.") % {"amount": money(order.due_fen)},
            *([says] if gift else []),
        ),
        facts=_facts(order),
        button=(_("To the order"), page_of(order)),
        about=about_orders(),
    )


def _facts(order: Purchase | Prepayment) -> tuple[tuple[str, str], ...]:
    if isinstance(order, Purchase):
        return order_facts(order)
    return (
        (_("Order number"), order.public_id),
        (_("What"), attempts.title_of(order)),
        (_("Amount"), money(order.due_fen)),
    )


def refund_decided(payload: Payload, now: datetime) -> Letter | None:
    """Tell a buyer that money will go back; nothing where it has gone meanwhile, which is told by itself."""
    row = _refund(payload)
    if row.state not in (Refund.State.DECIDED, Refund.State.SENT) or (order := row.order) is None:
        return None
    return Letter(
        to=order.customer.email,
        subject=_("We pay back %(amount)s") % {"amount": money(row.amount_fen, row.currency)},
        paragraphs=(_("It goes back the way you paid. We write again when it has left."), *_what_ends(row)),
        facts=_refund_facts(row),
        button=(_("To the order"), page_of(order)),
        about=about_orders(),
    )


def refund_done(payload: Payload, now: datetime) -> Letter | None:
    """Tell a buyer that money has gone back.

    Raises:
        Refund.DoesNotExist: there is no such refund.
    """
    row = _refund(payload)
    if (order := row.order) is None:
        return None
    return Letter(
        to=order.customer.email,
        subject=_("Refund of %(amount)s") % {"amount": money(row.amount_fen, row.currency)},
        paragraphs=(
            _("%(amount)s went back to you, the way you paid. Banks and wallets show it within a few days.")
            % {"amount": money(row.amount_fen, row.currency)},
        ),
        facts=_refund_facts(row),
        button=(_("To the order"), page_of(order)),
        after=(
            _("A receipt that shows the refund is at %(url)s")
            % {"url": page(f"/purchases/{order.public_id}/receipt.pdf")},
        ) if isinstance(order, Purchase) and order.paid_fen else (),
        about=about_orders(),
    )  # fmt: skip


def fapiao_issued(payload: Payload, now: datetime) -> Letter | None:
    """Send a buyer the fapiao that they asked for."""
    row = FapiaoRequest.objects.select_related("customer").get(number=payload["request"])
    if row.state != FapiaoRequest.State.ISSUED:
        return None
    file = row.file_of()
    attached = (Attachment(file.name, file.content_type, bytes(file.body)),) if file is not None else ()
    link = ((_("Link"), row.link),) if row.link else ()
    return Letter(
        to=row.mail or row.customer.email,
        subject=_("Your fapiao of %(amount)s") % {"amount": money(row.amount_fen)},
        paragraphs=(_("The fapiao that you asked for has been issued."),),
        facts=(
            (_("Fapiao number"), row.fapiao_number),
            (_("Title"), row.title),
            *(((_("Tax number"), row.tax_number),) if row.tax_number else ()),
            (_("Amount"), money(row.amount_fen)),
            *link,
        ),
        button=(_("Your fapiao"), page("/fapiao/")),
        attachments=attached,
        about=about_orders(),
    )


def fapiao_reversed(payload: Payload, now: datetime) -> Letter | None:
    """Tell a buyer that a fapiao was cancelled by a red letter, wholly or in part, after a refund."""
    row = FapiaoRequest.objects.select_related("customer").get(number=payload["request"])
    red = row.reversals.filter(red_number=payload["red_number"]).first()
    if red is None:
        return None
    return Letter(
        to=row.mail or row.customer.email,
        subject=_("A red-letter fapiao of %(amount)s") % {"amount": money(red.amount_fen)},
        paragraphs=(
            _("Money of these orders was paid back, so this much of the fapiao no longer holds. Please enter it too."),
        ),
        facts=(
            (_("Fapiao number"), row.fapiao_number),
            (_("Red-letter number"), red.red_number),
            (_("Title"), row.title),
            (_("Amount"), money(-red.amount_fen)),
        ),
        button=(_("Your fapiao"), page("/fapiao/")),
        about=about_orders(),
    )


def _refund(payload: Payload) -> Refund:
    rows = Refund.objects.select_related("purchase__customer", "purchase__plan", "payment__prepayment__customer")
    return rows.get(refund_no=payload["refund"])


def _refund_facts(row: Refund) -> tuple[tuple[str, str], ...]:
    order = row.order
    assert order is not None
    return (
        (_("Refund number"), row.refund_no),
        (_("Order number"), order.public_id),
        (_("What"), order.plan.name if isinstance(order, Purchase) else attempts.title_of(order)),
        (_("Amount"), money(row.amount_fen, row.currency)),
    )


def _what_ends(row: Refund) -> tuple[str, ...]:
    """Say what a refund does to the pack."""
    if row.effect == Refund.Effect.CLOSE:
        return (_("What was bought with it has ended."),)
    if row.effect == Refund.Effect.SHORTEN and row.shorten_to_at is not None:
        return (_("What was bought with it ends on %(at)s.") % {"at": instant(row.shorten_to_at)},)
    return ()
