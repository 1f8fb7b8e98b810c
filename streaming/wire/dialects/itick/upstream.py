"""iTick from the other side: what its client says, and what its server's messages tell."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.wire.channels import EVENTS
from streaming.wire.dialects.itick import symbols
from streaming.wire.dialects.itick.rest import INTERVALS
from streaming.wire.dialects.itick.socket import KLINES
from streaming.wire.dialects.numbers import bar_of, e4_of, field, levels_of, whole
from streaming.wire.dialects.reading import json_object
from streaming.wire.upstream import Heard, IntervalBar

_NUMBERS = {kind: number for number, kind in INTERVALS.items()}
_BAR = ("o", "h", "l", "c", "v", "tu")
_STATES = {0: "trading", 1: "halted", 2: "delisted", 3: "halted"}  # 3 is a circuit breaker


def authenticate(token: str) -> str:
    """Return the message of a client that connected bare."""
    return json.dumps({"ac": "auth", "params": token})


def ping(at_ms: int) -> str:
    """Return the sign of life, whose time comes back."""
    return json.dumps({"ac": "ping", "params": str(at_ms)})


def subscribe(instruments: Iterable[InstrumentId], kinds: Sequence[str]) -> str:
    """Return the message that follows instruments; kinds are those of streaming.wire.channels."""
    types = [kind if kind in EVENTS else f"kline@{_NUMBERS[kind]}" for kind in kinds]
    return json.dumps(
        {"ac": "subscribe", "params": ",".join(map(symbols.write, instruments)), "types": ",".join(types)}
    )


def read(text: str, directory: Directory) -> list[Heard]:
    """Return what a message tells; an acknowledgement and a pong tell nothing.

    A `tick` is read as one trade. Its example has a day's volume there: who is not told what it is asks
    `streaming.wire.providers.itick`, which finds out.

    Raises:
        Malformed, BadSymbol: it is none of theirs.
    """
    data = json_object(text).get("data")
    if not isinstance(data, dict) or "type" not in data:
        return []
    instrument, kind = _instrument(data, directory), data["type"]
    if kind == "tick":
        price, volume = e4_of(field(data, "ld")), whole(field(data, "v"))
        return [Trade(instrument, whole(field(data, "t")), price, volume, price * volume)]
    if kind == "quote":
        return [_quote(instrument, data)]
    if kind == "depth":
        bids, asks = (tuple(row for row in levels_of(field(data, side), "p", "v") if row[0] > 0) for side in ("b", "a"))
        return [Levels(instrument, 0, bids, asks)]
    interval = KLINES.get(kind) if isinstance(kind, str) else None
    return [IntervalBar(instrument, interval, bar_of(data, whole(field(data, "t")), _BAR))] if interval else []


def _instrument(data: dict[str, Any], directory: Directory) -> InstrumentId:
    code, _, region = str(field(data, "s")).partition("$")
    return symbols.find(code, region or str(data.get("r", "")), directory)


def _quote(instrument: InstrumentId, data: dict[str, Any]) -> Snapshot:
    return Snapshot(
        instrument=instrument,
        at_ms=whole(field(data, "t")),
        prev_close_e4=e4_of(data.get("p")),
        open_e4=e4_of(field(data, "o")),
        high_e4=e4_of(field(data, "h")),
        low_e4=e4_of(field(data, "l")),
        last_e4=e4_of(field(data, "ld")),
        cum_volume=whole(field(data, "v")),
        cum_turnover_e4=e4_of(data.get("tu")),
        iopv_e4=e4_of(data.get("iopv")),
        state=_state(data.get("ts")),
    )


def _state(status: Any) -> str:
    return _STATES.get(status, "") if type(status) is int else ""
