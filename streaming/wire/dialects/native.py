"""The native dialect, /ws/stock: what a client says -> requests; answers, notices and bars -> text (docs/protocol.md).

Symbols are canonical in every frame we send; only `rejected` echoes what was asked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step, step_as_claims
from streaming.domain import E4
from streaming.errors import Unsupported
from streaming.wire.requests import List, Ping, Rejection, Request, Snapshot, Subscribe, Unsubscribe
from streaming.wire.window import Newest, end_ms

name = "native"
ACTIONS = ("subscribe", "unsubscribe", "list", "snapshot", "ping")
MAX_SYMBOLS = 500
TYPES = ("kline",)
INTERVALS = ("1.5s",)

# -- what a client says --------------------------------------------------------------------------------------------


def parse(text: str) -> Request:
    """Read one message.

    Raises:
        Malformed: not JSON, not an object, an unknown action, symbols missing or too many.
        Unsupported: a type or interval that this node does not carry.
    """
    try:
        message = json.loads(text)
    except RecursionError:
        raise Malformed("the message is nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"the message is not JSON: {str(error)[:120]}") from None
    if not isinstance(message, dict):
        raise Malformed('the message must be an object like {"action": "subscribe", "symbols": ["600519.SH"]}')
    action = message.get("action")
    if action == "subscribe":
        _refuse_what_is_not_carried(message)
        fill = message.get("fill", True)
        if not isinstance(fill, bool):
            raise Malformed("fill must be true or false")
        return Subscribe(_symbols(message), fill=fill)
    if action == "unsubscribe":
        return Unsubscribe(_symbols(message))
    if action == "list":
        return List()
    if action == "snapshot":
        return Snapshot(_symbols(message) if "symbols" in message else ())
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


def _refuse_what_is_not_carried(message: Mapping[str, Any]) -> None:
    for key, carried in (("types", TYPES), ("intervals", INTERVALS)):
        wanted = message.get(key)
        if wanted is None:
            continue
        if not isinstance(wanted, list) or not wanted or not all(isinstance(word, str) for word in wanted):
            raise Malformed(f"{key} must be a list of texts")
        for word in wanted:
            if word not in carried:
                raise Unsupported(f"{key} {word[:20]!r} is not carried by this node; it carries {', '.join(carried)}")
    if message.get("since") is not None:
        raise Unsupported("since is not carried by this node yet; subscribe without it and read /v1/market/kline")


# -- what we say ---------------------------------------------------------------------------------------------------


def _text(message: Mapping[str, Any]) -> str:
    # ASCII: what a client sent may come back in `rejected`, and a lone surrogate cannot be written as UTF-8.
    return json.dumps(message, separators=(",", ":"))


@lru_cache(maxsize=64)
def iso(at_ms: int) -> str:
    """Return an instant as the wire writes it: 2026-03-08T06:30:01.500Z."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def _quota(used: int, max_subs: int) -> dict[str, int]:
    return {"used": used, "max_subs": max_subs}


def _rejections(rejected: Iterable[Rejection]) -> list[dict[str, str]]:
    return [{"symbol": one.symbol, "reason": one.reason, "message": one.message} for one in rejected]


def _market(state: str, until_ms: int | None) -> dict[str, Any]:
    return {"state": state, "until": iso(until_ms) if until_ms is not None else None}


def welcome(
    *,
    node: str,
    now_ms: int,
    epochs: Mapping[str, str],
    scope: Scope,
    step: Step,
    used: int,
    markets: Mapping[str, tuple[str, int | None]],
) -> str:
    return _text(
        {
            "type": "welcome",
            "node": node,
            "server_time": iso(now_ms),
            "epoch": dict(epochs),
            "quota": {
                **_quota(used, step.max_subs),
                "max_conns": step.max_conns,
                "steps": [step_as_claims(one) for one in scope.steps if one.from_s * 1000 > now_ms],
            },
            "markets": {market: _market(*state) for market, state in markets.items()},
        }
    )


