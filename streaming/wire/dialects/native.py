"""The native dialect, /ws/stock: what a client says -> requests; answers, notices and bars -> text (docs/protocol.md).

Symbols are canonical in every frame we send; only `rejected` echoes what was asked.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import LANES, InstrumentId
from kernel.scope import Scope, Step, step_as_claims
from streaming.domain import E4
from streaming.domain.intervals import FormedBar
from streaming.errors import Unsupported
from streaming.wire.channels import EVENTS, INTERVALS, WINDOW
from streaming.wire.requests import (
    List,
    Ping,
    Rejection,
    Request,
    Since,
    Snapshot,
    Subscribe,
    Unsubscribe,
    Verdict,
)
from streaming.wire.texts import PRICES, iso
from streaming.wire.window import Book, Newest, Print, end_ms

name = "native"
ACTIONS = ("subscribe", "unsubscribe", "list", "snapshot", "ping")
MAX_SYMBOLS = 500
TYPES = ("kline", *EVENTS)
_SAFE = 2**53  # what every JSON reader takes for an integer

# -- what a client says --------------------------------------------------------------------------------------------


def parse(text: str) -> Request:
    """Read one message.

    Raises:
        Malformed: not JSON, not an object, an unknown action, symbols missing or too many, a `since` of no known form.
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


# -- what we say ---------------------------------------------------------------------------------------------------


def _text(message: Mapping[str, Any]) -> str:
    # ASCII: what a client sent may come back in `rejected`, and a lone surrogate cannot be written as UTF-8.
    return json.dumps(message, separators=(",", ":"))


def _quota(used: int, max_subs: int) -> dict[str, int]:
    return {"used": used, "max_subs": max_subs}


def _rejections(rejected: Iterable[Rejection]) -> list[dict[str, str]]:
    return [{"symbol": one.symbol, "reason": one.reason, "message": one.message} for one in rejected]


def _resume(verdict: Verdict) -> dict[str, Any]:
    told = {"recovered": verdict.recovered, "epoch": verdict.epoch, "since": verdict.since}
    return told if verdict.recovered else {**told, "first": verdict.first, "reason": verdict.reason}


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
    resume: Sequence[Verdict] | None = None,
    live_only: Sequence[str] = (),
) -> str:
    """Answer a subscribe. `live_only` are the kinds of which nothing is replayed."""
    answer: dict[str, Any] = {
        "type": "subscribed",
        "added": [str(one) for one in added],
        "current": sorted(str(one) for one in current),
        "rejected": _rejections(rejected),
        "quota": _quota(used, max_subs),
    }
    if resume is not None:
        answer["resume"] = {verdict.lane: _resume(verdict) for verdict in resume}
        if live_only:
            answer["live_only"] = list(live_only)
    return _text(answer)


def resumed(*, market: str, seq: int, recovered: bool) -> str:
    """Tell that a lane's replay is over: everything up to `seq` was sent, or it was broken off there."""
    return _text({"type": "resumed", "market": market, "seq": seq, **({} if recovered else {"recovered": False})})


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


def market_status(*, market: str, state: str, until_ms: int | None, epoch: str) -> str:
    return _text({"type": "status", "market": market, **_market(state, until_ms), "epoch": epoch})


def instrument_status(*, symbol: str, state: str) -> str:
    return _text({"type": "status", "symbol": symbol, "state": state})


def heartbeat(*, now_ms: int, last: Mapping[str, int], epochs: Mapping[str, str]) -> str:
    return _text({"type": "heartbeat", "server_time": iso(now_ms), "last": dict(last), "epoch": dict(epochs)})


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


# -- market data: made for every bar of every window, so these are format strings, not a JSON encoder ----------------


def bar_encoder(seq: int) -> Callable[[str, int, int, int, int, int, int], str]:
    """Return the encoder of one window's bars: (symbol, open, high, low, close, volume, turnover) -> text."""
    price = PRICES
    head, tail = f'","seq":{seq},"data":{{"open":', f',"timestamp":"{iso(end_ms(seq))}"}}}}'

    def encode(
        symbol: str, open_e4: int, high_e4: int, low_e4: int, close_e4: int, volume: int, turnover_e4: int
    ) -> str:
        return (
            f'{{"type":"kline","symbol":"{symbol}{head}{price[open_e4]},"high":{price[high_e4]},'
            f'"low":{price[low_e4]},"close":{price[close_e4]},"volume":{volume},"amount":{turnover_e4 / E4}{tail}'
        )

    return encode


def stamped(text: str, *, closed_ms: int, sent_ms: int) -> str:
    """Add to a frame when ingest closed its window and when the node sent it, in epoch ms."""
    return f'{text[:-1]},"stamp":{{"closed_ms":{closed_ms},"sent_ms":{sent_ms}}}}}'


def formed(symbol: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
    """Return a bar of a longer interval as it is now; `timestamp` is where its interval opened."""
    price, ended = PRICES, "true" if final else "false"
    return (
        f'{{"type":"kline","symbol":"{symbol}","interval":"{interval}","seq":{seq},"final":{ended},'
        f'"data":{{"open":{price[bar.open_e4]},"high":{price[bar.high_e4]},"low":{price[bar.low_e4]},'
        f'"close":{price[bar.close_e4]},"volume":{bar.volume},"amount":{bar.turnover_e4 / E4},'
        f'"timestamp":"{iso(bar.opened_ms)}"}}}}'
    )


def tick(one: Print) -> str:
    """Return one trade. `seq` counts the instrument's trades."""
    return (
        f'{{"type":"tick","symbol":"{one.symbol}","seq":{one.number},"data":{{"price":{PRICES[one.price_e4]},'
        f'"volume":{one.volume},"amount":{one.turnover_e4 / E4},"side":"{one.side}","timestamp":"{iso(one.at_ms)}"}}}}'
    )


def quote(book: Book) -> str:
    """Return an instrument's day and best orders. `seq` counts its pictures; null is an empty side."""
    price = PRICES
    (bid, bid_volume), (ask, ask_volume) = (side[0] if side else (0, 0) for side in (book.bids, book.asks))
    return (
        f'{{"type":"quote","symbol":"{book.symbol}","seq":{book.number},"data":{{"last":{price[book.last_e4]},'
        f'"prev_close":{price[book.prev_close_e4]},"open":{price[book.open_e4]},"high":{price[book.high_e4]},'
        f'"low":{price[book.low_e4]},"volume":{book.volume},"amount":{book.turnover_e4 / E4},'
        f'"bid":{price[bid] if bid else "null"},"bid_volume":{bid_volume},'
        f'"ask":{price[ask] if ask else "null"},"ask_volume":{ask_volume},"timestamp":"{iso(book.at_ms)}"}}}}'
    )


def depth(book: Book) -> str:
    """Return an instrument's orders, best first: [[price, volume], ...]."""
    bids, asks = (",".join(f"[{PRICES[price]},{volume}]" for price, volume in side) for side in (book.bids, book.asks))
    return (
        f'{{"type":"depth","symbol":"{book.symbol}","seq":{book.number},"data":{{"bids":[{bids}],"asks":[{asks}],'
        f'"timestamp":"{iso(book.at_ms)}"}}}}'
    )
