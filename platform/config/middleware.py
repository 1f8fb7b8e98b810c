"""What every page's request goes through first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, JsonResponse

_Answer = Callable[[HttpRequest], HttpResponseBase]


class NoNulBytes:
    """Refuses an address with a NUL in it: no text of the database can hold one, and each lookup would fail as a fault.

    Forms and JSON have checks of their own; addresses have none.
    """

    def __init__(self, get_response: _Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return JsonResponse({"code": "malformed", "message": "the address has a NUL (%00) in it"}, status=400)
        return self._get_response(request)
