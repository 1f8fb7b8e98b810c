"""A customer's watch lists for the live page's scripts, and the page that a link shares."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.domain.watch_lists import MOST_LISTS, MOST_SYMBOLS
from accounts.errors import BadWatchList, TooManyWatchLists
from accounts.models import WatchList
from kernel.clock import utc_now
from kernel.errors import PlatformError
from nodes.selectors import names_of
from panel.pages.paying import customer_of

View = Callable[..., HttpResponse]


def _with_errors(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **named: Any) -> HttpResponse:
        try:
            return view(request, **named)
        except PlatformError as error:
            return JsonResponse(error.as_json(), status=error.http_status)

    return answer


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_with_errors
def watch_lists(request: HttpRequest) -> HttpResponse:
    """Tell a customer's lists, or make one of `{"name", "symbols"}`."""
    customer = customer_of(request)
    if request.method == "POST":
        asked = _asked(request)
        made = services.create_watch_list(
            customer=customer, name=asked.get("name"), symbols=asked.get("symbols", []), now=utc_now()
        )
        return JsonResponse(_row(request, made), status=201)
    rows = [_row(request, one) for one in selectors.watch_lists_of(customer)]
    return JsonResponse({"lists": rows, "most_lists": MOST_LISTS, "most_symbols": MOST_SYMBOLS})


@login_required
@require_POST
@_with_errors
def change_watch_list(request: HttpRequest, list_id: str) -> HttpResponse:
    """Change a list: any of name, add, remove, order, place, shared; answer how it stands now."""
    found = get_object_or_404(WatchList, public_id=list_id, customer=customer_of(request))
    try:
        return JsonResponse(
            _row(request, services.change_watch_list(pk=found.pk, asked=_asked(request), now=utc_now()))
        )
    except WatchList.DoesNotExist:
        raise Http404 from None


@login_required
@require_POST
def remove_watch_list(request: HttpRequest, list_id: str) -> HttpResponse:
    """Remove a list."""
    get_object_or_404(WatchList, public_id=list_id, customer=customer_of(request)).delete()
    return JsonResponse({})


@never_cache
@require_safe
def shared_list(request: HttpRequest, share: str) -> HttpResponse:
    """Show a list that somebody shares: its name and products, and nothing of whose it is."""
    found = _shared(share)
    names = names_of(found.symbols)
    products = [(symbol, names.get(symbol, "")) for symbol in found.symbols]
    return render(request, "panel/shared_list.html", {"list": found, "products": products, "share": share})


@require_POST
def add_shared_list(request: HttpRequest, share: str) -> HttpResponse:
    """Copy a shared list into one's own."""
    found = _shared(share)
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("shared-list", args=[share]))
    try:
        made = services.create_watch_list(
            customer=customer_of(request), name=found.name, symbols=list(found.symbols), now=utc_now()
        )
    except TooManyWatchLists:
        why = _("You have %(most)d lists, as many as there may be. Remove one first.")
        messages.error(request, why % {"most": MOST_LISTS})
        return redirect("shared-list", share=share)
    messages.success(request, _("“%(name)s” is one of your lists now.") % {"name": found.name})
    return redirect(f"{reverse('live')}?{urlencode({'list': made.public_id})}")


def _shared(share: str) -> WatchList:
    found = selectors.shared_watch_list(share)
    if found is None:
        raise Http404
    return found


def _asked(request: HttpRequest) -> dict[str, Any]:
    try:
        asked = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise BadWatchList("the body is no JSON") from None
    if not isinstance(asked, dict):
        raise BadWatchList("the body is no object")
    return asked


def _row(request: HttpRequest, one: WatchList) -> dict[str, Any]:
    link = request.build_absolute_uri(reverse("shared-list", args=[one.share_code])) if one.share_code else None
    return {"id": one.public_id, "name": one.name, "symbols": one.symbols, "link": link}
