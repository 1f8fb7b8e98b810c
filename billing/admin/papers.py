"""Fapiao for finance: what was asked for, issued, and needs a red letter."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import Customer
from billing.admin.orders import link
from billing.admin.verbs import Office, Table, Verb, VerbForm, amount_field, fen, reason_field
from billing.domain.pricing import exact_yuan
from billing.models import FapiaoRequest
from billing.services import fapiao

ISSUES = ("billing.issue_fapiao",)


class IssueForm(VerbForm):
    fapiao_number = forms.CharField(label=_("fapiao number"), max_length=50)
    link = forms.URLField(
        label=_("link"), max_length=500, required=False, assume_scheme="https",
        help_text=_("Where the tax platform shows it. A link or a file, so that the buyer has it."),
    )  # fmt: skip
    file = forms.FileField(label=_("file"), required=False, help_text=_("PDF, OFD or XML, at most 1 MB."))


class RedForm(VerbForm):
    red_number = forms.CharField(label=_("red-letter number"), max_length=50)
    amount = amount_field()


class RefuseForm(VerbForm):
    reason = reason_field()


def _issue(row: FapiaoRequest, said: dict[str, Any], by: Customer, now: datetime) -> FapiaoRequest:
    file = said["file"]
    return fapiao.issue_fapiao(
        request_id=row.pk,
        fapiao_number=said["fapiao_number"],
        link=said["link"],
        file=(file.name, file.read(fapiao.MOST_BYTES + 1)) if file else None,
        by=by,
        now=now,
    )


def _reverse(row: FapiaoRequest, said: dict[str, Any], by: Customer, now: datetime) -> FapiaoRequest:
    return fapiao.reverse_fapiao(
        request_id=row.pk, red_number=said["red_number"], amount_fen=fen(said["amount"]), by=by, now=now
    )


def _refuse(row: FapiaoRequest, said: dict[str, Any], by: Customer, now: datetime) -> FapiaoRequest:
    return fapiao.withdraw_fapiao(request_id=row.pk, why=said["reason"], now=now)


def _red_amount(request: HttpRequest, row: FapiaoRequest, now: datetime) -> dict[str, Any]:
    due = fapiao.needs_red_fen(row) or row.amount_fen - fapiao.reversed_fen(row)
    return {"amount": exact_yuan(due)}


def _on_it(row: FapiaoRequest, now: datetime) -> Iterable[str]:
    """Say what is to be entered on the tax platform."""
    yield f"{row.get_kind_display()}: {row.title} {row.tax_number}".strip()
    spent = sum(fapiao.spent_fen(line.purchase) for line in row.lines.select_related("purchase"))
    yield _now("%(amount)s CNY for %(count)s orders, as of now.") % {
        "amount": exact_yuan(spent), "count": row.lines.count(),
    }  # fmt: skip


def _left(row: FapiaoRequest, now: datetime) -> Iterable[str]:
    yield _now(
        "%(amount)s CNY of fapiao %(number)s are left; %(due)s of them were paid back and need a red letter."
    ) % {
        "amount": exact_yuan(row.amount_fen - fapiao.reversed_fen(row)),
        "number": row.fapiao_number,
        "due": exact_yuan(fapiao.needs_red_fen(row)),
    }


def _state_is(state: str) -> Any:
    return lambda row: row.state == state


@admin.register(FapiaoRequest)
class FapiaoRequestAdmin(Office):
    list_display = ("number", "customer", "title", "tax_number", "amount", "shown_state", "red", "asked_at",
                    "fapiao_number", "issued_by")  # fmt: skip
    list_filter = ("state", "kind")
    search_fields = ("number", "title", "tax_number", "fapiao_number", "customer__email", "lines__purchase__public_id")
    list_select_related = ("customer", "issued_by")
    date_hierarchy = "asked_at"
    verbs = (
        Verb("issue", _("It is issued"), ISSUES, _issue, IssueForm, fits=_state_is("asked"), note=_on_it),
        Verb("refuse", _("Refuse"), ISSUES, _refuse, RefuseForm, fits=_state_is("asked")),
        Verb(
            "red", _("A red letter is issued"), ISSUES, _reverse, RedForm, fits=_state_is("issued"), start=_red_amount,
            note=_left,
        ),
    )  # fmt: skip

    @display(
        description=_("state"),
        label={"asked": "warning", "issued": "success", "reversed": "info"},
    )
    def shown_state(self, row: FapiaoRequest) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("red letter"), label={"needed": "danger"})
    def red(self, row: FapiaoRequest) -> tuple[str, str]:
        due = fapiao.needs_red_fen(row)
        return ("needed", _now("needs a red letter: %(amount)s") % {"amount": exact_yuan(due)}) if due else ("", "")

    def tables(self, row: FapiaoRequest) -> Iterable[Table]:
        """The orders on it, with what is spent on them now, and its red letters."""
        lines = row.lines.select_related("purchase__plan")
        yield Table(
            _("Orders"), "billing.view_purchase",
            (_("purchase"), _("plan"), _("on the fapiao"), _("spent, without what was paid back"), _("counts")),
            [(link(one.purchase, one.purchase.public_id), one.purchase.plan.name, exact_yuan(one.amount_fen),
              exact_yuan(fapiao.spent_fen(one.purchase)), _now("yes") if one.live else _now("no")) for one in lines],
        )  # fmt: skip
        yield Table(
            _("Red letters"), "billing.view_fapiaorequest", (_("red-letter number"), _("amount"), _("at"), _("by")),
            [(one.red_number, exact_yuan(one.amount_fen), one.at, one.by)
             for one in row.reversals.select_related("by")],
        )  # fmt: skip
