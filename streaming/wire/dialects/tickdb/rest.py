"""TickDB's answers over HTTP: our values -> its JSON, its JSON -> our values, its error codes.

Prices and volumes are texts, times are whole ms, a symbol is echoed as it was asked for (docs/protocol.md
"TickDB"). What nobody knows yet, and what only companies report, is left out: its clients read texts, and no null.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import BadSymbol, InstrumentId, Venue
from kernel.tokens import BadToken, TokenMissing
from streaming.domain import E4
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import FormedBar
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.errors import (
    AmbiguousSymbol,
    BadParameter,
    GuestNotAllowed,
    IntervalNotAllowed,
    LevelNotAllowed,
    MarketNotAllowed,
    NotCarried,
    QuotaExceeded,
    TooManyCalls,
    TypeConflict,
    TypeNotAllowed,
    UnknownSymbol,
)
from streaming.wire.dialects.numbers import (
    OpenedBar,
    bar_of,
    decimal_text,
    e4_of,
    field,
    known_turnover,
    levels_of,
    percent_text,
    rows,
    whole,
)
from streaming.wire.dialects.tickdb.symbols import write

Json = dict[str, Any]
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M")
MARKETS = ("GLOBAL", "US", "HK", "CN")
# As its pages write them; the test symbol's is ours.
_EXCHANGES = {Venue.SH: "SSE", Venue.SZ: "SZSE", Venue.BJ: "BSE", Venue.HK: "SEHK", Venue.TEST: "TEST"}
_SESSIONS = {"regular": 0, "pre_market": 1, "post_market": 2}
DEFAULT_LIMIT, MAX_LIMIT, MAX_SYMBOLS, MAX_DEPTH = 100, 1000, 50, 50
_SIDES = {"B": "buy", "S": "sell", "N": "neutral"}
_OUR_SIDES = {word: ours for ours, word in _SIDES.items()}
_CODES: tuple[tuple[type[PlatformError], int | str], ...] = (
    (AmbiguousSymbol, "AMBIGUOUS_SYMBOL"),
    (TypeConflict, 2006),
    (MarketNotAllowed, 1004),
    (GuestNotAllowed, 1004),
    (QuotaExceeded, 3004),
    (LevelNotAllowed, 1004),
    (TypeNotAllowed, 1004),
    (IntervalNotAllowed, 1004),
    (UnknownSymbol, 2002),
    (BadSymbol, 2005),
    (BadParameter, 2001),
    (TooManyCalls, 3001),
    (NotCarried, 5001),
    (Unavailable, 5001),
)

# -- envelope ----------------------------------------------------------------------------------------------------------


def answer(data: Any, *, unfit: Sequence[str] = ()) -> Json:
    """Return what clients take for success; what the plan had no room for is named in the message."""
    message = f"Partial success: the plan has no room for {', '.join(unfit)} in this minute" if unfit else "success"
    return {"code": 0, "message": message, "data": data}


def refusal(error: PlatformError, *, now_ms: int = 0) -> tuple[int, Json]:
    """Return the HTTP status and the envelope of an error."""
    code: int | str = next((code for kind, code in _CODES if isinstance(error, kind)), 5000)
    code = error.fields.get("tickdb_code", code)
    message, data = error.message, None
    if isinstance(error, TokenMissing):
        code, message = 1002, "Token is required"
    elif isinstance(error, BadToken):
        code, message = 1001, f"Invalid or expired token: {message}"
    elif isinstance(error, AmbiguousSymbol):
        data = {"available_types": error.fields["available_types"]}
    elif isinstance(error, TooManyCalls):
        reset_at = now_ms + error.fields["retry_after_s"] * 1000
        data = {"limit": error.fields["limit"], "plan": "", "reset_at": reset_at, "upgrade_to": ""}
    return error.http_status, {"code": code, "message": message, "data": data}


def read_answer(body: Any) -> Any:
    """Return the data of an envelope.

    Raises:
        Malformed: it says an error; the text is the peer's.
    """
    if field(body, "code") != 0:
        raise Malformed(f"the peer refused: {str(body.get('code'))[:24]} {str(body.get('message'))[:200]}")
    return field(body, "data")


# -- market data -------------------------------------------------------------------------------------------------------


def klines(bars: Iterable[OpenedBar]) -> list[Json]:
    """Return bars, oldest first; `time` is where each opened."""
    return [
        {
            "time": bar.opened_ms,
            "open": decimal_text(bar.open_e4),
            "high": decimal_text(bar.high_e4),
            "low": decimal_text(bar.low_e4),
            "close": decimal_text(bar.close_e4),
            "volume": str(bar.volume),
            **_texts({"quote_volume": known_turnover(bar.volume, bar.turnover_e4)}),
        }
        for bar in bars
    ]


def kline(asked: str, kind: str, interval: str, bars: Iterable[OpenedBar]) -> Json:
    """Return one symbol's bars: the data of /kline, and a row of /kline/latest."""
    return {"symbol": asked, "type": kind, "interval": interval, "klines": klines(bars)}


