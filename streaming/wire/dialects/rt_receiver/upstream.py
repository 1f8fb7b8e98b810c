"""An rt-receiver from the other side: what a client of ours says to it, and what its messages tell."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Snapshot
from streaming.wire.dialects.numbers import e4_of, field, whole
from streaming.wire.dialects.reading import json_object
from streaming.wire.dialects.rt_receiver.symbols import read as instrument_of
from streaming.wire.upstream import Heard


def subscribe(instruments: Iterable[InstrumentId]) -> str:
    """Return the message that follows instruments."""
    return json.dumps({"action": "subscribe", "symbols": [str(one) for one in instruments]})


def read(text: str, directory: Directory) -> list[Heard]:
    """Return the picture of a tick; nothing for every other message.

    Raises:
        Malformed, BadSymbol: it is no message of theirs.
    """
    message = json_object(text)
    if message.get("type") != "tick":
        return []
    before, first, high, low, last, turnover = (
        e4_of(message.get(name)) for name in ("pre_close", "open", "high", "low", "close", "amount")
    )
    bids, asks = (_best(message, side) for side in ("bid", "ask"))
    instrument = instrument_of(str(field(message, "ts_code")), directory)
    at_ms = _instant_ms(field(message, "timestamp"))
    volume = whole(field(message, "vol"))
    return [Snapshot(instrument, at_ms, before, first, high, low, last, volume, turnover, bids=bids, asks=asks)]


def _best(message: dict[str, Any], side: str) -> tuple[tuple[int, int], ...]:
    price = e4_of(message.get(side))
    return ((price, whole(message.get(f"{side}_volume1", 0))),) if price > 0 else ()


def _instant_ms(text: Any) -> int:
    """Read an instant of RFC 3339; theirs have nine digits behind the point."""
    head, _, rest = str(text).removesuffix("Z").partition(".")
    try:
        at = datetime.strptime(head, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        return round(at.timestamp()) * 1000 + int((rest[:3] or "0").ljust(3, "0"))
    except ValueError:
        raise Malformed(f"{str(text)[:40]!r} is not an instant") from None
