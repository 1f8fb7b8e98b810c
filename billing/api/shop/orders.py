"""Purchases and trials: placed once a key, looked at, given up; and what was paid, with its receipts."""

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Customer
from billing.api.shop import shown
from billing.api.shop.base import (
    IDEMPOTENCY_KEY,
    PAGED,
    OneKind,
    ShopView,
    address_of,
    customer_of,
    described,
    idempotency_key,
    paged,
    pay_url,
    placed,
    said,
    way_to_pay,
)
from billing.api.shop.catalogue import ORDERING, wanted
from billing.api.shop.serializers import (
    ConflictShown,
    OrderRequest,
    OrderShown,
    OrdersShown,
    ReceiptsShown,
    TrialRequest,
)
from billing.errors import (
    BadCursor,
    BadPurchase,
    GatewayRefused,
    GatewayUnavailable,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    MarketNotSold,
    NoReceipt,
    NoSuchOrder,
    PaymentsOff,
    PriceChanged,
    TooManyOrders,
    TrialRefused,
)
from billing.models import Purchase
from billing.selectors import lists
from billing.services import purchases, receipts
from kernel.clock import utc_now
from nodes.errors import NodeNotOffered

# What placing any order can be refused for; a gateway that refuses or is silent leaves the order as it is.
PLACING = (
    IdempotencyKeyMissing, IdempotencyKeyReused, TooManyOrders, PaymentsOff, GatewayRefused, GatewayUnavailable,
)  # fmt: skip


class Purchases(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described("shop_purchases", {200: OrdersShown}, errors=(BadCursor,), parameters=PAGED)
    def get(self, request: Request) -> Response:
        """List your purchases, also those that were given or came of a gift code."""
        rows, cursor = paged(request, lists.purchases(customer_of(request)))
        return Response({"items": [shown.order(one) for one in rows], "next": cursor})

    @described(
        "shop_order",
        {200: OrderShown, 201: OrderShown},
        errors=(*ORDERING, *PLACING, PriceChanged),
        request=OrderRequest,
        parameters=[IDEMPOTENCY_KEY],
        problem=ConflictShown,
    )
    def post(self, request: Request) -> Response:
        """Place an order: 201, or 200 with the first one where its key was used for the same body before."""
        customer, key, now = customer_of(request), idempotency_key(request), utc_now()
        asked = said(OrderRequest, request)
        wanted(asked)  # refuses what does not fit before anything is looked up
        perhaps_free = asked["use_balance"] or asked["coupon"] or asked["kind"] == Purchase.Kind.UPGRADE
        way = way_to_pay(asked.pop("gateway"), needed=not perhaps_free)
        purchase = purchases.place_purchase(
            customer=customer,
            idempotency_key=key,
            gateway=way[0] if way is not None else "",
            placed_from=address_of(request),
            now=now,
            **asked,
        )
        return placed(purchase, shown.order(purchase, pay_url(purchase, way, now)), now=now)


class OnePurchase(ShopView):
    @described("shop_purchase", {200: OrderShown}, errors=(NoSuchOrder,))
    def get(self, request: Request, order_id: str) -> Response:
        """Show one purchase."""
        return Response(shown.order(own_purchase(customer_of(request), order_id)))


class Cancel(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described("shop_cancel", {200: OrderShown}, errors=(NoSuchOrder, BadPurchase))
    def post(self, request: Request, order_id: str) -> Response:
        """Give up a purchase that waits for its payment; money that comes anyway goes back. Twice is once."""
        customer = customer_of(request)
        found = own_purchase(customer, order_id)
        purchases.cancel_purchase(purchase_id=found.pk, by=customer, now=utc_now())
        return Response(shown.order(own_purchase(customer, order_id)))


class Trials(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described(
        "shop_trial",
        {200: OrderShown, 201: OrderShown},
        errors=(BadPurchase, TrialRefused, MarketNotSold, NodeNotOffered, *PLACING),
        request=TrialRequest,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Try a plan for some days, once: free with a verified phone number, else for what `plans` says."""
        customer, key, now = customer_of(request), idempotency_key(request), utc_now()
        asked = said(TrialRequest, request)
        way = way_to_pay(asked.pop("gateway"), needed=False)
        purchase = purchases.place_trial(
            customer=customer, idempotency_key=key, placed_from=address_of(request), now=now, **asked
        )
        return placed(purchase, shown.order(purchase, pay_url(purchase, way, now)), now=now)


class Receipts(ShopView):
    @described("shop_receipts", {200: ReceiptsShown}, errors=(BadCursor,), parameters=PAGED)
    def get(self, request: Request) -> Response:
        """List what was paid for, with the address of each receipt."""
        rows, cursor = paged(request, lists.paid_purchases(customer_of(request)))
        return Response(
            {
                "items": [
                    {
                        "purchase": one.public_id,
                        "settled": shown.instant(one.settled_at),
                        "plan": one.plan.slug,
                        "kind": one.kind,
                        "paid_fen": one.paid_fen,
                        "currency": one.currency,
                        "receipt_url": f"{settings.PANEL_URL}{reverse('shop-receipt', args=[one.public_id])}",
                    }
                    for one in rows
                ],
                "next": cursor,
            }
        )


class ReceiptPdf(ShopView):
    content_negotiation_class = OneKind  # a file, whatever `Accept` says

    @described("shop_receipt", {(200, "application/pdf"): OpenApiTypes.BINARY}, errors=(NoSuchOrder, NoReceipt))
    def get(self, request: Request, order_id: str) -> HttpResponse:
        """Draw the receipt of a purchase that was paid, in the customer's language."""
        customer = customer_of(request)
        found = own_purchase(customer, order_id)
        drawn = receipts.receipt_pdf(purchase=found, language=customer.language)
        name = f'inline; filename="{receipts.file_name(found)}"'
        return HttpResponse(drawn, content_type="application/pdf", headers={"Content-Disposition": name})


def own_purchase(customer: Customer, order_id: str) -> Purchase:
    """Return a customer's purchase by its number.

    Raises:
        NoSuchOrder: also where it is somebody else's.
    """
    found = lists.purchases(customer).filter(public_id=order_id).first()
    if found is None:
        raise NoSuchOrder(id=order_id[:40])
    return found
