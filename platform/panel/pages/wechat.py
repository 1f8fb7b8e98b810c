"""Who a buyer inside WeChat is: asked of WeChat before its script can pay, and kept in the session alone."""

import hmac
import secrets

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing import gateways
from billing.domain.pricing import yuan
from billing.gateways.wechat import identity
from kernel.errors import PlatformError
from panel.pages import paying

_STATE = "wechat_state"


@login_required
@never_cache
@require_safe
def ask(request: HttpRequest, public_id: str, of: str = "purchase") -> HttpResponse:
    """Send the browser to WeChat, from a page that was got: a form may not lead to another host."""
    if "wechat" not in gateways.names():
        raise Http404
    found = paying.own_order(request, public_id, of)
    state = secrets.token_urlsafe(24)
    request.session[_STATE] = [state, found.public_id, of]
    url = identity.authorize_url(back_to=f"{settings.PANEL_URL}{reverse('wechat-return')}", state=state)
    return render(
        request,
        "panel/wechat.html",
        {"url": url, "due": yuan(found.cash_fen), "order_url": reverse(of, args=[public_id])},
    )


@login_required
@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Keep who WeChat says this is, and go on to the payment that was chosen before."""
    state, public_id, of = request.session.pop(_STATE, ["", "", "purchase"])
    told = request.GET.get("state", "")
    # Else a stranger's link would have the buyer pay as somebody else.
    if not state or not hmac.compare_digest(told.encode(), state.encode()):
        raise Http404
    found = paying.own_order(request, public_id, of)
    try:
        request.session["wechat_open_id"] = identity.open_id_of(request.GET.get("code", "")[:128])
    except PlatformError:
        messages.error(request, _("WeChat did not say who you are. Try again, or pay another way."))
        return redirect(of, public_id=public_id)
    return paying.leave(request, found, "wechat", "bridge")
