"""Asking for a refund, from an order or its payment: how much is proposed by billing.domain.refunds."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Customer
from billing.admin.verbs import Verb, VerbForm, amount_field, fen, reason_field, time_field
from billing.domain.pricing import yuan
from billing.domain.refunds import by_wish_fen, pro_rata_fen
from billing.models import Grant, PaymentFact, Refund
from billing.services import refunds

FAULTS = [(fault.value, fault.label) for fault in (Refund.Fault.BUYER, Refund.Fault.SELLER)]


class RefundForm(VerbForm):
    fault = forms.ChoiceField(label=gettext_lazy("fault"), choices=FAULTS)
    amount = amount_field()
    effect = forms.ChoiceField(label=gettext_lazy("what it does to the grant"), choices=Refund.Effect.choices)
    shorten_to = time_field(gettext_lazy("ends then"), required=False)
    with_extensions = forms.BooleanField(
        label=gettext_lazy("with what extends it"), required=False,
        help_text=gettext_lazy("Later grants that continue this one are ended too, and paid back in full."),
    )  # fmt: skip
    reason = reason_field()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        shortens = said.get("effect") == Refund.Effect.SHORTEN
        if shortens != bool(said.get("shorten_to")):
            self.add_error("shorten_to", _("Give an instant where the grant ends earlier, and only there."))
        return said


def proposed_fen(payment: PaymentFact, fault: str, now: datetime) -> int:
    """Return what is proposed to pay back: for time that is left, or after used months at the list price.

    Never more than is left of the payment; all of that where it bought nothing.
    """
    left = refunds.left_of(payment)
    grant = grant_of(payment)
    if grant is None:
        return left
    if fault == Refund.Fault.SELLER:
        paid_fen = payment.amount_fen
        return min(left, pro_rata_fen(paid_fen=paid_fen, starts_at=grant.starts_at, ends_at=grant.ends_at, now=now))
    bought = grant.purchase
    return min(
        left,
        by_wish_fen(
            paid_fen=payment.amount_fen, price_fen=bought.price_fen, starts_at=grant.starts_at, months=bought.months,
            now=now,
        ),
    )  # fmt: skip


def grant_of(payment: PaymentFact) -> Grant | None:
    """Return what a payment bought, if it bought something."""
    if payment.outcome != PaymentFact.Outcome.SETTLED or payment.purchase_id is None:
        return None
    return Grant.objects.select_related("purchase").filter(purchase_id=payment.purchase_id).first()


def verb(payment_of: Callable[[Any], PaymentFact | None]) -> Verb:
    """Return the verb that asks to pay back what was paid for a row."""

    def fits(row: Any) -> bool:
        payment = payment_of(row)
        return payment is not None and refunds.left_of(payment) > 0

    def start(request: HttpRequest, row: Any, now: datetime) -> dict[str, Any]:
        fault = request.GET.get("fault", Refund.Fault.BUYER)
        payment = payment_of(row)
        assert payment is not None  # fits
        return {"fault": fault, "amount": yuan(proposed_fen(payment, fault, now)), "effect": Refund.Effect.CLOSE
                if grant_of(payment) else Refund.Effect.KEEP}  # fmt: skip

    def note(row: Any, now: datetime) -> Iterable[Any]:
        payment = payment_of(row)
        assert payment is not None
        yield _("%(amount)s %(currency)s are left of this payment of %(paid)s.") % {
            "amount": yuan(refunds.left_of(payment)), "currency": payment.currency, "paid": payment.amount,
        }  # fmt: skip
        for fault, label in FAULTS:
            yield format_html(
                '<a class="text-primary-600" href="?fault={}">{}: {}</a>', fault, label,
                yuan(proposed_fen(payment, fault, now)),
            )  # fmt: skip

    def do(row: Any, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
        payment = payment_of(row)
        assert payment is not None
        return refunds.ask_refund(
            payment_id=payment.pk,
            amount_fen=fen(said["amount"]),
            reason=said["reason"],
            fault=said["fault"],
            effect=said["effect"],
            shorten_to=said["shorten_to"],
            with_extensions=said["with_extensions"],
            by=by,
            now=now,
        )

    return Verb(
        "refund", gettext_lazy("Pay back"), ("billing.ask_refund",), do, RefundForm, fits=fits, start=start, note=note
    )
