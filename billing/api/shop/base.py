"""What every address of the shop's API has in common: who comes in, how pages and keys are read, what errors say."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import IO, Any, ClassVar, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.api import ApiKeyAuthentication, ByKey, HasScope
from accounts.errors import AccountInactive, ApiKeyExpired, ApiKeyRevoked, ApiKeyUnknown, ScopeMissing
from accounts.models import Customer
from billing.api.shop.serializers import ProblemShown
from billing.errors import BadCursor, IdempotencyKeyMissing
from billing.gateways.protocol import Device, Redirect
from billing.models import Prepayment, Purchase
from billing.selectors import lists
from billing.services import attempts, purchases
from kernel import problems
from kernel.errors import PlatformError

PAGE, MOST = 50, 100  # rows of a page
_Row = TypeVar("_Row", bound=Model)
_View = TypeVar("_View", bound=Callable[..., Any])
Errors = Iterable[type[PlatformError]]

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="1 to 80 printable characters, new ones for each order; a repeat is answered with the first order",
)  # fmt: skip
PAGED = (
    OpenApiParameter("cursor", str, description="`next` of the page before"),
    OpenApiParameter("limit", int, description=f"rows of a page, 1 to {MOST}; {PAGE} without it"),
)
_LET_IN: tuple[type[PlatformError], ...] = (
    ApiKeyUnknown, ApiKeyRevoked, ApiKeyExpired, AccountInactive, ScopeMissing,
)  # fmt: skip
_OF_PEOPLE = ("not_authenticated", "csrf_failed", "permission_denied", "too_many_requests")
_ALWAYS = ("malformed", "not_found", "method_not_allowed", "not_acceptable", "internal_error", "unavailable")
_WITH_A_BODY = ("body_unreadable", "fields_invalid", "unsupported_media_type", "body_too_large")
RAISED: dict[str, type[PlatformError]] = {}  # our own errors that some address can answer, by their codes


class Json(JSONParser):
    """JSON objects alone; what is nested so deeply that Python gives up cannot be read either."""

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("the JSON is nested too deeply") from None
        if not isinstance(found, dict):
            raise ParseError(f"the body is a JSON object, not {type(found).__name__}")
        return found


class _Escaped(JSONRenderer):
    ensure_ascii = True


class JsonShown(JSONRenderer):
    """JSON as people read it; what a refusal quotes of a request may be half a character, which is escaped then."""

    def render(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().render(*args, **kwargs)
        except UnicodeEncodeError:
            return _Escaped().render(*args, **kwargs)


class OneKind(BaseContentNegotiation):
    """An address that answers one kind of file, whatever `Accept` says; refusals are JSON as everywhere."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ShopView(APIView):
    """An address of the API. `scopes` says what a method needs of a key; without a word it is `read`."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (ApiKeyAuthentication, SessionAuthentication)
    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated, HasScope)
    throttle_classes: Sequence[type[BaseThrottle]] = (ByKey,)
    parser_classes = (Json,)
    renderer_classes = (JsonShown,)
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put"]  # type: ignore[misc]
    scopes: ClassVar[Mapping[str, str]] = {}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def customer_of(request: Request) -> Customer:
    """Return who asks."""
    assert isinstance(request.user, Customer)  # IsAuthenticated lets nobody else in
    return request.user


def address_of(request: Request) -> str | None:
    """Return from where somebody asks, which orders are counted by."""
    return request.META.get("REMOTE_ADDR") or None


def idempotency_key(request: Request) -> str:
    """Return the key of an order.

    Raises:
        IdempotencyKeyMissing, BadPurchase.
    """
    key: str = request.headers.get("Idempotency-Key", "")
    if not key:
        raise IdempotencyKeyMissing
    return purchases.key_of_buyer(key)


def said(serializer: Any, request: Request) -> dict[str, Any]:
    """Return what a body says, or what a query asks where there is no body.

    Raises:
        ValidationError: a field that cannot be used, or that there is not.
    """
    read = serializer(data=request.query_params if request.method == "GET" else request.data)
    read.is_valid(raise_exception=True)
    found: dict[str, Any] = read.validated_data
    return found


def paged(request: Request, rows: QuerySet[_Row]) -> tuple[Sequence[_Row], str | None]:
    """Return the page that was asked for, and the cursor of the next one.

    Raises:
        BadCursor: the cursor or the limit is none.
    """
    asked = request.query_params
    limit = asked.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= MOST):
        raise BadCursor(f"`limit` is {limit[:20]!r}; write a number from 1 to {MOST}", most=MOST)
    found = lists.page(rows, before=_key(asked.get("cursor", "")), most=int(limit))
    return found.rows, _cursor(found.before) if found.before is not None else None


def _cursor(before: int) -> str:
    return base64.urlsafe_b64encode(f"before:{before}".encode()).decode().rstrip("=")


def _key(cursor: str) -> int | None:
    if not cursor:
        return None
    try:
        name, _, key = base64.urlsafe_b64decode(f"{cursor[:40]}===").decode("ascii").partition(":")
        if name != "before" or not key.isdigit() or len(key) > 18:  # SQL's largest key has 19
            raise ValueError(cursor)
        return int(key)
    except (ValueError, binascii.Error):
        raise BadCursor(cursor=cursor[:40]) from None


def placed(order: Purchase | Prepayment, told: dict[str, Any], *, now: datetime) -> Response:
    """Return the answer to an order: 201 where it is new, 200 where its key was used for the same one before."""
    return Response(told, status=HTTPStatus.CREATED if order.placed_at == now else HTTPStatus.OK)


def way_to_pay(gateway: str, *, needed: bool) -> tuple[str, str] | None:
    """Return the gateway and the method of an order; None where the shop has none and perhaps none is needed.

    Raises:
        PaymentsOff: it is needed, or was asked for, and cannot be used.
    """
    if not needed and not gateway and not attempts.ways_to_pay(Device.COMPUTER):
        return None
    return attempts.first_way(gateway)


def pay_url(order: Purchase | Prepayment, way: tuple[str, str] | None, now: datetime) -> str | None:
    """Begin a payment and return where a browser pays; None where nothing is to be paid any more.

    Raises:
        GatewayRefused, GatewayUnavailable: the order stands all the same; asked again, it is begun again.
    """
    if way is None or not attempts.can_be_paid(order, now):
        return None
    _, start = attempts.start_attempt(order=order, gateway_name=way[0], method=way[1], now=now)
    url = start.url if isinstance(start, Redirect) else attempts.page_of(order)
    return f"{settings.PANEL_URL}{url}" if url.startswith("/") else url


def described(
    operation: str,
    ok: Mapping[Any, Any],
    *,
    errors: Errors = (),
    request: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    problem: Any = ProblemShown,
    public: bool = False,
) -> Callable[[_View], _View]:
    """Say what a method takes and answers, for the API's description: what is good, and every problem by its code."""
    ours: tuple[type[PlatformError], ...] = (*(() if public else _LET_IN), *errors)
    RAISED.update({error.code: error for error in ours})
    told: dict[int, list[str]] = {}
    always = (*(() if public else _OF_PEOPLE), *_ALWAYS, *(_WITH_A_BODY if request is not None else ()))
    for code in always:
        told.setdefault(problems.HTTP[code][0], []).append(code)
    for error in ours:
        told.setdefault(error.http_status, []).append(error.code)
    responses: dict[Any, Any] = dict(ok)
    for status, codes in sorted(told.items()):
        shown = problem if status == HTTPStatus.CONFLICT else ProblemShown
        named = ", ".join(f"`{code}`" for code in codes)
        responses[status, problems.MEDIA_TYPE] = OpenApiResponse(shown, named)
    wrap: Callable[[_View], _View] = extend_schema(
        operation_id=operation,
        tags=["Shop API"],
        parameters=list(parameters),
        request=request,
        responses=responses,
        auth=[] if public else None,
    )
    return wrap
