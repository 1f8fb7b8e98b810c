"""The node's own addresses as data: what they take, what they answer, what they refuse (docs/protocol.md)."""

from typing import Any

from streaming.wire.describe import (
    COUNT,
    EPOCH_MS,
    FLAG,
    INSTANT,
    NUMBER,
    TEXT,
    WHOLE,
    Operation,
    Parameter,
    Rest,
    Schema,
    by_name,
    many,
    obj,
    one_of,
    or_null,
)

ERROR: Schema = {
    "type": "object",
    "properties": {"code": TEXT, "message": TEXT},
    "required": ["code", "message"],
    "description": "`code` is stable; further fields carry the numbers",
}
_LANE_FACTS = by_name(by_name(TEXT))
_HEALTH = obj(
    status=one_of("ok", "degraded"), node=TEXT, group=TEXT, version=TEXT, realtime=FLAG, server_time_ms=EPOCH_MS,
    up_seconds=COUNT, markets=by_name(obj(state=TEXT, presumed=FLAG, feed=TEXT, lag_ms=or_null(COUNT))),
    connections=COUNT, draining=FLAG, lanes=_LANE_FACTS,
)  # fmt: skip
_READY = obj({"reason": TEXT, "ingest": by_name(TEXT), "warnings": many(TEXT)}, ready=FLAG)
_USAGE = obj(
    used=COUNT, max_subs=COUNT, symbols=many(TEXT), connections=COUNT, max_conns=COUNT,
    markets=many(one_of("CN", "HK")),
    viewers={
        **obj(used=COUNT, symbols=many(TEXT), connections=COUNT, max_conns=COUNT),
        "description": "what the panel's own pages alone follow, and how many are connected",
    },
)  # fmt: skip
_SOCKETS = obj(
    sockets=many(obj(
        id=TEXT, since=INSTANT, viewer={**FLAG, "description": "one of the panel's own pages"}, symbols=COUNT,
        node=or_null(TEXT), address=or_null(TEXT), language=or_null(TEXT), unsent_bytes=or_null(COUNT),
    )),
    connections=COUNT, max_conns=COUNT, viewers=COUNT, max_viewers=COUNT,
)  # fmt: skip
_ENDED = obj(id=TEXT, ended={**FLAG, "description": "false: its process has not done so within two seconds"})
_FOUND_BY = one_of("code", "former_code", "name", "former_name", "initials", "pinyin", "english")
_PRICE_STEP: Schema = {
    "type": "array", "prefixItems": [NUMBER, NUMBER], "items": False, "minItems": 2,
    "description": "from this price on, the least step",
}  # fmt: skip
_FOUND = obj(
    results=many(obj(
        q=TEXT,
        ambiguous={**FLAG, "description": "as a code it is that of several products: write the exchange too"},
        items=many(obj(
            symbol=TEXT, name_zh=TEXT, name_en=TEXT, market=one_of("CN", "HK", "TEST"), exchange=TEXT, board=TEXT,
            kind=one_of("stock", "etf", "lof", "reit", "index"), currency=TEXT, lot=COUNT,
            price_steps=many(_PRICE_STEP),
            state=one_of("trading", "suspended", "delisted"), sector=TEXT, listed_on=TEXT, delisted_on=TEXT,
            former_codes=many(TEXT), former_names=many(TEXT), matched=_FOUND_BY,
        )),
    )),
    listed={**COUNT, "description": "products that the node's list has"},
    list={**COUNT, "description": "number of the published list; 0: the one that came with the program"},
)  # fmt: skip
_TOLD = or_null(NUMBER)
_STATISTICS = obj(
    data=many(obj(
        symbol=TEXT, date=or_null(TEXT), currency=TEXT, lot=or_null(COUNT), limit_up=_TOLD, limit_down=_TOLD,
        turnover_rate=_TOLD, volume_ratio=_TOLD, pe_ttm=_TOLD, pe_static=_TOLD, pe_dynamic=_TOLD, pb=_TOLD, eps=_TOLD,
        eps_ttm=_TOLD, bps=_TOLD, total_shares=or_null(COUNT), circulating_shares=or_null(COUNT),
        hk_shares=or_null(COUNT), market_cap=or_null(COUNT), circulating_market_cap=or_null(COUNT),
    )),
    left_out=many(TEXT), rejected=many(obj(symbol=TEXT, reason=TEXT, message=TEXT)),
)  # fmt: skip
_OF_A_CUSTOMER = {
    401: "the token is no good",
    403: "the token is one of the panel's pages, in other hands, or a guest's",
    429: "too many calls",
    503: "the real-time store is away",
}
_NOWHERE = {404: "there is no such address"}


