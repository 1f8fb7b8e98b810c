"""A person's account: who they are, how they log in, where they are logged in, their data, and the way out."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, sms, weixin
from accounts.domain.phones import masked
from accounts.errors import AccountStays
from accounts.models import Customer
from accounts.services import personal, sessions
from billing.domain.pricing import exact_yuan
from kernel.clock import utc_now
from panel.domain.browsers import browser_name
from panel.forms import LeavingForm
from panel.pages.paying import customer_of

PROVED_FOR_S = 15 * 60  # who has logged in so lately is not asked again before taking data along
AGAIN_FOR_S = 5 * 60  # nor, before an account is deleted, who was asked again so lately


@login_required
@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show everything about an account at a glance, each part with the way to change it."""
    customer, now = customer_of(request), utc_now()
    addresses = list(EmailAddress.objects.filter(user=customer).order_by("-primary", "email"))
    primary = next((one for one in addresses if one.email.lower() == customer.email.lower()), None)
    context = {
        "verified": primary is not None and primary.verified,
        "addresses": len(addresses) or 1,
        "phone": masked(customer.phone) if customer.phone else "",
        "wechat": SocialAccount.objects.filter(user=customer, provider="weixin").exists(),
        "second_factor": is_mfa_enabled(customer, [Authenticator.Type.TOTP]),
        "browsers": len(sessions.sessions_of(customer, now=now)) or 1,
        "keys": len(selectors.api_keys_of(customer, now)),
        "phone_door": sms.is_on(),
        "wechat_door": weixin.is_on(),
        "has_password": customer.has_usable_password(),
    }
    return render(request, "account/overview.html", context)


@login_required
@never_cache
@require_safe
def browsers(request: HttpRequest) -> HttpResponse:
    """Show where an account is logged in."""
    here = request.session.session_key
    rows = [
        {"row": one, "name": browser_name(one.agent), "is_here": one.session_key == here}
        for one in sessions.sessions_of(customer_of(request), now=utc_now())
    ]
    rows.sort(key=lambda one: not one["is_here"])
    others = sum(not one["is_here"] for one in rows)
    return render(request, "account/browsers.html", {"browsers": rows, "others": others})


@login_required
@require_POST
def end_browser(request: HttpRequest, pk: int) -> HttpResponse:
    """Log one of one's browsers out."""
    if sessions.end_session(customer=customer_of(request), pk=pk):
        messages.success(request, _("That browser is logged out."))
    return redirect("account-browsers")


@login_required
@require_POST
def end_browsers(request: HttpRequest) -> HttpResponse:
    """Log all of one's browsers out but this one."""
    sessions.end_sessions(customer=customer_of(request), but=request.session.session_key)
    messages.success(request, _("All other browsers are logged out."))
    return redirect("account-browsers")


def proved_since(request: HttpRequest, *, again: bool) -> bool:
    """Tell whether somebody has shown lately that they are who they are.

    Args:
        again: by the password or a code within this session, where they have one; else having logged in is enough.
    """
    records = get_authentication_records(request, request.user)
    if again and get_adapter().get_reauthentication_methods(request.user):
        records = [one for one in records if one.get("reauthenticated")]
    newest = max((float(one.get("at", 0)) for one in records), default=0.0)
    return utc_now().timestamp() - newest < (AGAIN_FOR_S if again else PROVED_FOR_S)


def _where_to_prove(request: HttpRequest) -> str:
    """Return the page that asks for the password or a code; "" for who has neither, and has to log in anew."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    return f"{methods[0]['url']}?{urlencode({'next': request.path})}" if methods else ""


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """Hand somebody everything that is kept about them, as one ZIP."""
    context: dict[str, Any] = {"proved": proved_since(request, again=False), "prove_url": _where_to_prove(request)}
    if request.method != "POST" or not context["proved"]:
        return render(request, "account/export.html", context)
    if not ratelimit.consume(request, app="allauth.account", action="export", user=request.user):
        return render(request, "account/export.html", {**context, "too_many": True}, status=429)
    customer, now = customer_of(request), utc_now()
    pieces = personal.export(customer, now=now)
    return StreamingHttpResponse(
        _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="tickpack-{now:%Y-%m-%d}.zip"'},
    )


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what a generator makes, each piece in a thread of its own: it asks the database."""
    end = object()
    step = sync_to_async(lambda: next(pieces, end))
    while (piece := await step()) is not end:
        assert isinstance(piece, bytes)
        if piece:
            yield piece


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponseBase:
    """Say what deleting an account means, and delete it."""
    customer, now = customer_of(request), utc_now()
    how = personal.leaving(customer, now=now)
    proved = proved_since(request, again=True)
    form = LeavingForm(
        request.POST if request.method == "POST" and proved else None, email=customer.email, balance_fen=how.balance_fen
    )
    if form.is_bound and form.is_valid() and not how.obstacles:
        try:
            personal.delete_account(customer=customer, give_up_balance=form.gives_up(), now=now)
        except AccountStays as error:
            how = personal.Leaving(error.fields["why"], how.losses, how.balance_fen)
        else:
            logout(request)
            return redirect("account-left")
    context = {
        "form": form,
        "how": how,
        "balance": exact_yuan(how.balance_fen),
        "proved": proved,
        "prove_url": _where_to_prove(request),
    }
    refused = form.is_bound and bool(form.errors or how.obstacles)
    return render(request, "account/leave.html", context, status=422 if refused else 200)


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Say that an account is gone."""
    if isinstance(request.user, Customer):
        return redirect(reverse("account"))
    return render(request, "account/left.html")
