"""JSON entrances: purchases, the gateways' notices, and the public keys."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Customer
from billing import selectors
from billing.errors import BadPurchase, PaymentsOff
from billing.gateways.protocol import Redirect
from billing.models import Purchase
from billing.serializers import ErrorShown, PurchaseRequest, PurchaseShown, PurchasesShown, purchase_as_json
from billing.services import attempts, keys, payments, purchases
from kernel.clock import utc_now
from kernel.marks import straight

_KEY = OpenApiParameter(
    "Idempotency-Key", location=OpenApiParameter.HEADER, required=True, description="a new one for each purchase"
)
_NOBODY = OpenApiResponse(OpenApiTypes.OBJECT, "nobody is logged in")


def _refused(when: str) -> OpenApiResponse:
    return OpenApiResponse(ErrorShown, when)


@extend_schema(
    methods=["GET"],
    tags=["Shop"],
    operation_id="purchases",
    parameters=[OpenApiParameter("before", str, description="`older` of the page before: the next fifty")],
    responses={200: PurchasesShown, 403: _NOBODY},
)
@extend_schema(
    methods=["POST"],
    tags=["Shop"],
    operation_id="purchase",
    parameters=[_KEY],
    request=PurchaseRequest,
    responses={
        200: OpenApiResponse(PurchaseShown, "a repeat of the same key: the first one"),
        201: OpenApiResponse(PurchaseShown, "placed"),
        400: OpenApiResponse(OpenApiTypes.OBJECT, "a field cannot be used: {field: [why]}, or {code, message}"),
        403: OpenApiResponse(OpenApiTypes.OBJECT, "nobody is logged in, or the shop takes no payments"),
        404: _refused("the grant to extend is not yours"),
        409: _refused("the plan is not on sale (at present), or the node not offered"),
        422: _refused("the key was used for another purchase"),
    },
)
@api_view(["GET", "POST"])
def purchase_list(request: Request) -> Response:
    """List the caller's purchases, or place one. Idempotency-Key is required; 200 instead of 201 for a repeat."""
    customer = request.user
    assert isinstance(customer, Customer)  # DEFAULT_PERMISSION_CLASSES lets nobody else in
    if request.method == "GET":
        page, older = selectors.purchases_of(customer, before=request.query_params.get("before", "")[:32])
        return Response({"purchases": [purchase_as_json(one) for one in page], "older": older})
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise BadPurchase("send an Idempotency-Key header, a new one for each purchase")
    asked = PurchaseRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    now = utc_now()
    way = attempts.first_way(asked.validated_data.pop("gateway"))
    purchase = purchases.place_purchase(
        customer=customer,
        idempotency_key=purchases.key_of_buyer(key),
        gateway=way[0],
        placed_from=request.META.get("REMOTE_ADDR") or None,
        now=now,
        **asked.validated_data,
    )
    pay_url = _pay_url(purchase, way, now) if selectors.can_be_paid(purchase, now) else None
    return Response(purchase_as_json(purchase, pay_url=pay_url), status=201 if purchase.placed_at == now else 200)


def _pay_url(purchase: Purchase, way: tuple[str, str], now: datetime) -> str:
    """Return where a browser pays: the gateway's page, or our own where a code or an account is shown."""
    _, start = attempts.start_attempt(order=purchase, gateway_name=way[0], method=way[1], now=now)
    return start.url if isinstance(start, Redirect) else f"/purchases/{purchase.public_id}/"


class AnyAnswer(BaseContentNegotiation):
    """The answer is the provider's own text, whatever its `Accept` says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class GatewayNotify(APIView):
    """Takes a gateway's notice. The answer is the provider's own: another one makes it repeat for ever."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = AnyAnswer

    @extend_schema(
        tags=["Shop"],
        operation_id="gateway_notify",
        auth=[],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "stored, in the provider's own words"),
            204: OpenApiResponse(description="stored"),
            400: _refused("this is no notice of the gateway"),
            401: OpenApiResponse(OpenApiTypes.OBJECT, "signed with a key that is not known here"),
            403: _refused("this gateway is not set up here"),
        },
    )
    def post(self, request: Request, provider: str) -> HttpResponse:
        # The bytes as they came: they are what is signed.
        asked = request._request
        try:
            answer = payments.take_notice(provider=provider, headers=asked.headers, body=asked.body, now=utc_now())
        except PaymentsOff as error:
            return JsonResponse(error.as_json(), status=error.http_status)
        return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


@straight
@require_safe
async def jwks(request: HttpRequest) -> HttpResponse:
    """Answer the public keys; nodes ask each minute, mostly to hear that nothing has changed."""
    body = json.dumps(keys.jwks()).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=60"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type="application/jwk-set+json", headers=headers)
