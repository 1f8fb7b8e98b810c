"""The native socket as data (docs/protocol.md says it in words); the node's own addresses are in `addresses`."""

from typing import Any

from kernel.instruments import LANES
from streaming.wire.announced import EXAMPLE, KINDS
from streaming.wire.channels import EVENTS, INTERVALS
from streaming.wire.describe import (
    COUNT,
    EPOCH_MS,
    FLAG,
    INSTANT,
    NUMBER,
    TEXT,
    WHOLE,
    Message,
    Schema,
    SocketDescription,
    by_name,
    either,
    is_,
    many,
    obj,
    one_of,
    or_null,
)
from streaming.wire.dialects.native.addresses import REST
from streaming.wire.dialects.native.messages import (
    ListMessage,
    PingMessage,
    SnapshotMessage,
    SubscribeMessage,
    UnsubscribeMessage,
    schema_of,
)

__all__ = ["REST", "SOCKET"]

_AT = "2026-03-09T06:30:01.500Z"
_LANE = one_of(*LANES)
_STATES = (
    "pre_open", "opening_auction", "open", "lunch_break", "closing_auction", "after_hours", "closed", "no_feed",
)  # fmt: skip
_TRADING = one_of("trading", "suspended", "halted", "delisted")
_SEQ: Schema = {
    "type": "integer",
    "minimum": 0,
    "description": "the number of a window of 1.5 s; of a tick, quote or depth: of the event",
}

# -- what a client says ------------------------------------------------------------------------------------------------

_SAYS = (
    Message(
        "subscribe",
        "Follow symbols",
        schema_of(SubscribeMessage),
        {"action": "subscribe", "symbols": ["600519.SH", "700.HK"], "fill": True},
    ),
    Message(
        "unsubscribe",
        "Stop following; with types or intervals only these",
        schema_of(UnsubscribeMessage),
        {"action": "unsubscribe", "symbols": ["600519.SH"]},
    ),
    Message("list", "Ask what this socket follows", schema_of(ListMessage), {"action": "list"}),
    Message(
        "snapshot",
        "Ask for the newest bar and the day",
        schema_of(SnapshotMessage),
        {"action": "snapshot", "symbols": ["600519.SH"]},
    ),
    Message("ping", "A sign of life; `id` comes back", schema_of(PingMessage), {"action": "ping", "id": "7"}),
)

# -- what a client hears -----------------------------------------------------------------------------------------------

_QUOTA = obj(used=COUNT, max_subs=COUNT)
_STEP = obj(
    {"types": many(TEXT), "intervals": many(TEXT)},  # where the step restricts them
    **{"from": WHOLE}, max_subs=COUNT, max_conns=COUNT, markets=many(TEXT), levels=many(TEXT),
)  # fmt: skip
_REJECTED = many(obj(symbol=TEXT, reason=TEXT, message=TEXT))
_STATE = one_of(*_STATES)
_AMOUNT = {**or_null(NUMBER), "description": "null where no source tells it"}
_OHLC = {"open": NUMBER, "high": NUMBER, "low": NUMBER, "close": NUMBER, "volume": COUNT, "amount": _AMOUNT}
_BAR = obj(**_OHLC, timestamp=INSTANT)
_DAY = obj(
    date=TEXT, prev_close=NUMBER, open=NUMBER, high=NUMBER, low=NUMBER, last=NUMBER, volume=COUNT, amount=_AMOUNT
)
_RESUME = either(
    obj(recovered=is_(True), epoch=TEXT, since=_SEQ),
    obj(recovered=is_(False), epoch=TEXT, since=_SEQ, first=or_null(_SEQ), reason=TEXT),
)
_WORDS, _WHEN = obj(en=TEXT, zh=TEXT), {"at": INSTANT, "starts_at": INSTANT, "ends_at": or_null(INSTANT)}
_SAID: dict[str, Schema] = {"title": _WORDS, "text": _WORDS, **_WHEN}
_LEVEL: Schema = {"type": "array", "prefixItems": [NUMBER, COUNT], "items": False, "minItems": 2}
_QUOTE = obj(
    last=NUMBER, prev_close=NUMBER, open=NUMBER, high=NUMBER, low=NUMBER, volume=COUNT, amount=_AMOUNT,
    bid=or_null(NUMBER), bid_volume=COUNT, ask=or_null(NUMBER), ask_volume=COUNT, timestamp=INSTANT,
)  # fmt: skip
_CLOSED: Schema = {**COUNT, "description": "ms since 1970, UTC; 0 where ingest did not say"}
_BAR_EXAMPLE: dict[str, Any] = {
    "open": 10.5, "high": 10.55, "low": 10.48, "close": 10.52, "volume": 123456, "amount": 1298765.0, "timestamp": _AT,
}  # fmt: skip


