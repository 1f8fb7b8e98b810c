"""Asking for a refund, from an order or its payment: how much is proposed by billing.domain.refunds."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Customer
from billing.admin.verbs import Table, Verb, VerbForm, amount_field, fen, local, reason_field, time_field
from billing.domain.pricing import yuan
from billing.domain.refunds import by_wish_fen, pro_rata_fen
from billing.models import Grant, GrantClosure, PaymentFact, Refund
from billing.services import balances, refunds

OF_GRANTS = ("customer", "purchase__plan")  # what a grant's text needs
OF_CLOSURES = tuple(f"grant__{one}" for one in OF_GRANTS)
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

    def ask(row: Any, said: dict[str, Any], by: Customer | None, now: datetime) -> Refund:
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

    def preview(row: Any, said: dict[str, Any], now: datetime) -> Table:
        payment = payment_of(row)
        assert payment is not None
        left = yuan(refunds.left_of(payment))
        # Done as if decided, and taken back: what the service would do is what is shown, whatever its rules become.
        with transaction.atomic():
            before = (_newest(GrantClosure), _newest(Grant))
            refund = ask(row, said, None, now)
            rows = [(_("goes back"), _goes_back(refund, left)), *_what_becomes_of_the_grant(refund, *before)]
            transaction.set_rollback(True)
        rows.append((_("who decides"), who_decides()))
        return Table(_("What it will do"), "billing.view_purchase", (_("what"), _("then")), rows)

    return Verb(
        "refund", gettext_lazy("Pay back"), ("billing.ask_refund",), ask, RefundForm, fits=fits, start=start, note=note,
        preview=preview,
    )  # fmt: skip


def who_decides() -> str:
    """Return whether a press is enough to pay money back, for a person."""
    if settings.ONE_PERSON_SHOP:
        return _("With this press, and the money is sent at once: the shop is one person's (ONE_PERSON_SHOP).")
    return _("Nothing moves yet: it waits under Refunds until a second person confirms it.")


def on_it(refund: Refund) -> Iterable[Any]:
    """Say what confirming a refund will do: the sum, what it does to the grant, and why it was asked for."""
    yield _goes_back(refund, yuan(refunds.left_of(refund.payment) + refund.amount_fen))
    until = f" ({local(refund.shorten_to_at)})" if refund.shorten_to_at else ""
    yield f"{_('what it does to the grant')}: {refund.get_effect_display()}{until}"
    yield _("Asked for by %(who)s: %(why)s") % {"who": refund.asked_by or "–", "why": refund.reason}


def _goes_back(refund: Refund, left: str) -> str:
    payment = refund.payment
    told = {"amount": yuan(refund.amount_fen), "currency": refund.currency, "left": left, "provider": payment.provider}
    if payment.provider == balances.PROVIDER:
        return _("%(amount)s %(currency)s of %(left)s that are left, to the customer's balance.") % told
    return _("%(amount)s %(currency)s of %(left)s that are left, by %(provider)s, the way they came.") % told


def _what_becomes_of_the_grant(refund: Refund, newest_closure: int, newest_grant: int) -> Iterator[tuple[Any, Any]]:
    """Yield what was closed, given back and paid back with a refund that has just been decided."""
    closures = GrantClosure.objects.filter(pk__gt=newest_closure).select_related(*OF_CLOSURES).order_by("pk")
    for one in closures:
        yield one.grant, _("ends %(at)s, in place of %(end)s") % {
            "at": local(one.closed_at), "end": local(one.grant.ends_at)
        }  # fmt: skip
    if not closures:
        yield _("grant"), _("The buyer keeps everything.")
    for given in Grant.objects.filter(pk__gt=newest_grant).select_related(*OF_GRANTS):
        yield given, _("is given back until %(end)s") % {"end": local(given.ends_at)}
    for other in Refund.objects.filter(pk__gt=refund.pk).select_related("purchase", "payment"):
        yield other.purchase, _("%(amount)s %(currency)s go back as well") % {
            "amount": yuan(other.amount_fen), "currency": other.currency
        }  # fmt: skip


def _newest(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0
