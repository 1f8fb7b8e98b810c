"""TickDB as data: its socket and its REST (docs/protocol.md "TickDB")."""

from typing import Any

from streaming.wire.describe import (
    COUNT,
    DECIMAL,
    DIGITS,
    EPOCH_MS,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Message,
    Operation,
    Parameter,
    Rest,
    Schema,
    SocketDescription,
    by_name,
    either,
    is_,
    loose,
    many,
    obj,
    one_of,
    or_null,
)
from streaming.wire.dialects.tickdb import rest, symbols
from streaming.wire.dialects.tickdb.socket import CHANNELS, INTERVALS

# -- the socket --------------------------------------------------------------------------------------------------------

_WORDS = (*CHANNELS, "kline")
_WANTED = loose(
    {"type": one_of("", None, *symbols.TYPES), "interval": one_of(*INTERVALS)},
    channel=one_of(*_WORDS),
    symbols=many(TEXT, least=1, most=500),
)
_MARKET_WIDE: Schema = {"not": {"required": ["universes"]}}
_ASKED: Schema = {"allOf": [_WANTED, _MARKET_WIDE]}
_FOLLOWED = {"channel": one_of(*_WORDS), "symbols": many(TEXT)}
_FAILED = obj(
    **_FOLLOWED, failed_symbols=many(obj(symbol=TEXT, reason=TEXT)), retryable_symbols=many(TEXT), retryable=FLAG
)
_PAIR: Schema = {"type": "array", "prefixItems": [DECIMAL, DIGITS], "items": False, "minItems": 2}
_BAR = obj(
    {"quote_volume": DECIMAL}, time=EPOCH_MS, open=DECIMAL, high=DECIMAL, low=DECIMAL, close=DECIMAL, volume=DIGITS
)
_TRADE = obj(id=DIGITS, price=DECIMAL, quantity=DIGITS, side=one_of("buy", "sell", "neutral"), timestamp=EPOCH_MS)
_BAR_EXAMPLE = {
    "time": 1_773_037_800_000, "open": "461", "high": "462", "low": "460", "close": "461.4", "volume": "300",
    "quote_volume": "138420",
}  # fmt: skip


def _told(command: str, data: Schema, *, code: Schema, message: Schema) -> Schema:
    return obj(cmd=is_(command), code=code, message=message, data=data)


def _pushed(command: str, data: Schema) -> Schema:
    return obj(cmd=is_(command), data=data)


SOCKET = SocketDescription(
    "TickDB",
    "ticker, depth and trade as on its pages, and a channel `kline` of ours. Over the quota a subscribe is answered "
    "with 5004 and the symbols that failed, or 3004 where none fitted.",
    (
        Message(
            "subscribe",
            "Follow symbols on one channel",
            loose(cmd=is_("subscribe"), data=_ASKED),
            {"cmd": "subscribe", "data": {"channel": "ticker", "symbols": ["700.HK"]}},
        ),
        Message(
            "unsubscribe",
            "Stop following on one channel",
            loose(cmd=is_("unsubscribe"), data=_ASKED),
            {"cmd": "unsubscribe", "data": {"channel": "ticker", "symbols": ["700.HK"]}},
        ),
        Message("ping", "A sign of life", loose(cmd=is_("ping")), {"cmd": "ping"}),
    ),
    (
        Message(
            "subscribed",
            "All are followed",
            _told("subscribe", obj(**_FOLLOWED), code=is_(0), message=is_("success")),
            {"cmd": "subscribe", "code": 0, "message": "success", "data": {"channel": "ticker", "symbols": ["700.HK"]}},
        ),
        Message(
            "not_all_subscribed",
            "Some or all are not",
            _told("subscribe", _FAILED, code=one_of(1004, 2002, 2003, 2006, 3004, 4005, 5004), message=TEXT),
            {"cmd": "subscribe", "code": 5004, "message": "Partial subscription",
             "data": {"channel": "ticker", "symbols": ["700.HK"], "retryable_symbols": [], "retryable": False,
                      "failed_symbols": [{"symbol": "XAUUSD", "reason": "not carried"}]}},
        ),
        Message(
            "unsubscribed",
            "They are followed no longer",
            _told("unsubscribe", obj(**_FOLLOWED), code=is_(0), message=is_("success")),
            {"cmd": "unsubscribe", "code": 0, "message": "success",
             "data": {"channel": "ticker", "symbols": ["700.HK"]}},
        ),
        Message(
            "pong",
            "The answer to a ping",
            _told("pong", obj(timestamp=EPOCH_MS), code=is_(0), message=is_("pong")),
            {"cmd": "pong", "code": 0, "message": "pong", "data": {"timestamp": 1_773_037_800_000}},
        ),
        Message(
            "error",
            "What could not be done",
            _told("error", or_null(obj(failed_symbols=many(TEXT))), code=WHOLE, message=TEXT),
            {"cmd": "error", "code": 4002, "message": "the message is not JSON", "data": None},
        ),
        Message(
            "ticker",
            "The exchange's day so far; changes for mainland products only",
            _pushed("ticker", obj(
                {"price_change_24h": DECIMAL, "price_change_percent_24h": DECIMAL}, symbol=TEXT, last_price=DECIMAL,
                volume_24h=DIGITS, high_24h=DECIMAL, low_24h=DECIMAL, timestamp=EPOCH_MS,
            )),
            {"cmd": "ticker", "data": {"symbol": "700.HK", "last_price": "461.4", "volume_24h": "24687716",
                                       "high_24h": "468.8", "low_24h": "448.6", "timestamp": 1_773_037_800_000}},
        ),
        Message(
            "depth",
            "The best orders as [price, quantity]",
            _pushed("depth", obj(symbol=TEXT, bids=many(_PAIR), asks=many(_PAIR), timestamp=EPOCH_MS)),
            {"cmd": "depth", "data": {"symbol": "700.HK", "bids": [["461.2", "2000"]], "asks": [],
                                      "timestamp": 1_773_037_800_000}},
        ),
        Message(
            "trade",
            "Trades",
            _pushed("trade", obj(symbol=TEXT, trades=many(_TRADE, least=1))),
            {"cmd": "trade", "data": {"symbol": "700.HK", "trades": [
                {"id": "8", "price": "461.4", "quantity": "200", "side": "buy", "timestamp": 1_773_037_800_000}]}},
        ),
        Message(
            "kline",
            "A bar as it stands",
            _pushed("kline", obj(symbol=TEXT, interval=one_of(*INTERVALS), klines=many(_BAR, least=1))),
            {"cmd": "kline", "data": {"symbol": "700.HK", "interval": "1m", "klines": [_BAR_EXAMPLE]}},
        ),
    ),
)  # fmt: skip

