"""AllTick from the other side: what its client says, and what its server's messages tell."""

import json
from collections.abc import Iterable
from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Levels, Trade
from streaming.wire.dialects.alltick import symbols
from streaming.wire.dialects.alltick.socket import DEPTH, HEARTBEATS, PUSH_DEPTH, PUSH_TRADE, TRADES
from streaming.wire.dialects.numbers import e4_of, field, levels_of, whole
from streaming.wire.dialects.reading import json_object
from streaming.wire.upstream import Heard

_SIDES = {1: "B", 2: "S"}
_SECONDS = 10**11  # a time below it is in seconds: their table says milliseconds, their example has seconds


def heartbeat(seq_id: int) -> str:
    return _request(HEARTBEATS[0], seq_id, {})


def subscribe(instruments: Iterable[InstrumentId], kind: str, *, seq_id: int, rows: int = 5) -> str:
    """Return the message that follows trades (`tick`) or `depth`; it replaces the one before of the same kind."""
    more = {"depth_level": rows} if kind == "depth" else {}
    listed = [{"code": symbols.write(one), **more} for one in instruments]
    return _request(DEPTH if kind == "depth" else TRADES, seq_id, {"symbol_list": listed})


def _request(command: int, seq_id: int, data: dict[str, Any]) -> str:
    return json.dumps({"cmd_id": command, "seq_id": seq_id, "trace": f"tickpack-{seq_id}", "data": data})


def read(text: str, directory: Directory) -> list[Heard]:
    """Return what a message tells; an acknowledgement tells nothing.

    Raises:
        Malformed, BadSymbol: it is none of theirs.
    """
    message = json_object(text)
    command, data = message.get("cmd_id"), message.get("data")
    if command not in (PUSH_TRADE, PUSH_DEPTH):
        return []
    instrument, at_ms = symbols.read(str(field(data, "code")), directory), whole(field(data, "tick_time"))
    at_ms = at_ms * 1000 if at_ms < _SECONDS else at_ms
    if command == PUSH_DEPTH:
        bids, asks = (levels_of(field(data, side), "price", "volume") for side in ("bids", "asks"))
        return [Levels(instrument, at_ms, bids, asks)]
    price, volume = e4_of(field(data, "price")), whole(field(data, "volume"))
    side = _SIDES.get(field(data, "trade_direction"), "N")
    return [Trade(instrument, at_ms, price, volume, e4_of(field(data, "turnover") or 0), side)]
