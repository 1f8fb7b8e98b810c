"""Rights: grants, what ended or froze them, tokens, and what the shop gives for nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing.admin.verbs import ROWS_SHOWN, Office, Table, Verb, VerbForm, reason_field, sentence, time_field
from billing.models import AccessToken, Compensation, Grant, GrantClosure, Plan, Purchase
from billing.services import entitlements, gifts, tokens
from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.scope import MARKETS, MAX_SUBS_CAP
from nodes.models import Node, NodeGroup

PEOPLE_SHOWN = 200  # before a compensation; how many there are in all stands in its title


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


def _close(row: Grant, said: dict[str, Any], by: Customer, now: datetime) -> Grant:
    entitlements.close_grant(grant_id=row.pk, reason=said["reason"], now=now)
    return row


@admin.register(Grant)
class GrantAdmin(Office):
    list_display = (
        "id",
        "customer",
        "group",
        "symbols",
        "max_connections",
        "starts_at",
        "ends_at",
        "closure",
        "extends",
    )
    list_filter = ("group",)
    search_fields = ("customer__email", "purchase__public_id")
    list_select_related = ("customer", "group", "closure", "extends")
    actions = ("close",)
    verbs = (
        Verb("give", _("Give a grant"), ("billing.give_comp",), _comp, CompForm, of_a_row=False),
        Verb(
            "close", _("End now"), ("billing.close_grant",), _close, CloseForm,
            fits=lambda row: getattr(row, "closure", None) is None,
        ),
    )  # fmt: skip

    @admin.action(description=_("End now"), permissions=["close"])
    def close(self, request: HttpRequest, grants: QuerySet[Grant]) -> None:
        # Latest first: an extension must be closed before what it extends.
        for grant in grants.order_by("-starts_at", "-id"):
            try:
                reason = f"ended by {request.user}"[:200]
                entitlements.close_grant(grant_id=grant.pk, reason=reason, now=utc_now())
            except PlatformError as error:
                self.message_user(request, f"#{grant.pk}: {sentence(error)}", messages.ERROR)
                continue
            self.log_change(request, grant, "closed")

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
    list_select_related = ("grant",)


class CompensationForm(VerbForm):
    key = forms.CharField(
        label=_("key"), max_length=80, help_text=_("Names the outage, like 2026-11-30-sh: the same key gives once.")
    )
    hours = forms.IntegerField(label=_("hours"), min_value=1, max_value=gifts.MOST_HOURS)
    group = forms.ModelChoiceField(NodeGroup.objects.all(), label=_("node group"), required=False)
    node = forms.ModelChoiceField(Node.objects.all(), label=_("node"), required=False)
    market = forms.ChoiceField(
        label=_("market"), choices=[("", "---------"), *((one, one) for one in MARKETS)], required=False
    )
    reason = reason_field()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not (said.get("group") or said.get("node") or said.get("market")):
            self.add_error(None, _now("Choose a node group, a node or a market."))
        return said


def _compensate(row: None, said: dict[str, Any], by: Customer, now: datetime) -> Compensation:
    return gifts.compensate(**said, by=by, now=now)[0]


def _who(row: None, said: dict[str, Any], now: datetime) -> Table:
    found = gifts.affected(now=now, group=said["group"], node=said["node"], market=said["market"])
    used = Compensation.objects.filter(key=said["key"]).exists()
    title = _now("%(people)d people have something there; each gets %(hours)d hours behind it") % {
        "people": len(found), "hours": said["hours"],
    }  # fmt: skip
    if used:
        title = _now("This key was used before: nobody gets anything")
    rows: list[tuple[Any, ...]] = [
        (one.customer, ", ".join(f"#{tail.pk}: {tail.symbols}" for tail in one.tails)) for one in found[:PEOPLE_SHOWN]
    ]
    return Table(title, "billing.compensate", (_("customer"), _("what lasts longer")), [] if used else rows)


@admin.register(Compensation)
class CompensationAdmin(Office):
    list_display = ("key", "hours", "group", "node", "market", "reason", "by", "at")
    list_select_related = ("group", "node", "by")
    search_fields = ("key",)
    verbs = (
        Verb(
            "compensate", _("Compensate for an outage"), ("billing.compensate",), _compensate, CompensationForm,
            of_a_row=False, preview=_who,
        ),
    )  # fmt: skip

    def tables(self, row: Compensation) -> Iterable[Table]:
        """Who got it."""
        given = Purchase.objects.filter(idempotency_key__startswith=f"compensation:{row.pk}:", kind="comp")
        yield Table(
            _("Given to"), "billing.view_purchase", (_("customer"), _("order"), _("ends")),
            [(one.customer, one.public_id, one.grant.ends_at) for one in
             given.select_related("customer", "grant")[:PEOPLE_SHOWN]],
        )  # fmt: skip


@admin.register(AccessToken)
class AccessTokenAdmin(Office):
    list_display = ("jti", "customer", "group", "issued_at", "works_until_at", "revoked_at", "expires_at")
    list_filter = ("group",)
    search_fields = ("jti", "customer__email")
    list_select_related = ("customer", "group")
    actions = ("revoke",)

    @admin.action(description=_("Revoke at once"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[AccessToken]) -> None:
        for token in chosen.select_related("customer"):
            tokens.revoke_token(customer=token.customer, jti=token.jti, now=utc_now())
            self.log_change(request, token, "revoked")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.revoke_token")
