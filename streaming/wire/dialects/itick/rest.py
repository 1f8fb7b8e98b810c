"""iTick's answers over HTTP: our values -> its JSON, its JSON -> our values, its error codes.

Texts and field names are those of its pages (docs/protocol.md "iTick"). A price that nobody knows yet is null, and so
is every field whose facts we do not carry.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import BadSymbol, InstrumentId, Market
from kernel.tokens import BadToken
from streaming.domain import E4
from streaming.domain.calendar import timetable
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import FormedBar
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.errors import (
    IntervalNotAllowed,
    LevelNotAllowed,
    MarketNotAllowed,
    NoSuchAddress,
    NotCarried,
    QuotaExceeded,
    TooManyCalls,
    TypeNotAllowed,
    UnknownSymbol,
)
from streaming.wire.dialects.itick.symbols import EXCHANGES, INDICES, code_of, region_of
from streaming.wire.dialects.numbers import (
    OpenedBar,
    amount_or_null,
    bar_of,
    e4_of,
    field,
    levels_of,
    number_or_null,
    percent,
    whole,
)
from streaming.wire.dialects.numbers import rows as list_of

Json = dict[str, Any]
INTERVALS = {1: "1m", 2: "5m", 3: "15m", 4: "30m", 5: "1h", 6: "2h", 7: "4h", 8: "1d", 9: "1w", 10: "1M"}
DEFAULT_LIMIT, MAX_LIMIT, MAX_CODES = 100, 1000, 50
STATUS = {"trading": 0, "suspended": 1, "halted": 1, "delisted": 2}
_PHASES = ("trading", "halted", "delisted", "halted")  # 3 is a circuit breaker
_TIMEZONES = {Market.CN: "Asia/Shanghai", Market.HK: "Asia/Hong_Kong"}
_MARKET_STATES = {
    "opening_auction": "PRE_MARKET", "pre_open": "PRE_MARKET", "open": "OPEN", "lunch_break": "LUNCH_BREAK",
    "closing_auction": "OPEN", "after_hours": "POST_MARKET",
}  # fmt: skip

# -- envelope ----------------------------------------------------------------------------------------------------------


_OVER = "exceeding the maximum subscription limit"


def answer(data: Any, *, unfit: Sequence[str] = ()) -> Json:
    """Return what clients take for success: `code` is the number 0. What the plan had no room for is named."""
    return {"code": 0, "msg": f"{_OVER}: {', '.join(unfit)}" if unfit else None, "data": data}


def refusal(error: PlatformError) -> tuple[int, Json]:
    """Return the HTTP status and the envelope of an error: codes are texts, `detail` says what was wrong."""
    status, code, text = 200, "E004", error.message
    if isinstance(error, BadToken):
        status, code, text = 401, "E002", "auth failed"
    elif isinstance(error, TooManyCalls):
        status, code, text = 429, "E003", _OVER
    elif isinstance(error, MarketNotAllowed | LevelNotAllowed | TypeNotAllowed | IntervalNotAllowed | QuotaExceeded):
        code, text = "E003", _OVER
    elif isinstance(error, BadSymbol | UnknownSymbol):
        code, text = "E001", "not found this produce"
    elif isinstance(error, Unavailable):
        status, code = 503, "E005"
    elif isinstance(error, NotCarried):
        status, code = 404 if isinstance(error, NoSuchAddress) else 200, "E006"
    return status, {"code": code, "msg": text, "data": None, "detail": error.message}


def read_answer(body: Any) -> Any:
    """Return the data of an envelope.

    Raises:
        Malformed: it says an error; the text is the peer's.
    """
    if field(body, "code") != 0:
        raise Malformed(f"the peer refused: {str(body.get('code'))[:16]} {str(body.get('msg'))[:200]}")
    return field(body, "data")


# -- market data -------------------------------------------------------------------------------------------------------


def tick(asked: str, trade: Trade, state: str = "trading") -> Json:
    return {
        "s": asked, "ld": trade.price_e4 / E4, "t": trade.at_ms, "v": trade.volume,
        "tu": amount_or_null(trade.volume, trade.turnover_e4),
        "ts": STATUS.get(state, 1),
    }  # fmt: skip


def read_tick(data: Any, instrument: InstrumentId) -> Trade:
    return Trade(
        instrument, whole(field(data, "t")), e4_of(field(data, "ld")), whole(field(data, "v")), e4_of(data.get("tu"))
    )


def quote(asked: str, picture: Snapshot) -> Json:
    """Return the day so far; changes are against the feed's own previous close."""
    known = picture.prev_close_e4 > 0 and picture.last_e4 > 0
    change_e4 = picture.last_e4 - picture.prev_close_e4
    return {
        "s": asked,
        "ld": number_or_null(picture.last_e4),
        "o": number_or_null(picture.open_e4),
        "p": number_or_null(picture.prev_close_e4),
        "h": number_or_null(picture.high_e4),
        "l": number_or_null(picture.low_e4),
        "t": picture.at_ms,
        "v": picture.cum_volume,
        "tu": amount_or_null(picture.cum_volume, picture.cum_turnover_e4),
        "ts": STATUS.get(picture.phase, 1),
        "ch": change_e4 / E4 if known else None,
        "chp": percent(change_e4, picture.prev_close_e4) if known else None,
        **({"iopv": picture.iopv_e4 / E4} if picture.iopv_e4 else {}),
    }


def read_quote(data: Any, instrument: InstrumentId) -> Snapshot:
    status = whole(data.get("ts", 0) if isinstance(data, dict) else 0)
    return Snapshot(
        instrument=instrument,
        at_ms=whole(field(data, "t")),
        prev_close_e4=e4_of(data.get("p")),
        open_e4=e4_of(data.get("o")),
        high_e4=e4_of(data.get("h")),
        low_e4=e4_of(data.get("l")),
        last_e4=e4_of(field(data, "ld")),
        cum_volume=whole(field(data, "v")),
        cum_turnover_e4=e4_of(data.get("tu")),
        phase=_PHASES[status] if 0 <= status < len(_PHASES) else "halted",
        iopv_e4=e4_of(data.get("iopv")),
    )