def intraday(asked: str, kind: str, minutes: Iterable[OpenedBar]) -> Json:
    """Return the minutes of one day: each with its close, and the day's volume, turnover and average price so far.

    An index trades nothing itself, and of a turnover that nobody tells there is no average: it is the price.
    """
    lines, volume, turnover_e4 = [], 0, 0
    for bar in minutes:
        volume, turnover_e4 = volume + bar.volume, turnover_e4 + bar.turnover_e4
        weighted = turnover_e4 > 0 and kind != "indices"  # a source may tell volumes alone
        average = Decimal(turnover_e4) / E4 / volume if weighted else Decimal(bar.close_e4) / E4
        lines.append({
            "timestamp": bar.opened_ms, "price": decimal_text(bar.close_e4), "volume": volume,
            **_texts({"turnover": known_turnover(volume, turnover_e4)}),
            "avg_price": f"{average:.6f}".rstrip("0").rstrip("."),
        })  # fmt: skip
    return {"symbol": asked, "lines": lines}


def read_klines(data: Any) -> list[FormedBar]:
    return [
        bar_of(row, whole(field(row, "time")), ("open", "high", "low", "close", "volume", "quote_volume"))
        for row in rows(field(data, "klines"))
    ]


def ticker(asked: str, kind: str, name: str, picture: Snapshot, *, best: bool) -> Json:
    """Return the day so far; its 24 h are the exchange's day.

    Args:
        best: the plan's level includes the best orders.
    """
    known = picture.prev_close_e4 > 0 and picture.last_e4 > 0
    change_e4 = picture.last_e4 - picture.prev_close_e4
    bid, ask = (side[0][0] if side and best else 0 for side in (picture.bids, picture.asks))
    prices = {
        "last_price": picture.last_e4, "bid_price": bid, "ask_price": ask, "high_24h": picture.high_e4,
        "low_24h": picture.low_e4,
    }  # fmt: skip
    told = {name: decimal_text(price_e4) for name, price_e4 in prices.items() if price_e4}
    if known:
        told["price_change_24h"] = decimal_text(change_e4)
        told["price_change_percent_24h"] = percent_text(change_e4, picture.prev_close_e4)
    return {
        "symbol": asked, "name": name, "type": kind, **told, "volume_24h": str(picture.cum_volume),
        "timestamp": picture.at_ms,
    }  # fmt: skip


def read_ticker(row: Any, instrument: InstrumentId) -> Snapshot:
    """Read a ticker: it tells no opening and no turnover, and the previous close by the change alone."""
    last_e4 = e4_of(field(row, "last_price"))
    change = row.get("price_change_24h")
    return Snapshot(
        instrument=instrument,
        at_ms=whole(field(row, "timestamp")),
        prev_close_e4=last_e4 - e4_of(change) if change is not None else 0,
        open_e4=0,
        high_e4=e4_of(row.get("high_24h")),
        low_e4=e4_of(row.get("low_24h")),
        last_e4=last_e4,
        cum_volume=whole(field(row, "volume_24h")),
        cum_turnover_e4=0,
    )


def depth(asked: str, kind: str, levels: Levels, most: int) -> Json:
    """Return the best orders as [price, quantity], at most so many a side."""
    bids, asks = (
        [[decimal_text(price_e4), str(volume)] for price_e4, volume in side[:most]]
        for side in (levels.bids, levels.asks)
    )
    return {"symbol": asked, "type": kind, "timestamp": levels.at_ms, "bids": bids, "asks": asks}


def read_depth(data: Any, instrument: InstrumentId) -> Levels:
    bids, asks = (levels_of(field(data, side), 0, 1) for side in ("bids", "asks"))
    return Levels(instrument, whole(field(data, "timestamp")), bids, asks)


def trades(asked: str, kind: str, found: Sequence[Trade], numbers: Sequence[int]) -> Json:
    """Return the last trades, newest first; `id` counts an instrument's trades."""
    return {
        "symbol": asked,
        "type": kind,
        "trades": [
            {
                "id": str(number),
                "price": decimal_text(trade.price_e4),
                "quantity": str(trade.volume),
                "side": _SIDES[trade.side],
                "timestamp": trade.at_ms,
            }
            for trade, number in zip(found, numbers, strict=True)
        ],
    }


def read_trades(data: Any, instrument: InstrumentId) -> list[Trade]:
    """Read trades; their turnover is price times quantity."""
    found = []
    for row in rows(field(data, "trades")):
        price_e4, volume = e4_of(field(row, "price")), whole(field(row, "quantity"))
        side = _OUR_SIDES.get(row.get("side"), "N")
        found.append(Trade(instrument, whole(field(row, "timestamp")), price_e4, volume, price_e4 * volume, side))
    return found


