"""The native dialect, /ws/stock: answers and notices (docs/protocol.md).

Symbols are canonical in every frame we send; only `rejected` echoes what was asked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from kernel.scope import step_as_claims
from streaming.domain import E4
from streaming.domain.intervals import FormedBar
from streaming.domain.ticks import Snapshot
from streaming.errors import StoreUnavailable
from streaming.records.window import Book, Newest, Print, end_ms
from streaming.wire.announced import Announced
from streaming.wire.dialect import AuthPlacement, BarEncoder, Dialect
from streaming.wire.dialects.native import frames
from streaming.wire.dialects.native.reading import parse
from streaming.wire.dialects.numbers import amount_or_null
from streaming.wire.requests import (
    List,
    Ping,
    Rejection,
    Request,
    ResumeDecision,
    SnapshotRequest,
    Subscribed,
    Unsubscribed,
    Welcome,
)
from streaming.wire.texts import iso


def _text(message: Mapping[str, Any]) -> str:
    # ASCII: what a client sent may come back in `rejected`, and a lone surrogate cannot be written as UTF-8.
    return json.dumps(message, separators=(",", ":"))


def _quota(used: int, max_subs: int) -> dict[str, int]:
    return {"used": used, "max_subs": max_subs}


def _rejections(rejected: Iterable[Rejection]) -> list[dict[str, str]]:
    return [{"symbol": one.symbol[:64], "reason": one.reason, "message": one.message} for one in rejected]


def _resume(verdict: ResumeDecision) -> dict[str, Any]:
    told = {"recovered": verdict.recovered, "epoch": verdict.epoch, "since": verdict.since}
    return told if verdict.recovered else {**told, "first": verdict.first, "reason": verdict.reason}


def _market(state: str, until_ms: int | None, presumed: bool, feed: str) -> dict[str, Any]:
    told: dict[str, Any] = {"state": state, "until": iso(until_ms) if until_ms is not None else None}
    return told | ({"presumed": True} if presumed else {}) | ({"feed": feed} if feed else {})


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
            "amount": amount_or_null(bar.volume, bar.turnover_e4),
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
            "amount": amount_or_null(bar.day_volume, bar.day_turnover_e4),
        },
    }


class Native(Dialect):
    """See the module."""

    name = "native"
    paths: ClassVar = {"ws/stock": ""}
    auth = AuthPlacement(any_origin=False, viewers=True)

    def parse(self, text: str, via: str = "") -> Request:
        return parse(text)

    def welcome(self, told: Welcome) -> str:
        return _text(
            {
                "type": "welcome",
                "node": told.node,
                "server_time": iso(told.now_ms),
                "epoch": dict(told.epochs),
                "quota": {
                    **_quota(told.used, told.step.max_subs),
                    "max_conns": told.step.max_conns,
                    "steps": [step_as_claims(one) for one in told.scope.steps if one.from_s * 1000 > told.now_ms],
                },
                "markets": {market: _market(*state) for market, state in told.markets.items()},
            }
        )

    def subscribed(self, told: Subscribed) -> str:
        answer: dict[str, Any] = {
            "type": "subscribed",
            "added": [str(one) for one in told.added],
            "current": sorted(str(one) for one in told.current),
            "rejected": _rejections(told.rejected),
            "quota": _quota(told.used, told.max_subs),
        }
        if told.resume is not None:
            answer["resume"] = {verdict.lane: _resume(verdict) for verdict in told.resume}
            if told.live_only:
                answer["live_only"] = list(told.live_only)
        return _text(answer)

    def resumed(self, *, market: str, seq: int, recovered: bool) -> str:
        """Tell that a lane's replay is over: everything up to `seq` was sent, or it was broken off there."""
        return _text({"type": "resumed", "market": market, "seq": seq, **({} if recovered else {"recovered": False})})

    def unsubscribed(self, told: Unsubscribed) -> str:
        return _text(
            {
                "type": "unsubscribed",
                "removed": [str(one) for one in told.removed],
                "current": sorted(str(one) for one in told.current),
                "rejected": _rejections(told.rejected),
                "quota": _quota(told.used, told.max_subs),
            }
        )

    def listing(self, *, request: List, current: Iterable[InstrumentId], used: int, max_subs: int) -> str:
        return _text({"type": "list", "current": sorted(str(one) for one in current), "quota": _quota(used, max_subs)})

    def snapshot(
        self,
        *,
        request: SnapshotRequest,
        newest: Sequence[tuple[InstrumentId, Newest]],
        pictures: Mapping[InstrumentId, Snapshot],
        rejected: Sequence[Rejection],
    ) -> str:
        return _text(
            {
                "type": "snapshot",
                "data": [_snapshot_of(instrument, bar) for instrument, bar in newest],
                "rejected": _rejections(rejected),
            }
        )

    def pong(self, *, request: Ping, now_ms: int) -> str:
        return _text(
            {"type": "pong", **({"id": request.echo} if request.echo is not None else {}), "server_time": iso(now_ms)}
        )

    def error(self, error: PlatformError, ref: object = None) -> str:
        code = "unavailable" if isinstance(error, StoreUnavailable) else error.code
        return _text({"type": "error", "code": code, "message": error.message})

    def market_status(
        self,
        *,
        market: str,
        state: str,
        until_ms: int | None,
        epoch: str,
        line: str = "",
        presumed: bool = False,
        feed: str = "",
    ) -> str:
        told = {**_market(state, until_ms, presumed, feed), "epoch": epoch, **({"line": line} if line else {})}
        return _text({"type": "status", "market": market, **told})

    def instrument_status(self, *, symbol: str, state: str) -> str:
        return _text({"type": "status", "symbol": symbol, "state": state})

    def heartbeat(self, *, now_ms: int, last: Mapping[str, int], epochs: Mapping[str, str]) -> str:
        return _text({"type": "heartbeat", "server_time": iso(now_ms), "last": dict(last), "epoch": dict(epochs)})

    def quota_changed(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        return _text(
            {"type": "quota_changed", "max_subs": max_subs, "used": used, "dropped": [str(one) for one in dropped]}
        )

    def taken_back(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        gone = [str(one) for one in dropped]
        told = {"max_subs": max_subs, "used": used, "dropped": gone, "reason": "taken_by_program"}
        return _text({"type": "quota_changed", **told})

    def expiring(self, *, seconds: int, ends_at_s: int) -> str:
        return _text(
            {
                "type": "expiring",
                "in_seconds": seconds,
                "ends_at": iso(ends_at_s * 1000),
                "message": "Your subscription ends soon; renew it on the panel and this socket goes on.",
            }
        )

    def announcement(self, told: Announced) -> str:
        return _text(
            {
                "type": "announcement",
                "id": told.id,
                "update": told.update,
                "kind": told.kind,
                "market": told.market or None,
                "title": dict(told.title),
                "text": dict(told.text),
                "at": told.at,
                "starts_at": told.starts_at,
                "ends_at": told.ends_at or None,
            }
        )

    def slow_reader(self, *, skipped: int) -> str:
        return _text({"type": "slow_reader", "skipped": skipped})

    def bar_encoder(self, seq: int) -> BarEncoder:
        return frames.bar_encoder(seq)

    def stamped(self, text: str, *, closed_ms: int, sent_ms: int) -> str:
        return frames.stamped(text, closed_ms=closed_ms, sent_ms=sent_ms)

    def formed(self, shown: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
        return frames.formed(shown, interval, seq, bar, final=final)

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        return frames.tick(shown, one)

    def quote(self, shown: str, book: Book) -> str:
        return frames.quote(shown, book)

    def depth(self, shown: str, book: Book) -> str:
        return frames.depth(shown, book)


DialectClass = Native
