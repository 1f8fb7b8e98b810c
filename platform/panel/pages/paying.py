"""From an order to its gateway and back: choosing how to pay, the code or the account, giving an order up."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Customer
from billing.domain.pricing import yuan
from billing.errors import GatewayUnavailable
from billing.gateways.protocol import Bridge, Device, Form, Instructions, Method, Qr, Redirect
from billing.models import PaymentAttempt, Prepayment, Purchase
from billing.services import asking, attempts, prepayments, purchases
from kernel.clock import utc_now
from kernel.errors import PlatformError

NAMES = {
    "alipay": gettext_lazy("Alipay"),
    "wechat": gettext_lazy("WeChat Pay"),
    "stripe": gettext_lazy("Card (Stripe)"),
    "transfer": gettext_lazy("Bank transfer"),
    "sandbox": gettext_lazy("Sandbox: no money moves"),
}
LABELS = {
    "Account name": gettext_lazy("Account name"),
    "Account number": gettext_lazy("Account number"),
    "Bank": gettext_lazy("Bank"),
    "Amount": gettext_lazy("Amount"),
}
METHODS = {
    "page": gettext_lazy("on its page"),
    "qr": gettext_lazy("with your phone"),
    "bridge": gettext_lazy("here in WeChat"),
    "transfer": gettext_lazy("from your bank"),
}


def customer_of(request: HttpRequest) -> Customer:
    """Return who is logged in."""
    assert isinstance(request.user, Customer)  # login_required stands before every caller
    return request.user


def device_of(request: HttpRequest) -> Device:
    """Return where the buyer sits, as the browser says."""
    agent = request.headers.get("User-Agent", "")
    if "MicroMessenger" in agent:
        return Device.WECHAT
    return Device.PHONE if "Mobile" in agent or "Android" in agent else Device.COMPUTER


def shown_ways(device: Device) -> list[dict[str, Any]]:
    """Return how one can pay on a device, as the page shows it."""
    return [
        {"gateway": name, "method": str(method), "name": NAMES.get(name, name), "how": METHODS[method]}
        for name, method in attempts.ways_to_pay(device)
    ]


def own_order(request: HttpRequest, public_id: str, of: str) -> Purchase | Prepayment:
    """Return an order of who is logged in: a `purchase` or a `prepayment`, which are also their pages' names."""
    if of == "purchase":
        return get_object_or_404(Purchase, public_id=public_id, customer=customer_of(request))
    return get_object_or_404(Prepayment, public_id=public_id, customer=customer_of(request))


def waiting(order: Purchase | Prepayment, *, can_pay: bool) -> dict[str, Any]:
    """Return what the part of a page shows on which an order is paid, asked for or given up."""
    of = kind_of(order)
    return {
        "can_pay": can_pay,
        "cash": yuan(order.cash_fen),
        "price_until_at": order.price_until_at,
        **{f"{what}_url": reverse(f"{of}-{what}", args=[order.public_id]) for what in ("pay", "ask", "cancel")},
    }


def kind_of(order: Purchase | Prepayment) -> str:
    """Return `purchase` or `prepayment`."""
    return "purchase" if isinstance(order, Purchase) else "prepayment"


@login_required
@require_POST
def pay(request: HttpRequest, public_id: str, of: str = "purchase") -> HttpResponse:
    """Begin a payment in the way that was chosen, or go on with the one that was begun."""
    found = own_order(request, public_id, of)
    chosen, method = request.POST.get("gateway", ""), request.POST.get("method", "")
    if not chosen:
        try:
            chosen, method = attempts.first_way(device=device_of(request))
        except PlatformError:
            messages.error(request, _("This shop takes no payments at present."))
            return redirect(of, public_id=public_id)
    return leave(request, found, chosen, method)


