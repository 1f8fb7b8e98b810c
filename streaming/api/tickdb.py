"""TickDB's REST interface: /v1/market, /v1/symbols, /v1/apikeys. Any token of the node as `X-API-Key`."""

from datetime import date, timedelta
from typing import Any

from streaming.api import bars
from streaming.api.rest import Call, RestDialect, answered, for_guests, of_newest, shows
from streaming.api.statistics import of_the_day, reported
from streaming.domain.adjustment import ADJUSTMENTS
from streaming.domain.calendar import ORDINARY, Calendar, day_start_ms, exchange_day, timetable
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.errors import AmbiguousSymbol, BadParameter, NotCarried
from streaming.history.rollup import Span
from streaming.reference import directory, remembered
from streaming.store.rate_limit import Wanted
from streaming.wire.dialects.numbers import OpenedBar
from streaming.wire.dialects.tickdb import rest, symbols

_LONGEST_DAYS = 366  # of one question for trading days
_MARKETS = ("CN", "HK")
_DAY_MS = 86_400_000


_view = answered(
    RestDialect(
        "tickdb", "X-API-Key", "api_key", lambda call, error: rest.refusal(error, now_ms=call.now_ms), viewers=True
    )
)


def _of_one(call: Call) -> Wanted:
    return of_newest([_seen(call, *_symbol(call))])


def _of_several(call: Call) -> Wanted:
    return of_newest(_all_seen(call, _symbols(call)).values())


def _of_forming(call: Call) -> Wanted:
    call.may("kline", _interval(call, ""))
    return _of_several(call)


def _of_the_day(call: Call) -> Wanted:
    call.may("kline", "1m")
    return _of_several(call)


@_view
@for_guests
async def kline(call: Call) -> dict[str, Any]:
    """Closed bars of one symbol."""
    asked, wanted = _symbol(call)
    interval = _interval(call, "1m")
    call.may("kline", interval)
    adjust = call.text("adjust") or call.text("adj") or "none"
    if adjust not in ADJUSTMENTS:
        raise BadParameter(f"Invalid parameter: adjust {adjust[:20]} is not one of {', '.join(ADJUSTMENTS)}")
    limit = call.limit(rest.DEFAULT_LIMIT, rest.MAX_LIMIT)
    start_ms, end_ms = call.number("start_time"), call.number("end_time")
    instrument = _seen(call, asked, wanted, live=False)
    span = Span(start_ms or 0, end_ms if end_ms is not None else 2**53, limit, newest=start_ms is None)
    found = await bars.closed(call.node, [instrument], interval, span, adjust)
    return rest.answer(rest.kline(asked, rest.kind_of(instrument), interval, found[instrument.symbol]))


@_view
@for_guests
@shows(_of_forming)
async def kline_latest(call: Call) -> dict[str, Any]:
    """The bars that are being formed."""
    asked = _symbols(call)
    interval = _interval(call, "")
    call.may("kline", interval)
    seen = _all_seen(call, asked)
    found = await call.node.pinned.formed(list(seen.values()), interval)
    told = []
    for text, one in seen.items():
        bar = found.get(one.symbol)
        told.append(rest.kline(text, rest.kind_of(one), interval, (bar,) if bar is not None else ()))
    return rest.answer(told, unfit=call.unfit)


@_view
@for_guests
@shows(_of_several, "quote")
async def ticker(call: Call) -> dict[str, Any]:
    call.may("quote")
    told = []
    for text, one in _all_seen(call, _symbols(call)).items():
        picture = call.node.quotes.snapshot(one)
        if picture is not None:
            told.append(rest.ticker(text, rest.kind_of(one), one.name_en, picture, best=call.most_levels(one) > 0))
    return rest.answer(told, unfit=call.unfit)


@_view
@for_guests
@shows(_of_one, "depth")
async def depth(call: Call) -> dict[str, Any]:
    call.may("depth")
    asked, wanted = _symbol(call)
    one = _seen(call, asked, wanted)
    most = min(call.limit(10, rest.MAX_DEPTH), call.most_levels(one))
    levels = call.node.quotes.depth(one)
    assert levels is not None  # it is carried
    return rest.answer(rest.depth(asked, rest.kind_of(one), levels[0], most))


