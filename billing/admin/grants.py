"""Grants: how each stands now and why it ended early, given and ended by hand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from accounts.models import Customer
from billing.admin.orders import link
from billing.admin.refunding import OF_CLOSURES
from billing.admin.sentences import sentence
from billing.admin.verbs import ROWS_SHOWN, Office, Table, Verb, VerbForm, local, reason_field, time_field
from billing.models import Grant, GrantClosure, Plan, Refund
from billing.services import entitlements, gifts
from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.scope import MAX_SUBS_CAP
from nodes.admin.sure import ask_first
from nodes.models import Node

STATES = {
    "active": pgettext_lazy("grant", "active"),
    "future": pgettext_lazy("grant", "begins later"),
    "ended": pgettext_lazy("grant", "ended"),
    "closed": pgettext_lazy("grant", "ended early"),
}


class StateFilter(admin.SimpleListFilter):
    """How grants stand now; each is in one state."""

    title, parameter_name = _("state now"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:
        now = utc_now()
        closed = Q(closure__closed_at__lte=now)
        if self.value() == "closed":
            return queryset.filter(closed)
        held = {"active": Q(starts_at__lte=now, ends_at__gt=now), "future": Q(starts_at__gt=now),
                "ended": Q(ends_at__lte=now)}.get(self.value() or "")  # fmt: skip
        return queryset if held is None else queryset.filter(held).exclude(closed)


def state_of(grant: Grant, now: datetime) -> str:
    """Return one of STATES; `closure` should have been selected with it."""
    closure: GrantClosure | None = getattr(grant, "closure", None)
    if closure is not None and closure.closed_at <= now:
        return "closed"
    if grant.starts_at > now:
        return "future"
    return "active" if grant.ends_at > now else "ended"


def _why(closure: GrantClosure, *, linked: bool) -> str:
    """Return why a grant ended early, for a person; what staff wrote stays as it is."""
    kind, _space, number = closure.reason.partition(" ")
    if closure.replaced_by is not None:
        text = link(closure.replaced_by, number) if linked else number
        return format_html(_now("replaced by order {}"), text)
    if kind == "refund" and number:
        refund = Refund.objects.filter(refund_no=number).first() if linked else None
        return format_html(_now("paid back with refund {}"), link(refund, number) if refund is not None else number)
    return closure.reason


class CompForm(VerbForm):
    customer = forms.EmailField(label=_("customer"), help_text=_("The email address of the account."))
    plan = forms.ModelChoiceField(Plan.objects.all(), label=_("plan"))
    node = forms.ModelChoiceField(Node.objects.exclude(state="retired"), label=_("node"))
    symbols = forms.IntegerField(
        label=_("symbols"), min_value=1, max_value=MAX_SUBS_CAP, required=False,
        help_text=_("Empty: as many as the plan has."),
    )  # fmt: skip
    ends_at = time_field(_("until"))
    reason = reason_field()

    def clean_customer(self) -> Customer:
        found = Customer.objects.filter(email__iexact=self.cleaned_data["customer"]).first()
        if found is None:
            raise forms.ValidationError(_now("Nobody has this address."))
        return found


def _comp(row: None, said: dict[str, Any], by: Customer, now: datetime) -> Grant:
    return gifts.grant_by_hand(**said, by=by, now=now)


class CloseForm(VerbForm):
    reason = reason_field()


def _nothing_goes_back() -> str:
    return _now("Customers hear nothing more within seconds. No money goes back: for that, pay back the order instead.")


def _close(row: Grant, said: dict[str, Any], by: Customer, now: datetime) -> Grant:
    entitlements.close_grant(grant_id=row.pk, reason=said["reason"], now=now)
    return row


@admin.register(Grant)
class GrantAdmin(Office):
    list_display = ("__str__", "shown_state", "group", "symbols", "starts_at", "ends_at", "ended_early", "extends")
    list_filter = (StateFilter, "purchase__plan", "group")
    search_fields = ("customer__email", "purchase__public_id")
    list_select_related = (
        "customer", "group", "purchase__plan", "closure__replaced_by", "extends__customer", "extends__purchase__plan",
    )  # fmt: skip
    fields = (
        "state_now", "why_it_ended", "customer", "pack", "purchase", "group", "starts_at", "ends_at", "extends",
        "symbols", "max_connections",
    )  # fmt: skip
    readonly_fields = ("state_now", "why_it_ended", "pack")
    technical = ("markets", "levels", "types", "intervals", "month_day")
    actions = ("close",)
    verbs = (
        Verb("give", _("Give a grant"), ("billing.give_comp",), _comp, CompForm, of_a_row=False),
        Verb(
            "close", _("End now"), ("billing.close_grant",), _close, CloseForm,
            fits=lambda row: getattr(row, "closure", None) is None, note=lambda row, now: [_nothing_goes_back()],
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        rows: QuerySet[Grant] = super().get_queryset(request)
        return rows.prefetch_related("freezes")

    @display(
        description=_("state"),
        label={"active": "success", "future": "info", "ended": "warning", "closed": "danger", "frozen": "danger"},
    )
    def shown_state(self, row: Grant) -> tuple[str, Any]:
        state = state_of(row, utc_now())
        frozen = any(one.lifted_at is None for one in row.freezes.all())
        return (
            ("frozen", pgettext_lazy("grant", "frozen"))
            if frozen and state in ("active", "future")
            else (state, STATES[state])
        )

    @display(description=_("state"))
    def state_now(self, row: Grant) -> str:
        return str(self.shown_state(row)[1])

    @display(description=_("pack"))
    def pack(self, row: Grant) -> str:
        return row.purchase.plan.name

    @display(description=_("ended early"), ordering="closure__closed_at")
    def ended_early(self, row: Grant) -> str | None:
        closure: GrantClosure | None = getattr(row, "closure", None)
        return f"{local(closure.closed_at)} · {_why(closure, linked=False)}" if closure is not None else None

    @display(description=_("ended early"))
    def why_it_ended(self, row: Grant) -> str | None:
        """When and why, where it did not last until its end."""
        closure: GrantClosure | None = getattr(row, "closure", None)
        if closure is None:
            return None
        return format_html(
            _now("{at} in place of {end}: {why}"),
            at=local(closure.closed_at), end=local(row.ends_at), why=_why(closure, linked=True),
        )  # fmt: skip

    @admin.action(description=_("End now"), permissions=["close"])
    def close(self, request: HttpRequest, grants: QuerySet[Grant]) -> HttpResponse | None:
        # Latest first: an extension must be closed before what it extends.
        rows = list(grants.select_related("customer", "purchase__plan").order_by("-starts_at", "-id"))
        if (page := ask_first(request, self, action="close", rows=rows, notes=[_nothing_goes_back()])) is not None:
            return page
        for grant in rows:
            try:
                reason = f"ended by {request.user}"[:200]
                entitlements.close_grant(grant_id=grant.pk, reason=reason, now=utc_now())
            except PlatformError as error:
                self.message_user(request, f"#{grant.pk}: {sentence(error)}", messages.ERROR)
                continue
            self.log_change(request, grant, "closed")
        return None

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.close_grant")

    def tables(self, row: Grant) -> Iterable[Table]:
        """When it gave nothing."""
        freezes = row.freezes.order_by("id")[:ROWS_SHOWN]
        yield Table(
            _("Freezes"), "billing.view_grant", (_("frozen"), _("lifted"), _("reason")),
            [(one.frozen_at, one.lifted_at or "–", one.reason) for one in freezes],
        )  # fmt: skip


@admin.register(GrantClosure)
class GrantClosureAdmin(Office):
    list_display = ("grant", "closed_at", "reason")
    list_select_related = OF_CLOSURES
