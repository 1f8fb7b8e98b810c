"""AllTick as data: its socket and its HTTP (docs/protocol.md "AllTick")."""

from collections.abc import Iterator
from typing import Any

from streaming.wire.describe import (
    COUNT,
    DECIMAL,
    DIGITS,
    TEXT,
    WHOLE,
    Message,
    Operation,
    Parameter,
    Rest,
    Schema,
    SocketDescription,
    either,
    is_,
    loose,
    many,
    obj,
    one_of,
)
from streaming.wire.dialects.alltick import rest
from streaming.wire.dialects.alltick.socket import CANCEL, DEPTH, HEARTBEATS, PUSH_DEPTH, PUSH_TRADE, TRADES

# -- the socket --------------------------------------------------------------------------------------------------------

_MS_TEXT: Schema = {"type": "string", "pattern": r"^\d{13}$", "description": "ms since 1970, as a text"}
_NUMBERED: dict[str, Schema] = {
    "seq_id": {"type": "integer", "minimum": 0},
    "trace": {"type": "string", "maxLength": 64},
}
_CODE = loose(code=TEXT)
_CODE_AND_ROWS = loose({"depth_level": {"type": "integer", "minimum": 1, "maximum": 10}}, code=TEXT)
_ORDER = obj(price=DECIMAL, volume=DIGITS)
_TURNOVER = {**either(DECIMAL, is_("")), "description": "empty where no source tells it"}
_TRADE = obj(
    code=TEXT, seq=DIGITS, tick_time=_MS_TEXT, price=DECIMAL, volume=DIGITS, turnover=_TURNOVER,
    trade_direction={"enum": [0, 1, 2], "description": "0 nobody knows, 1 buy, 2 sell"},
)  # fmt: skip
_ORDERS = obj(code=TEXT, seq=DIGITS, tick_time=_MS_TEXT, bids=many(_ORDER), asks=many(_ORDER))
_TRADE_EXAMPLE = {
    "code": "700.HK", "seq": "8", "tick_time": "1773037800000", "price": "461.4", "volume": "200", "turnover": "92280",
    "trade_direction": 1,
}  # fmt: skip


def _asks(command: int, data: Schema | None) -> Schema:
    return loose(_NUMBERED, cmd_id=is_(command), **({"data": data} if data is not None else {}))


def _example(command: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"cmd_id": command, "seq_id": 1, "trace": "t-1", "data": data}


def _answered(name: str, summary: str, ret: Schema, command: Schema, example: tuple[int, str, int]) -> Message:
    told = {"ret": example[0], "msg": example[1], "cmd_id": example[2], "seq_id": 1, "trace": "t-1", "data": {}}
    return Message(name, summary, obj(ret=ret, msg=TEXT, cmd_id=command, seq_id=COUNT, trace=TEXT, data=obj()), told)


_ANSWERS = tuple(command + 1 for command in (*HEARTBEATS, DEPTH, TRADES, CANCEL))

SOCKET = SocketDescription(
    "AllTick",
    "Numbered commands. A subscribe replaces the one before of its kind; what is over the quota is ignored in silence. "
    "No message holds true, false or null.",
    (
        Message(
            "heartbeat",
            "Send one each 10 s; a heartbeat is answered whatever its numbers are",
            loose(cmd_id=one_of(*HEARTBEATS)),
            _example(HEARTBEATS[0], {}),
        ),
        Message(
            "subscribe_trades",
            "Follow trades",
            _asks(TRADES, loose(symbol_list=many(_CODE, most=3000))),
            _example(TRADES, {"symbol_list": [{"code": "700.HK"}]}),
        ),
        Message(
            "subscribe_depth",
            "Follow the best orders",
            _asks(DEPTH, loose(symbol_list=many(_CODE_AND_ROWS, most=3000))),
            _example(DEPTH, {"symbol_list": [{"code": "700.HK", "depth_level": 5}]}),
        ),
        Message(
            "cancel",
            "Follow no longer: 0 all, 1 depth, 2 trades",
            loose(
                {**_NUMBERED, "data": loose({"cancel_type": {"type": "integer", "minimum": 0, "maximum": 2},
                                             "symbol_list": many(_CODE, most=3000)})},
                cmd_id=is_(CANCEL),
            ),
            _example(CANCEL, {"cancel_type": 0}),
        ),
    ),
    (
        _answered("done", "It is done", is_(200), one_of(*_ANSWERS), (200, "ok", TRADES + 1)),
        _answered(
            "refused",
            "It is not: 400 a message, 500 try again, 600 code, 603 level, 604 market, 606 too many requests",
            one_of(400, 500, 600, 603, 604, 606),
            {"type": "integer", "minimum": 0, "description": "that of the command and one more; 0 of none"},
            (600, "code invalid", TRADES + 1),
        ),
        Message(
            "trade",
            "One trade",
            obj(cmd_id=is_(PUSH_TRADE), data=_TRADE),
            {"cmd_id": PUSH_TRADE, "data": _TRADE_EXAMPLE},
        ),
        Message(
            "depth",
            "The best orders",
            obj(cmd_id=is_(PUSH_DEPTH), data=_ORDERS),
            {"cmd_id": PUSH_DEPTH, "data": {"code": "700.HK", "seq": "8", "tick_time": "1773037800000",
                                            "bids": [{"price": "461.2", "volume": "2000"}], "asks": []}},
        ),
    ),
)  # fmt: skip

