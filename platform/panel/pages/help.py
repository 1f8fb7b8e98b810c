"""Help: where to ask, what was asked, and what was answered."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Customer
from kernel.clock import utc_now
from kernel.errors import PlatformError
from panel.forms import TicketForm, TicketReplyForm
from panel.pages.paying import customer_of
from support import selectors
from support.models import MOST_TEXT, Ticket
from support.services import tickets

_WHY = {
    "subject": gettext_lazy("Write in a few words what it is about."),
    "text": gettext_lazy("Write what happened, and what you expected; 5,000 characters at most."),
    "order": gettext_lazy("This is no order of yours."),
    "token": gettext_lazy("This is no token of yours."),
}


@never_cache
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show the ways to get help, and a person's questions."""
    person = request.user if isinstance(request.user, Customer) else None
    context = {
        "tickets": selectors.tickets_of(person) if person is not None else [],
        "contact": settings.SUPPORT_EMAIL or settings.REPLY_TO_EMAIL,
        "phone": settings.SHOP_PHONE,
    }
    return render(request, "help/index.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_ticket(request: HttpRequest) -> HttpResponse:
    """Ask the shop something."""
    customer = customer_of(request)
    orders, tokens = selectors.orders_to_name(customer), selectors.tokens_to_name(customer)
    form = TicketForm(
        request.POST if request.method == "POST" else None,
        orders=orders,
        tokens=tokens,
        initial={"order": request.GET.get("order", "")[:32]},
    )
    if form.is_bound and form.is_valid():
        try:
            made = tickets.open_ticket(customer=customer, now=utc_now(), **form.cleaned_data)
            messages.success(request, _("We have your question. The answer comes by mail, and stands here."))
            return redirect("help-ticket", number=made.number)
        except PlatformError as error:
            field = str(error.fields.get("field", ""))
            form.add_error(field if field in form.fields else None, _why(error))
    context = {"form": form, "most": MOST_TEXT}
    return render(request, "help/new.html", context, status=422 if form.errors else 200)


@login_required
@never_cache
@require_safe
def ticket(request: HttpRequest, number: str) -> HttpResponse:
    """Show a question with what was written."""
    return _shown(request, number, TicketReplyForm())


@login_required
@require_POST
def reply(request: HttpRequest, number: str) -> HttpResponse:
    """Go on with a question."""
    found = _own(request, number)
    form = TicketReplyForm(request.POST)
    if form.is_valid():
        try:
            tickets.write_on(
                customer=customer_of(request), number=found.number, text=form.cleaned_data["text"], now=utc_now()
            )
            messages.success(request, _("We have your message."))
            return redirect("help-ticket", number=found.number)
        except PlatformError as error:
            form.add_error("text", _why(error))
    return _shown(request, number, form)


@login_required
@require_POST
def close(request: HttpRequest, number: str) -> HttpResponse:
    """Say that a question is solved."""
    if tickets.close_ticket(ticket_id=_own(request, number).pk, now=utc_now()):
        messages.success(request, _("Closed. Write in it if something is left."))
    return redirect("help-ticket", number=number)


def _shown(request: HttpRequest, number: str, form: TicketReplyForm) -> HttpResponse:
    found = _own(request, number)
    context: dict[str, Any] = {
        "ticket": found,
        "thread": found.messages.all(),
        "form": form,
        "by_mail": bool(settings.SUPPORT_EMAIL),
        "shop": settings.SHOP_NAME,
    }
    return render(request, "help/ticket.html", context, status=422 if form.errors else 200)


def _own(request: HttpRequest, number: str) -> Ticket:
    found = selectors.ticket_of(customer_of(request), number)
    if found is None:
        raise Http404
    return found


def _why(error: PlatformError) -> str:
    if error.code == "too_many_tickets":
        if error.fields.get("of") == "open":
            said = _("%(most)d questions of yours are open, as many as may be. Go on in one of them, or close one.")
        else:
            said = _("%(most)d questions were asked today, as many as may be. Go on in one of them.")
        return said % {"most": error.fields["most"]}
    if error.code == "too_many_ticket_messages":
        return _("That were %(most)d messages within an hour. We have them; write on a little later.") % {
            "most": error.fields["most"]
        }
    return str(_WHY.get(str(error.fields.get("field", "")), _WHY["text"]))
