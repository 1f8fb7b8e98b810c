"""HTTP paths of a node: its own, and those of the REST dialects."""

from django.urls import URLPattern, path

from streaming.api import (
    alltick,
    documents,
    history_files,
    instruments,
    itick,
    node,
    open_sockets,
    rt_receiver,
    statistics,
    tickdb,
)
from streaming.runtime.dialects import dialects
from streaming.wire.dialects.itick.symbols import ASSETS

_REST = ("", "<path:rest>")  # whatever else stands below a dialect's address

urlpatterns: list[URLPattern] = [
    path("healthz", node.healthz, name="healthz"),
    path("readyz", node.readyz, name="readyz"),
    path("metrics", node.metrics_page, name="metrics"),
    path("asyncapi.json", documents.asyncapi, name="asyncapi"),
    path("v1/usage", node.usage, name="usage"),
    path("v1/sockets", open_sockets.listed, name="sockets"),
    path("v1/sockets/<str:id>", open_sockets.ended, name="socket-end"),
    path("v1/history/<str:symbols>/<str:file>", history_files.history_file, name="history-file"),
    path("v1/instruments", instruments.find, name="instruments"),
    path("v1/statistics", statistics.statistics, name="statistics"),
    # TickDB
    path("v1/market/kline", tickdb.kline, name="kline"),
    path("v1/market/kline/latest", tickdb.kline_latest, name="kline-latest"),
    path("v1/market/ticker", tickdb.ticker),
    path("v1/market/depth", tickdb.depth),
    path("v1/market/trades", tickdb.trades),
    path("v1/market/intraday", tickdb.intraday),
    path("v1/market/intervals/kline", tickdb.intervals),
    path("v1/market/trading-sessions", tickdb.trading_sessions),
    path("v1/market/trade-days", tickdb.trade_days),
    path("v1/market/stock-info", tickdb.stock_info),
    path("v1/market/calc-index", tickdb.indicators),
    path("v1/market/capital-flow", tickdb.not_carried),
    path("v1/symbols/available", tickdb.available),
    path("v1/apikeys/subscriptions", tickdb.subscriptions),
    # A socket's address asked over plain HTTP; the client of /realtime/hk measures by it which node is near.
    *(path(address, node.upgrade_required) for dialect in dialects().values() for address in dialect.paths),
    path("v1/", node.nothing_here),
    path("v1/<path:rest>", node.nothing_here),
    # iTick
    *(path(address, view) for address, view in itick.views().items()),
    *(path(f"{base}/{rest}", itick.nothing_here) for base in (*ASSETS, "symbol", "market") for rest in _REST),
    # AllTick
    *(path(address, view) for address, view in alltick.views().items()),
    *(path(f"{base}/{rest}", alltick.nothing_here) for base in ("quote-stock-b-api", "quote-b-api") for rest in _REST),
    # rt-receiver
    *(path(address, view) for address, view in rt_receiver.views().items()),
    *(path(f"api/v1/rt-kline/{rest}", rt_receiver.nothing_here) for rest in _REST),
]
