"""Receipts, fapiao, and the list of orders as a file."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from billing import selectors
from billing.documents import csv_file
from billing.domain.months import SHANGHAI
from billing.domain.pricing import exact_yuan
from billing.errors import AlreadyOnFapiao, BadFapiao, NoReceipt
from billing.models import BuyerTitle, FapiaoRequest, Purchase
from billing.services import fapiao, receipts
from kernel.clock import utc_now
from kernel.errors import PlatformError
from panel.forms import FapiaoForm
from panel.pages.paying import customer_of


@login_required
@never_cache
@require_safe
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    """Draw the receipt of a paid order, in the page's language."""
    rows = Purchase.objects.select_related("plan", "customer", "grant")
    found = get_object_or_404(rows, public_id=public_id, customer=customer_of(request))
    try:
        drawn = receipts.receipt_pdf(purchase=found, language=get_language() or "en")
    except NoReceipt:
        raise Http404 from None
    name = receipts.file_name(found)
    return HttpResponse(
        drawn, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


@login_required
@never_cache
@require_safe
def orders_csv(request: HttpRequest) -> HttpResponse:
    """Answer all orders of the buyer as a file, in UTF-8 or GB18030."""
    encoding = request.GET.get("encoding", "utf-8").lower()
    if encoding not in csv_file.ENCODINGS:
        text = _("There is no encoding %(name)s here; write encoding=utf-8 or encoding=gb18030.")
        return HttpResponse(text % {"name": encoding[:20]}, status=400, content_type="text/plain; charset=utf-8")
    heads = (
        _("Order number"), _("Placed"), _("Pack"), _("Kind"), _("Months"), _("Node"), _("State"), _("Amount, CNY"),
        _("Paid at"), _("Begins"), _("Ends"),
    )  # fmt: skip
    rows = [_row(one) for one in selectors.every_purchase_of(customer_of(request))]
    return HttpResponse(
        b"".join(csv_file.lines(heads, rows, encoding)),
        content_type=csv_file.content_type(encoding),
        headers={"Content-Disposition": 'attachment; filename="orders.csv"'},
    )


@login_required
@never_cache
@require_safe
def fapiao_page(request: HttpRequest) -> HttpResponse:
    """Show the orders that a fapiao can be asked for, and what became of earlier requests."""
    return render(request, "panel/fapiao.html", _fapiao(request, None))


@login_required
@require_POST
def ask_fapiao(request: HttpRequest) -> HttpResponse:
    """Ask for one fapiao on the orders that were ticked."""
    form = FapiaoForm(request.POST)
    orders = request.POST.getlist("order")
    if form.is_valid():
        try:
            fapiao.ask_fapiao(customer=customer_of(request), orders=orders, now=utc_now(), **form.cleaned_data)
            messages.success(request, _("We have your request. The fapiao comes by mail, and stands on this page."))
            return redirect("fapiao")
        except AlreadyOnFapiao:
            messages.error(request, _("One of these orders is on another fapiao already."))
        except BadFapiao as error:
            field = str(error.fields.get("field", ""))
            form.add_error(field if field in form.fields else None, _why(field))
    return render(request, "panel/fapiao.html", _fapiao(request, form, orders), status=422)


@login_required
@require_POST
def withdraw_fapiao(request: HttpRequest, number: str) -> HttpResponse:
    """Take back a request that is not issued."""
    found = get_object_or_404(FapiaoRequest, number=number, customer=customer_of(request))
    try:
        fapiao.withdraw_fapiao(request_id=found.pk, why="", now=utc_now())
        messages.success(request, _("The request is withdrawn. You can ask for its orders again."))
    except PlatformError:
        messages.error(request, _("This fapiao has been issued already. Write to us if it is wrong."))
    return redirect("fapiao")


@login_required
@never_cache
@require_safe
def fapiao_file(request: HttpRequest, number: str) -> HttpResponse:
    """Answer the fapiao itself."""
    found = get_object_or_404(FapiaoRequest, number=number, customer=customer_of(request))
    file = found.file_of()
    if file is None:
        raise Http404
    # Never shown inside our pages: an XML file could bring a script of its own.
    name = f"{found.fapiao_number}.{file.name.rpartition('.')[2]}"
    return HttpResponse(
        bytes(file.body),
        content_type=file.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


@login_required
@require_POST
def receipt_title(request: HttpRequest) -> HttpResponse:
    """Print another name on the buyer's receipts."""
    receipts.name_buyer(customer=customer_of(request), title=request.POST.get("title", ""))
    messages.success(request, _("Receipts name it from now on, older ones as well."))
    return redirect("fapiao")


def _fapiao(request: HttpRequest, form: FapiaoForm | None, ticked: list[str] | None = None) -> dict[str, Any]:
    customer = customer_of(request)
    title = BuyerTitle.objects.filter(customer=customer).first()
    if form is None:
        known = ("kind", "title", "tax_number", "mail")
        form = FapiaoForm(initial={name: getattr(title, name) for name in known} if title is not None else {})
    requests = fapiao.requests_of(customer)
    return {
        "form": form,
        "orders": fapiao.billable(customer),
        "ticked": ticked or [],
        "requests": requests,
        "files": fapiao.with_files(requests),
        "title": title.title if title is not None else "",
    }


def _why(field: str) -> str:
    return {
        "orders": _("Tick at least one order; only what was paid and not paid back can be on a fapiao."),
        "title": _("Write the title: the company's full name, or the person's."),
        "tax_number": _("This is no tax number. It has 18 digits and capital letters; check it for a slip."),
        "mail": _("This is no mail address."),
    }.get(field, _("Check the form, and send it again."))


def _row(one: Purchase) -> tuple[Any, ...]:
    grant = selectors.grant_of(one)
    times = (one.placed_at, one.settled_at, grant.starts_at if grant else None, grant.ends_at if grant else None)
    placed, paid, starts, ends = (f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if at else None for at in times)
    return (
        one.public_id, placed, one.plan.name, one.get_kind_display(), one.months, one.node.slug,
        one.get_state_display(), exact_yuan(one.due_fen), paid, starts, ends,
    )  # fmt: skip
