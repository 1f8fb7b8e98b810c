"""JSON entrances: purchases, the gateways' notices, and the public keys."""

import hashlib
import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Customer
from billing import selectors
from billing.errors import AmountMismatch, BadPurchase
from billing.models import GatewayNotice
from billing.serializers import (
    ErrorShown,
    NoticeTaken,
    PurchaseRequest,
    PurchaseShown,
    PurchasesShown,
    purchase_as_json,
)
from billing.services import keys, payments, purchases
from kernel.clock import utc_now
from kernel.marks import straight

_KEY = OpenApiParameter(
    "Idempotency-Key", location=OpenApiParameter.HEADER, required=True, description="a new one for each purchase"
)
_NOBODY = OpenApiResponse(OpenApiTypes.OBJECT, "nobody is logged in")


def _refused(when: str) -> OpenApiResponse:
    return OpenApiResponse(ErrorShown, when)


@extend_schema(methods=["GET"], tags=["Shop"], operation_id="purchases", responses={200: PurchasesShown, 403: _NOBODY})
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
        409: _refused("the plan is not on sale, or the node not offered"),
        422: _refused("the key was used for another purchase"),
    },
)
@api_view(["GET", "POST"])
def purchase_list(request: Request) -> Response:
    """List the caller's purchases, or place one. Idempotency-Key is required; 200 instead of 201 for a repeat."""
    customer = request.user
    assert isinstance(customer, Customer)  # DEFAULT_PERMISSION_CLASSES lets nobody else in
    if request.method == "GET":
        return Response({"purchases": [purchase_as_json(one) for one in selectors.purchases_of(customer)]})
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise BadPurchase("send an Idempotency-Key header, a new one for each purchase")
    asked = PurchaseRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    now = utc_now()
    purchase = purchases.place_purchase(
        customer=customer, idempotency_key=key, gateway=settings.PAYMENT_GATEWAY, now=now, **asked.validated_data
    )
    waits = selectors.can_be_paid(purchase, now)
    pay_url = payments.start_payment(purchase=purchase, now=now) if waits else None
    return Response(purchase_as_json(purchase, pay_url=pay_url), status=201 if purchase.placed_at == now else 200)


@extend_schema(
    tags=["Shop"],
    operation_id="gateway_notify",
    auth=[],
    request={"application/json": OpenApiTypes.OBJECT},
    responses={
        200: NoticeTaken,
        400: _refused("this is no notice of the gateway"),
        403: _refused("this gateway is not set up here"),
        409: _refused("another amount was paid than was due"),
    },
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def gateway_notify(request: Request, provider: str) -> Response:
    """Take a gateway's notice. 2xx means that it need not come again."""
    notice = payments.accept_notice(provider=provider, headers=request.headers, body=request.body, now=utc_now())
    if notice.outcome == GatewayNotice.Outcome.AMOUNT_MISMATCH:
        raise AmountMismatch(paid_fen=notice.amount_fen)
    return Response({"outcome": notice.outcome})


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