# -- REST --------------------------------------------------------------------------------------------------------------

_SYMBOL = Parameter("symbol", "one symbol: `700.HK`, `600519.SH`, `HSI`", "700.HK", required=True)
_SYMBOLS = Parameter("symbols", f"up to {rest.MAX_SYMBOLS}, with commas", "700.HK,600519.SH", required=True)
_TYPE = Parameter("type", "where a code means several things", "stock", one_of(*symbols.TYPES))
_INTERVAL = Parameter("interval", "of the bars", "5m", one_of(*rest.INTERVALS))
_MARKET = Parameter("market", "whose days", "HK", one_of("CN", "HK"), required=True)


def _limit(most: int, default: int, example: int = 5) -> Parameter:
    schema: Schema = {"type": "integer", "maximum": most, "default": default}
    return Parameter("limit", "how many at most", example, schema)


def _day(name: str, example: str) -> Parameter:
    return Parameter(name, "YYYYMMDD", example, {"type": "string", "pattern": r"^\d{8}$"})


def _success(data: Schema) -> Schema:
    return obj(code=is_(0), message=is_("success"), data=data)


_KIND = one_of("stock", "indices")
_KLINES = obj(symbol=TEXT, type=_KIND, interval=one_of(*rest.INTERVALS), klines=many(_BAR))
_TICKER = obj(
    dict.fromkeys(
        ("last_price", "bid_price", "ask_price", "high_24h", "low_24h", "price_change_24h", "price_change_percent_24h"),
        DECIMAL,
    ),
    symbol=TEXT, name=TEXT, type=_KIND, volume_24h=DIGITS, timestamp=EPOCH_MS,
)  # fmt: skip
_LINE = obj({"turnover": DECIMAL}, timestamp=EPOCH_MS, price=DECIMAL, volume=COUNT, avg_price=DECIMAL)
_DEPTH = obj(symbol=TEXT, type=_KIND, timestamp=EPOCH_MS, bids=many(_PAIR), asks=many(_PAIR))
_PRODUCT = obj(symbol=TEXT, name=TEXT, market=TEXT, type=_KIND, currency=TEXT, is_active=FLAG)
_AVAILABLE = obj(
    products=many(_PRODUCT),
    summary=obj(total_products=COUNT, by_market=by_name(COUNT), by_type=by_name(COUNT)),
    pagination=obj(limit=COUNT, offset=COUNT, total=COUNT, count=COUNT),
)
_INFO = obj(
    {"total_shares": COUNT, "circulating_shares": COUNT, "hk_shares": COUNT, "eps": DECIMAL, "eps_ttm": DECIMAL,
     "bps": DECIMAL},
    symbol=TEXT, name_cn=TEXT, name_en=TEXT, exchange=TEXT, currency=TEXT, lot_size=COUNT,
)  # fmt: skip
_RATIOS = obj(
    {"last_done": DECIMAL, "change_val": DECIMAL, "change_rate": DECIMAL, "turnover": DECIMAL,
     "turnover_rate": {**DECIMAL, "description": "percent of the circulating shares"}, "volume_ratio": DECIMAL,
     "total_market_value": DECIMAL, "pe_ttm_ratio": DECIMAL, "pb_ratio": DECIMAL},
    symbol=TEXT, volume=DIGITS,
)  # fmt: skip
_CLOCK: Schema = {"type": "integer", "minimum": 0, "maximum": 2400, "description": "hhmm on the exchange's wall"}
_SESSIONS = obj(
    market=TEXT,
    trading_sessions=many(obj(begin_time=_CLOCK, end_time=_CLOCK, trade_session=one_of(0, 1, 2))),
)
_KEYS = obj(
    server_time=EPOCH_MS,
    total=COUNT,
    api_keys=many(
        obj(
            key_prefix=TEXT, name=TEXT, plan=TEXT, status=is_("active"), expires_at=EPOCH_MS, remaining_seconds=COUNT
        )
    ),
)  # fmt: skip
_ERROR = obj(
    code=either(WHOLE, is_("AMBIGUOUS_SYMBOL")),
    message=TEXT,
    data=or_null(
        either(
            obj(available_types=many(one_of(*symbols.TYPES))),
            obj(limit=NUMBER, plan=TEXT, reset_at=EPOCH_MS, upgrade_to=TEXT),
        )
    ),
)


