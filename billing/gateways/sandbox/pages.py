"""The sandbox gateway's own pay page. Knows nothing of purchases: it reads signed orders and posts notices."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from billing.domain.pricing import yuan
from billing.errors import BadNotice, PaymentsOff
from billing.gateways.protocol import Order
from billing.gateways.sandbox import notices
from billing.gateways.sandbox.gateway import sandbox
from kernel.clock import utc_now

LATE = timedelta(seconds=30)  # long enough to see the shop wait, short enough to wait with it
ACTIONS = ("pay", "twice", "second", "other_amount", "late", "forged", "decline")


@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest, order: str) -> HttpResponse:
    """Show what is due, or do what the visitor wants to try, and send the browser back to the shop."""
    try:
        due = sandbox().read_order(order)
    except (BadNotice, PaymentsOff) as error:
        raise Http404(error.message) from None
    if request.method == "GET":
        return render(
            request,
            "sandbox/pay.html",
            {
                "order": due,
                "amount": yuan(due.due_fen),
                "return_path": urlsplit(due.return_url).path,
                "late_seconds": int(LATE.total_seconds()),
            },
        )
    if (action := request.POST.get("action", "")) not in ACTIONS:
        raise Http404
    _notify(action, due)
    return redirect(urlsplit(due.return_url).path)  # on the host that the buyer calls us by


@transaction.atomic
def _notify(action: str, order: Order) -> None:
    message = {
        "event_id": uuid.uuid4().hex,
        "transaction_id": uuid.uuid4().hex,
        "order_id": order.order_no,
        "amount_fen": order.due_fen,
        "currency": order.currency,
        "paid_at": int(utc_now().timestamp()),
        "status": "declined" if action == "decline" else "paid",
    }
    if action == "other_amount":
        message["amount_fen"] = max(1, order.due_fen - 100)
    late = LATE if action == "late" else timedelta(0)
    for _ in range(2 if action == "twice" else 1):
        notices.post_later(message=message, forged=action == "forged", delay=late)
    if action == "second":
        again = {**message, "event_id": uuid.uuid4().hex, "transaction_id": uuid.uuid4().hex}
        notices.post_later(message=again, forged=False, delay=late)
