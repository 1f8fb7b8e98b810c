"""What a request that failed is answered: 503 where the database is away or overloaded, 500 for a fault of ours."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language_from_request

from config import plain_pages, problems, request_ids
from config.admission import RETRY_SECONDS
from config.databases import is_away
from kernel.problems import applies_to


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody took (urls.handler500); Django calls it while that is being handled."""
    if not is_away(sys.exc_info()[1]):
        return problems.plain("internal_error") if applies_to(request.path) else _plain(request, 500)
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if applies_to(request.path):
        return problems.plain("unavailable", headers=headers)
    if "text/html" in request.headers.get("Accept", ""):
        return _plain(request, 503, headers)
    said = f"the shop's database does not answer; try again in {RETRY_SECONDS} s"
    return JsonResponse({"code": "unavailable", "message": said}, status=503, headers=headers)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what nobody can read (urls.handler400): a host that is not ours, too many fields."""
    return problems.plain("malformed") if applies_to(request.path) else _plain(request, 400)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer for a form without the mark that we gave it (settings.CSRF_FAILURE_VIEW)."""
    return render(request, "403_csrf.html", status=403)


def _plain(request: HttpRequest, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    page = plain_pages.page(status, get_language_from_request(request), request_ids.current.get())
    return HttpResponse(page, status=status, headers=headers)
