"""Money in the balance, and gift codes: ordered like purchases, shown with what became of them."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import may
from accounts.models import ApiKey, Customer
from billing import selectors
from billing.api.shop import shown
from billing.api.shop.base import (
    IDEMPOTENCY_KEY,
    PAGED,
    ShopView,
    customer_of,
    described,
    idempotency_key,
    paged,
    pay_url,
    placed,
    said,
    way_to_pay,
)
from billing.api.shop.orders import PLACING, own_purchase
from billing.api.shop.serializers import (
    BalanceShown,
    GiftOrderShown,
    GiftOrdersShown,
    GiftRequest,
    OrderShown,
    RedeemRequest,
    TopUpRequest,
    TopUpShown,
    TopUpsShown,
)
from billing.errors import (
    BadCursor,
    BadPurchase,
    GiftRefused,
    MarketNotSold,
    NoSuchOrder,
    NotThatGrant,
    PlanNotOnSale,
    TooFarAhead,
    TooManyGiftTries,
)
from billing.models import Prepayment
from billing.selectors import lists
from billing.services import gift_codes, prepayments
from kernel.clock import utc_now
from nodes.errors import NodeNotOffered


class TopUps(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described("shop_top_ups", {200: TopUpsShown}, errors=(BadCursor,), parameters=PAGED)
    def get(self, request: Request) -> Response:
        """List your orders for money in the balance."""
        rows, cursor = paged(request, lists.prepayments(customer_of(request), Prepayment.Kind.BALANCE))
        return Response({"items": [shown.top_up(one) for one in rows], "next": cursor})

    @described(
        "shop_top_up",
        {200: TopUpShown, 201: TopUpShown},
        errors=(BadPurchase, *PLACING),
        request=TopUpRequest,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Order money for the balance."""
        customer, key, now = customer_of(request), idempotency_key(request), utc_now()
        asked = said(TopUpRequest, request)
        way = way_to_pay(asked.pop("gateway"), needed=True)
        order = prepayments.place_top_up(customer=customer, idempotency_key=key, now=now, **asked)
        return placed(order, shown.top_up(order, pay_url(order, way, now)), now=now)


class OneTopUp(ShopView):
    @described("shop_one_top_up", {200: TopUpShown}, errors=(NoSuchOrder,))
    def get(self, request: Request, order_id: str) -> Response:
        """Show one order for money in the balance."""
        return Response(shown.top_up(_own(customer_of(request), Prepayment.Kind.BALANCE, order_id)))


class Balance(ShopView):
    @described("shop_balance", {200: BalanceShown}, errors=(BadCursor,), parameters=PAGED)
    def get(self, request: Request) -> Response:
        """Tell what is in your balance, and what was put in and taken out, newest first."""
        customer = customer_of(request)
        lines, cursor = paged(request, lists.balance_lines(customer))
        orders = lists.orders_of_lines(lines)
        return Response(
            {
                "balance_fen": selectors.balance_fen(customer),
                "currency": "CNY",
                "items": [
                    {
                        "at": shown.instant(line.entry.posted_at),
                        "kind": line.entry.kind,
                        "amount_fen": -line.amount_fen,  # a credit is more for the customer
                        "order": orders.get(line.pk),
                    }
                    for line in lines
                ],
                "next": cursor,
            }
        )


class GiftCodes(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described("shop_gift_orders", {200: GiftOrdersShown}, errors=(BadCursor,), parameters=PAGED)
    def get(self, request: Request) -> Response:
        """List your orders for gift codes; the codes themselves need the scope `orders`."""
        rows, cursor = paged(request, lists.prepayments(customer_of(request), Prepayment.Kind.GIFT))
        readable = may(request, ApiKey.Scope.ORDERS)
        return Response({"items": [shown.gift_order(one, readable=readable) for one in rows], "next": cursor})

    @described(
        "shop_gift_order",
        {200: GiftOrderShown, 201: GiftOrderShown},
        errors=(BadPurchase, PlanNotOnSale, *PLACING),
        request=GiftRequest,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Order a gift code: a plan for some months, for somebody else to redeem."""
        customer, key, now = customer_of(request), idempotency_key(request), utc_now()
        asked = said(GiftRequest, request)
        way = way_to_pay(asked.pop("gateway"), needed=True)
        order = prepayments.place_gift(customer=customer, idempotency_key=key, now=now, **asked)
        return placed(order, shown.gift_order(order, readable=True, pay_url=pay_url(order, way, now)), now=now)


class OneGiftCode(ShopView):
    @described("shop_one_gift_order", {200: GiftOrderShown}, errors=(NoSuchOrder,))
    def get(self, request: Request, order_id: str) -> Response:
        """Show one order for a gift code, with the code once it is paid."""
        found = _own(customer_of(request), Prepayment.Kind.GIFT, order_id)
        return Response(shown.gift_order(found, readable=may(request, ApiKey.Scope.ORDERS)))


class Redeem(ShopView):
    scopes = {"POST": ApiKey.Scope.ORDERS}

    @described(
        "shop_redeem",
        {200: OrderShown},
        errors=(
            BadPurchase, GiftRefused, TooManyGiftTries, NodeNotOffered, NotThatGrant, MarketNotSold, TooFarAhead,
        ),
        request=RedeemRequest,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Turn a gift code into a purchase of yours; the same code again gives the same one."""
        customer = customer_of(request)
        grant = gift_codes.redeem(customer=customer, now=utc_now(), **said(RedeemRequest, request))
        return Response(shown.order(own_purchase(customer, grant.purchase.public_id)))


def _own(customer: Customer, kind: str, order_id: str) -> Prepayment:
    found = lists.prepayments(customer, kind).filter(public_id=order_id).first()
    if found is None:
        raise NoSuchOrder(id=order_id[:40])
    return found
