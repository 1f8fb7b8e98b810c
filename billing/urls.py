"""The addresses that programs ask, and the page that plays a gateway. Those of the pages are the panel's."""

from django.urls import path

from billing import api
from billing.gateways.sandbox import pages as sandbox

urlpatterns = [
    path("sandbox/pay/<str:order>", sandbox.pay, name="sandbox-pay"),
    path("payments/<slug:provider>/notify", api.gateway_notify, name="gateway-notify"),
    path("api/purchases", api.purchase_list, name="api-purchases"),
    path(".well-known/jwks.json", api.jwks, name="jwks"),
]
