"""Rights beside grants: tokens, and what the shop gives everybody after an outage."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing.admin.verbs import Office, Table, Verb, VerbForm, reason_field
from billing.models import AccessToken, Compensation, Purchase
from billing.services import gifts, tokens
from kernel.clock import utc_now
from kernel.scope import MARKETS
from nodes.admin.sure import ask_first
from nodes.models import Node, NodeGroup

PEOPLE_SHOWN = 200  # before a compensation; how many there are in all stands in its title


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
    def revoke(self, request: HttpRequest, chosen: QuerySet[AccessToken]) -> HttpResponse | None:
        rows = list(chosen.select_related("customer"))
        note = _now("Programs with these tokens are cut off within seconds and need a new one. This is not taken back.")
        if (page := ask_first(request, self, action="revoke", rows=rows, notes=[note])) is not None:
            return page
        for token in rows:
            tokens.revoke_token(customer=token.customer, jti=token.jti, now=utc_now())
            self.log_change(request, token, "revoked")
        return None

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.revoke_token")
