"""What every page's request goes through first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from config import problems, request_ids
from kernel.problems import applies_to

_Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestId:
    """Gives each request a number, and tells it with the answer. It stands outside all others: they fail, too."""

    def __init__(self, get_response: _Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Never what a client sends: a number that is in two requests is of no use to anybody.
        number = request_ids.new()
        mark = request_ids.current.set(number)
        request.request_id = number  # type: ignore[attr-defined]
        try:
            answer = self._get_response(request)
            answer.headers[request_ids.HEADER] = number
            return answer
        finally:
            request_ids.current.reset(mark)


class NoNulBytes:
    """Refuses an address with a NUL in it: no text of the database can hold one, and each lookup would fail as a fault.

    Forms and JSON have checks of their own; addresses have none.
    """

    def __init__(self, get_response: _Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            said = "the address has a NUL (%00) in it"
            if applies_to(request.path_info):
                return problems.plain("malformed", said)
            return JsonResponse({"code": "malformed", "message": said}, status=400)
        return self._get_response(request)
