"""rt-receiver as data: its socket and its REST (docs/protocol.md "rt-receiver")."""

from typing import Any

from streaming.wire.describe import (
    COUNT,
    INSTANT,
    NULL,
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
from streaming.wire.dialects.rt_receiver import push
from streaming.wire.dialects.rt_receiver.socket import WELCOME
from streaming.wire.dialects.rt_receiver.symbols import MARKETS

_AT = "2026-03-09T06:30:01.500Z"
_DAY: Schema = {"type": "string", "pattern": r"^\d{8}$", "description": "the exchange's day"}
_PRICE = or_null(NUMBER)
_REJECTED = many(obj(reason=TEXT, symbol=TEXT))
_LEFT_OUT: dict[str, Schema] = {"rejected_symbols": _REJECTED}
# Where the feed tells them.
_MORE: dict[str, Schema] = {
    "bid": NUMBER, "bid_volume1": COUNT, "ask": NUMBER, "ask_volume1": COUNT, "trade_time": TEXT, "num": COUNT,
}  # fmt: skip
_VERSION: Schema = {**COUNT, "description": "when the picture was taken, ms since 1970"}
_FIGURES: dict[str, Schema] = {
    "ts_code": TEXT,
    "market": one_of(*MARKETS),
    "name": TEXT,
    "open": _PRICE,
    "high": _PRICE,
    "low": _PRICE,
    "close": _PRICE,
    "vol": COUNT,
    "amount": or_null(NUMBER),
    "pre_close": _PRICE,
    "pct_chg": _PRICE,
    "trade_date": or_null(_DAY),
    "collected_at": or_null(INSTANT),
    "version": _VERSION,
}
_ROW = obj(_MORE, **_FIGURES)
_EXAMPLE: dict[str, Any] = {
    "ts_code": "600519.SH", "market": "a_stock", "name": "贵州茅台", "open": 1500.0, "high": 1512.0, "low": 1498.0,
    "close": 1510.0, "vol": 120000, "amount": 181000000.0, "pre_close": 1500.0, "pct_chg": 0.67,
    "trade_date": "20260309", "collected_at": _AT, "version": 1_773_037_801_500,
}  # fmt: skip
_ASKED = loose(action=TEXT, symbols={"type": "array", "minItems": 1, "contains": {"type": "string", "pattern": r"\S"}})


def _asks(action: str) -> Schema:
    return {"allOf": [_ASKED, loose(action=is_(action))]}


_SYNCED = one_of("ok", "skipped")

SOCKET = SocketDescription(
    "rt-receiver",
    "Quotes as `tick`. A socket begins with the symbols that its customer has stored, and stores what it subscribes; "
    "`server_sync` says whether that was done. `batch_seq` counts an instrument's ticks: a gap shows.",
    (
        Message("subscribe", "Follow symbols", _asks("subscribe"), {"action": "subscribe", "symbols": ["00700.HK"]}),
        Message("unsubscribe", "Stop", _asks("unsubscribe"), {"action": "unsubscribe", "symbols": ["00700.HK"]}),
        Message("snapshot", "Newest rows of what is followed", loose(action=is_("snapshot")), {"action": "snapshot"}),
        Message("list", "What is followed", loose(action=is_("list")), {"action": "list"}),
    ),
    (
        Message(
            "welcome",
            "First of all",
            obj(
                type=is_("welcome"), message=TEXT, user_id=TEXT, timestamp=INSTANT,
                instructions=obj(subscribe=TEXT, unsubscribe=TEXT, snapshot=TEXT, list=TEXT),
            ),
            {**WELCOME, "user_id": "u9", "timestamp": _AT},
        ),
        Message(
            "auto_subscribed",
            "The stored symbols are followed now",
            obj(_LEFT_OUT, type=is_("auto_subscribed"), message=TEXT, symbols=many(TEXT), timestamp=INSTANT),
            {"type": "auto_subscribed", "message": "...", "symbols": ["00700.HK"], "timestamp": _AT},
        ),
        Message(
            "subscribed",
            "Answer to subscribe",
            obj(
                _LEFT_OUT, type=is_("subscribed"), added=many(TEXT), current=many(TEXT), server_sync=_SYNCED,
                timestamp=INSTANT,
            ),
            {
                "type": "subscribed", "added": ["00700.HK"], "current": ["00700.HK"], "server_sync": "ok",
                "timestamp": _AT,
            },
        ),
        Message(
            "unsubscribed",
            "Answer to unsubscribe",
            obj(
                _LEFT_OUT, type=is_("unsubscribed"), removed=many(TEXT), current=many(TEXT), server_sync=_SYNCED,
                timestamp=INSTANT,
            ),
            {"type": "unsubscribed", "removed": ["00700.HK"], "current": [], "server_sync": "ok", "timestamp": _AT},
        ),
        Message(
            "snapshot",
            "Answer to snapshot",
            obj(type=is_("snapshot"), count=COUNT, data=many(_ROW), timestamp=INSTANT),
            {"type": "snapshot", "count": 1, "data": [_EXAMPLE], "timestamp": _AT},
        ),
        Message(
            "subscription_list",
            "Answer to list",
            obj(type=is_("subscription_list"), symbols=many(TEXT), user_id=TEXT, timestamp=INSTANT),
            {"type": "subscription_list", "symbols": ["00700.HK"], "user_id": "u9", "timestamp": _AT},
        ),
        Message(
            "tick",
            "The day so far",
            obj(_MORE, type=is_("tick"), batch_seq=COUNT, timestamp=INSTANT, **_FIGURES),
            {"type": "tick", "batch_seq": 12, "timestamp": _AT, **_EXAMPLE},
        ),
        Message(
            "error",
            "What cannot be done, and what a smaller quota has taken away",
            obj(type=is_("error"), message=TEXT),
            {"type": "error", "message": "symbols 不能为空"},
        ),
    ),
)  # fmt: skip

# -- REST --------------------------------------------------------------------------------------------------------------

_BASE = "api/v1/rt-kline"
_ERROR = obj(
    {"message": TEXT, "ack_seq": {"type": ["integer", "string"]}, "accepted_count": COUNT, "rejected_count": {}},
    code=WHOLE,
    status=is_("error"),
)
_OF_A_USER = {401: "the token", 403: "the plan", 400: "the request", 429: "too many calls", 503: "try again"}
_OF_AN_OPERATOR = {401: "no token was sent", 403: "the operator's token", 400: "the request", 503: "try again"}
_NOWHERE = {404: "there is no such address"}
_STATS: dict[str, Schema] = {
    "daily_cleanup_timezone": NULL, "daily_cleanup_trigger_hour": NULL, "flush_interval_seconds": NUMBER,
    "last_daily_cleanup_date": NULL, "last_flush_at": or_null(INSTANT), "last_flush_items": COUNT,
    "latest_counts": by_name(COUNT), "offset_files": COUNT, "policy_count": COUNT, "subscription_rows": COUNT,
    "subscription_users": COUNT, "ws_clients": COUNT,
}  # fmt: skip


def _told(**more: Schema) -> Schema:
    return obj(status=is_("ok"), code=is_(0), user_id=TEXT, revision=COUNT, max_subs=COUNT, **more)


_REFUSED_ITEM = obj(index=COUNT, ts_code=TEXT, reason=one_of("malformed", "another_day", "no_market"), message=TEXT)
_PUSH_EXAMPLE: dict[str, Any] = {
    "schema_version": push.SCHEMA, "mode": push.MODE, "batch_seq": 900001, "event_time": "", "market": "a_stock",
    "source_api": "rt_k", "count": 1, "first_stream_id": "1-0", "last_stream_id": "1-0",
    "items": [{"stream_id": "1-0", "ts_code": "600519.SH", "version": "1", "shard_id": 0, "tick": {"close": 1510.0}}],
}  # fmt: skip

REST = Rest(
    "rt-receiver",
    "The HTTP of an rt-receiver node. A stored subscription is what its sockets begin with. Policies and pushes "
    "want a token of the operator's.",
    _ERROR,
    _OF_A_USER,
    (
        Operation(
            "health", "The process answers", obj(status=is_("ok"), timestamp=INSTANT), refusals={}, needs_token=False
        ),
        Operation("stats", "What the node holds", obj(**_STATS), refusals={}, needs_token=False),
        Operation(
            f"{_BASE}/latest",
            "Newest rows of the plan's markets; every 50 are one call",
            obj(count=COUNT, data=many(_ROW, most=2000)),
            (
                Parameter("market", "a_stock, etf, index or hk", "hk"),
                Parameter("ts_code", "one symbol", "00700.HK"),
                Parameter("limit", "100 where it is not sent or no number, 2000 at most", 10, WHOLE),
            ),
        ),
        Operation(
            f"{_BASE}/subscription/sync",
            "Store, add or forget symbols",
            _told(
                mode=one_of("replace", "add", "remove"), accepted_symbols=many(TEXT), rejected_symbols=_REJECTED,
                current_subscriptions=COUNT,
            ),
            method="post",
            body=loose({"mode": one_of("replace", "add", "remove")}, symbols=many(TEXT)),
            body_example={"mode": "replace", "symbols": ["600519.SH", "00700.HK"]},
        ),
        Operation(
            f"{_BASE}/subscription/list",
            "What is stored",
            _told(
                stored_count=COUNT, current_subscriptions=COUNT, subscribed_symbols=many(TEXT),
                rejected_symbols=_REJECTED,
            ),
        ),
        Operation(
            f"{_BASE}/subscription/latest",
            "Newest rows of what is stored",
            _told(
                registered_symbols=many(TEXT), accepted_symbols=many(TEXT), rejected_symbols=_REJECTED,
                missing=many(TEXT), step_seconds=COUNT, count=COUNT, data=many(_ROW),
            ),
            (Parameter("symbols", "some of them, separated by commas", "600519.SH,00700.HK"),),
        ),
        Operation(
            f"{_BASE}/policies/apply",
            "Narrow what customers may follow",
            obj(
                {"rejected": many(obj(index=COUNT, user_id=TEXT, message=TEXT), least=1)},
                status=is_("ok"), code=is_(0), applied=COUNT,
            ),
            method="post",
            body=loose(users=many(loose(user_id=either(TEXT, WHOLE)))),
            body_example={
                "users": [
                    {
                        "user_id": "u1", "markets": ["CN"], "levels": ["L1"], "symbols": {"mode": "all", "list": []},
                        "max_subs": 1, "revision": 5,
                    }
                ]
            },
            refusals=_OF_AN_OPERATOR,
            by_operator=True,
        ),
        Operation(
            f"{_BASE}/push",
            "Take a batch of ticks for the feed push; gzip is understood",
            obj(
                {"rejected_items": many(_REFUSED_ITEM, least=1, most=push.MOST_TOLD)},
                status=is_("ok"), code=is_(0), ack_seq={"type": ["integer", "string"]}, accepted_count=COUNT,
                rejected_count=COUNT,
            ),
            method="post",
            body=loose(
                schema_version=is_(push.SCHEMA), mode=is_(push.MODE), batch_seq={}, market=one_of(*MARKETS),
                items=many(loose(ts_code=TEXT, version=TEXT, tick={"type": "object"})),
            ),
            body_example=_PUSH_EXAMPLE,
            refusals={**_OF_AN_OPERATOR, 413: "larger than 8 MB, or 32 MB unpacked"},
            by_operator=True,
        ),
        *(
            Operation(f"{_BASE}/{rest}", "Nothing stands here", None, refusals=_NOWHERE, needs_token=False)
            for rest in ("", "{rest}")
        ),
    ),
    ("X-API-Key",),
    ("token",),
)  # fmt: skip
