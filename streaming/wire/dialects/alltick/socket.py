"""AllTick's WebSocket: numbered commands; a subscribe replaces the one before, and what is over the limit is ignored.

Its own Python example reads messages with eval(), so no message of ours holds true, false or null.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from kernel.errors import Malformed, PlatformError, Unavailable
from kernel.instruments import InstrumentId
from streaming.errors import MarketNotAllowed
from streaming.records.window import Book, Print
from streaming.wire.channels import Channel
from streaming.wire.connection import CLOSE_TOO_MANY
from streaming.wire.dialect import AuthPlacement, Dialect, Rules
from streaming.wire.dialects.alltick import symbols
from streaming.wire.dialects.numbers import decimal_text
from streaming.wire.dialects.reading import json_object
from streaming.wire.included import OF_KINDS
from streaming.wire.requests import (
    Ping,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

DEPTH, TRADES, CANCEL = 22002, 22004, 22006  # an answer's number is one more
HEARTBEATS = (22000, 20002)  # the pages' and an older client's
PUSH_TRADE, PUSH_DEPTH = 22998, 22999
_MOST, _MOST_ROWS = 3000, 10
_CANCELLED: dict[object, tuple[str, ...] | None] = {0: None, 1: ("depth",), 2: ("tick",)}
_DIRECTIONS = {"B": 1, "S": 2}
_RETS = {"unknown_symbol": 600, **dict.fromkeys(OF_KINDS, 603), MarketNotAllowed.code: 604}
_WORDS = {200: "ok", 600: "code invalid", 603: "token level not enough", 604: "code unauthorized"}


class Ref(NamedTuple):
    """What an answer repeats of its request."""

    cmd_id: int = 0
    seq_id: int = 0
    trace: str = ""


def _answer(ref: object, ret: int, text: str = "") -> str:
    of = ref if isinstance(ref, Ref) else Ref(-1)
    return json.dumps(
        {
            "ret": ret, "msg": text or _WORDS[ret], "cmd_id": of.cmd_id + 1, "seq_id": of.seq_id, "trace": of.trace,
            "data": {},
        },
        separators=(",", ":"),
    )  # fmt: skip


class AllTick(Dialect):
    """See the module."""

    name = "alltick"
    paths: ClassVar = {"quote-stock-b-ws-api": "", "quote-b-ws-api": ""}
    auth = AuthPlacement(headers=("token",), query=("token",))
    rules = Rules(overwrites=True, newest_connection_loses=True, echoes_symbols=True, silence_s=30)

    # -- what a client says ----------------------------------------------------------------------------------------

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            Malformed: no command of theirs; `ref` names the request where it has numbers.
        """
        message = json_object(text)
        command, data = message.get("cmd_id"), message.get("data", {})
        if type(command) is int and command in HEARTBEATS:
            return Ping(ref=_ref(_sound(message)))  # no numbering is worth a connection
        ref = _ref(message)
        if not isinstance(data, dict):
            raise Malformed("data must be an object", ref=ref)
        if command == TRADES:
            return Subscribe(_codes(data, ref), kinds=("tick",), ref=ref)
        if command == DEPTH:
            return Subscribe(_codes(data, ref), kinds=("depth",), rows=_rows(data, ref), ref=ref)
        if command == CANCEL:
            wanted = data.get("cancel_type", 0)
            if type(wanted) is not int or wanted not in _CANCELLED:
                raise Malformed("cancel_type is 0 for all, 1 for depth or 2 for trades", ref=ref)
            return Unsubscribe(_codes(data, ref) if data.get("symbol_list") else None, _CANCELLED[wanted], ref=ref)
        raise Malformed(f"cmd_id is none of {HEARTBEATS[0]}, {DEPTH}, {TRADES} and {CANCEL}", ref=ref)

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        return symbols.read(text, self.directory)

    # -- answers ---------------------------------------------------------------------------------------------------

    def subscribed(self, told: Subscribed) -> str:
        refused = {one.symbol: one.reason for one in told.rejected}
        if told.request.symbols and refused.keys() >= set(told.request.symbols):
            # What is over the limit is passed over in silence; what can never come is said.
            ret = next((_RETS[reason] for reason in refused.values() if reason in _RETS), 200)
            return _answer(told.request.ref, ret)
        return _answer(told.request.ref, 200)

    def unsubscribed(self, told: Unsubscribed) -> str:
        return _answer(told.request.ref, 200)

    def pong(self, *, request: Ping, now_ms: int) -> str:
        return _answer(request.ref, 200)

    def error(self, error: PlatformError, ref: object = None) -> str:
        return _answer(ref, 500 if isinstance(error, Unavailable) else 400, error.message)

    def farewell(self, code: int, reason: str) -> str:
        return _answer(None, 606, "too many requests, the connection is closed") if code == CLOSE_TOO_MANY else ""

    # -- market data -----------------------------------------------------------------------------------------------

    def shown(self, channel: Channel) -> str:
        return json.dumps(channel.form or symbols.write(channel.instrument), ensure_ascii=False)

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        return (
            f'{{"cmd_id":{PUSH_TRADE},"data":{{"code":{shown},"seq":"{one.number}","tick_time":"{one.at_ms}",'
            f'"price":"{decimal_text(one.price_e4)}","volume":"{one.volume}",'
            f'"turnover":"{decimal_text(one.turnover_e4)}","trade_direction":{_DIRECTIONS.get(one.side, 0)}}}}}'
        )

    def depth(self, shown: str, book: Book) -> str:
        return (
            f'{{"cmd_id":{PUSH_DEPTH},"data":{{"code":{shown},"seq":"{book.number}","tick_time":"{book.at_ms}",'
            f'"bids":[{_side(book.bids)}],"asks":[{_side(book.asks)}]}}}}'
        )


