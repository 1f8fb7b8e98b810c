"""What providers push to an rt-receiver, protocol v2 (`RawTickBatchPayload`): its JSON -> ticks, ticks -> its JSON.

`batch_seq` and `stream_id` restart with the sender and `shard_id` is random, so none of them tells one tick from
another: (market, ts_code, version) does.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from kernel.errors import Malformed
from streaming.domain import E4
from streaming.domain.instruments import Directory
from streaming.records.pushed import PushedTick
from streaming.wire.dialects.rt_receiver.push_items import Item, ItemRow, item_of, row_of
from streaming.wire.dialects.rt_receiver.symbols import MARKETS

SCHEMA, MODE = "v2", "raw_tick_batch"
MOST_ITEMS = 20_000
# Brackets, braces and commas: no JSON has more values than these and one, and each value costs memory when it is read,
# so this many are some 150 MB at most. 20,000 ticks of 50 fields are fewer.
MOST_MARKS = 1_200_000
MOST_TOLD = 100  # refused items that an answer names


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """One item that does not count: where it stood, what it named, and why.

    `reason` is a word for counting: malformed, another_day or no_market; `message` says more.
    """

    index: int
    ts_code: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One push."""

    market: str
    batch_seq: Any  # echoed in the answer as it came
    items: tuple[Item, ...]
    refused: tuple[RefusedItem, ...] = ()

    @property
    def lane(self) -> str:
        return "HK" if self.market == "hk" else "CN"

    def untaken(self, message: str) -> "Batch":
        """Return the same push where no market takes it."""
        left = [RefusedItem(nth, one.tick.symbol, "no_market", message) for nth, one in enumerate(self.items)]
        return Batch(self.market, self.batch_seq, (), (*self.refused, *left))


class BadBatch(Malformed):
    """A push that cannot be taken; `batch_seq` and `count` are what it said of itself, `said` whether to tell why."""

    message = "The push cannot be taken"
    code = "bad_batch"


def parse(raw: bytes, directory: Directory, *, today: str) -> Batch:
    """Read a push. An item that is no tick, or one of another day, is refused by name, and spoils nothing else.

    Args:
        today: YYYYMMDD at the exchange. Before the opening senders repeat the day before, whose sums would stand in the
            way of the new ones.

    Raises:
        BadBatch: the batch itself is wrong; the message is theirs; they say none for what is no JSON object.
    """
    if raw.count(b"{") + raw.count(b"[") + raw.count(b",") > MOST_MARKS:
        raise BadBatch(f"too many values in one batch, at most {MOST_ITEMS} items", batch_seq=0, count=0, said=True)
    body = _as_usual(raw) or _decoded(raw)
    if not isinstance(body, dict):
        raise BadBatch("not a JSON object", batch_seq=0, count=0, said=False)
    try:
        items = _envelope(body)
    except Malformed as error:
        seq, count = (body.get(name) for name in ("batch_seq", "count"))
        raise BadBatch(error.message, batch_seq=_number(seq), count=_number(count), said=True) from None
    market, found, refused = body["market"], [], []
    for index, item in enumerate(items):
        try:
            one = item_of(item if isinstance(item, ItemRow) else row_of(item), market, directory)
        except Malformed as error:
            refused.append(RefusedItem(index, _code_of(item), "malformed", error.message))
            continue
        if one.tick.day in ("", today):
            found.append(one)
        else:
            message = f"of {one.tick.day}, and the exchange's day is {today}"
            refused.append(RefusedItem(index, one.tick.symbol, "another_day", message))
    return Batch(market, _number(body["batch_seq"]), tuple(found), tuple(refused))


class _Body(msgspec.Struct):
    """A batch in which every item has a tick; what else may be wrong is found later."""

    items: list[ItemRow]
    schema_version: Any = None
    mode: Any = None
    market: Any = None
    count: Any = None
    batch_seq: Any = UNSET


_usual_body = msgspec.json.Decoder(_Body).decode


