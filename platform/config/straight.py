"""A short way for the data plane's own addresses: no session, cookie or language has a say in them.

One synchronous middleware makes Django run the whole chain in a thread, and an asynchronous view hops there and back:
that was most of a request's time. What `SecurityMiddleware` does (redirect to HTTPS, its headers) holds here as well.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import URLPattern, get_resolver

View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def straight_views(urlconf: str) -> dict[str, View]:
    """Return the views that are marked `straight`, by their whole address."""
    return {
        f"/{one.pattern}": one.callback
        for one in get_resolver(urlconf).url_patterns
        if isinstance(one, URLPattern) and getattr(one.callback, "straight", False) and not one.pattern.converters
    }


class Straight(ASGIHandler):
    """Django's handler for the marked views of some urlconfs, with no other middleware than that for security.

    Whoever asks is answered, whatever host name they use: probes ask by address, and no answer has a link in it.
    """

    def __init__(self, urlconfs: Iterable[str]) -> None:
        self.views = {address: view for urlconf in urlconfs for address, view in straight_views(urlconf).items()}
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        security = SecurityMiddleware(lambda request: HttpResponse())  # its two halves are called below

        async def answer(request: HttpRequest) -> HttpResponseBase:
            if (elsewhere := security.process_request(request)) is not None:
                return elsewhere
            return security.process_response(request, await self.views[request.path_info](request))  # type: ignore[arg-type]

        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(answer)