# -- HTTP --------------------------------------------------------------------------------------------------------------

_BAR = obj(
    timestamp={**DIGITS, "description": "s since 1970, as a text"}, open_price=DECIMAL, close_price=DECIMAL,
    high_price=DECIMAL, low_price=DECIMAL, volume=DIGITS, turnover=_TURNOVER,
)  # fmt: skip
_KIND: Schema = {"type": "integer", "minimum": 1, "maximum": 10, "description": "1m 5m 15m 30m 1h 2h 4h 1d 1w 1M"}
_BARS_OF = loose(
    {
        "kline_timestamp_end": {"type": "integer", "minimum": 0, "description": "s; 0 is now"},
        "query_kline_num": {"type": "integer", "minimum": 1, "description": f"at most {rest.MAX_BARS} are answered"},
        "adjust_type": is_(0),
    },
    code=TEXT,
    kline_type=_KIND,
)
_INFO_TEXTS = (
    "symbol", "name_cn", "name_en", "currency", "exchange", "lot_size", "board", "name_hk", "total_shares",
    "circulating_shares", "hk_shares", "eps", "eps_ttm", "bps", "dividend_yield",
)  # fmt: skip
_BARS_EXAMPLE = {
    "code": "700.HK", "kline_type": 2, "kline_timestamp_end": 1675215299, "query_kline_num": 1, "adjust_type": 0,
}  # fmt: skip
_CODES_EXAMPLE = {"symbol_list": [{"code": "700.HK"}, {"code": "00005.HK"}]}


def _query(data: Schema) -> Schema:
    return loose({"trace": either(TEXT, WHOLE)}, data=data)


def _success(data: Schema) -> Schema:
    return obj(ret=is_(200), msg=is_("ok"), trace=TEXT, data=data)


def _asked(path: str, summary: str, answer: Schema, data: Schema, example: dict[str, Any]) -> Operation:
    asked = {"trace": "edd5df80", "data": example}
    parameter = Parameter("query", "what is asked, as a JSON text", asked, _query(data), required=True, as_json=True)
    return Operation(path, summary, _success(answer), (parameter,))


def _of(base: str) -> Iterator[Operation]:
    codes = loose(symbol_list=many(_CODE, least=1))
    rows = loose(data_list=many(_BARS_OF, least=1))
    yield _asked(
        f"{base}/kline", "Bars of one code, oldest first", obj(code=TEXT, kline_type=_KIND, kline_list=many(_BAR)),
        _BARS_OF, _BARS_EXAMPLE,
    )  # fmt: skip
    batch = obj(kline_list=many(obj(code=TEXT, kline_type=_KIND, kline_data=many(_BAR))))
    asked: dict[str, Any] = {"data_list": [_BARS_EXAMPLE]}
    yield _asked(f"{base}/batch-kline", "Bars of several codes", batch, rows, asked)
    yield Operation(
        f"{base}/batch-kline", "Bars of several codes, asked for in a body", _success(batch), method="post",
        body=_query(rows), body_example={"trace": "edd5df80", "data": asked},
    )  # fmt: skip
    yield _asked(f"{base}/trade-tick", "The last trades", obj(tick_list=many(_TRADE)), codes, _CODES_EXAMPLE)
    yield _asked(f"{base}/depth-tick", "The best orders", obj(tick_list=many(_ORDERS)), codes, _CODES_EXAMPLE)
    info = obj(static_info_list=many(obj(**dict.fromkeys(_INFO_TEXTS, TEXT))))
    yield _asked(f"{base}/static_info", "Basic facts", info, codes, _CODES_EXAMPLE)
    for below in ("", "{rest}"):
        yield Operation(f"{base}/{below}", "Nothing stands here", None, refusals=_NOWHERE)


_REFUSALS = {
    200: "an error that is none of those below: 400, 402 query, 500 try again, 600 code, 601 body empty, 603 level, "
    "604 market",
    401: "the token is no good",
    429: "too many calls (605)",
}
_NOWHERE = {**_REFUSALS, 404: "there is no such address"}

REST = Rest(
    "AllTick",
    "What is asked is one JSON text in `query`, or the body of a POST. Numbers are texts; no answer holds a boolean or "
    "null.",
    obj(ret=one_of(400, 401, 402, 500, 600, 601, 603, 604, 605), msg=TEXT, trace=TEXT),
    _REFUSALS,
    (
        *(one for base in ("quote-stock-b-api", "quote-b-api") for one in _of(base)),
        *(
            Operation(f"api/suspension/{exchange}", "Not carried (400)", None)
            for exchange in ("sse", "nyse", "nasdaq")
        ),
    ),
    token_headers=("token",),
    token_parameters=("token",),
)  # fmt: skip
