"""The addresses that programs ask, and the page that plays a gateway. Those of the pages are the panel's."""

from django.urls import path

from billing import api
from billing.api.shop import catalogue, orders, prepaid, rights, tokens
from billing.gateways.sandbox import pages as sandbox

SHOP = "api/v1/shop"  # kernel.problems says the same
urlpatterns = [
    path("sandbox/pay/<str:order>", sandbox.pay, name="sandbox-pay"),
    path("payments/<slug:provider>/notify", api.GatewayNotify.as_view(), name="gateway-notify"),
    path("api/purchases", api.purchase_list, name="api-purchases"),
    path(f"{SHOP}/plans", catalogue.Plans.as_view(), name="shop-plans"),
    path(f"{SHOP}/preview", catalogue.Preview.as_view(), name="shop-preview"),
    path(f"{SHOP}/purchases", orders.Purchases.as_view(), name="shop-purchases"),
    path(f"{SHOP}/purchases/<slug:order_id>", orders.OnePurchase.as_view(), name="shop-purchase"),
    path(f"{SHOP}/purchases/<slug:order_id>/cancel", orders.Cancel.as_view(), name="shop-cancel"),
    path(f"{SHOP}/trials", orders.Trials.as_view(), name="shop-trials"),
    path(f"{SHOP}/receipts", orders.Receipts.as_view(), name="shop-receipts"),
    path(f"{SHOP}/receipts/<slug:order_id>.pdf", orders.ReceiptPdf.as_view(), name="shop-receipt"),
    path(f"{SHOP}/top-ups", prepaid.TopUps.as_view(), name="shop-top-ups"),
    path(f"{SHOP}/top-ups/<slug:order_id>", prepaid.OneTopUp.as_view(), name="shop-top-up"),
    path(f"{SHOP}/balance", prepaid.Balance.as_view(), name="shop-balance"),
    path(f"{SHOP}/gift-codes", prepaid.GiftCodes.as_view(), name="shop-gift-codes"),
    path(f"{SHOP}/gift-codes/redeem", prepaid.Redeem.as_view(), name="shop-redeem"),
    path(f"{SHOP}/gift-codes/<slug:order_id>", prepaid.OneGiftCode.as_view(), name="shop-gift-code"),
    path(f"{SHOP}/timeline", rights.Timeline.as_view(), name="shop-timeline"),
    path(f"{SHOP}/tokens", tokens.Tokens.as_view(), name="shop-tokens"),
    path(f"{SHOP}/tokens/<slug:group>/rotate", tokens.Rotate.as_view(), name="shop-token-rotate"),
    path(f"{SHOP}/tokens/<slug:group>/revoke", tokens.Revoke.as_view(), name="shop-token-revoke"),
    path(f"{SHOP}/tokens/<slug:group>/create", tokens.Create.as_view(), name="shop-token-create"),
    path(f"{SHOP}/usage", rights.Usage.as_view(), name="shop-usage"),
    path(f"{SHOP}/renewals", rights.Renewals.as_view(), name="shop-renewals"),
    path(f"{SHOP}/renewals/<int:grant>", rights.OneRenewal.as_view(), name="shop-renewal"),
    path(f"{SHOP}/problems", catalogue.Problems.as_view(), name="shop-problems"),
    path(f"{SHOP}/", catalogue.Nothing.as_view()),
    path(f"{SHOP}/<path:rest>", catalogue.Nothing.as_view(), name="shop-nothing"),
    path(".well-known/jwks.json", api.jwks, name="jwks"),
]