# -- reference ---------------------------------------------------------------------------------------------------------


def kind_of(instrument: Instrument) -> str:
    return "indices" if instrument.kind == "index" else "stock"


def available(
    found: Sequence[Instrument], page: Sequence[Instrument], *, limit: int, offset: int, active: Iterable[str]
) -> Json:
    """Return one page of the list of products with sums over all that were found.

    Args:
        active: symbols that the running feed carries.
    """
    carried = frozenset(active)
    return {
        "products": [
            {
                "symbol": write(one.id),
                "name": one.name_en,
                "market": str(one.id.market or "CN"),
                "type": kind_of(one),
                "currency": one.currency,
                "is_active": one.symbol in carried,
            }
            for one in page
        ],
        "summary": {
            "total_products": len(found),
            "by_market": dict(Counter(str(one.id.market or "CN") for one in found)),
            "by_type": dict(Counter(map(kind_of, found))),
        },
        "pagination": {"limit": limit, "offset": offset, "total": len(found), "count": len(page)},
    }


def stock_info(asked: str, instrument: Instrument, told: Statistics | None) -> Json:
    """Return the basic facts; what nobody tells of what companies report is left out."""
    row: Json = {
        "symbol": asked, "name_cn": instrument.name_zh, "name_en": instrument.name_en,
        "exchange": _EXCHANGES[instrument.id.venue], "currency": instrument.currency, "lot_size": instrument.lot,
    }  # fmt: skip
    if told is None:
        return row
    counts = {
        "lot_size": told.lot, "total_shares": told.total_shares, "circulating_shares": told.circulating_shares,
        "hk_shares": told.hk_shares,
    }  # fmt: skip
    values = {"eps": told.eps_e4, "eps_ttm": told.eps_ttm_e4, "bps": told.bps_e4}
    return row | _known(counts) | _texts(values)


def indicators(asked: str, picture: Snapshot, told: Statistics | None) -> Json:
    """Return the day's price and ratios; what nobody tells is left out. Rates are in percent."""
    row: Json = {"symbol": asked, **_texts({"last_done": picture.last_e4 or None}), "volume": str(picture.cum_volume)}
    before, last = picture.prev_close_e4, picture.last_e4
    if before > 0 and last > 0:
        row |= {"change_val": decimal_text(last - before), "change_rate": percent_text(last - before, before)}
    row |= _texts({"turnover": known_turnover(picture.cum_volume, picture.cum_turnover_e4)})
    if told is None:
        return row
    ratios = {
        "turnover_rate": told.turnover_rate_e4, "volume_ratio": told.volume_ratio_e4, "pe_ttm_ratio": told.pe_ttm_e4,
        "pb_ratio": told.pb_e4,
    }  # fmt: skip
    capital = {} if told.market_cap is None else {"total_market_value": str(told.market_cap)}
    return row | _texts(ratios) | capital


def _known(values: Mapping[str, int | None]) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _texts(values: Mapping[str, int | None]) -> Json:
    return {name: decimal_text(e4) for name, e4 in values.items() if e4 is not None}


def intervals(carried: Sequence[str]) -> Json:
    return {"count": len(carried), "description": "The intervals of bars that are carried", "intervals": list(carried)}


def trade_days(market: str, *, full: Iterable[date], half: Iterable[date], presumed: Iterable[date] = ()) -> Json:
    """Return trading days as YYYYMMDD.

    Args:
        presumed: those among them of which nobody has published that they are.
    """
    told: Json = {"market": market, "trade_days": _days(full), "half_trade_days": _days(half)}
    if marked := _days(presumed):
        told["presumed_trade_days"] = marked
    return told


def _days(days: Iterable[date]) -> list[str]:
    return [day.strftime("%Y%m%d") for day in days]


def read_trade_days(data: Any) -> tuple[list[date], list[date]]:
    try:
        full, half = (
            [date.fromisoformat(day) for day in rows(field(data, name))] for name in ("trade_days", "half_trade_days")
        )
    except (TypeError, ValueError):
        raise Malformed("a trading day is written YYYYMMDD") from None
    return full, half


def sessions(market: str, found: Iterable[tuple[str, str, str]]) -> list[Json]:
    """Return a day's sessions out of (begins, ends, what it is): 930 is half past nine on the exchange's wall."""
    told = [
        {
            "begin_time": int(begins.replace(":", "")),
            "end_time": int(ends.replace(":", "")),
            "trade_session": _SESSIONS[what],
        }
        for begins, ends, what in found
    ]
    return [{"market": market, "trading_sessions": told}]
