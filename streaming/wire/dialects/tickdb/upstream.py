"""TickDB from the other side: what its client says, and what its server's messages tell."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Trade
from streaming.wire.dialects.numbers import bar_of, e4_of, field, rows, whole
from streaming.wire.dialects.reading import json_object
from streaming.wire.dialects.tickdb import symbols
from streaming.wire.dialects.tickdb.rest import read_depth, read_ticker
from streaming.wire.dialects.tickdb.socket import CHANNELS, INTERVALS
from streaming.wire.upstream import Heard, IntervalBar

_CHANNEL_OF = {kind: channel for channel, kind in CHANNELS.items()}
_SIDES = {"buy": "B", "sell": "S"}
_BAR = ("open", "high", "low", "close", "volume", "quote_volume")


def subscribe(instruments: Iterable[InstrumentId], kind: str) -> str:
    """Return the message that follows one kind, of streaming.wire.channels."""
    data: dict[str, Any] = {
        "channel": _CHANNEL_OF.get(kind, "kline"),
        "symbols": [symbols.write(i) for i in instruments],
    }
    if kind in INTERVALS:
        data["interval"] = kind
    return json.dumps({"cmd": "subscribe", "data": data})


def read(text: str, directory: Directory, asked: Mapping[str, InstrumentId] = MappingProxyType({})) -> list[Heard]:
    """Return what a message tells; an acknowledgement and a pong tell nothing.

    Args:
        asked: the instruments that were subscribed, by every form that a push may name them in. Pushes name stocks
            without their exchange, and 000001 is an index of Shanghai and a stock of Shenzhen.

    Raises:
        Malformed, BadSymbol: it is none of theirs.
    """
    message = json_object(text)
    command, data = message.get("cmd"), message.get("data")
    if command not in (*CHANNELS, "kline") or not isinstance(data, dict):
        return []
    name = str(field(data, "symbol"))
    instrument = asked.get(name) or symbols.read(name, directory)
    if command == "trade":
        # Some of their pages show the trade itself in place of a list of trades.
        return [_trade(instrument, row) for row in (rows(data["trades"]) if "trades" in data else [data])]
    if command == "depth":
        return [read_depth(data, instrument)]
    if command == "kline":
        interval = str(field(data, "interval"))
        bars = [bar_of(row, whole(field(row, "time")), _BAR) for row in rows(field(data, "klines"))]
        return [IntervalBar(instrument, interval, bar) for bar in bars]
    return [read_ticker(data, instrument)]


def _trade(instrument: InstrumentId, row: Any) -> Trade:
    price, volume = e4_of(field(row, "price")), whole(field(row, "quantity"))
    side = _SIDES.get(field(row, "side"), "N")
    return Trade(instrument, whole(field(row, "timestamp")), price, volume, price * volume, side)