def _get(path: str, summary: str, data: Schema, *parameters: Parameter) -> Operation:
    return Operation(path, summary, _success(data), parameters)


def _nothing(path: str, **more: Any) -> Operation:
    return Operation(path, "Not carried: 404 with the code 5001", None, **more)


REST = Rest(
    "TickDB",
    "Prices are texts, times whole milliseconds; a symbol comes back as it was asked for.",
    _ERROR,
    {
        400: "a parameter cannot be used (2001, 2004, 2005, 2006, AMBIGUOUS_SYMBOL)",
        401: "the token is no good (1001) or was not sent (1002)",
        403: "the plan does not include it (1004)",
        404: "nobody carries it (2002, 5001)",
        429: "too many calls (3001)",
        503: "try again in a moment (5001)",
    },
    (
        _get(
            "v1/market/kline", "Closed bars of one symbol", _KLINES, _SYMBOL, _TYPE, _INTERVAL, _limit(1000, 100),
            Parameter("start_time", "from, in ms", 1_675_215_000_000, WHOLE),
            Parameter("end_time", "before, in ms", 1_675_216_800_000, WHOLE),
            Parameter(
                "adjust", "prices as traded, or over corporate actions in today's or the first shares; `adj` too",
                "none", one_of("none", "forward", "backward"),
            ),
        ),
        _get(
            "v1/market/kline/latest", "The bars that are being formed", many(_KLINES), _SYMBOLS, _TYPE,
            Parameter("interval", "of the bars", "1m", one_of(*rest.INTERVALS), required=True),
        ),
        _get("v1/market/ticker", "The day so far", many(_TICKER), _SYMBOLS, _TYPE),
        _get("v1/market/depth", "The best orders", _DEPTH, _SYMBOL, _TYPE, _limit(rest.MAX_DEPTH, 10)),
        _get(
            "v1/market/trades", "The last trades, newest first", obj(symbol=TEXT, type=_KIND, trades=many(_TRADE)),
            _SYMBOL, _TYPE, _limit(1000, 100),
        ),
        _get(
            "v1/market/intraday", "The minutes of the present or last trading day",
            many(obj(symbol=TEXT, lines=many(_LINE))), _SYMBOLS, _TYPE,
        ),
        _get(
            "v1/market/intervals/kline", "The intervals that are carried",
            obj(count=COUNT, description=TEXT, intervals=many(one_of(*rest.INTERVALS))),
        ),
        _get("v1/market/trading-sessions", "A full day's timetable", many(_SESSIONS), _MARKET),
        _get(
            "v1/market/trade-days", "Trading days",
            obj(
                {"presumed_trade_days": many(DIGITS)},
                market=TEXT, trade_days=many(DIGITS), half_trade_days=many(DIGITS),
            ),
            _MARKET,
            _day("beg_day", "20260105"), _day("end_day", "20260131"),
        ),
        _get("v1/market/stock-info", "Basic facts", many(_INFO), _SYMBOLS, _TYPE),
        _get("v1/market/calc-index", "The day's price and ratios", many(_RATIOS), _SYMBOLS, _TYPE),
        _nothing("v1/market/capital-flow"),
        _get(
            "v1/symbols/available", "The list of products", _AVAILABLE, _TYPE, _limit(1000, 100),
            Parameter("market", "of one market", "HK", one_of(*rest.MARKETS)),
            Parameter("offset", "from which on", 0, COUNT),
        ),
        _get("v1/apikeys/subscriptions", "The key that asks, and how long it lasts", _KEYS),
    ),
    token_headers=("X-API-Key",),
    token_parameters=("api_key",),
)  # fmt: skip
