"""Money paid in advance: top-ups, gift codes, and what renews by itself."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from accounts.models import Customer
from billing.admin import refunding
from billing.admin.orders import link
from billing.admin.verbs import ROWS_SHOWN, Office, Table, Verb, VerbForm, reason_field, time_field
from billing.documents import csv_file
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.models import AutoRenewal, GiftBatch, GiftCode, PaymentFact, Plan, Prepayment
from billing.services import gift_codes, prepayments
from nodes.models.words import shown

_GIFTS = ("billing.make_gifts",)


def _payment(row: Prepayment) -> PaymentFact | None:
    return row.facts.filter(kind="paid", outcome="settled").first()


def _cancel(row: Prepayment, said: dict[str, Any], by: Customer, now: datetime) -> Prepayment:
    return prepayments.cancel_prepayment(prepayment_id=row.pk, now=now)


@admin.register(Prepayment)
class PrepaymentAdmin(Office):
    list_display = ("public_id", "customer", "kind", "due", "shown_state", "placed_at", "settled_at")
    list_filter = ("kind", "state")
    search_fields = ("public_id", "customer__email", "attempts__order_no")
    list_select_related = ("customer",)
    exclude = ("idempotency_key",)
    technical = ("idempotency_key",)
    verbs = (
        refunding.verb(_payment),
        Verb(
            "cancel", _("Cancel the order"), ("billing.cancel_purchase",), _cancel, VerbForm,
            fits=lambda row: row.state == Prepayment.State.PENDING,
        ),
    )  # fmt: skip

    @display(
        description=_("state"),
        label={"pending": "info", "settled": "success", "expired": "warning", "cancelled": "warning"},
    )
    def shown_state(self, order: Prepayment) -> tuple[str, str]:
        return order.state, order.get_state_display()

    def tables(self, row: Prepayment) -> Iterable[Table]:
        """How it was paid, and the code that it brought."""
        yield Table(
            _("Payment facts"), "billing.view_paymentfact",
            (_("provider"), _("kind"), _("reference"), _("amount"), _("currency"), _("at"), _("outcome")),
            [(shown(one, "provider"), shown(one, "kind"), link(one, one.reference), one.amount, one.currency,
              one.at, one.get_outcome_display()) for one in row.facts.all()[:ROWS_SHOWN]],
        )  # fmt: skip
        codes = GiftCode.objects.filter(bought_with=row)
        yield Table(
            _("Gift codes"), "billing.view_giftcode", (_("code"), _("state"), _("expires")),
            [(link(one, str(one)), one.get_state_display(), one.expires_at) for one in codes],
        )  # fmt: skip


class BatchForm(VerbForm):
    name = forms.CharField(label=_("name"), max_length=80)
    plan = forms.ModelChoiceField(Plan.objects.all(), label=_("plan"))
    months = forms.IntegerField(label=_("months"), min_value=MIN_MONTHS, max_value=MAX_MONTHS)
    count = forms.IntegerField(label=_("number of codes"), min_value=1, max_value=gift_codes.MOST_CODES)
    expires_at = time_field(_("can be redeemed until"))
    reason = reason_field()


class ReasonForm(VerbForm):
    reason = reason_field()


def _make(row: None, said: dict[str, Any], by: Customer, now: datetime) -> GiftBatch:
    return gift_codes.make_batch(**said, by=by, now=now)


def _made(batch: GiftBatch) -> str:
    text = ngettext("%(n)d code was made.", "%(n)d codes were made.", batch.count) % {"n": batch.count}
    address = reverse("admin:billing_giftbatch_row_verb", args=[batch.pk, "file"])
    return format_html('{} <a class="underline" href="{}">{}</a>', text, address, _("Take the codes away as a file"))


def _void_all(row: GiftBatch, said: dict[str, Any], by: Customer, now: datetime) -> GiftBatch:
    gift_codes.void(codes=list(row.codes.values_list("pk", flat=True)), why=said["reason"], now=now)
    return row


def _void(row: GiftCode, said: dict[str, Any], by: Customer, now: datetime) -> GiftCode:
    gift_codes.void(codes=[row.pk], why=said["reason"], now=now)
    return row


def _file(row: GiftBatch, said: dict[str, Any], by: Customer, now: datetime) -> HttpResponse | StreamingHttpResponse:
    heads = ("code", "plan", "months", "expires_at", "state")
    answer = StreamingHttpResponse(
        csv_file.lines(heads, gift_codes.rows_of(row)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="gift-codes-{row.pk}.csv"'
    return answer


@admin.register(GiftBatch)
class GiftBatchAdmin(Office):
    list_display = ("name", "plan_version", "months", "count", "left", "expires_at", "made_at", "made_by")
    list_select_related = ("plan_version__plan", "made_by")
    search_fields = ("name",)
    verbs = (
        Verb("make", _("Make gift codes"), _GIFTS, _make, BatchForm, of_a_row=False, done=_made),
        Verb("file", _("Take the codes away as a file"), _GIFTS, _file, VerbForm),
        Verb(
            "void", _("Void what is not redeemed"), _GIFTS, _void_all, ReasonForm,
            fits=lambda row: row.codes.filter(state=GiftCode.State.NEW).exists(),
        ),
    )  # fmt: skip

    @display(description=_("not redeemed"))
    def left(self, batch: GiftBatch) -> int:
        return batch.codes.filter(state=GiftCode.State.NEW).count()


@admin.register(GiftCode)
class GiftCodeAdmin(Office):
    """Codes are money: a page shows their ends alone. A whole one, as a customer tells it, is found by searching."""

    list_display = ("__str__", "batch", "plan_version", "months", "state", "expires_at", "redeemed_with", "why")
    list_filter = ("state", "batch")
    list_select_related = ("batch", "plan_version__plan", "redeemed_with")
    search_fields = ("=code", "redeemed_with__customer__email", "bought_with__customer__email")
    exclude = ("code",)
    verbs = (
        Verb(
            "void", _("Void the code"), _GIFTS, _void, ReasonForm,
            fits=lambda row: row.state == GiftCode.State.NEW and row.bought_with_id is None,
        ),
    )  # fmt: skip


@admin.register(AutoRenewal)
class AutoRenewalAdmin(Office):
    list_display = ("customer", "root", "months", "on", "changed_at")
    list_filter = ("on",)
    list_select_related = ("customer", "root__customer", "root__purchase__plan")
    search_fields = ("customer__email",)

    def tables(self, row: AutoRenewal) -> Iterable[Table]:
        """What was done about each end, and said."""
        yield Table(
            _("Steps"), "billing.view_autorenewal", (_("end"), _("step"), _("at"), _("why")),
            [(one.ends_at, one.get_step_display(), one.at, one.why or "–") for one in row.steps.all()[:ROWS_SHOWN]],
        )  # fmt: skip