@_view
@for_guests
@shows(_of_one, "tick")
async def trades(call: Call) -> dict[str, Any]:
    call.may("tick")
    asked, wanted = _symbol(call)
    limit = call.limit(rest.DEFAULT_LIMIT, rest.MAX_LIMIT)
    one = _seen(call, asked, wanted)
    found, numbers = call.node.quotes.trades(one, limit), call.node.quotes.numbers(one, limit)
    return rest.answer(rest.trades(asked, rest.kind_of(one), found, numbers))


@_view
@for_guests
@shows(_of_the_day)
async def intraday(call: Call) -> dict[str, Any]:
    """The minutes of each one's present or last trading day."""
    call.may("kline", "1m")
    seen = _all_seen(call, _symbols(call))
    # One question to history for all of a day: that is mostly one for each market.
    of_day: dict[str, list[Instrument]] = {}
    for one in seen.values():
        newest = call.node.quotes.newest(one)
        assert newest is not None  # it is carried
        of_day.setdefault(newest.day, []).append(one)
    found: dict[str, list[OpenedBar]] = {}
    for day, some in of_day.items():
        day_ms = day_start_ms(date.fromisoformat(day))
        span = Span(day_ms, day_ms + _DAY_MS, rest.MAX_LIMIT, newest=False)
        found |= await bars.up_to_now(call.node, some, "1m", span)
    told = [rest.intraday(text, rest.kind_of(one), found[one.symbol]) for text, one in seen.items()]
    return rest.answer(told, unfit=call.unfit)


@_view
async def intervals(call: Call) -> dict[str, Any]:
    return rest.answer(rest.intervals(_carried_intervals()))


@_view
async def available(call: Call) -> dict[str, Any]:
    """The list of products."""
    kind, market = call.text("type"), call.text("market").upper()
    if kind and kind not in symbols.TYPES:
        raise BadParameter(f"Invalid parameter: type {kind[:16]!r} is not one of {', '.join(symbols.TYPES)}")
    if market and market not in rest.MARKETS:
        raise BadParameter(f"Invalid parameter: market {market[:16]!r} is not one of {', '.join(rest.MARKETS)}")
    limit, offset = call.limit(rest.DEFAULT_LIMIT, rest.MAX_LIMIT), max(0, call.number("offset") or 0)
    found = [
        one
        for one in directory()
        if one.state != "delisted"
        and (not kind or rest.kind_of(one) == kind)
        and (not market or str(one.id.market or "CN") == market)
    ]
    active = call.node.quotes.symbols()
    page = found[offset : offset + limit]
    return rest.answer(rest.available(found, page, limit=limit, offset=offset, active=active))


@_view
async def stock_info(call: Call) -> dict[str, Any]:
    seen = _all_seen(call, _symbols(call), live=False)
    told = await reported(seen.values())
    return rest.answer([rest.stock_info(text, one, told.get(one.symbol)) for text, one in seen.items()])


@_view
@shows(_of_several, "quote")
async def indicators(call: Call) -> dict[str, Any]:
    """The day's price and ratios."""
    call.may("quote")
    seen = _all_seen(call, _symbols(call))
    told = await of_the_day(call, seen.values())
    rows = []
    for text, one in seen.items():
        picture = call.node.quotes.snapshot(one)
        assert picture is not None  # it is carried
        rows.append(rest.indicators(text, picture, told.get(one.symbol)))
    return rest.answer(rows, unfit=call.unfit)


@_view
async def trade_days(call: Call) -> dict[str, Any]:
    calendar = _calendar(call)
    today = exchange_day(call.now_ms)
    first, last = _day(call, "beg_day", today), _day(call, "end_day", today + timedelta(days=30))
    if not 0 <= (last - first).days < _LONGEST_DAYS:
        raise BadParameter(f"Invalid parameter: end_day must be within {_LONGEST_DAYS} days of beg_day")
    asked = (first + timedelta(days=nth) for nth in range((last - first).days + 1))
    days = {day: calendar.day_on(day) for day in asked}
    return rest.answer(
        rest.trade_days(
            calendar.market,
            full=[day for day, told in days.items() if told.kind == "full"],
            half=[day for day, told in days.items() if told.kind == "half"],
            presumed=[day for day, told in days.items() if told.presumed],
        )
    )


