"""iTick's REST interface: /stock, /fund, /indices and the assets of which nothing is carried.

Any token of the node in the header `token`. Errors are HTTP 200 with a text for `code`, except 401, 429 and 503.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse

from streaming.api import bars
from streaming.api.rest import Answer, Call, RestDialect, View, answered, of_newest, shows
from streaming.api.statistics import reported
from streaming.domain.calendar import ORDINARY, exchange_day
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.domain.windows import end_ms
from streaming.errors import BadParameter, NoSuchAddress, NotCarried
from streaming.history.rollup import Span
from streaming.reference import directory, remembered
from streaming.store.rate_limit import Wanted
from streaming.wire.dialects.itick import rest, symbols

_MARKETS = ("CN", "HK")
_OF_REGION = {"SH": "CN", "SZ": "CN", "BJ": "CN", "CN": "CN", "HK": "HK"}
_HOLIDAYS_AHEAD = timedelta(days=366)

_view = answered(RestDialect("itick", "token", "token", lambda call, error: rest.refusal(error)))
_Told = Callable[[Call, str, Instrument], dict[str, Any]]
_Seen = Callable[[Call], dict[str, Instrument]]


# -- of one asset: a code, or several of one region ------------------------------------------------------------------


def _tick(call: Call, asked: str, one: Instrument) -> dict[str, Any]:
    call.may("tick")
    newest, found = call.node.quotes.newest(one), call.node.quotes.trades(one)
    if not found or newest is None:
        raise NotCarried(f"{asked[:40]!r} has not traded yet")
    return rest.tick(asked, found[0], newest.state)


def _quote(call: Call, asked: str, one: Instrument) -> dict[str, Any]:
    call.may("quote")
    picture = call.node.quotes.snapshot(one)
    assert picture is not None  # it is carried
    return rest.quote(asked, picture)


def _depth(call: Call, asked: str, one: Instrument) -> dict[str, Any]:
    call.may("depth")
    levels = call.node.quotes.depth(one)
    assert levels is not None
    return rest.depth(asked, levels[0], call.most_levels(one))


def _one(asset: str, type_: str, told: _Told) -> View:
    @shows(lambda call: of_newest([call.see(_find(call, _code(call), asset))]), type_)
    async def view(call: Call) -> dict[str, Any]:
        asked = _code(call)
        return rest.answer(told(call, asked, call.see(_find(call, asked, asset))))

    return view


def _several(asset: str, type_: str, told: _Told) -> View:
    @shows(lambda call: of_newest(_all_seen(call, asset).values()), type_)
    async def view(call: Call) -> dict[str, Any]:
        data = {}
        for asked, one in _all_seen(call, asset).items():
            try:
                data[asked] = told(call, asked, one)
            except NotCarried:
                continue  # it has not traded yet
        return rest.answer(data, unfit=call.unfit)

    return view


def _kline(asset: str) -> View:
    def seen(call: Call) -> dict[str, Instrument]:
        return {(asked := _code(call)): call.see(_find(call, asked, asset), live=False)}

    async def view(call: Call) -> dict[str, Any]:
        ((_, bars_of_one),) = (await _bars(call, seen)).items()
        return rest.answer(bars_of_one, unfit=call.unfit)

    return shows(_present(seen))(view)


def _klines(asset: str) -> View:
    def seen(call: Call) -> dict[str, Instrument]:
        return _all_seen(call, asset, live=False)

    async def view(call: Call) -> dict[str, Any]:
        return rest.answer(await _bars(call, seen), unfit=call.unfit)

    return shows(_present(seen))(view)


def _present(seen: _Seen) -> Callable[[Call], Wanted]:
    """Return what asks for the present bars of instruments; those that are over need no room."""
    return lambda call: of_newest(bars.of_now(call.node, seen(call).values(), _span(call)[1]))


async def _bars(call: Call, seen: _Seen) -> dict[str, Any]:
    """Return the bars of each as it was asked for; without the present one where the plan has no room for it."""
    (interval, span), instruments = _span(call), seen(call)
    found = await bars.up_to_now(call.node, list(instruments.values()), interval, span, call.left_out)
    call.unfit += [asked for asked, one in instruments.items() if one.symbol in call.left_out]
    return {asked: rest.kline(found[one.symbol]) for asked, one in instruments.items()}


def _info(asset: str) -> View:
    async def view(call: Call) -> dict[str, Any]:
        asked = _code(call)
        one = call.see(_find(call, asked, asset), live=False)
        return rest.answer(rest.info(asked, one, (await reported([one])).get(one.symbol)))

    return view


# -- of a market -----------------------------------------------------------------------------------------------------


async def _symbol_list(call: Call) -> dict[str, Any]:
    """All symbols, or those of a type, a region or with a code."""
    kind, region, code = call.text("type"), call.text("region").upper(), call.text("code")
    code, _, of_code = code.partition("$")
    if kind and kind not in symbols.ASSETS:
        raise BadParameter(f"type {kind[:16]!r} is not one of {', '.join(symbols.ASSETS)}")
    wanted = symbols.find(code, region or of_code, directory(), kind or "stock") if code else None
    return rest.answer(
        [
            rest.symbol(one, region or of_code.upper())
            for one in directory()
            if (one.state != "delisted" if wanted is None else one.id == wanted)
            and (not kind or rest.asset_of(one) == kind)
            and (not region or rest.in_region(one, region))
        ]
    )


async def _symbol_info(call: Call) -> dict[str, Any]:
    """What the TradingView demo asks before it draws."""
    asked = _code(call)
    one = call.see(_find(call, asked, "stock"), live=False)
    code, _, of_code = asked.partition("$")
    calendar = bars.calendar(call.node, str(one.id.market or "CN"))
    today = exchange_day(call.now_ms)
    days = (today + timedelta(days=nth) for nth in range(30))
    phases = next((calendar.phases_on(day) for day in days if calendar.day_on(day) in ORDINARY), ())
    return rest.answer(rest.symbol_info(code, call.text("region") or of_code, one, phases))


async def _holidays(call: Call) -> dict[str, Any]:
    """Weekdays without trading from the year's beginning on, of one market or of both."""
    code = call.text("code", "region").upper()
    if code and code not in _OF_REGION:
        raise BadParameter(f"code {code[:16]!r} is not one of {', '.join(_OF_REGION)}")
    today = exchange_day(call.now_ms)
    first, last = today.replace(month=1, day=1), today + _HOLIDAYS_AHEAD
    told = []
    for market in (_OF_REGION[code],) if code else _MARKETS:
        calendar = bars.calendar(call.node, market)
        days = (first + timedelta(days=nth) for nth in range((last - first).days + 1))
        off = [day for day in days if day.weekday() < 5 and calendar.kind_on(day) == "closed"]
        told.append(rest.holidays(market, off))
    return rest.answer(told)


