"""The REST interface for bars, in the envelope that clients of tickdb.ai know: {code, message, data}.

Auth is the real-time token as `X-API-Key` or `Authorization: Bearer`. REST uses no symbol quota, but a market must be
in the token's scope.
"""

from typing import Any, NoReturn

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from kernel import clock
from kernel.errors import PlatformError, Unavailable
from kernel.instruments import BadSymbol
from kernel.scope import Step
from kernel.tokens import BadToken
from streaming import selectors, serializers
from streaming.api.node import bearer, not_a_get
from streaming.errors import BadParameter, MarketNotAllowed, UnknownSymbol
from streaming.store import entitlements, keys

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
INTERVALS = ("1m",)

_CODES: tuple[tuple[type[PlatformError], int], ...] = (
    (BadToken, 1001),
    (MarketNotAllowed, 1004),
    (UnknownSymbol, 2002),
    (BadSymbol, 2005),
    (BadParameter, 2001),
    (Unavailable, 5001),
)


@csrf_exempt
def kline(request: HttpRequest) -> JsonResponse:
    """Answer with closed minute bars of one instrument."""
    if (answer := not_a_get(request)) is not None:
        return answer
    try:
        step = _step_of(request)
        asked = request.GET.get("symbol", "").strip()
        if not asked:
            _refuse("symbol is required")
        interval = request.GET.get("interval", "1m")
        if interval not in INTERVALS:
            _refuse(f"interval {interval[:16]!r} is not carried; this node carries {', '.join(INTERVALS)}")
        if request.GET.get("adjust", "none") != "none":
            _refuse("adjust is not carried; this node carries none, prices as they were traded")
        limit = _whole_number(request, "limit")
        limit = DEFAULT_LIMIT if limit is None or limit <= 0 else min(limit, MAX_LIMIT)
        start_ms, end_ms = _whole_number(request, "start_time"), _whole_number(request, "end_time")
        instrument = selectors.find_instrument(asked)
        market = instrument.id.market
        if market is not None and market not in step.markets:
            raise MarketNotAllowed(f"the plan does not include the market {market}")
        bars = selectors.minute_bars(instrument, start_ms=start_ms, end_ms=end_ms, limit=limit)
    except PlatformError as error:
        return _refused(error, has_token=bool(_token_of(request)))
    data = serializers.kline(asked, instrument, interval, bars)
    return _open_to_all(JsonResponse({"code": 0, "message": "success", "data": data}))


def _step_of(request: HttpRequest) -> Step:
    return entitlements.effective(keys.verify(bearer(request))).at(clock.now_ms() / 1000)


def _token_of(request: HttpRequest) -> str:
    return request.headers.get("X-API-Key", "").strip() or request.headers.get("Authorization", "").strip()


def _whole_number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    # int() reads other scripts' digits and underscores too, and a text of any length.
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() and len(text) <= 17):
        _refuse(f"{name} must be a whole number")
    return int(text)


def _refuse(reason: str) -> NoReturn:
    raise BadParameter(f"Invalid parameter: {reason}")


def _refused(error: PlatformError, *, has_token: bool) -> JsonResponse:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), 5000)
    message: str = error.message
    if isinstance(error, BadToken):
        code, message = (1001, f"Invalid or expired token: {message}") if has_token else (1002, "Token is required")
    body: dict[str, Any] = {"code": code, "message": message, "data": None}
    response = _open_to_all(JsonResponse(body, status=error.http_status))
    if isinstance(error, BadToken):
        response["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="{error.code}"'
    if isinstance(error, Unavailable):
        response["Retry-After"] = "2"
    return response


def _open_to_all(response: JsonResponse) -> JsonResponse:
    # No cookie has a say here, so a page of any origin that has the token may read the answer.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Headers"] = "Authorization, X-API-Key"
    response["Access-Control-Max-Age"] = "86400"
    response["Cache-Control"] = "no-store"
    return response
