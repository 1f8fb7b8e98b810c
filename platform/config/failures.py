"""What a request that failed is answered: 503 where the database is away or overloaded, 500 for a fault of ours."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error

from config.admission import RETRY_SECONDS, unavailable_page
from config.databases import is_away


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody took (urls.handler500); Django calls it while that is being handled."""
    if not is_away(sys.exc_info()[1]):
        return server_error(request)
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if "text/html" in request.headers.get("Accept", ""):
        return HttpResponse(unavailable_page(), status=503, headers=headers)
    said = f"the shop's database does not answer; try again in {RETRY_SECONDS} s"
    return JsonResponse({"code": "unavailable", "message": said}, status=503, headers=headers)
