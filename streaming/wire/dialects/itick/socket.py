"""iTick's WebSocket: its guide's and tutorial's, and the path generations that its published clients still use.

Texts are byte for byte those of its pages. What they have no word for is either left out or told under `data`, which a
client of theirs passes over.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import InstrumentId
from kernel.tokens import BadToken
from streaming.domain.intervals import FormedBar
from streaming.errors import AlreadyAuthenticated
from streaming.records.window import Book, Print
from streaming.wire.channels import EVENTS, Channel
from streaming.wire.connection import CLOSE_TOKEN
from streaming.wire.dialect import AuthPlacement, Dialect, Rules
from streaming.wire.dialects.itick import symbols
from streaming.wire.dialects.itick.rest import INTERVALS, STATUS
from streaming.wire.dialects.numbers import amount, percent
from streaming.wire.dialects.reading import json_object
from streaming.wire.included import OF_KINDS
from streaming.wire.requests import (
    Auth,
    Ping,
    Rejection,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from streaming.wire.texts import PRICES

# The browser SDK writes kline@1m; each client hears its own spelling.
KLINES = {f"kline@{number}": kind for number, kind in INTERVALS.items()} | {f"kline@{k}": k for k in INTERVALS.values()}
_OLDEST = {"sws": "stock", "fws": "forex", "iws": "indices", "cws": "crypto"}
_NOT_IN_THE_PLAN = ("quota_exceeded", "market_not_allowed", "symbol_not_allowed", *OF_KINDS)
_UNRESOLVED = "cannot be resolved action"
_TOO_MANY = "exceeding the maximum subscription limit"
_NO_ORDER = '{"po":1,"p":0,"v":0,"o":0}'  # the tutorial's client reads the first order unasked


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def _answer(action: str, text: str, *, good: bool, rejected: Sequence[Rejection] = ()) -> str:
    more = {"data": {"rejected": [{"s": one.symbol, "msg": one.message} for one in rejected]}} if rejected else {}
    return _text({"code": int(good), "resAc": action, "msg": text, **more})


class ITick(Dialect):
    """See the module."""

    name = "itick"
    paths: ClassVar = {
        **_OLDEST,
        **{asset: asset for asset in symbols.ASSETS},
        **{f"websocket/{asset}": asset for asset in symbols.ASSETS},
    }
    auth = AuthPlacement(headers=("token",), query=("token",), by_message=True, refused_by_message=True)
    rules = Rules(whole_or_nothing=True, most_symbols=500, silence_s=60, shows_newest=True)

    # -- what a client says ----------------------------------------------------------------------------------------

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            Malformed: anything that is none of auth, subscribe, unsubscribe and ping.
        """
        message = json_object(text)
        action, params = message.get("ac"), message.get("params")
        if action == "auth" and isinstance(params, str):
            return Auth(params)
        if action == "ping":
            return Ping(_echo(params))
        if action == "subscribe":
            spelled = _kinds(message.get("types"), action)
            return Subscribe(_codes(params, action), kinds=tuple(spelled), spelled=spelled, ref=action)
        if action == "unsubscribe":
            everything = message.get("types") in (None, "")
            kinds = None if everything else tuple(_kinds(message["types"], action))
            return Unsubscribe(_codes(params, action), kinds, ref=action)
        raise Malformed("ac is none of auth, subscribe, unsubscribe and ping")

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        return symbols.read(text, self.directory, via or "stock")

    # -- answers ---------------------------------------------------------------------------------------------------

    def greeting(self) -> str:
        return _text({"code": 1, "msg": "Connected Successfully"})

    def refused(self, error: BadToken) -> str:
        return _answer("auth", "auth failed", good=False)

    def welcome(self, told: Welcome) -> str:
        return _answer("auth", "authenticated", good=True)

    def subscribed(self, told: Subscribed) -> str:
        refused = {one.symbol for one in told.rejected if one.reason not in OF_KINDS or not told.request.kinds}
        if refused.issuperset(told.request.symbols):
            return self._nothing_subscribed(told.rejected)
        return _answer("subscribe", "subscribe Successfully", good=True, rejected=told.rejected)

    def _nothing_subscribed(self, rejected: Sequence[Rejection]) -> str:
        if any(one.reason in _NOT_IN_THE_PLAN for one in rejected):
            return _answer("subscribe", _TOO_MANY, good=False)
        carried = [one for one in rejected if "is carried by this node" not in one.message]
        return _answer("subscribe", _UNRESOLVED, good=False, rejected=() if carried else rejected)

    def unsubscribed(self, told: Unsubscribed) -> str:
        asked = set(told.request.symbols or ())
        if asked and asked.issubset(one.symbol for one in told.rejected):
            return _answer("unsubscribe", _UNRESOLVED, good=False)
        return _answer("unsubscribe", "unsubscribe Successfully", good=True)

    def pong(self, *, request: Ping, now_ms: int) -> str:
        return _text({"resAc": "pong", "data": {"params": request.echo}})

    def error(self, error: PlatformError, ref: object = None) -> str:
        if isinstance(error, AlreadyAuthenticated):
            return _answer("auth", "authenticated", good=True)  # by header and by message: some clients do both
        text = error.message if isinstance(error, Unavailable) else _UNRESOLVED
        return _answer(str(ref or "subscribe"), text, good=False)

    def quota_changed(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        gone = [Rejection(asked, "quota_exceeded", "no longer in your plan") for asked in dropped.values()]
        return _answer("subscribe", _TOO_MANY, good=False, rejected=gone) if gone else ""

    def farewell(self, code: int, reason: str) -> str:
        return _answer("auth", "auth failed", good=False) if code == CLOSE_TOKEN else ""

    # -- market data -----------------------------------------------------------------------------------------------

    def form(self, asked: str, kind: str, request: Subscribe) -> str:
        """Return the symbol as it was asked for, and in front of it this client's own word for bars."""
        word, (code, dollar, region) = request.spelled.get(kind, ""), asked.partition("$")
        written = f"{code.strip()}{dollar}{region.strip()}"  # spaces mean nothing, and there may be any number
        return f"{word} {written}" if word else written

    def shown(self, channel: Channel) -> str:
        """Return the part of the text that says what this is: `s` and `r`, and for bars the client's own type.

        Who asks for `HSI$GB` hears of `HSI$GB`; who leaves the region out hears the code alone, and ours in `r`.
        """
        word, _, asked = ("", "", channel.form) if channel.kind in EVENTS else channel.form.partition(" ")
        asked = asked or symbols.write(channel.instrument)
        code, _, region = asked.partition("$")
        region = json.dumps(region or symbols.region_of(channel.instrument))
        if channel.kind in EVENTS:
            return f'"s":{json.dumps(asked)},"r":{region}'
        return f'"type":"{word or channel.kind}","s":{json.dumps(code)},"r":{region}'

    def formed(self, shown: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
        price = PRICES
        return (
            f'{{"code":1,"data":{{"tu":{amount(bar.volume, bar.turnover_e4)},'
            f'"c":{price[bar.close_e4]},"t":{bar.opened_ms},"v":{bar.volume},"h":{price[bar.high_e4]},"l":{price[bar.low_e4]},"o":{price[bar.open_e4]},{shown}}}}}'
        )

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        price = PRICES[one.price_e4]
        return f'{{"code":1,"data":{{{shown},"ld":{price},"v":{one.volume},"t":{one.at_ms},"type":"tick"}}}}'

    def quote(self, shown: str, book: Book) -> str:
        """Return an instrument's day. Changes are against the feed's own, ex-rights previous close."""
        price, last, before = PRICES, book.last_e4, book.prev_close_e4
        change = f'"ch":{price[last - before]},"chp":{percent(last - before, before)}' if before else '"ch":0,"chp":0'
        iopv = f',"iopv":{price[book.iopv_e4]}' if book.iopv_e4 else ""  # of an ETF, where the feed has it
        return (
            f'{{"code":1,"data":{{{shown},"ld":{price[last]},"o":{price[book.open_e4]},"p":{price[before]},'
            f'"h":{price[book.high_e4]},"l":{price[book.low_e4]},"t":{book.at_ms},"v":{book.volume},'
            f'"tu":{amount(book.volume, book.turnover_e4)},'
            f'"ts":{STATUS.get(book.state, 1)},{change}{iopv},"type":"quote"}}}}'
        )

    def depth(self, shown: str, book: Book) -> str:
        return f'{{"code":1,"data":{{{shown},"a":[{_side(book.asks)}],"b":[{_side(book.bids)}],"type":"depth"}}}}'


def _side(orders: Sequence[tuple[int, int]]) -> str:
    rows = [
        f'{{"po":{place},"p":{PRICES[price]},"v":{volume},"o":{volume}}}'
        for place, (price, volume) in enumerate(orders, 1)
    ]
    return ",".join(rows) or _NO_ORDER


def _echo(params: object) -> object:
    """Return what a ping carries, to come back with the same value and type."""
    if params is None or (isinstance(params, str) and len(params) <= 64):
        return params
    if isinstance(params, int | float) and not isinstance(params, bool) and abs(params) < 2**63:
        return params if math.isfinite(params) else None
    raise Malformed("params of a ping is a number or a short text")


def _codes(params: object, action: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in params.split(",") if code.strip()) if isinstance(params, str) else ()
    if not codes:
        raise Malformed("params names symbols like 700$HK,600519$SH", ref=action)
    return codes


def _kinds(types: object, action: str) -> dict[str, str]:
    """Return the kinds that `types` names, each with the client's spelling."""
    words = [word.strip() for word in types.split(",") if word.strip()] if isinstance(types, str) else []
    spelled: dict[str, str] = {}
    for word in words:
        kind = word if word in EVENTS else KLINES.get(word)
        if kind is None:
            raise Malformed("types names quote, tick, depth or kline@1 to kline@10", ref=action)
        spelled[kind] = "" if word in EVENTS else word
    if not spelled:
        raise Malformed("types names quote, tick, depth or kline@1 to kline@10", ref=action)
    return spelled


DialectClass = ITick
