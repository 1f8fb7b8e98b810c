"""A server of /realtime/hk from the other side: what its client says, and what its messages tell."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Levels, Trade
from streaming.wire.dialects.numbers import e4_of, field, whole
from streaming.wire.dialects.reading import json_object
from streaming.wire.dialects.realtime_hk.socket import HOURS_MS
from streaming.wire.upstream import Heard


def subscribe(instruments: Iterable[InstrumentId]) -> str:
    """Return the message that follows instruments."""
    return json.dumps({"action": "subscribe", "symbols": [str(one) for one in instruments]})


def read(text: str, directory: Directory) -> list[Heard]:
    """Return a trade, and the best orders before it.

    Raises:
        Malformed, BadSymbol: it is none of theirs.
    """
    message = json_object(text)
    instrument = directory.canonical(str(field(message, "symbol")))
    at_ms = _instant_ms(field(message, "timestamp"))
    price, volume = e4_of(field(message, "last_price")), whole(field(message, "volume"))
    bids, asks = (_best(message, side) for side in ("bid", "ask"))
    return [Trade(instrument, at_ms, price, volume, price * volume), Levels(instrument, at_ms, bids, asks)]


def _best(message: dict[str, Any], side: str) -> tuple[tuple[int, int], ...]:
    price, size = e4_of(message.get(f"{side}_price")), whole(message.get(f"{side}_size", 0))
    return ((price, size),) if price > 0 else ()


def _instant_ms(text: Any) -> int:
    try:
        there = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"{str(text)[:40]!r} is not a time of Hong Kong's wall clock") from None
    return round(there.timestamp() * 1000) - HOURS_MS
