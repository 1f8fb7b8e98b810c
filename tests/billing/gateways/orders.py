"""What the shop hands a gateway, for the tests of each."""

from datetime import timedelta

from billing.gateways.protocol import Order
from tests.factories import NOW


def an_order(**changes) -> Order:
    """Return an order of 10 CNY that can be paid for 14 minutes."""
    usual = {
        "order_no": "P261121ABCDEFGHJKLMNPQRSTU",
        "due_fen": 1000,
        "currency": "CNY",
        "title": "Pack 5, 1 mo.",
        "return_url": "https://shop.example/purchases/order/",
        "notify_url": "https://shop.example/payments/gateway/notify",
        "expires_at": NOW + timedelta(minutes=14),
    }
    return Order(**{**usual, **changes})
