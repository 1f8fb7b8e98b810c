"""HTTP paths of a node."""

from django.urls import URLPattern, path

from streaming.api import market, node

urlpatterns: list[URLPattern] = [
    path("healthz", node.healthz, name="healthz"),
    path("readyz", node.readyz, name="readyz"),
    path("metrics", node.metrics_page, name="metrics"),
    path("v1/usage", node.usage, name="usage"),
    path("v1/market/kline", market.kline, name="kline"),
    path("v1/", node.nothing_here),
    path("v1/<path:rest>", node.nothing_here),
    path("ws/stock", node.upgrade_required),
]