@_view
async def trading_sessions(call: Call) -> dict[str, Any]:
    """An ordinary day's timetable: the next one's."""
    calendar = _calendar(call)
    today = exchange_day(call.now_ms)
    days = (today + timedelta(days=nth) for nth in range(30))
    day = next((one for one in days if calendar.day_on(one) in ORDINARY), None)
    if day is None:
        raise NotCarried("there is no ordinary trading day in the next 30 days")
    told = timetable(calendar.phases_on(day))
    return rest.answer(rest.sessions(calendar.market, told))


@_view
async def subscriptions(call: Call) -> dict[str, Any]:
    """The key that asks, and how long it lasts."""
    assert call.scope is not None
    assert call.claims is not None
    ends_ms = call.scope.ends_at_s * 1000
    key = {
        "key_prefix": call.claims.jti[:8], "name": "", "plan": "", "status": "active", "expires_at": ends_ms,
        "remaining_seconds": max(0, (ends_ms - call.now_ms) // 1000),
    }  # fmt: skip
    return rest.answer({"server_time": call.now_ms, "total": 1, "api_keys": [key]})


@_view
async def not_carried(call: Call) -> dict[str, Any]:
    what = call.request.path_info.rpartition("/")[2]
    raise NotCarried(f"{what} is not carried by this node: it has market data, and nothing that companies report")


# -- parameters --------------------------------------------------------------------------------------------------------


def _symbol(call: Call) -> tuple[str, str]:
    asked = call.text("symbol", "symbols")  # its readme asks trades?symbols=AAPL.US
    if not asked:
        raise BadParameter("Invalid parameter: symbol is required")
    if "," in asked:
        raise BadParameter("Invalid parameter: symbol is one, and this address answers one at a time", tickdb_code=2004)
    return asked, _type(call)


def _symbols(call: Call) -> list[str]:
    asked = [text for part in call.text("symbols", "symbol").split(",") if (text := part.strip())]
    if not asked:
        raise BadParameter("Invalid parameter: symbols is required")
    if len(asked) > rest.MAX_SYMBOLS:
        raise BadParameter(f"symbols names {len(asked)}, at most {rest.MAX_SYMBOLS} are answered", tickdb_code=2004)
    return list(dict.fromkeys(asked))


def _type(call: Call) -> str:
    wanted = call.text("type")
    if wanted and wanted not in symbols.TYPES:
        raise BadParameter(f"Invalid parameter: type {wanted[:16]!r} is not one of {', '.join(symbols.TYPES)}")
    return wanted


def _carried_intervals() -> list[str]:
    return [one for one in rest.INTERVALS if one in INTERVAL_MINUTES]


def _interval(call: Call, default: str) -> str:
    interval, carried = call.text("interval") or default, _carried_intervals()
    if not interval:
        raise BadParameter(f"Invalid parameter: interval is required; one of {', '.join(carried)}")
    if interval not in carried:
        raise BadParameter(
            f"Invalid parameter: interval {interval[:16]!r} is not carried; this node carries {', '.join(carried)}"
        )
    return interval


@remembered(maxsize=20_000)  # programs ask for the same symbols again and again
def _read(asked: str, wanted: str) -> Instrument:
    return directory().described(symbols.read(asked, directory(), wanted))


def _seen(call: Call, asked: str, wanted: str, *, live: bool = True) -> Instrument:
    return call.see(_read(asked, wanted), live=live)


def _all_seen(call: Call, asked: list[str], *, live: bool = True) -> dict[str, Instrument]:
    """Return what can be shown, by what was asked for; what cannot spoils nothing else.

    Raises:
        AmbiguousSymbol: one needs a type.
        PlatformError: nothing can be shown; it says why the first cannot.
    """
    wanted = _type(call)
    return call.see_all(asked, lambda text: _read(text, wanted), live=live, stop_at=(AmbiguousSymbol,))


def _calendar(call: Call) -> Calendar:
    market = call.text("market").upper()
    if market not in _MARKETS:
        raise BadParameter(f"Invalid parameter: market {market[:16]!r} is not one of {', '.join(_MARKETS)}")
    return bars.calendar(call.node, market)


def _day(call: Call, name: str, default: date) -> date:
    text = call.text(name)
    if not text:
        return default
    try:
        if len(text) != 8 or not text.isascii() or not text.isdecimal():
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise BadParameter(f"Invalid parameter: {name} {text[:16]!r} is not a day written YYYYMMDD") from None
