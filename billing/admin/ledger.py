"""The books: accounts with their balances, entries with their lines, what looks over them found, and files to take."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import Customer
from billing.admin.orders import lines_of
from billing.admin.verbs import ROWS_SHOWN, Office, Table, Verb, VerbForm, day_field
from billing.domain.ledger import currency_of
from billing.domain.pricing import yuan
from billing.gateways import names
from billing.models import LedgerAccount, LedgerEntry, Reconciliation
from billing.services import books, revenue
from nodes.models.words import shown

MOST_DAYS = 366


@admin.register(LedgerAccount)
class LedgerAccountAdmin(Office):
    # Not "balance": the model has a relation of that name, which the admin would ask first, and most accounts lack it.
    list_display = ("title", "shown_balance", "side", "may_go_below_zero")
    search_fields = ("code",)
    fields = list_display
    readonly_fields = ("title", "shown_balance", "side")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerAccount]:
        rows: QuerySet[LedgerAccount] = super().get_queryset(request)
        return rows.annotate(sum_fen=Sum("lines__amount_fen") * F("normal"))

    @display(description=_("account"), ordering="code")
    def title(self, row: LedgerAccount) -> str:
        return str(row)

    @display(description=_("balance"), ordering="sum_fen")
    def shown_balance(self, row: Any) -> str:
        """What its lines sum to, on the account's own side."""
        return f"{yuan(row.sum_fen or 0)} {currency_of(row.code)}"

    @display(description=_("normal side"))
    def side(self, row: LedgerAccount) -> str:
        return _now("debit") if row.normal > 0 else _now("credit")

    def tables(self, row: LedgerAccount) -> Iterable[Table]:
        """The newest lines."""
        lines = row.lines.select_related("entry").order_by("-id")[:ROWS_SHOWN]
        yield Table(
            _("Newest lines"), "billing.view_ledgerentry", (_("posted"), _("kind"), _("source"), _("amount")),
            [(one.entry.posted_at, shown(one.entry, "kind"), one.entry.source, yuan(one.amount_fen)) for one in lines],
        )  # fmt: skip


class PeriodForm(VerbForm):
    what = forms.ChoiceField(label=_("what"), choices=[("lines", _("ledger lines")), ("facts", _("payment facts"))])
    since = day_field(_("from"))
    until = day_field(_("to"), help_text=_("This day is in it. A year at most."))
    encoding = forms.ChoiceField(
        label=_("encoding"),
        required=False,
        choices=[("utf-8", _("UTF-8 (Excel, and most programs)")), ("gb18030", _("GB18030 (accounting in China)"))],
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        since, until = said.get("since"), said.get("until")
        if since and until and not 0 <= (until - since).days < MOST_DAYS:
            self.add_error("until", _now("It is the same day or later, and within a year."))
        return said


def _take_away(row: None, said: dict[str, Any], by: Customer, now: datetime) -> Any:
    return revenue.accounting(
        what=said["what"], since=said["since"], until=said["until"], encoding=said["encoding"] or "utf-8"
    )


def _this_month(request: HttpRequest, row: None, now: datetime) -> dict[str, Any]:
    today: date = revenue.day_of(now)
    return {"since": today.replace(day=1), "until": today, "encoding": "utf-8"}


@admin.register(LedgerEntry)
class LedgerEntryAdmin(Office):
    list_display = ("id", "posted_at", "kind", "source", "shown_lines")
    list_filter = ("kind",)
    search_fields = ("source",)
    date_hierarchy = "posted_at"
    verbs = (
        Verb(
            "take-away", _("Take away for accounting"), ("billing.export_ledger",), _take_away, PeriodForm,
            of_a_row=False, start=_this_month,
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        rows: QuerySet[LedgerEntry] = super().get_queryset(request)
        return rows.prefetch_related("lines__account")

    @display(description=_("ledger lines"))
    def shown_lines(self, row: LedgerEntry) -> str:
        return lines_of(row)

    def tables(self, row: LedgerEntry) -> Iterable[Table]:
        """The lines, debit before credit."""
        lines = sorted(row.lines.all(), key=lambda line: (-line.amount_fen, line.account.code))
        yield Table(
            _("Lines"), "billing.view_ledgerentry", (_("account"), _("debit"), _("credit")),
            [(line.account.code, *_sides(line.amount_fen)) for line in lines],
        )  # fmt: skip


class BillForm(VerbForm):
    provider = forms.ChoiceField(label=_("provider"))
    day = day_field(_("day"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.base_fields["provider"].choices = [(name, name) for name in names()]  # type: ignore[attr-defined]
        super().__init__(*args, **kwargs)

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day >= revenue.day_of(self.now):
            raise forms.ValidationError(_now("A bill is there once its day has ended."))
        return day


def _check(row: None, said: dict[str, Any], by: Customer, now: datetime) -> Reconciliation:
    return books.check_books(now=now)


def _bill(row: None, said: dict[str, Any], by: Customer, now: datetime) -> Reconciliation:
    return books.match_bill(provider=said["provider"], day=said["day"], now=now)


def _yesterday(request: HttpRequest, row: None, now: datetime) -> dict[str, Any]:
    return {"day": revenue.day_of(now) - timedelta(days=1)}


@admin.register(Reconciliation)
class ReconciliationAdmin(Office):
    list_display = ("id", "day", "shown_provider", "at", "matched", "found")
    list_filter = ("provider",)
    date_hierarchy = "day"
    exclude = ("differences",)
    verbs = (
        Verb("check", _("Look over the books"), ("billing.check_books",), _check, of_a_row=False),
        Verb("bill", _("Read a bill"), ("billing.check_books",), _bill, BillForm, of_a_row=False, start=_yesterday),
    )

    @display(description=_("provider"))
    def shown_provider(self, row: Reconciliation) -> str:
        return row.provider or _now("the shop's own books")

    @display(description=_("differences"), label={"none": "success", "some": "danger"})
    def found(self, row: Reconciliation) -> tuple[str, str]:
        return ("some" if row.differences else "none", str(len(row.differences)))

    def tables(self, row: Reconciliation) -> Iterable[Table]:
        """The differences, a sentence each."""
        rows = [(sentence,) for sentence in row.differences[:500]]
        yield Table(_("differences"), "billing.view_reconciliation", (_("what differs"),), rows)


def _sides(amount_fen: int) -> tuple[str, str]:
    return (yuan(amount_fen), "") if amount_fen > 0 else ("", yuan(-amount_fen))
