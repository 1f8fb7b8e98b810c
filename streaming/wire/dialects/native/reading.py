"""What a client of the native dialect says -> requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import LANES
from streaming.errors import Unsupported
from streaming.wire.channels import EVENTS, INTERVALS, WINDOW
from streaming.wire.dialects.reading import json_object
from streaming.wire.requests import List, Ping, Request, Since, SnapshotRequest, Subscribe, Unsubscribe

ACTIONS = ("subscribe", "unsubscribe", "list", "snapshot", "ping")
MAX_SYMBOLS = 500
TYPES = ("kline", *EVENTS)
_SAFE = 2**53  # what every JSON reader takes for an integer


def parse(text: str) -> Request:
    """Read one message.

    Raises:
        Malformed: not JSON, not an object, an unknown action, symbols missing or too many, a `since` of no known form.
        Unsupported: a type or interval that this node does not carry.
    """
    message = json_object(text)
    action = message.get("action")
    if action == "subscribe":
        return Subscribe(
            _symbols(message),
            fill=_flag(message, "fill", True),
            kinds=_kinds(message),
            stamp=_flag(message, "stamp", False),
            since=_since(message),
        )
    if action == "unsubscribe":
        named = message.get("types") is not None or message.get("intervals") is not None
        return Unsubscribe(_symbols(message), _kinds(message) if named else None)
    if action == "list":
        return List()
    if action == "snapshot":
        return SnapshotRequest(_symbols(message) if "symbols" in message else ())
    if action == "ping":
        echo = message.get("id")
        return Ping(echo if isinstance(echo, str | int) and len(str(echo)) <= 64 else None)
    shown = action[:40] if isinstance(action, str) else type(action).__name__
    raise Malformed(f"unknown action {shown!r}; this socket knows {', '.join(ACTIONS)}")


def _symbols(message: Mapping[str, Any]) -> tuple[str, ...]:
    symbols = message.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise Malformed('symbols must be a list of texts, like ["600519.SH", "00700.HK"]')
    if not 1 <= len(symbols) <= MAX_SYMBOLS:
        raise Malformed(f"symbols must name 1 to {MAX_SYMBOLS} of them, not {len(symbols)}")
    return tuple(symbols)


def _flag(message: Mapping[str, Any], key: str, otherwise: bool) -> bool:
    value = message.get(key, otherwise)
    if not isinstance(value, bool):
        raise Malformed(f"{key} must be true or false")
    return value


def _kinds(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `types` and `intervals` name together; intervals are those of klines."""
    types = _words(message, "types", TYPES) or ("kline",)
    intervals = _words(message, "intervals", INTERVALS)
    if intervals and "kline" not in types:
        raise Malformed('intervals belong to the type kline; name it in types: ["kline", ...]')
    kinds: list[str] = []
    for word in types:
        kinds += (intervals or (WINDOW,)) if word == "kline" else (word,)
    return tuple(dict.fromkeys(kinds))


def _words(message: Mapping[str, Any], key: str, carried: Sequence[str]) -> tuple[str, ...]:
    wanted = message.get(key)
    if wanted is None:
        return ()
    if not isinstance(wanted, list) or not wanted or not all(isinstance(word, str) for word in wanted):
        raise Malformed(f"{key} must be a list of texts")
    for word in wanted:
        if word not in carried:
            raise Unsupported(f"{key} {word[:20]!r} is not carried by this node; it carries {', '.join(carried)}")
    return tuple(wanted)


def _since(message: Mapping[str, Any]) -> Since | None:
    """Read `since`: a seq, a timestamp, or one seq a lane; and `epoch`, what the client knows of each lane."""
    since, epochs = message.get("since"), message.get("epoch")
    if since is None:
        return None
    if epochs is None:
        epochs = {}
    if not isinstance(epochs, dict) or not all(isinstance(name, str) for name in epochs.values()):
        raise Malformed('epoch must be an object of texts, as in welcome: {"CN": "..."}')
    if isinstance(since, dict):
        if not all(lane in LANES and _is_seq(seq) for lane, seq in since.items()):
            raise Malformed('since must name a seq for each of CN, HK or TEST, like {"CN": 1181986801}')
        return Since(seqs=since, epochs=epochs)
    if isinstance(since, str):
        return Since(at_ms=_instant_ms(since), epochs=epochs)
    if not _is_seq(since):
        raise Malformed("since must be the last seq that you have, or a timestamp like 2026-03-08T06:30:01.500Z")
    return Since(seq=since, epochs=epochs)


def _is_seq(value: object) -> bool:
    return type(value) is int and 0 <= value < _SAFE


def _instant_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("it names no time zone")
        return max(0, round(at.timestamp() * 1000))
    except (ValueError, OverflowError) as error:
        raise Malformed(f"since {text[:40]!r} is no timestamp like 2026-03-08T06:30:01.500Z: {error}") from None