def subscribed(
    *,
    added: Iterable[InstrumentId],
    current: Iterable[InstrumentId],
    rejected: Sequence[Rejection],
    used: int,
    max_subs: int,
) -> str:
    return _text(
        {
            "type": "subscribed",
            "added": [str(one) for one in added],
            "current": sorted(str(one) for one in current),
            "rejected": _rejections(rejected),
            "quota": _quota(used, max_subs),
        }
    )


def unsubscribed(
    *,
    removed: Iterable[InstrumentId],
    current: Iterable[InstrumentId],
    rejected: Sequence[Rejection],
    used: int,
    max_subs: int,
) -> str:
    return _text(
        {
            "type": "unsubscribed",
            "removed": [str(one) for one in removed],
            "current": sorted(str(one) for one in current),
            "rejected": _rejections(rejected),
            "quota": _quota(used, max_subs),
        }
    )


def listing(*, current: Iterable[InstrumentId], used: int, max_subs: int) -> str:
    return _text({"type": "list", "current": sorted(str(one) for one in current), "quota": _quota(used, max_subs)})


def snapshot(*, newest: Sequence[tuple[InstrumentId, Newest]], rejected: Sequence[Rejection]) -> str:
    return _text(
        {
            "type": "snapshot",
            "data": [_snapshot_of(instrument, bar) for instrument, bar in newest],
            "rejected": _rejections(rejected),
        }
    )


def _snapshot_of(instrument: InstrumentId, bar: Newest) -> dict[str, Any]:
    return {
        "symbol": str(instrument),
        "seq": bar.seq,
        "state": bar.state,
        "data": {
            "open": bar.open_e4 / E4,
            "high": bar.high_e4 / E4,
            "low": bar.low_e4 / E4,
            "close": bar.close_e4 / E4,
            "volume": bar.volume,
            "amount": bar.turnover_e4 / E4,
            "timestamp": iso(end_ms(bar.seq)),
        }
        if bar.seq
        else None,
        "day": {
            "date": bar.day,
            "prev_close": bar.prev_close_e4 / E4,
            "open": bar.day_open_e4 / E4,
            "high": bar.day_high_e4 / E4,
            "low": bar.day_low_e4 / E4,
            "last": bar.close_e4 / E4,
            "volume": bar.day_volume,
            "amount": bar.day_turnover_e4 / E4,
        },
    }


def pong(*, echo: object, now_ms: int) -> str:
    return _text({"type": "pong", **({"id": echo} if echo is not None else {}), "server_time": iso(now_ms)})


def error(*, code: str, message: str) -> str:
    return _text({"type": "error", "code": code, "message": message})


def market_status(*, market: str, state: str, until_ms: int | None) -> str:
    return _text({"type": "status", "market": market, **_market(state, until_ms)})


def instrument_status(*, symbol: str, state: str) -> str:
    return _text({"type": "status", "symbol": symbol, "state": state})


def heartbeat(*, now_ms: int, last: Mapping[str, int]) -> str:
    return _text({"type": "heartbeat", "server_time": iso(now_ms), "last": dict(last)})


def quota_changed(*, max_subs: int, used: int, dropped: Iterable[InstrumentId]) -> str:
    return _text(
        {"type": "quota_changed", "max_subs": max_subs, "used": used, "dropped": [str(one) for one in dropped]}
    )


def expiring(*, seconds: int, ends_at_s: int) -> str:
    return _text(
        {
            "type": "expiring",
            "in_seconds": seconds,
            "ends_at": iso(ends_at_s * 1000),
            "message": "Your subscription ends soon; renew it on the panel and this socket goes on.",
        }
    )


def slow_reader(*, skipped: int) -> str:
    return _text({"type": "slow_reader", "skipped": skipped})


def bar(
    symbol: str, seq: int, open_e4: int, high_e4: int, low_e4: int, close_e4: int, volume: int, turnover_e4: int
) -> str:
    """Return one bar's frame. Called for every bar of every window, so it is one format string, not a JSON encoder."""
    return (
        f'{{"type":"kline","symbol":"{symbol}","seq":{seq},"data":{{"open":{open_e4 / E4},"high":{high_e4 / E4},'
        f'"low":{low_e4 / E4},"close":{close_e4 / E4},"volume":{volume},"amount":{turnover_e4 / E4},'
        f'"timestamp":"{iso(seq * 1500)}"}}}}'
    )
