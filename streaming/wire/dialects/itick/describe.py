"""iTick as data: its socket and its REST (docs/protocol.md "iTick")."""

from typing import Any

from streaming.wire.describe import (
    COUNT,
    EPOCH_MS,
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
from streaming.wire.dialects.itick import rest, symbols
from streaming.wire.dialects.itick.socket import KLINES

# -- the socket --------------------------------------------------------------------------------------------------------

_CODES: Schema = {"type": "string", "pattern": r"[^,\s]", "description": "700$HK,600519$SH"}
_WORD = "|".join(sorted(("quote", "tick", "depth", *KLINES), key=len, reverse=True))
_TYPES: Schema = {
    "type": "string",
    "pattern": rf"^[\s,]*({_WORD})\s*(,[\s,]*({_WORD})\s*)*[\s,]*$",
    "description": "quote, tick, depth, kline@1 to kline@10 (or kline@1m to kline@1M), with commas",
}
_REJECTED = obj(rejected=many(obj(s=TEXT, msg=TEXT), least=1))
_LEVELS = many(obj(po=WHOLE, p=NUMBER, v=COUNT, o=COUNT), least=1)
_OF_WHAT = {"s": TEXT, "r": TEXT}
_BAR = {"tu": or_null(NUMBER), "c": NUMBER, "t": EPOCH_MS, "v": COUNT, "h": NUMBER, "l": NUMBER, "o": NUMBER}


def _answered(action: str, code: int, text: Schema, optional: dict[str, Schema] | None = None) -> Schema:
    return obj(optional, code=is_(code), resAc=is_(action), msg=text)


def _pushed(**fields: Schema) -> Schema:
    return obj(code=is_(1), data=obj(**fields))


SOCKET = SocketDescription(
    "iTick",
    "The path's asset decides what a bare code means. The token may also be sent as the first message. Over the "
    "quota a subscribe is refused whole: `exceeding the maximum subscription limit`. Who has sent one ping must send "
    "another within a minute.",
    (
        Message(
            "auth",
            "The token, where it is neither in a header nor in the URL",
            loose(ac=is_("auth"), params=TEXT),
            {"ac": "auth", "params": "<token>"},
        ),
        Message(
            "subscribe",
            "Follow symbols; what was followed stays",
            loose(ac=is_("subscribe"), params=_CODES, types=_TYPES),
            {"ac": "subscribe", "params": "700$HK,600519$SH", "types": "quote,tick,depth,kline@1"},
        ),
        Message(
            "unsubscribe",
            "Stop following; without types altogether",
            loose({"types": either(_TYPES, one_of("", None))}, ac=is_("unsubscribe"), params=_CODES),
            {"ac": "unsubscribe", "params": "700$HK"},
        ),
        Message(
            "ping",
            "A sign of life; `params` comes back as it was sent",
            loose({"params": either({"type": "string", "maxLength": 64}, NUMBER, NULL)}, ac=is_("ping")),
            {"ac": "ping", "params": "1731688569840"},
        ),
    ),
    (
        Message(
            "connected",
            "The first message",
            obj(code=is_(1), msg=is_("Connected Successfully")),
            {"code": 1, "msg": "Connected Successfully"},
        ),
        Message(
            "authenticated",
            "The token is good",
            _answered("auth", 1, is_("authenticated")),
            {"code": 1, "resAc": "auth", "msg": "authenticated"},
        ),
        Message(
            "auth_failed",
            "It is not; the socket is closed with 4401",
            _answered("auth", 0, is_("auth failed")),
            {"code": 0, "resAc": "auth", "msg": "auth failed"},
        ),
        Message(
            "subscribed",
            "Followed; `data.rejected` names what is not",
            _answered("subscribe", 1, is_("subscribe Successfully"), {"data": _REJECTED}),
            {"code": 1, "resAc": "subscribe", "msg": "subscribe Successfully"},
        ),
        Message(
            "unsubscribed",
            "Followed no longer",
            _answered("unsubscribe", 1, is_("unsubscribe Successfully")),
            {"code": 1, "resAc": "unsubscribe", "msg": "unsubscribe Successfully"},
        ),
        Message(
            "refused",
            "What could not be done: `cannot be resolved action`, `exceeding the maximum subscription limit`",
            obj({"data": _REJECTED}, code=is_(0), resAc=one_of("subscribe", "unsubscribe"), msg=TEXT),
            {"code": 0, "resAc": "subscribe", "msg": "cannot be resolved action"},
        ),
        Message(
            "pong",
            "The answer to a ping",
            obj(resAc=is_("pong"), data=obj(params=either(TEXT, NUMBER, NULL))),
            {"resAc": "pong", "data": {"params": "1731688569840"}},
        ),
        Message(
            "tick",
            "One trade",
            _pushed(**_OF_WHAT, ld=NUMBER, v=COUNT, t=EPOCH_MS, type=is_("tick")),
            {"code": 1, "data": {"s": "700$HK", "r": "HK", "ld": 461.4, "v": 200, "t": 1773037800000, "type": "tick"}},
        ),
        Message(
            "quote",
            "The day so far",
            _pushed(
                **_OF_WHAT, ld=NUMBER, o=NUMBER, p=NUMBER, h=NUMBER, l=NUMBER, t=EPOCH_MS, v=COUNT,
                tu=or_null(NUMBER), ts=WHOLE, ch=NUMBER, chp=NUMBER, type=is_("quote"),
            ),
            {"code": 1, "data": {"s": "700$HK", "r": "HK", "ld": 461.4, "o": 451.0, "p": 450.0, "h": 468.8, "l": 448.6,
                                 "t": 1773037800000, "v": 24687716, "tu": 11362800000.0, "ts": 0, "ch": 11.4,
                                 "chp": 2.53, "type": "quote"}},
        ),
        Message(
            "depth",
            "The best orders; an empty side is one order of 0",
            _pushed(**_OF_WHAT, a=_LEVELS, b=_LEVELS, type=is_("depth")),
            {"code": 1, "data": {"s": "700$HK", "r": "HK", "a": [{"po": 1, "p": 461.4, "v": 1000, "o": 1000}],
                                 "b": [{"po": 1, "p": 461.2, "v": 2000, "o": 2000}], "type": "depth"}},
        ),
        Message(
            "kline",
            "A bar as it stands; `type` is the client's own word",
            _pushed(**_BAR, type=one_of(*KLINES), **_OF_WHAT),
            {"code": 1, "data": {"tu": 138420.0, "c": 461.4, "t": 1773037800000, "v": 300, "h": 462.0, "l": 460.0,
                                 "o": 461.0, "type": "kline@1", "s": "700", "r": "HK"}},
        ),
    ),
)  # fmt: skip

# -- REST --------------------------------------------------------------------------------------------------------------

# One that each asset carries: region, code, and several codes of the region.
_EXAMPLES = {
    "stock": ("HK", "700", "700,5"), "fund": ("SH", "510300", "510300"), "indices": ("HK", "HSI", "HSI"),
    "forex": ("GB", "EURUSD", "EURUSD,GBPUSD"), "crypto": ("BA", "BTCUSDT", "BTCUSDT"), "future": ("US", "NQ", "NQ"),
}  # fmt: skip
_REGION = "SH, SZ, BJ, HK; GB or none where the code says it"
_PRICE, _NOBODY_REPORTS, _SHARES = or_null(NUMBER), NULL, or_null(COUNT)
_TICK = obj(s=TEXT, ld=NUMBER, t=EPOCH_MS, v=COUNT, tu=or_null(NUMBER), ts=WHOLE)
_QUOTE = obj(
    s=TEXT, ld=_PRICE, o=_PRICE, p=_PRICE, h=_PRICE, l=_PRICE, t=EPOCH_MS, v=COUNT, tu=or_null(NUMBER), ts=WHOLE,
    ch=_PRICE, chp=_PRICE,
)  # fmt: skip
_SIDE = many(obj(po=WHOLE, p=NUMBER, v=COUNT, o=COUNT))
_DEPTH = obj(s=TEXT, a=_SIDE, b=_SIDE)
_KLINE = many(obj(**_BAR))
_INFO = obj(
    s=TEXT, c=TEXT, l=COUNT, b=TEXT, nc=TEXT, ne=TEXT, e=TEXT,
    t=_SHARES, cs=_SHARES, hs=_SHARES, ep=or_null(NUMBER), ept=or_null(NUMBER), bps=or_null(NUMBER),
    **dict.fromkeys(("nh", "dy", "sd"), _NOBODY_REPORTS),
)  # fmt: skip
_SYMBOL = obj(c=TEXT, n=TEXT, t=one_of(*symbols.CARRIED), e=TEXT, s=NULL, l=NULL, r=TEXT)
_SYMBOL_INFO = obj(
    n=TEXT,
    r=TEXT,
    tz=TEXT,
    e=TEXT,
    t=TEXT,
    sb=many(obj(id=is_("regular"), session=TEXT)),
    si=is_("regular"),
    m=WHOLE,
    b=NULL,
    d=TEXT,
)
_HOLIDAYS = obj(
    c=TEXT, r=TEXT, v={"type": "string", "contentMediaType": "application/json", "description": "a list of days"},
    et=NULL, ey=NULL, vr=NULL, tz=TEXT,
)  # fmt: skip
_STATUS = obj(c=TEXT, r=TEXT, o=NULL, s=TEXT, h=NULL, t=EPOCH_MS, z=TEXT, l=NULL)
_ERROR = obj(code=one_of("E001", "E002", "E003", "E004", "E005", "E006"), msg=TEXT, data=NULL, detail=TEXT)
_MARKET_CODES = one_of("SH", "SZ", "BJ", "CN", "HK")


def _success(data: Schema) -> Schema:
    return obj(code=is_(0), msg=NULL, data=data)


def _of(asset: str, name: str, summary: str, data: Schema, *more: Parameter, several: bool = False) -> Operation:
    region, code, codes = _EXAMPLES[asset]
    asked = (
        Parameter("codes", f"up to {rest.MAX_CODES} of the region, with commas", codes, required=True)
        if several
        else Parameter("code", "like 700", code, required=True)
    )
    carried = asset in symbols.CARRIED
    said = summary if carried else f"{summary}: nothing of this asset is carried (E001)"
    data = by_name(data) if several else data
    answer = _success(data) if carried else None
    return Operation(f"{asset}/{name}", said, answer, (Parameter("region", _REGION, region), asked, *more))


def _of_asset(asset: str) -> list[Operation]:
    span = (
        Parameter("kType", "1m 5m 15m 30m 1h 2h 4h 1d 1w 1M", 2, {"type": "integer", "enum": list(rest.INTERVALS)}),
        Parameter("limit", "how many at most", 5, {"type": "integer", "maximum": rest.MAX_LIMIT, "default": 100}),
        Parameter("et", "the end in ms; without it up to the present bar", 1_675_216_800_000, WHOLE),
    )
    told: list[tuple[str, str, Schema, tuple[Parameter, ...]]] = [
        ("tick", "The last trade", _TICK, ()),
        ("quote", "The day so far", _QUOTE, ()),
        ("depth", "The best orders", _DEPTH, ()),
        ("kline", "Bars, oldest first", _KLINE, span),
    ]
    found = [_of(asset, name, summary, data, *more) for name, summary, data, more in told]
    found += [
        _of(asset, f"{name}s", f"{summary}, of several", data, *more, several=True)
        for name, summary, data, more in told
    ]
    return [*found, _of(asset, "info", "Basic facts", _INFO)]


def _nothing(path: str, summary: str = "Nothing stands here", **more: Any) -> Operation:
    return Operation(path, summary, None, **more)


_REFUSALS = {
    200: "an error that is none of those below: E001 no such symbol, E003 the plan, E004 a parameter, E005 try again, "
    "E006 not carried",
    401: "the token is no good (E002)",
    429: "too many calls (E003)",
}
_NOWHERE = {**_REFUSALS, 404: "there is no such address (E006)"}

REST = Rest(
    "iTick",
    "A success has the code 0, a number; an error has a text for a code and the status 200, except 401 and 429.",
    _ERROR,
    _REFUSALS,
    (
        *(one for asset in symbols.ASSETS for one in _of_asset(asset)),
        _of("stock", "base", "Basic facts, by an older name", _INFO),
        _nothing("stock/ipo", "Not carried (E006)"),
        _nothing("stock/split", "Not carried (E006)"),
        Operation(
            "symbol/list",
            "The list of symbols",
            _success(many(_SYMBOL)),
            (
                Parameter("type", "of one asset", "stock", one_of(*symbols.ASSETS)),
                Parameter("region", "of one region or market", "HK"),
                Parameter("code", "of one code", "700"),
            ),
        ),
        Operation(
            "symbol/info",
            "What TradingView's charts ask",
            _success(_SYMBOL_INFO),
            (
                Parameter("code", "like 700", "700", required=True),
                Parameter("region", _REGION, "HK"),
                Parameter("exchange", "in the region's place: SSE, SZSE, BSE, HKEX", "HKEX"),
            ),
        ),
        *(
            Operation(
                path,
                "Weekdays without trading, of one market or of both",
                _success(many(_HOLIDAYS)),
                (Parameter("code", "the market", "HK", _MARKET_CODES),),
            )
            for path in ("symbol/holidays", "symbol/v2/holidays")
        ),
        Operation(
            "market/status",
            "How a market is",
            _success(_STATUS),
            (Parameter("code", "the market", "HK", _MARKET_CODES, required=True),),
        ),
        *(
            _nothing(f"{base}/{rest_}", refusals=_NOWHERE)
            for base in (*symbols.ASSETS, "symbol", "market")
            for rest_ in ("", "{rest}")
        ),
    ),
    token_headers=("token",),
    token_parameters=("token",),
)
