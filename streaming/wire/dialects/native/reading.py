"""What a client of the native dialect says -> requests."""

import json
from collections.abc import Sequence
from datetime import datetime

import msgspec

from kernel.errors import Malformed
from kernel.instruments import LANES
from streaming.errors import Unsupported
from streaming.wire.channels import INTERVALS, WINDOW
from streaming.wire.dialects.native.messages import (
    ACTIONS,
    TYPES,
    ClientMessage,
    ListMessage,
    PingMessage,
    SnapshotMessage,
    SubscribeMessage,
    UnsubscribeMessage,
    decode,
)
from streaming.wire.requests import List, Ping, Request, Since, SnapshotRequest, Subscribe, Unsubscribe

_EXAMPLE = '{"action": "subscribe", "symbols": ["600519.SH"]}'


def parse(text: str) -> Request:
    """Read one message.

    Raises:
        Malformed: not JSON, not an object, an unknown action, symbols missing or too many, a `since` of no known form.
        Unsupported: a type or interval that this node does not carry.
    """
    try:
        message: ClientMessage = decode(text)
    except RecursionError:
        raise Malformed("the message is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise Malformed(_explained(text, str(error))) from None
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Malformed(f"the message is not JSON: {str(error)[:120]}") from None
    match message:
        case SubscribeMessage():
            kinds = _kinds(message.types, message.intervals)
            symbols = tuple(message.symbols)
            return Subscribe(symbols, fill=message.fill, kinds=kinds, stamp=message.stamp, since=_since(message))
        case UnsubscribeMessage():
            named = message.types is not None or message.intervals is not None
            return Unsubscribe(tuple(message.symbols), _kinds(message.types, message.intervals) if named else None)
        case ListMessage():
            return List()
        case SnapshotMessage():
            return SnapshotRequest(tuple(message.symbols) if message.symbols is not msgspec.UNSET else ())
        case PingMessage():
            echo = message.id
            return Ping(echo if isinstance(echo, str | int) and len(str(echo)) <= 64 else None)


def _explained(text: str, error: str) -> str:
    """Return what is wrong with a message of the wrong form: the value, where it stands, and what would do."""
    if error.startswith("Expected `object`") and " - at " not in error:
        return f"the message must be an object like {_EXAMPLE}"
    if "$.action" in error or "field `action`" in error:
        try:
            action = json.loads(text).get("action")
        except (ValueError, RecursionError) as wrong:  # what stands behind the object was not looked at
            return f"the message is not JSON: {str(wrong)[:120]}"
        shown = action[:40] if isinstance(action, str) else type(action).__name__
        return f"unknown action {shown!r}; this socket knows {', '.join(ACTIONS)}"
    return f"{error[:200]}; a message is like {_EXAMPLE}"


def _kinds(types: Sequence[str] | None, intervals: Sequence[str] | None) -> tuple[str, ...]:
    """Return what `types` and `intervals` name together; intervals are those of klines."""
    types, intervals = _carried("types", types or ("kline",), TYPES), _carried("intervals", intervals or (), INTERVALS)
    if intervals and "kline" not in types:
        raise Malformed('intervals belong to the type kline; name it in types: ["kline", ...]')
    kinds: list[str] = []
    for word in types:
        kinds += (intervals or (WINDOW,)) if word == "kline" else (word,)
    return tuple(dict.fromkeys(kinds))


def _carried(name: str, wanted: Sequence[str], carried: Sequence[str]) -> Sequence[str]:
    for word in wanted:
        if word not in carried:
            raise Unsupported(f"{name} {word[:20]!r} is not carried by this node; it carries {', '.join(carried)}")
    return wanted


def _since(message: SubscribeMessage) -> Since | None:
    """Read `since`: a seq, a timestamp, or one seq a market; and `epoch`, what the client knows of each market."""
    since, epochs = message.since, message.epoch or {}
    match since:
        case None:
            return None
        case dict():
            if unknown := [name for name in since if name not in LANES]:
                raise Malformed(f"since names {unknown[0][:20]!r}; it has a seq for CN, HK or TEST")
            return Since(seqs=since, epochs=epochs)
        case str():
            return Since(at_ms=_instant_ms(since), epochs=epochs)
        case _:
            return Since(seq=since, epochs=epochs)


def _instant_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("it names no time zone")
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError) as error:
        raise Malformed(f"since {text[:40]!r} is no timestamp like 2026-03-08T06:30:01.500Z: {error}") from None
