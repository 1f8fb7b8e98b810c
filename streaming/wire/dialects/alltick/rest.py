"""AllTick's HTTP: one JSON text in the parameter `query` (or a body), answers {ret, msg, trace, data}.

Numbers are texts; a bar's time is in seconds, a tick's in ms (docs/protocol.md "AllTick"). Answers hold no booleans:
AllTick's own example reads with `eval`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import BadSymbol, InstrumentId, Venue
from kernel.tokens import BadToken
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import FormedBar
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, Trade
from streaming.errors import (
    BadParameter,
    IntervalNotAllowed,
    LevelNotAllowed,
    MarketNotAllowed,
    NoSuchAddress,
    QuotaExceeded,
    TooManyCalls,
    TypeNotAllowed,
    UnknownSymbol,
)
from streaming.wire.dialects.alltick.symbols import write
from streaming.wire.dialects.numbers import (
    OpenedBar,
    bar_of,
    decimal_text,
    e4_of,
    field,
    known_turnover,
    levels_of,
    rows,
    whole,
)

Json = dict[str, Any]
INTERVALS = {1: "1m", 2: "5m", 3: "15m", 4: "30m", 5: "1h", 6: "2h", 7: "4h", 8: "1d", 9: "1w", 10: "1M"}
MAX_BARS, MAX_CODES, MAX_TRACE = 500, 50, 64
_DIRECTIONS = {"N": 0, "B": 1, "S": 2}
_SIDES = {number: side for side, number in _DIRECTIONS.items()}
_EXCHANGES = {Venue.SH: "SH", Venue.SZ: "SZ", Venue.BJ: "BJ", Venue.HK: "SEHK", Venue.TEST: "TEST"}


class EmptyBody(Malformed):
    message = "The request has no body and no `query`"
    code = "empty_body"


@dataclass(frozen=True, slots=True)
class Bars:
    """A request for bars; `end_s` 0 is now."""

    code: str
    interval: str
    count: int
    end_s: int = 0


# -- what a client asks ------------------------------------------------------------------------------------------------


def read_request(text: str | bytes) -> tuple[str, Json]:
    """Return the trace and the data of a request.

    Raises:
        EmptyBody, BadParameter: there is none; it is not what the pages say.
    """
    if not text.strip():
        raise EmptyBody
    try:
        request = json.loads(text)
    except RecursionError:
        raise BadParameter("the query is nested too deeply") from None
    except ValueError as error:
        raise BadParameter(f"the query is not JSON: {str(error)[:120]}") from None
    if not isinstance(request, dict) or not isinstance(request.get("data"), dict):
        raise BadParameter('the query must be an object like {"trace": "1", "data": {...}}')
    trace = request.get("trace", "")
    return str(trace)[:MAX_TRACE] if isinstance(trace, str | int) else "", request["data"]


def read_bars_request(data: Any) -> Bars:
    """Read what `kline` asks for one code.

    Raises:
        BadParameter: a field is missing or cannot be used; the text says which.
    """
    kind = _number(data, "kline_type", 1)
    if kind not in INTERVALS:
        raise BadParameter(f"kline_type {kind} is not one of 1 to 10")
    if adjust := _number(data, "adjust_type", 0):
        raise BadParameter(f"adjust_type {adjust} is not carried; this node carries 0, prices as they were traded")
    count = _number(data, "query_kline_num", 1)
    if count < 1:
        raise BadParameter(f"query_kline_num {count} is less than 1")
    end_s = _number(data, "kline_timestamp_end", 0)
    if end_s < 0:
        raise BadParameter(f"kline_timestamp_end {end_s} is before 1970")
    return Bars(_code(data), INTERVALS[kind], min(count, MAX_BARS), end_s)


def read_batch_request(data: Json) -> list[Bars]:
    """Read what `batch-kline` asks; raises as `read_bars_request`."""
    return [read_bars_request(row) for row in _listed(data, "data_list")]


def read_codes(data: Json) -> list[str]:
    """Read the codes of `trade-tick`, `depth-tick` and `static_info`; raises as `read_bars_request`."""
    return [_code(row) for row in _listed(data, "symbol_list")]


def _listed(data: Json, name: str) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list) or not found:
        raise BadParameter(f"{name} must be a list of at least one")
    return found[:MAX_CODES]  # more are passed over silently there


def _code(row: Any) -> str:
    code = row.get("code") if isinstance(row, dict) else None
    if not isinstance(code, str) or not code.strip():
        raise BadParameter("code is missing; write it like 700.HK")
    return code.strip()[:40]


def _number(row: Any, name: str, default: int) -> int:
    value = row.get(name, default) if isinstance(row, dict) else default
    try:
        return whole(value)
    except Malformed as error:
        raise BadParameter(f"{name}: {error.message}") from None


# -- envelope ----------------------------------------------------------------------------------------------------------


def answer(data: Json, trace: str = "", *, unfit: Sequence[str] = ()) -> Json:
    """Return a success; what the plan had no room for is named in its message."""
    message = f"ok; the plan has no room for {', '.join(unfit)} in this minute" if unfit else "ok"
    return {"ret": 200, "msg": message, "trace": trace, "data": data}


def refusal(error: PlatformError, trace: str = "") -> tuple[int, Json]:
    """Return the HTTP status and the envelope of an error: it has no `data`, as there."""
    status, code, text = 200, 400, error.message
    if isinstance(error, BadParameter):
        code, text = 402, f"query invalid: {error.message}"
    elif isinstance(error, BadToken):
        status, code, text = 401, 401, f"token invalid: {error.message}"
    elif isinstance(error, TooManyCalls):
        status, code, text = 429, 605, f"too many requests: {error.message}"
    elif isinstance(error, EmptyBody):
        code, text = 601, "body empty"
    elif isinstance(error, BadSymbol | UnknownSymbol):
        code, text = 600, f"code invalid: {error.message}"
    elif isinstance(error, MarketNotAllowed | QuotaExceeded):
        code, text = 604, f"code unauthorised: {error.message}"
    elif isinstance(error, LevelNotAllowed | TypeNotAllowed | IntervalNotAllowed):
        code, text = 603, f"token level not enough: {error.message}"
    elif isinstance(error, NoSuchAddress):
        status, code, text = 404, 400, error.message
    elif isinstance(error, Unavailable):
        status, code, text = 503, 500, error.message
    return status, {"ret": code, "msg": text, "trace": trace}


def read_answer(body: Any) -> Json:
    """Return the data of an envelope.

    Raises:
        Malformed: it says an error; the text is the peer's.
    """
    if field(body, "ret") != 200:
        raise Malformed(f"the peer refused: {str(body.get('ret'))[:16]} {str(body.get('msg'))[:200]}")
    found = field(body, "data")
    if not isinstance(found, dict):
        raise Malformed("the answer's data is no object")
    return found


# -- market data -------------------------------------------------------------------------------------------------------


def bars(found: Iterable[OpenedBar]) -> list[Json]:
    """Return bars, oldest first; `timestamp` is where each opened."""
    return [
        {
            "timestamp": str(bar.opened_ms // 1000),
            "open_price": decimal_text(bar.open_e4),
            "close_price": decimal_text(bar.close_e4),
            "high_price": decimal_text(bar.high_e4),
            "low_price": decimal_text(bar.low_e4),
            "volume": str(bar.volume),
            "turnover": _turnover(bar.volume, bar.turnover_e4),
        }
        for bar in found
    ]


def _turnover(volume: int, turnover_e4: int) -> str:
    """Return a turnover; empty where nobody tells it."""
    known = known_turnover(volume, turnover_e4)
    return "" if known is None else decimal_text(known)


def kline(asked: Bars, found: Iterable[OpenedBar]) -> Json:
    return {"code": asked.code, "kline_type": _number_of(asked.interval), "kline_list": bars(found)}


def batch_kline(found: Sequence[tuple[Bars, Sequence[OpenedBar]]]) -> Json:
    rows_ = [
        {"code": asked.code, "kline_type": _number_of(asked.interval), "kline_data": bars(of_code)}
        for asked, of_code in found
    ]
    return {"kline_list": rows_}


def _number_of(interval: str) -> int:
    return next(number for number, name in INTERVALS.items() if name == interval)


def read_bars(found: Any) -> list[FormedBar]:
    """Read a `kline_list` of one code, or a row's `kline_data`."""
    names = ("open_price", "high_price", "low_price", "close_price", "volume", "turnover")
    return [bar_of(row, whole(field(row, "timestamp")) * 1000, names) for row in rows(found)]


