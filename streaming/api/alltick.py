"""AllTick's HTTP interface: /quote-stock-b-api and /quote-b-api. Any token of the node in the query's `token`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from kernel.errors import PlatformError
from streaming.api import bars
from streaming.api.rest import Answer, Call, RestDialect, View, answered, of_newest, shows
from streaming.api.statistics import reported
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.errors import BadParameter, NoSuchAddress, NotCarried
from streaming.history.rollup import Span
from streaming.reference import directory, remembered
from streaming.store.rate_limit import Wanted
from streaming.wire.dialects.alltick import rest, symbols

_BASES = ("quote-stock-b-api", "quote-b-api")
_MOST_BODY = 131_072

_DIALECT = RestDialect(
    "alltick", "token", "token", lambda call, error: rest.refusal(error, call.notes.get("trace", ""))
)
_view = answered(_DIALECT, "GET", "POST")


def _bars_wanted(call: Call) -> Wanted:
    """Return what asks for present bars; those that are over need no room."""
    rows = rest.read_batch_request(_data(call)) if "data_list" in _data(call) else [rest.read_bars_request(_data(call))]
    rows = _included(call, rows)
    seen = call.see_all([one.code for one in rows], _read, live=False)
    spans = [(seen[row.code], _span(row)[1]) for row in rows if row.code in seen]
    return of_newest(one for instrument, span in spans for one in bars.of_now(call.node, [instrument], span))


@shows(_bars_wanted)
async def _kline(call: Call) -> dict[str, Any]:
    asked = rest.read_bars_request(_data(call))
    one = call.see(_read(asked.code), live=False)
    call.may("kline", asked.interval)
    found = await bars.up_to_now(call.node, [one], *_span(asked), call.left_out)
    _note_unfit(call, {asked.code: one})
    return _answer(call, rest.kline(asked, found[one.symbol]))


@shows(_bars_wanted)
async def _batch_kline(call: Call) -> dict[str, Any]:
    wanted = rest.read_batch_request(_data(call))
    seen = call.see_all([one.code for one in wanted], _read, live=False)
    wanted = _included(call, [asked for asked in wanted if asked.code in seen])
    # One question to history for all that are asked alike: a batch mostly is.
    alike: dict[tuple[str, Span], list[Instrument]] = {}
    for asked in wanted:
        alike.setdefault(_span(asked), []).append(seen[asked.code])
    found = {span: await bars.up_to_now(call.node, of_span, *span, call.left_out) for span, of_span in alike.items()}
    _note_unfit(call, seen)
    told = [(asked, found[_span(asked)][seen[asked.code].symbol]) for asked in wanted]
    return _answer(call, rest.batch_kline(told))


def _included(call: Call, wanted: list[rest.Bars]) -> list[rest.Bars]:
    """Return those whose bars the plan includes; where it includes none, say why not the first."""
    found, refused = [], None
    for asked in wanted:
        try:
            call.may("kline", asked.interval)
        except PlatformError as error:
            refused = refused or error
        else:
            found.append(asked)
    if not found and refused is not None:
        raise refused
    return found


def _note_unfit(call: Call, seen: dict[str, Instrument]) -> None:
    """Note whose present bar is not shown, as the plan has no room for it."""
    call.unfit += [asked for asked, one in seen.items() if one.symbol in call.left_out]


def _ticks_wanted(call: Call) -> Wanted:
    return of_newest(call.see_all(rest.read_codes(_data(call)), _read).values())


@shows(_ticks_wanted, "tick")
async def _trade_tick(call: Call) -> dict[str, Any]:
    call.may("tick")
    quotes, told = call.node.quotes, []
    for asked, one in call.see_all(rest.read_codes(_data(call)), _read).items():
        if found := quotes.trades(one):
            told.append(rest.trade_tick(asked, found[0], quotes.numbers(one, 1)[0]))
    return _answer(call, rest.tick_list(told))


@shows(_ticks_wanted, "depth")
async def _depth_tick(call: Call) -> dict[str, Any]:
    call.may("depth")
    told = []
    for asked, one in call.see_all(rest.read_codes(_data(call)), _read).items():
        if (found := call.node.quotes.depth(one)) is not None:
            told.append(rest.depth_tick(asked, *found, call.most_levels(one)))
    return _answer(call, rest.tick_list(told))


async def _static_info(call: Call) -> dict[str, Any]:
    seen = call.see_all(rest.read_codes(_data(call)), _read, live=False)
    told = await reported(seen.values())
    return _answer(call, rest.static_info((one, told.get(one.symbol)) for one in seen.values()))


async def _suspension(call: Call) -> dict[str, Any]:
    raise NotCarried("the list of suspensions is not carried by this node")


async def _nothing_here(call: Call) -> dict[str, Any]:
    raise NoSuchAddress(f"no such address: {call.request.path_info[:60]}; docs/protocol.md has them")


def views() -> dict[str, Answer]:
    """Return the views by their address."""
    named: dict[str, View] = {
        "kline": _kline, "batch-kline": _batch_kline, "trade-tick": _trade_tick, "depth-tick": _depth_tick,
        "static_info": _static_info,
    }  # fmt: skip
    found = {f"{base}/{name}": view for base in _BASES for name, view in named.items()}
    found |= {f"api/suspension/{exchange}": _suspension for exchange in ("sse", "nyse", "nasdaq")}
    return {path: _view(view) for path, view in found.items()}


_unknown = _view(_nothing_here)


async def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A path below AllTick's bases that does not exist."""
    return await _unknown(request)


# -- what is asked -----------------------------------------------------------------------------------------------------


def _data(call: Call) -> dict[str, Any]:
    """Return the request's data; its trace is echoed in the answer."""
    text: str | bytes = call.text("query")
    if not text and call.request.method == "POST":
        if "body" not in call.notes:  # it can be read once
            call.notes["body"] = call.request.read(_MOST_BODY + 1)
        text = call.notes["body"]
        if len(text) > _MOST_BODY:
            raise BadParameter(f"the body is longer than {_MOST_BODY} bytes")
    trace, data = rest.read_request(text)
    call.notes["trace"] = trace
    return data


def _answer(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    return rest.answer(data, call.notes["trace"], unfit=call.unfit)


def _span(asked: rest.Bars) -> tuple[str, Span]:
    if asked.interval not in INTERVAL_MINUTES:
        raise BadParameter(f"bars of {asked.interval} are not carried")
    return asked.interval, Span(end_ms=asked.end_s * 1000 + 1 if asked.end_s else 2**53, limit=asked.count)


@remembered(maxsize=20_000)  # programs ask for the same symbols again and again
def _read(asked: str) -> Instrument:
    return directory().described(symbols.read(asked, directory()))