def depth(asked: str, levels: Levels, most: int) -> Json:
    """Return the best orders, at most so many a side. `o` is what iTick's guide shows: the same as `v`."""
    return {"s": asked, "a": _side(levels.asks, most), "b": _side(levels.bids, most)}


def _side(orders: Sequence[tuple[int, int]], most: int) -> list[Json]:
    return [
        {"po": nth, "p": price_e4 / E4, "v": volume, "o": volume}
        for nth, (price_e4, volume) in enumerate(orders[:most], 1)
    ]


def read_depth(data: Any, instrument: InstrumentId, at_ms: int) -> Levels:
    """Read the best orders; the answer has no time, so it is when it was asked."""
    return Levels(
        instrument, at_ms, bids=levels_of(field(data, "b"), "p", "v"), asks=levels_of(field(data, "a"), "p", "v")
    )


def kline(bars: Iterable[OpenedBar]) -> list[Json]:
    """Return bars, oldest first; `t` is where each opened."""
    return [
        {
            "tu": amount_or_null(bar.volume, bar.turnover_e4),
            "c": bar.close_e4 / E4, "t": bar.opened_ms, "v": bar.volume,
            "h": bar.high_e4 / E4, "l": bar.low_e4 / E4, "o": bar.open_e4 / E4,
        }
        for bar in bars
    ]  # fmt: skip


def read_kline(data: Any) -> list[FormedBar]:
    return [bar_of(row, whole(field(row, "t")), ("o", "h", "l", "c", "v", "tu")) for row in list_of(data)]


# -- reference ---------------------------------------------------------------------------------------------------------


def asset_of(instrument: Instrument) -> str:
    """Return stock, fund or indices."""
    return {"stock": "stock", "index": "indices"}.get(instrument.kind, "fund")


def info(asked: str, instrument: Instrument, told: Statistics | None) -> Json:
    """Return the basic facts of an instrument: null where no source of ours tells what its company reports."""
    values = (told.eps_e4, told.eps_ttm_e4, told.bps_e4) if told is not None else (None,) * 3
    ep, ept, bps = (e4 / E4 if e4 is not None else None for e4 in values)
    return {
        "s": asked, "c": instrument.currency, "l": (told.lot if told is not None else None) or instrument.lot,
        "b": instrument.board, "nc": instrument.name_zh, "ne": instrument.name_en,
        "e": EXCHANGES[instrument.id.venue], "nh": None,
        "t": told.total_shares if told is not None else None,
        "cs": told.circulating_shares if told is not None else None,
        "hs": told.hk_shares if told is not None else None,
        "ep": ep, "ept": ept, "bps": bps, "dy": None, "sd": None,
    }  # fmt: skip


def in_region(instrument: Instrument, region: str) -> bool:
    """Tell whether an instrument is one of a region's: its exchange's, its market's, or GB's, which has all indices."""
    if region == INDICES:
        return instrument.kind == "index"
    return region in (region_of(instrument.id), instrument.market)


def symbol(instrument: Instrument, region: str = "") -> Json:
    """Return one row of the list of symbols; `region` is the one that was asked for."""
    return {
        "c": code_of(instrument.id), "n": instrument.name_en, "t": asset_of(instrument),
        "e": EXCHANGES[instrument.id.venue], "s": None, "l": None,
        "r": INDICES if region == INDICES else region_of(instrument.id),
    }  # fmt: skip


def symbol_info(asked: str, region: str, instrument: Instrument, phases: Sequence[tuple[int, str]]) -> Json:
    """Return what TradingView's charts ask.

    `n` and `r` are what the demo then asks bars with, `si` names the row of `sb` that it draws, `m` is the step in
    hundredths, and `d` is the name that it shows.

    Args:
        asked, region: as they were asked for; an empty region is the instrument's own.
        phases: a full day's (epoch ms, state that begins then).
    """
    hours = ",".join(
        f"{begins}-{ends}".replace(":", "") for begins, ends, what in timetable(phases) if what == "regular"
    )
    return {
        "n": asked, "r": region or region_of(instrument.id), "tz": _TIMEZONES[instrument.id.market or Market.CN],
        "e": EXCHANGES[instrument.id.venue], "t": asset_of(instrument), "sb": [{"id": "regular", "session": hours}],
        "si": "regular", "m": 1, "b": None, "d": instrument.name_en,
    }  # fmt: skip


def holidays(market: str, days: Iterable[date]) -> Json:
    """Return a market's weekdays without trading; `v` is JSON in a text there."""
    listed = json.dumps([day.isoformat() for day in sorted(days)])
    return {
        "c": market, "r": market, "v": listed, "et": None, "ey": None, "vr": None, "tz": _TIMEZONES[Market(market)],
    }  # fmt: skip


def market_status(market: str, state: str, at_ms: int, *, day: str, weekend: bool) -> Json:
    """Return how a market is.

    Args:
        day: what the exchange's day is: full, half or closed; one that is merely presumed is full.
    """
    said = _MARKET_STATES.get(state)
    if said is None:
        closed = {"closed": "CLOSED_WEEKEND" if weekend else "CLOSED_HOLIDAY", "half": "HOLIDAY_HALF_DAY"}
        said = closed.get(day, "CLOSED")
    zone = _TIMEZONES[Market(market)]
    return {"c": market, "r": market, "o": None, "s": said, "h": None, "t": at_ms, "z": zone, "l": None}
