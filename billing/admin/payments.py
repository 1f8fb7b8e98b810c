"""Payments: attempts, facts, what matched nothing, refunds, disputes and bank transfers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import Customer
from billing.admin import refunding
from billing.admin.verbs import Office, Verb, VerbForm, amount_field, fen, reason_field, time_field
from billing.domain.pricing import yuan
from billing.models import BankTransfer, Dispute, PaymentAttempt, PaymentFact, Purchase, Refund, Suspense
from billing.services import facts, refunds, transfers

DECIDES = ("billing.decide_refund",)


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(Office):
    list_display = ("order_no", "purchase", "gateway", "method", "due", "state", "started_at", "asks", "next_ask_at")
    list_filter = ("state", "gateway", "method")
    search_fields = ("order_no", "purchase__public_id", "kept")
    list_select_related = ("purchase",)
    date_hierarchy = "started_at"
    exclude = ("shown",)  # it pays


@admin.register(PaymentFact)
class PaymentFactAdmin(Office):
    list_display = ("provider", "kind", "reference", "order_no", "amount", "currency", "at", "source", "outcome")
    list_filter = ("provider", "kind", "source", "outcome")
    search_fields = ("reference", "transaction_id", "order_no", "refund_no", "purchase__public_id")
    date_hierarchy = "received_at"
    verbs = (refunding.verb(lambda row: row if row.kind == "paid" else None),)


class UseForm(VerbForm):
    order = forms.CharField(
        label=_("order"), max_length=32, help_text=_("The number of the order that this money is for.")
    )
    reason = reason_field()


class WhyForm(VerbForm):
    reason = reason_field()


def _use(row: Suspense, said: dict[str, Any], by: Customer, now: datetime) -> Purchase:
    return facts.use_suspense(suspense_id=row.pk, order=said["order"].strip(), by=by, why=said["reason"], now=now)


def _return(row: Suspense, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
    return refunds.ask_refund(
        payment_id=row.fact_id,
        amount_fen=refunds.left_of(row.fact),
        reason=said["reason"],
        fault=Refund.Fault.RULE,
        effect=Refund.Effect.KEEP,
        by=by,
        now=now,
    )


def _goes_back(row: Suspense, now: datetime) -> Iterable[Any]:
    yield _now("%(amount)s %(currency)s go back, by %(provider)s.") % {
        "amount": yuan(refunds.left_of(row.fact)), "currency": row.fact.currency, "provider": row.fact.provider,
    }  # fmt: skip
    yield refunding.who_decides()


def _is_open(row: Suspense) -> bool:
    return row.state == Suspense.State.OPEN and refunds.left_of(row.fact) > 0


@admin.register(Suspense)
class SuspenseAdmin(Office):
    list_display = ("id", "amount", "fact", "reason", "shown_state", "opened_at", "decided_by", "used_for")
    list_filter = ("state", "reason", "fact__provider")
    search_fields = ("fact__reference", "fact__order_no", "used_for__public_id")
    list_select_related = ("fact", "decided_by", "used_for")
    verbs = (
        Verb(
            "return",
            _("Pay it back"),
            ("billing.decide_suspense",),
            _return,
            WhyForm,
            fits=_is_open,
            note=_goes_back,
        ),
        Verb("use", _("Use it for an order"), ("billing.decide_suspense",), _use, UseForm, fits=_is_open),
    )

    @display(description=_("amount"))
    def amount(self, row: Suspense) -> str:
        return f"{row.fact.amount} {row.fact.currency}"

    @display(description=_("state"), label={"open": "danger", "refunding": "warning", "used": "success"})
    def shown_state(self, row: Suspense) -> tuple[str, str]:
        return row.state, row.get_state_display()


class ByHandForm(VerbForm):
    reference = forms.CharField(label=_("the bank's reference"), max_length=80)


def _state_is(*states: str) -> Any:
    return lambda row: row.state in states


def _decide(row: Refund, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
    return refunds.decide_refund(refund_id=row.pk, by=by, now=now)


def _on_it(row: Refund, now: datetime) -> Iterable[Any]:
    return refunding.on_it(row)


def _withdraw(row: Refund, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
    return refunds.withdraw_refund(refund_id=row.pk, by=by, now=now)


def _retry(row: Refund, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
    return refunds.retry_refund(refund_id=row.pk, by=by, now=now)


def _by_hand(row: Refund, said: dict[str, Any], by: Customer, now: datetime) -> Refund:
    return refunds.pay_by_hand(refund_id=row.pk, reference=said["reference"], by=by, now=now)


@admin.register(Refund)
class RefundAdmin(Office):
    list_display = ("refund_no", "amount", "currency", "purchase", "fault", "shown_effect", "shown_state", "asked_by",
                    "decided_by", "asked_at", "why")  # fmt: skip
    list_filter = ("state", "fault", "effect", "payment__provider")
    search_fields = ("refund_no", "refund_id", "purchase__public_id", "payment__reference")
    list_select_related = ("purchase", "asked_by", "decided_by")
    date_hierarchy = "asked_at"
    verbs = (
        Verb("decide", _("Confirm"), DECIDES, _decide, fits=_state_is("asked"), note=_on_it),
        Verb("withdraw", _("Withdraw"), ("billing.ask_refund", *DECIDES), _withdraw, fits=_state_is("asked")),
        Verb("retry", _("Send again"), DECIDES, _retry, fits=_state_is("failed")),
        Verb(
            "by-hand", _("It was transferred by hand"), ("billing.pay_refund_by_hand",), _by_hand, ByHandForm,
            fits=_state_is("decided", "failed"),
        ),
    )  # fmt: skip

    @display(description=_("effect"))
    def shown_effect(self, row: Refund) -> str:
        return row.get_effect_display()

    @display(
        description=_("state"),
        label={"asked": "warning", "decided": "info", "sent": "info", "done": "success", "failed": "danger"},
    )
    def shown_state(self, row: Refund) -> tuple[str, str]:
        return row.state, row.get_state_display()


@admin.register(Dispute)
class DisputeAdmin(Office):
    list_display = ("provider", "dispute_id", "purchase", "amount", "state", "opened_at", "ended_at")
    list_filter = ("state", "provider")
    search_fields = ("dispute_id", "purchase__public_id")
    list_select_related = ("purchase",)

    @display(description=_("amount"))
    def amount(self, row: Dispute) -> str:
        return yuan(row.amount_fen)


class TransferForm(VerbForm):
    order_no = forms.CharField(label=_("purpose"), max_length=32, help_text=_("The order number that it was paid for."))
    reference = forms.CharField(label=_("the bank's reference"), max_length=80)
    amount = amount_field()
    came_at = time_field(_("came"))


def _note_transfer(row: None, said: dict[str, Any], by: Customer, now: datetime) -> BankTransfer:
    return transfers.note_transfer(
        order_no=said["order_no"],
        reference=said["reference"],
        amount_fen=fen(said["amount"]),
        came_at=said["came_at"],
        by=by,
        now=now,
    )


def _confirm_transfer(row: BankTransfer, said: dict[str, Any], by: Customer, now: datetime) -> BankTransfer:
    return transfers.confirm_transfer(transfer_id=row.pk, by=by, now=now)


def _withdraw_transfer(row: BankTransfer, said: dict[str, Any], by: Customer, now: datetime) -> BankTransfer:
    return transfers.withdraw_transfer(transfer_id=row.pk, by=by, now=now)


@admin.register(BankTransfer)
class BankTransferAdmin(Office):
    list_display = ("reference", "attempt", "amount", "came_at", "state", "asked_by", "decided_by")
    list_filter = ("state",)
    search_fields = ("reference", "attempt__order_no", "attempt__purchase__public_id")
    list_select_related = ("attempt", "asked_by", "decided_by")
    date_hierarchy = "came_at"
    verbs = (
        Verb("note", _("Note a transfer"), ("billing.note_transfer",), _note_transfer, TransferForm, of_a_row=False),
        Verb("confirm", _("Confirm"), ("billing.confirm_transfer",), _confirm_transfer, fits=_state_is("asked")),
        Verb(
            "withdraw", _("Withdraw"), ("billing.note_transfer", "billing.confirm_transfer"), _withdraw_transfer,
            fits=_state_is("asked"),
        ),
    )  # fmt: skip