async def _market_status(call: Call) -> dict[str, Any]:
    code = call.text("code", "region").upper()
    if code not in _OF_REGION:
        said = f"code {code[:16]!r} is not one of" if code else "code is required; one of"
        raise BadParameter(f"{said} {', '.join(_OF_REGION)}")
    market = _OF_REGION[code]
    lane, calendar = call.node.hub.latest[market], bars.calendar(call.node, market)
    at_ms = end_ms(lane.seq) if lane.seq else call.now_ms  # a replay has a clock of its own
    state = lane.state if lane.seq and lane.state != "no_feed" else calendar.state_at(at_ms)[0]
    day = exchange_day(at_ms)
    return rest.answer(rest.market_status(market, state, at_ms, day=calendar.kind_on(day), weekend=day.weekday() >= 5))


async def _not_carried(call: Call) -> dict[str, Any]:
    what = call.request.path_info.strip("/")[:60]
    raise NotCarried(f"{what!r} is not carried by this node: it has market data, and nothing that companies report")


async def _nothing_here(call: Call) -> dict[str, Any]:
    raise NoSuchAddress(f"no such address: {call.request.path_info[:60]}; docs/protocol.md has them")


def views() -> dict[str, Answer]:
    """Return the views by their address."""
    found: dict[str, View] = {
        "symbol/list": _symbol_list,
        "symbol/info": _symbol_info,
        "symbol/holidays": _holidays,
        "symbol/v2/holidays": _holidays,
        "market/status": _market_status,
        "stock/base": _info("stock"),
        "stock/ipo": _not_carried,
        "stock/split": _not_carried,
    }
    for asset in symbols.ASSETS:
        for name, told in (("tick", _tick), ("quote", _quote), ("depth", _depth)):
            found[f"{asset}/{name}"] = _one(asset, name, told)
            found[f"{asset}/{name}s"] = _several(asset, name, told)
        found[f"{asset}/kline"], found[f"{asset}/klines"] = _kline(asset), _klines(asset)
        found[f"{asset}/info"] = _info(asset)
    return {path: _view(view) for path, view in found.items()}


_unknown = _view(_nothing_here)


async def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A path below an asset that does not exist."""
    return await _unknown(request)


# -- parameters ------------------------------------------------------------------------------------------------------


def _code(call: Call) -> str:
    asked = call.text("code")
    if not asked:
        raise BadParameter("code is required, like region=HK&code=700")
    return asked


def _find(call: Call, asked: str, asset: str) -> Instrument:
    # Some put both into one: code=700$HK; its chart demo sends an exchange's name, and no region.
    code, _, region = asked.partition("$")
    return _read(code, call.text("region") or region or call.text("exchange"), asset)


@remembered(maxsize=20_000)  # programs ask for the same symbols again and again
def _read(code: str, region: str, asset: str) -> Instrument:
    return directory().described(symbols.find(code, region, directory(), asset))


def _all_seen(call: Call, asset: str, *, live: bool = True) -> dict[str, Instrument]:
    """Return what can be shown of `codes`, by code as it was asked for; what cannot spoils nothing else.

    Raises:
        PlatformError: nothing can be shown; it says why the first cannot.
    """
    asked = [text for part in call.text("codes", "code").split(",") if (text := part.strip())]
    if not asked:
        raise BadParameter("codes is required, like region=HK&codes=700,9988")
    if len(asked) > rest.MAX_CODES:
        raise BadParameter(f"codes names {len(asked)}, at most {rest.MAX_CODES} are answered")
    return call.see_all(asked, lambda text: _find(call, text, asset), live=live)


def _span(call: Call) -> tuple[str, Span]:
    kind = call.number("kType", "period", default=1)
    interval = rest.INTERVALS.get(kind or 0)
    if interval is None or interval not in INTERVAL_MINUTES:
        raise BadParameter(f"kType {kind} is not one of {', '.join(map(str, rest.INTERVALS))}")
    call.may("kline", interval)
    limit, end = call.limit(rest.DEFAULT_LIMIT, rest.MAX_LIMIT), call.number("et", "end")
    return interval, Span(end_ms=end + 1 if end else 2**53, limit=limit)
