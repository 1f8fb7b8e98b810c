"""TickDB's WebSocket, /v1/realtime: ticker, depth and trade; a channel `kline` is our extension.

A symbol comes back as it was asked for, because their pages show it with and without its suffix.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import InstrumentId
from kernel.tokens import BadToken, TokenMissing
from streaming.domain.intervals import INTERVAL_MINUTES, FormedBar
from streaming.errors import AmbiguousSymbol, TooManyConnections, TypeConflict
from streaming.records.window import Book, Print
from streaming.wire.channels import Channel
from streaming.wire.dialect import AuthPlacement, Dialect, Rules
from streaming.wire.dialects.numbers import decimal_text, known_turnover, percent_text
from streaming.wire.dialects.reading import json_object, texts
from streaming.wire.dialects.tickdb import symbols
from streaming.wire.included import OF_KINDS
from streaming.wire.requests import (
    Ping,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

CHANNELS = {"ticker": "quote", "depth": "depth", "trade": "tick"}
INTERVALS = tuple(INTERVAL_MINUTES)
_MOST = 500
_CODES = {
    "unknown_symbol": (2002, "Symbol not found"),
    AmbiguousSymbol.code: (2003, "Ambiguous symbol"),
    TypeConflict.code: (2006, "Symbol and type do not fit"),
    "quota_exceeded": (3004, "Subscription limit exceeded"),
    "market_not_allowed": (1004, "Permission denied"),
    "symbol_not_allowed": (1004, "Permission denied"),
    **dict.fromkeys(OF_KINDS, (4005, "Channel not permitted")),
}
_SIDES = {"B": "buy", "S": "sell"}


def _text(command: str, code: int, message: str, data: Any) -> str:
    return json.dumps({"cmd": command, "code": code, "message": message, "data": data}, separators=(",", ":"))


class TickDb(Dialect):
    """See the module."""

    name = "tickdb"
    paths: ClassVar = {"v1/realtime": ""}
    auth = AuthPlacement(headers=("x-api-key",), query=("api_key",))
    rules = Rules(echoes_symbols=True, shows_newest=True)

    # -- what a client says ----------------------------------------------------------------------------------------

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            Malformed: no command or channel of theirs; `ref` carries the error's number.
        """
        try:
            message = json_object(text)
        except Malformed as error:
            raise Malformed(error.message, ref=4002) from None
        command, data = message.get("cmd"), message.get("data")
        if command == "ping":
            return Ping()
        if command not in ("subscribe", "unsubscribe"):
            raise Malformed("Unknown cmd; it is subscribe, unsubscribe or ping", ref=4001)
        if not isinstance(data, dict):
            raise Malformed("Invalid message format", ref=2001)
        if "universes" in data:
            raise Malformed("Full-market mode needs compression, which this node does not offer", ref=2008)
        kind = _kind(data)
        wanted = "" if data.get("type") is None else data["type"]
        if not isinstance(wanted, str) or wanted not in ("", *symbols.TYPES):
            raise Malformed(f"type is one of {', '.join(symbols.TYPES)}", ref=2001)
        asked = texts(data.get("symbols"), "symbols", _MOST, ref=2001)
        if command == "subscribe":
            return Subscribe(asked, kinds=(kind,), via=wanted, ref=data["channel"])
        return Unsubscribe(asked, (kind,), via=wanted, ref=data["channel"])

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        return symbols.read(text, self.directory, via)

    # -- answers ---------------------------------------------------------------------------------------------------

    def refusal(self, error: PlatformError) -> dict[str, Any]:
        code = error.code
        if isinstance(error, TokenMissing):
            code = "UNAUTHORIZED"
        elif isinstance(error, BadToken):
            code = "INVALID_TOKEN"
        elif isinstance(error, TooManyConnections):
            return {"code": 3003, "message": error.message}
        elif error.http_status == 403:
            code = "PERMISSION_DENIED"
        return {"code": code, "message": error.message}

    def subscribed(self, told: Subscribed) -> str:
        failed = {one.symbol: one for one in told.rejected}
        good = [symbol for symbol in dict.fromkeys(told.request.symbols) if symbol not in failed]
        data = {"channel": told.request.ref, "symbols": good}
        if not failed:
            return _text("subscribe", 0, "success", data)
        details = {
            **data,
            "failed_symbols": [{"symbol": one.symbol, "reason": one.message} for one in failed.values()],
            "retryable_symbols": [],
            "retryable": False,
        }
        reasons = {one.reason for one in failed.values()}
        if not good and len(reasons) == 1:
            return _text("subscribe", *_CODES[reasons.pop()], details)
        return _text("subscribe", 5004, "Partial subscription", details)

    def unsubscribed(self, told: Unsubscribed) -> str:
        return _text(
            "unsubscribe", 0, "success", {"channel": told.request.ref, "symbols": list(told.request.symbols or ())}
        )

    def pong(self, *, request: Ping, now_ms: int) -> str:
        return _text("pong", 0, "pong", {"timestamp": now_ms})

    def error(self, error: PlatformError, ref: object = None) -> str:
        number = 5002 if isinstance(error, Unavailable) else ref if isinstance(ref, int) else 2001
        return _text("error", number, error.message, None)

    def quota_changed(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        gone = list(dropped.values())
        return _text("error", 3004, f"Your plan has {max_subs} symbols now", {"failed_symbols": gone}) if gone else ""

    # -- market data -----------------------------------------------------------------------------------------------

    def shown(self, channel: Channel) -> str:
        return json.dumps(channel.form or symbols.write(channel.instrument), ensure_ascii=False)

    def quote(self, shown: str, book: Book) -> str:
        last, before = book.last_e4, book.prev_close_e4
        change = (
            f',"price_change_24h":"{decimal_text(last - before)}",'
            f'"price_change_percent_24h":"{percent_text(last - before, before)}"'
            if before and not book.symbol.endswith(".HK")
            else ""
        )
        return (
            f'{{"cmd":"ticker","data":{{"symbol":{shown},"last_price":"{decimal_text(last)}",'
            f'"volume_24h":"{book.volume}","high_24h":"{decimal_text(book.high_e4)}",'
            f'"low_24h":"{decimal_text(book.low_e4)}"{change},"timestamp":{book.at_ms}}}}}'
        )

    def depth(self, shown: str, book: Book) -> str:
        return (
            f'{{"cmd":"depth","data":{{"symbol":{shown},"bids":[{_side(book.bids)}],"asks":[{_side(book.asks)}],'
            f'"timestamp":{book.at_ms}}}}}'
        )

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        return (
            f'{{"cmd":"trade","data":{{"symbol":{shown},"trades":[{{"id":"{one.number}",'
            f'"price":"{decimal_text(one.price_e4)}","quantity":"{one.volume}",'
            f'"side":"{_SIDES.get(one.side, "neutral")}","timestamp":{one.at_ms}}}]}}}}'
        )

    def formed(self, shown: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
        text = decimal_text
        known = known_turnover(bar.volume, bar.turnover_e4)
        turnover = "" if known is None else f',"quote_volume":"{text(known)}"'
        return (
            f'{{"cmd":"kline","data":{{"symbol":{shown},"interval":"{interval}","klines":[{{"time":{bar.opened_ms},'
            f'"open":"{text(bar.open_e4)}","high":"{text(bar.high_e4)}","low":"{text(bar.low_e4)}",'
            f'"close":"{text(bar.close_e4)}","volume":"{bar.volume}"{turnover}}}]}}}}'
        )


def _side(orders: Iterable[tuple[int, int]]) -> str:
    return ",".join(f'["{decimal_text(price)}","{volume}"]' for price, volume in orders)


def _kind(data: Mapping[str, Any]) -> str:
    channel = data.get("channel")
    if channel == "kline":
        interval = data.get("interval", "1m")
        if interval not in INTERVALS:
            raise Malformed(f"interval is one of {', '.join(INTERVALS)}", ref=2001)
        return str(interval)
    kind = CHANNELS.get(channel) if isinstance(channel, str) else None
    if kind is None:
        raise Malformed(f"channel is one of {', '.join(CHANNELS)} and kline", ref=2001)
    return kind


DialectClass = TickDb