def _open(path: str, summary: str, answer: Schema | None, **more: Any) -> Operation:
    return Operation(path, summary, answer, needs_token=False, **{"refusals": {}, **more})


REST = Rest(
    "The node's own",
    "How a node is, what it speaks, and what a customer uses.",
    ERROR,
    {401: "the token is no good", 503: "the real-time store is away"},
    (
        _open("healthz", "The process answers", _HEALTH),
        _open("readyz", "The node takes new sockets; 503 while it drains or no market is written", _READY),
        _open("metrics", "Prometheus' counters", TEXT, media_type="text/plain"),
        _open("asyncapi.json", "This node's sockets as AsyncAPI 3.0", {"type": "object"}),
        Operation("v1/usage", "What the token's customer uses now", _USAGE, refusals=_OF_A_CUSTOMER),
        Operation("v1/sockets", "What is connected for the token's customer now", _SOCKETS, refusals=_OF_A_CUSTOMER),
        Operation(
            "v1/sockets/{id}",
            "End one of the customer's connections (close code 4410)",
            _ENDED,
            (Parameter("id", "as /v1/sockets names it", "9f86d081884c", TEXT, required=True),),
            method="delete",
            refusals={**_OF_A_CUSTOMER, 404: "nothing of that name is connected for this customer"},
        ),
        Operation(
            "v1/history/{symbols}/{file}",
            "A month of minutes or a year of days as one file, whole or in ranges",
            {"type": "string", "format": "binary"},
            (
                Parameter("symbols", "up to 50, with commas", "00700.HK", TEXT, required=True),
                Parameter(
                    "file", "2026-11.parquet, .csv, .arrow; of days 2026.csv", "2026-11.csv", TEXT, required=True
                ),
                Parameter("interval", "of the bars", "1m", one_of("1m", "1d")),
                Parameter("adjust", "prices over corporate actions", "none", one_of("none", "forward", "backward")),
            ),
            refusals={
                400: "no such period, form or interval, or a symbol that is none",
                401: "the token is no good",
                403: "the plan does not include it",
                404: "nobody carries it",
                429: "too many calls",
                503: "history is away",
            },
            media_type="text/csv",
        ),
        Operation(
            "v1/instruments",
            "Find instruments by code, name, pinyin or initials, however they are written",
            _FOUND,
            (
                Parameter(
                    "q",
                    "what is looked for; up to 50 with commas of both widths, semicolons or lines between",
                    "600519",
                    required=True,
                ),
                Parameter("market", "CN or HK; both where it is left out", "CN", one_of("CN", "HK")),
                Parameter("limit", "at most so many for each, 20 by default", 5, {**WHOLE, "maximum": 100}),
            ),
            refusals={
                400: "`q` is empty, or a parameter is none",
                401: "the token is no good",
                429: "too many calls",
                503: "the real-time store is away",
            },
        ),
        Operation(
            "v1/statistics",
            "Limits, shares, capitalisations and ratios of the day; null is what no source tells",
            _STATISTICS,
            (Parameter("symbols", "up to 50, with commas", "600519.SH,00700.HK", required=True),),
            refusals={
                400: "no symbols, or too many",
                401: "the token is no good",
                403: "the plan does not include it",
                404: "nobody carries it",
                429: "too many calls, or more symbols than the plan has",
                503: "the real-time store is away",
            },
        ),
        _open("v1/", "Nothing stands here", None, refusals=_NOWHERE),
        _open("v1/{rest}", "Nothing else stands here", None, refusals=_NOWHERE),
    ),
    token_headers=("X-API-Key",),
)