def _heard(kind: str, summary: str, example: dict[str, Any], payload: Schema, name: str = "") -> Message:
    return Message(name or kind, summary, payload, {"type": kind, **example})


def _typed(kind: str, optional: dict[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    return obj(optional, type=is_(kind), **fields)


_HEARS = (
    _heard(
        "welcome",
        "The first message",
        {
            "node": "sh-1", "server_time": _AT, "epoch": {"CN": "e1"},
            "markets": {"CN": {"state": "open", "until": _AT}},
            "quota": {"used": 0, "max_subs": 5, "max_conns": 2, "steps": []},
        },
        _typed(
            "welcome", node=TEXT, server_time=INSTANT, epoch=by_name(TEXT),
            quota=obj(used=COUNT, max_subs=COUNT, max_conns=COUNT, steps=many(_STEP)),
            markets=by_name(obj({"presumed": is_(True), "feed": TEXT}, state=_STATE, until=or_null(INSTANT))),
        ),
    ),
    _heard(
        "subscribed",
        "What was added, and why not the rest",
        {"added": ["600519.SH"], "current": ["600519.SH"], "rejected": [], "quota": {"used": 1, "max_subs": 5}},
        _typed(
            "subscribed", {"resume": by_name(_RESUME), "live_only": many(one_of(*INTERVALS, *EVENTS))},
            added=many(TEXT), current=many(TEXT), rejected=_REJECTED, quota=_QUOTA,
        ),
    ),
    _heard(
        "unsubscribed",
        "What is followed no longer",
        {"removed": ["600519.SH"], "current": [], "rejected": [], "quota": {"used": 0, "max_subs": 5}},
        _typed("unsubscribed", removed=many(TEXT), current=many(TEXT), rejected=_REJECTED, quota=_QUOTA),
    ),
    _heard(
        "list",
        "What this socket follows",
        {"current": ["600519.SH"], "quota": {"used": 1, "max_subs": 5}},
        _typed("list", current=many(TEXT), quota=_QUOTA),
        "listed",
    ),
    _heard(
        "snapshot",
        "Newest bars and days",
        {"data": [], "rejected": []},
        _typed(
            "snapshot",
            data=many(obj(symbol=TEXT, seq=_SEQ, state=_TRADING, data=or_null(_BAR), day=_DAY)),
            rejected=_REJECTED,
        ),
        "snapshots",
    ),
    _heard(
        "kline",
        "A bar of 1.5 seconds",
        {"symbol": "000001.SZ", "seq": 1181986801, "data": _BAR_EXAMPLE},
        _typed("kline", {"stamp": obj(closed_ms=_CLOSED, sent_ms=EPOCH_MS)}, symbol=TEXT, seq=_SEQ, data=_BAR),
        "bar",
    ),
    _heard(
        "kline",
        "A bar of a longer interval as it stands; `timestamp` is where it opened",
        {"symbol": "000001.SZ", "interval": "1m", "seq": 1181986801, "final": False, "data": _BAR_EXAMPLE},
        _typed("kline", symbol=TEXT, interval=one_of(*INTERVALS[1:]), seq=_SEQ, final=FLAG, data=_BAR),
        "longer_bar",
    ),
    _heard(
        "tick",
        "One trade",
        {"symbol": "000001.SZ", "seq": 4711,
         "data": {"price": 10.52, "volume": 300, "amount": 3156.0, "side": "B", "timestamp": _AT}},
        _typed(
            "tick", symbol=TEXT, seq=_SEQ,
            data=obj(price=NUMBER, volume=COUNT, amount=NUMBER, side=one_of("B", "S", "N"), timestamp=INSTANT),
        ),
    ),
    _heard(
        "quote",
        "The day and the best orders; null: nobody offers on that side",
        {"symbol": "000001.SZ", "seq": 812,
         "data": {"last": 10.52, "prev_close": 10.4, "open": 10.5, "high": 10.55, "low": 10.48, "volume": 123456,
                  "amount": 1298765.0, "bid": 10.51, "bid_volume": 1200, "ask": None, "ask_volume": 0,
                  "timestamp": _AT}},
        _typed("quote", symbol=TEXT, seq=_SEQ, data=_QUOTE),
    ),
    _heard(
        "depth",
        "Orders by price, best first",
        {"symbol": "000001.SZ", "seq": 812, "data": {"bids": [[10.51, 1200]], "asks": [], "timestamp": _AT}},
        _typed("depth", symbol=TEXT, seq=_SEQ, data=obj(bids=many(_LEVEL), asks=many(_LEVEL), timestamp=INSTANT)),
    ),
    _heard(
        "resumed",
        "A lane's replay is over, or was broken off",
        {"market": "CN", "seq": 1181986801},
        _typed("resumed", {"recovered": is_(False)}, market=_LANE, seq=_SEQ),
    ),
    _heard(
        "status",
        "A market's state",
        {"market": "CN", "state": "lunch_break", "until": _AT, "epoch": "e1"},
        _typed(
            "status", {"line": TEXT, "presumed": is_(True), "feed": TEXT},
            market=_LANE, state=_STATE, until=or_null(INSTANT), epoch=TEXT,
        ),
        "market_status",
    ),
    _heard(
        "status",
        "An instrument's state",
        {"symbol": "600519.SH", "state": "halted"},
        _typed("status", symbol=TEXT, state=_TRADING),
        "instrument_status",
    ),
    _heard(
        "heartbeat",
        "Every 15 seconds",
        {"server_time": _AT, "last": {"CN": 1181986801}, "epoch": {"CN": "e1"}},
        _typed("heartbeat", server_time=INSTANT, last=by_name(_SEQ), epoch=by_name(TEXT)),
    ),
    _heard(
        "quota_changed",
        "The plan grew or shrank",
        {"max_subs": 20, "used": 5, "dropped": []},
        _typed("quota_changed", {"reason": one_of("taken_by_program")}, max_subs=COUNT, used=COUNT, dropped=many(TEXT)),
    ),
    _heard(
        "expiring",
        "24 h, 1 h and 60 s before the end",
        {"in_seconds": 3600, "ends_at": _AT, "message": "Your subscription ends soon."},
        _typed("expiring", in_seconds=COUNT, ends_at=INSTANT, message=TEXT),
    ),
    _heard(
        "announcement",
        "What the operator announces; told again it has the same `update`",
        EXAMPLE,
        _typed("announcement", id=COUNT, update=COUNT, kind=one_of(*KINDS), market=or_null(TEXT), **_SAID),
    ),
    _heard(
        "slow_reader",
        "So many bars were skipped for a reader that was too slow",
        {"skipped": 120},
        _typed("slow_reader", skipped=COUNT),
    ),
    _heard(
        "pong",
        "The answer to a ping",
        {"id": "7", "server_time": _AT},
        _typed("pong", {"id": either(TEXT, WHOLE)}, server_time=INSTANT),
    ),
    _heard(
        "error",
        "What could not be done; the socket stays open",
        {"code": "malformed", "message": "the message is not JSON"},
        _typed("error", code=TEXT, message=TEXT),
    ),
)  # fmt: skip

SOCKET = SocketDescription(
    "Tickpack's own",
    "Bars of 1.5 seconds and whatever else the feed has, with resume. docs/protocol.md has all of it. "
    "A page sends its token as the subprotocols `bearer, <token>`.",
    _SAYS,
    _HEARS,
)
