"""Questions for staff: the thread, the order and the token beside it, and the verbs that answer and close."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin import CustomerAdmin
from accounts.models import Customer
from billing.admin.verbs import Office, Verb, VerbForm
from billing.errors import AlreadyDecided
from support.models import MOST_TEXT, Ticket
from support.services import tickets


class AnswerForm(VerbForm):
    text = forms.CharField(label=_("answer"), max_length=MOST_TEXT, widget=UnfoldAdminTextareaWidget)
    close = forms.BooleanField(label=_("close it as well"), required=False)


def _thread(row: Ticket) -> str:
    shown = (
        (
            f"{localtime(one.at):%Y-%m-%d %H:%M}",
            _("shop") if one.from_staff else _("customer"),
            one.get_via_display(),
            one.text,
        )
        for one in row.messages.all()
    )
    block = '<div class="py-2"><div class="text-xs">{} · {} · {}</div><div class="whitespace-pre-wrap">{}</div></div>'
    return format_html_join("", block, shown)


def _answer(row: Ticket, said: dict[str, Any], by: Customer, now: datetime) -> Ticket:
    return tickets.answer(ticket_id=row.pk, by=by, text=said["text"], close=said["close"], now=now)


def _close(row: Ticket, said: dict[str, Any], by: Customer, now: datetime) -> Ticket:
    if not tickets.close_ticket(ticket_id=row.pk, now=now):
        raise AlreadyDecided
    return row


def _before(row: Ticket, now: datetime) -> Iterable[Any]:
    newest = row.messages.order_by("-pk").first()
    return (row.subject, newest.text) if newest is not None else (row.subject,)


@admin.register(Ticket)
class TicketAdmin(Office):
    list_display = ("number", "subject", "customer", "shown_state", "opened_at", "moved_at")
    list_filter = ("state",)
    search_fields = ("number", "subject", "customer__email", "customer__public_id")
    list_select_related = ("customer",)
    date_hierarchy = "moved_at"
    fields = ("number", "subject", "customer", "purchase", "token", "state", "opened_at", "moved_at", "thread")
    verbs = (
        Verb("answer", _("Answer"), ("support.answer_ticket",), _answer, AnswerForm, note=_before),
        Verb(
            "close", _("Close without an answer"), ("support.answer_ticket",), _close,
            fits=lambda row: row.state != Ticket.State.CLOSED,
        ),
    )  # fmt: skip

    @display(description=_("state"), label={"open": "warning", "answered": "success", "closed": "info"})
    def shown_state(self, row: Ticket) -> tuple[str, Any]:
        return row.state, row.get_state_display()

    @display(description=_("messages"))
    def thread(self, row: Ticket) -> str:
        return format_html("<div>{}</div>", _thread(row))

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "thread")


CustomerAdmin.things.append((Ticket._meta.verbose_name_plural, Ticket))
