"""What a node tells its operators alone: by a token, from networks that the settings name, or from the machine itself.

Behind a proxy on the same machine everybody seems to come from it, so a request that was passed on is nobody's.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from functools import lru_cache, wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kernel import credentials
from streaming.api.rest import Answer, json_answer, straight

_PASSED_ON = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")
_REFUSED = {
    "code": "operators_only",
    "message": "this address is for the operator: ask from the machine itself, from a network of "
    "TICKPACK_METRICS_FROM, or with TICKPACK_METRICS_TOKEN as `Authorization: Bearer`",
}


def operators_only(view: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Answer:
    """Make a view that answers operators; 403 for everybody else."""

    @wraps(view)
    async def answer(request: HttpRequest) -> HttpResponse:
        if not is_operator(request):
            return json_answer({**_REFUSED, "status": "error"}, 403)
        return await view(request)

    return straight(answer)


def is_operator(request: HttpRequest) -> bool:
    """Tell whether a request has the operator's token, or comes from where operators ask."""
    told, expected = credentials.bearer(request.headers.get("Authorization")), settings.METRICS_TOKEN
    if told and expected and hmac.compare_digest(told.encode(errors="replace"), expected.encode()):
        return True
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        # Whoever has an account on the machine comes from it as well: where there is a token, it is asked for.
        return not expected and not any(name in request.headers for name in _PASSED_ON)
    return any(address in network for network in _networks(tuple(settings.METRICS_FROM)))


@lru_cache(maxsize=4)
def _networks(named: tuple[str, ...]) -> tuple["ipaddress.IPv4Network | ipaddress.IPv6Network", ...]:
    return tuple(map(ipaddress.ip_network, named))