def trade_tick(asked: str, trade: Trade, number: int) -> Json:
    return {
        "code": asked,
        "seq": str(number),
        "tick_time": str(trade.at_ms),
        "price": decimal_text(trade.price_e4),
        "volume": str(trade.volume),
        "turnover": _turnover(trade.volume, trade.turnover_e4),
        "trade_direction": _DIRECTIONS.get(trade.side, 0),
    }


def read_trade_tick(row: Any, instrument: InstrumentId) -> Trade:
    side = _SIDES.get(whole(row.get("trade_direction", 0)), "N") if isinstance(row, dict) else "N"
    price_e4, volume = e4_of(field(row, "price")), whole(field(row, "volume"))
    return Trade(
        instrument, read_time(field(row, "tick_time")), price_e4, volume, e4_of(field(row, "turnover") or 0), side
    )


def read_time(value: Any) -> int:
    """Read a tick's time: ms by the table, seconds by the example."""
    time = whole(value)
    return time * 1000 if time < 10**11 else time


def depth_tick(asked: str, levels: Levels, number: int, most: int) -> Json:
    bids, asks = (
        [{"price": decimal_text(price_e4), "volume": str(volume)} for price_e4, volume in side[:most]]
        for side in (levels.bids, levels.asks)
    )
    return {"code": asked, "seq": str(number), "tick_time": str(levels.at_ms), "bids": bids, "asks": asks}


def read_depth_tick(row: Any, instrument: InstrumentId) -> Levels:
    bids, asks = (levels_of(field(row, side), "price", "volume") for side in ("bids", "asks"))
    return Levels(instrument, read_time(field(row, "tick_time")), bids, asks)


def tick_list(found: Iterable[Json]) -> Json:
    return {"tick_list": list(found)}


def static_info(found: Iterable[tuple[Instrument, Statistics | None]]) -> Json:
    """Return the basic facts of instruments, each with what was told of it; what nobody tells is empty."""
    return {"static_info_list": [_static_info(one, told) for one, told in found]}


def _static_info(one: Instrument, told: Statistics | None) -> Json:
    counts, values = ("total_shares", "circulating_shares", "hk_shares"), ("eps", "eps_ttm", "bps")
    said: dict[str, int | None] = {name: getattr(told, name, None) for name in counts}
    decimals: dict[str, int | None] = {name: getattr(told, f"{name}_e4", None) for name in values}
    lot = (told.lot if told is not None else None) or one.lot
    return {
        "symbol": write(one.id), "name_cn": one.name_zh, "name_en": one.name_en, "currency": one.currency,
        "exchange": _EXCHANGES[one.id.venue], "lot_size": str(lot), "board": one.board, "name_hk": "",
        **{name: "" if count is None else str(count) for name, count in said.items()},
        **{name: "" if e4 is None else decimal_text(e4) for name, e4 in decimals.items()},
        "dividend_yield": "",
    }  # fmt: skip