def leave(request: HttpRequest, order: Purchase | Prepayment, gateway: str, method: str) -> HttpResponse:
    """Begin a payment and go to the page from which the browser leaves; say what is wrong where it cannot begin."""
    of = kind_of(order)
    if (gateway, method) == ("wechat", Method.BRIDGE) and "wechat_open_id" not in request.session:
        return redirect(f"{of}-wechat", public_id=order.public_id)
    try:
        attempt, _start = attempts.start_attempt(
            order=order,
            gateway_name=gateway,
            method=method,
            now=utc_now(),
            client_ip=request.META.get("REMOTE_ADDR") or "",
            open_id=str(request.session.get("wechat_open_id", "")),
            device=device_of(request),
        )
    except GatewayUnavailable:
        messages.error(request, _("The payment gateway does not answer. Try again in a moment, or pay another way."))
        return redirect(of, public_id=order.public_id)
    except PlatformError:
        messages.error(request, _("This purchase cannot be paid so. Choose another way, or start a new one."))
        return redirect(of, public_id=order.public_id)
    return redirect(f"{of}-attempt", public_id=order.public_id, order_no=attempt.order_no)


@login_required
@never_cache
@require_safe
def attempt(request: HttpRequest, public_id: str, order_no: str, of: str = "purchase") -> HttpResponse:
    """Send the browser to its gateway, or show the code or the account to pay to.

    A page that is got, since a form may not lead to another host (its policy names ours alone).
    """
    found = _attempt(request, public_id, order_no, of)
    start = attempts.shown(found)
    if start is None or found.state != PaymentAttempt.State.OPEN or not attempts.can_be_paid(found.order, utc_now()):
        return redirect(of, public_id=public_id)
    if isinstance(start, Redirect) and start.url.startswith("/"):
        return redirect(start.url)
    context: dict[str, Any] = {
        "attempt": found,
        "title": attempts.title_of(found.order),
        "order_url": reverse(of, args=[public_id]),
        "state_url": reverse(f"{of}-state", args=[public_id]),
        "code_url": reverse(f"{of}-code", args=[public_id, order_no]),
        "name": NAMES.get(found.gateway, found.gateway),
    }
    match start:
        case Redirect(url, _kept):
            context |= {"url": url}
        case Form(url, fields):
            context |= {"url": url, "fields": dict(fields)}
        case Qr(_text):
            context |= {"qr": True}
        case Bridge(parameters):
            context |= {"bridge": dict(parameters)}
        case Instructions(lines, purpose):
            context |= {"lines": [(LABELS.get(label, label), value) for label, value in lines], "purpose": purpose}
    answer = render(request, "panel/attempt.html", context)
    if isinstance(start, Redirect):
        # WeChat's page for phones opens only for who comes from the domain that is filed with it.
        answer["Referrer-Policy"] = "strict-origin"
    if isinstance(start, Form):
        parts = urlsplit(start.url)
        vars(answer)["_csp_update"] = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # read by csp.middleware
    return answer


@login_required
@never_cache
@require_safe
def code(request: HttpRequest, public_id: str, order_no: str, of: str = "purchase") -> HttpResponse:
    """Draw the QR code of an attempt. Here, since what it says is a payment."""
    start = attempts.shown(_attempt(request, public_id, order_no, of))
    if not isinstance(start, Qr):
        raise Http404
    drawn = BytesIO()
    segno.make(start.text, micro=False, error="m").save(drawn, kind="svg", scale=6, border=4, light="white")
    return HttpResponse(drawn.getvalue(), content_type="image/svg+xml")


@login_required
@require_POST
def ask(request: HttpRequest, public_id: str, of: str = "purchase") -> HttpResponse:
    """Ask the gateways what became of an order, as "I have paid" does; each once in five seconds at most."""
    asking.ask_for_page(order=own_order(request, public_id, of), now=utc_now())
    return redirect(of, public_id=public_id)


@login_required
@require_POST
def cancel(request: HttpRequest, public_id: str, of: str = "purchase") -> HttpResponse:
    """Give up an order that waits for its payment."""
    found = own_order(request, public_id, of)
    try:
        if isinstance(found, Purchase):
            purchases.cancel_purchase(purchase_id=found.pk, by=customer_of(request), now=utc_now())
        else:
            prepayments.cancel_prepayment(prepayment_id=found.pk, now=utc_now())
        messages.success(request, _("The order is cancelled."))
    except PlatformError:
        messages.error(request, _("This order does not wait for a payment any more."))
    return redirect(of, public_id=public_id)


def _attempt(request: HttpRequest, public_id: str, order_no: str, of: str) -> PaymentAttempt:
    rows = PaymentAttempt.objects.select_related("purchase__plan", "prepayment__plan_version__plan")
    own = {f"{of}__public_id": public_id, f"{of}__customer": customer_of(request)}
    return get_object_or_404(rows, order_no=order_no, **own)