def _as_usual(raw: bytes) -> dict[str, Any] | None:
    """Read a batch as senders write it; None where something in it has another form, or it is no JSON."""
    try:
        body = _usual_body(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    told = {"items": body.items, "schema_version": body.schema_version, "mode": body.mode, "market": body.market}
    said = {} if body.batch_seq is UNSET else {"batch_seq": body.batch_seq}
    return {**told, **said, "count": body.count}


def _decoded(raw: bytes) -> Any:
    """Read JSON; None for what is none. Python's senders write NaN, and one of those spoils its own item alone."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    try:
        return json.loads(raw.decode(errors="replace"), parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(text: str) -> int | float:
    return int(text) if len(text) <= 20 else math.nan


def write(batch: Batch, *, at_ms: int) -> bytes:
    """Return a push, as a sender of theirs makes it."""
    items = [
        {
            "stream_id": f"{at_ms}-{nth}", "ts_code": one.tick.symbol, "version": one.version, "shard_id": 0,
            "tick": _row(one.tick),
        }
        for nth, one in enumerate(batch.items)
    ]  # fmt: skip
    ids = [item["stream_id"] for item in items]
    told = {
        "schema_version": SCHEMA, "mode": MODE, "batch_seq": batch.batch_seq, "event_time": str(at_ms),
        "market": batch.market, "source_api": "tickpack", "count": len(items),
        "first_stream_id": ids[0] if ids else "", "last_stream_id": ids[-1] if ids else "", "items": items,
    }  # fmt: skip
    return json.dumps(told, separators=(",", ":")).encode()


def answer(batch: Batch) -> dict[str, Any]:
    """Acknowledge a push; what came before counts as accepted, or it would be sent again and again."""
    told = {
        "accepted_count": len(batch.items), "ack_seq": batch.batch_seq, "code": 0,
        "rejected_count": len(batch.refused), "status": "ok",
    }  # fmt: skip
    if not batch.refused:
        return told
    rows = [
        {"index": one.index, "ts_code": one.ts_code, "reason": one.reason, "message": one.message}
        for one in batch.refused[:MOST_TOLD]
    ]
    return {**told, "rejected_items": rows}


def refusal(error: BadBatch) -> dict[str, Any]:
    """Return the body of HTTP 400."""
    told = {"accepted_count": 0, "ack_seq": error.fields["batch_seq"], "code": 400}
    said = {"message": error.message} if error.fields["said"] else {}
    return {**told, **said, "rejected_count": error.fields["count"], "status": "error"}


def _envelope(body: Mapping[str, Any]) -> list[Any]:
    """Return a batch's items; theirs are the order of the checks and the texts."""
    for name, known in (("schema_version", (SCHEMA,)), ("mode", (MODE,))):
        if body.get(name) not in known:
            raise Malformed(f"unsupported {name}: {_shown(body.get(name))}, expected: [{' '.join(known)}]")
    if body.get("market") not in MARKETS:
        raise Malformed(f"invalid market: {_shown(body.get('market'))}, valid: [{' '.join(sorted(MARKETS))}]")
    items, count = body.get("items"), body.get("count")
    if not isinstance(items, list):
        raise Malformed("items must be an array")
    if count is not None:
        if type(count) is not int:
            raise Malformed("count must be an integer")
        if count != len(items):
            raise Malformed(f"count mismatch: declared {count}, actual {len(items)}")
    if "batch_seq" not in body:
        raise Malformed("missing batch_seq")
    if len(items) > MOST_ITEMS:
        raise Malformed(f"too many items: {len(items)}, at most {MOST_ITEMS}")
    return items


def _code_of(item: Any) -> str:
    code = item.ts_code if isinstance(item, ItemRow) else item.get("ts_code") if isinstance(item, dict) else None
    return code[:32] if isinstance(code, str) else ""


def _row(tick: PushedTick) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ts_code": tick.symbol, "pre_close": tick.prev_close_e4 / E4, "open": tick.open_e4 / E4,
        "high": tick.high_e4 / E4, "low": tick.low_e4 / E4, "close": tick.last_e4 / E4, "vol": tick.volume,
        "amount": tick.turnover_e4 / E4, "trade_date": tick.day or None,
    }  # fmt: skip
    words = {"name": tick.name, "trade_time": tick.trade_time, "num": tick.trades, "trade_status": tick.state}
    told |= {name: value for name, value in words.items() if value}
    for side, (price, volume) in (("bid", tick.bid), ("ask", tick.ask)):
        told[side], told[f"{side}_volume1"] = price / E4, volume
    return told


def _number(value: Any) -> Any:
    """Return what may be echoed of a number."""
    return value if type(value) is int or (isinstance(value, str) and len(value) <= 32) else 0


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:32]