def _side(orders: Iterable[tuple[int, int]]) -> str:
    return ",".join(f'{{"price":"{decimal_text(price)}","volume":"{volume}"}}' for price, volume in orders)


def _ref(message: Mapping[str, Any]) -> Ref:
    command, seq_id, trace = message.get("cmd_id"), message.get("seq_id", 0), message.get("trace", "")
    known = [one if type(one) is int and 0 <= one < 2**63 else 0 for one in (command, seq_id)]
    ref = Ref(known[0], known[1])
    if type(seq_id) is not int or not 0 <= seq_id < 2**63:
        raise Malformed("seq_id must be a whole number", ref=ref)
    if not isinstance(trace, str) or len(trace) > 64:
        raise Malformed("trace must be a text of at most 64 characters", ref=ref)
    return ref._replace(trace=trace)


def _sound(heartbeat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a heartbeat with a number and a trace that can be repeated: some send texts of digits, or none."""
    seq_id, trace = heartbeat.get("seq_id"), heartbeat.get("trace")
    if isinstance(seq_id, str) and len(seq_id) <= 18 and seq_id.isascii() and seq_id.isdecimal():
        seq_id = int(seq_id)
    good = type(seq_id) is int and 0 <= seq_id < 2**63
    traced = str(trace)[:64] if isinstance(trace, str | int) and not isinstance(trace, bool) else ""
    return {"cmd_id": heartbeat["cmd_id"], "seq_id": seq_id if good else 0, "trace": traced}


def _codes(data: Mapping[str, Any], ref: Ref) -> tuple[str, ...]:
    listed = data.get("symbol_list")
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise Malformed(f"symbol_list must be a list of at most {_MOST}", ref=ref)
    codes = [one.get("code") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(code, str) for code in codes):
        raise Malformed('each of symbol_list is an object like {"code": "700.HK"}', ref=ref)
    return tuple(code for code in codes if isinstance(code, str))


def _rows(data: Mapping[str, Any], ref: Ref) -> int:
    """Return how many orders a side are wanted: the most that is asked of any symbol."""
    asked = [one.get("depth_level", 5) for one in data["symbol_list"]]
    if not all(type(rows) is int and 1 <= rows <= _MOST_ROWS for rows in asked):
        raise Malformed(f"depth_level is 1 to {_MOST_ROWS}", ref=ref)
    return max(asked, default=5)


DialectClass = AllTick
