"""One item of a push: what a sender wrote -> a tick and its version, or why it is none.

A batch has thousands. msgspec reads those fields alone that we know, each as it came, into structs; so a field of
another type spoils its own item and nothing else.
"""

import json
import re
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from kernel.errors import Malformed
from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain import E4
from streaming.domain.instruments import Directory
from streaming.domain.states import state_of
from streaming.records.pushed import PushedTick
from streaming.wire.dialects.numbers import e4_of
from streaming.wire.dialects.rt_receiver.symbols import read

_MOST_NUMBER = 2**62  # in 1/10,000: a day's turnover of the whole market is a hundredth of it
_LONGEST_VERSION = _LONGEST_TEXT = 64
_VERSION = re.compile(r"[^\x00-\x1f|]{0,64}")
_TOLD = re.compile(r"[^\x00-\x1f\ufffd]{1,64}")
_NOTHING_TOLD = (None, None, None, None)
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", re.ASCII)


class Item(msgspec.Struct, frozen=True, gc=False):
    """One tick and its version; "" where the sender gave none, and nobody can tell whether it comes again."""

    version: str
    tick: PushedTick


class ItemTick(msgspec.Struct, gc=False):
    """What we read of a tick, each as it came; UNSET where it is absent. A batch has thousands: no dictionary each."""

    ts_code: Any = UNSET
    version: Any = UNSET
    pre_close: Any = None
    open: Any = None
    high: Any = None
    low: Any = None
    close: Any = None
    vol: Any = None
    amount: Any = None
    bid: Any = None
    ask: Any = None
    bid_volume1: Any = None
    ask_volume1: Any = None
    num: Any = None
    name: Any = None
    trade_date: Any = None
    trade_time: Any = None
    trade_status: Any = None
    status: Any = None
    state: Any = None
    phase: Any = None


class ItemRow(msgspec.Struct, gc=False):
    """An item of a batch."""

    tick: ItemTick
    ts_code: Any = UNSET
    version: Any = UNSET
    stream_id: Any = None


def row_of(item: Any) -> ItemRow:
    """Return an item of a batch that was read as any JSON is.

    Raises:
        Malformed: it has no tick.
    """
    if not isinstance(item, dict) or not isinstance(item.get("tick"), dict):
        raise Malformed("no tick")
    return msgspec.convert(item, ItemRow)


def item_of(row: ItemRow, market: str, directory: Directory) -> Item:
    """Return what an item tells.

    Args:
        market: of its batch.

    Raises:
        Malformed: it is none of that market, or a field is wrong; says which.
    """
    tick = row.tick
    instrument = _instrument(tick.ts_code if row.ts_code is UNSET else row.ts_code, directory)
    lane = instrument.lane
    if (lane == "HK") != (market == "hk") or lane == "TEST":
        raise Malformed("of another market")
    version = tick.version if row.version is UNSET else row.version
    version = _numbered(row) if version is None or version is UNSET else str(version)
    if not ((version.isalnum() and len(version) <= _LONGEST_VERSION) or _VERSION.fullmatch(version)):
        raise Malformed("no version")
    before, first, high, low, last, volume, turnover, bid, bids, ask, asks = _figures(tick)
    day = _day(tick)
    return Item(
        version,
        PushedTick(
            instrument.symbol, day, before, first, high, low, last, volume // E4, turnover, (bid, bids // E4),
            (ask, asks // E4), _words(tick.name), _words(tick.trade_time),
            _figure("num", tick.num) // E4,
            _state(tick),
        ),
    )  # fmt: skip


def _numbered(row: ItemRow) -> str:
    """Return what stands for a version where a sender gives none: its number and what it says under it.

    The number alone begins again when the sender does, and what is new would be taken for what came before.
    """
    if row.stream_id is None:
        return ""
    said = json.dumps(msgspec.structs.astuple(row.tick), separators=(",", ":"), default=str).encode()
    return f"{str(row.stream_id)[:40]} {blake2b(said, digest_size=8).hexdigest()}"


_FIGURES = (
    "pre_close", "open", "high", "low", "close", "vol", "amount", "bid", "bid_volume1", "ask", "ask_volume1",
)  # fmt: skip


_values = attrgetter(*_FIGURES)


def _figures(tick: ItemTick) -> list[int]:
    """Return a tick's numbers in 1/10,000, in the order of `_FIGURES`.

    Raises:
        Malformed: one is no number, or larger than any market's; says which field.
    """
    values = _values(tick)
    try:
        found = [e4_of(value) for value in values]
        if max(found) <= _MOST_NUMBER and min(found) >= -_MOST_NUMBER:
            return found
    except Malformed:
        pass
    return [
        _figure(name, value) for name, value in zip(_FIGURES, values, strict=True)
    ]  # one by one, to name the first that is wrong


def _figure(name: str, value: Any) -> int:
    """Return a number in 1/10,000; 0 where there is none.

    Raises:
        Malformed: it is no number, or larger than any market's; says which field.
    """
    try:
        found = e4_of(value)
    except Malformed as error:
        raise Malformed(f"{name}: {error.message}") from None
    if abs(found) > _MOST_NUMBER:
        raise Malformed(f"{name}: {str(value)[:40]} is larger than any market's")
    return found


def _words(text: Any) -> str:
    """Return a text that is told again as it came; empty where there is none that may be."""
    return _told_again(text) if text and isinstance(text, str) and len(text) <= _LONGEST_TEXT else ""


@lru_cache(maxsize=20_000)  # names, and the seconds of a day
def _told_again(text: str) -> str:
    return text.strip() if _TOLD.fullmatch(text) else ""


def _state(tick: ItemTick) -> str:
    """Return what a tick says of its instrument: by the first of its fields that says anything known."""
    told = (tick.trade_status, tick.status, tick.state, tick.phase)
    if told == _NOTHING_TOLD:
        return ""
    words = (str(word) for word in told if isinstance(word, str | int) and not isinstance(word, bool))
    return next((state for word in words if len(word) <= 32 and (state := state_of(word))), "")


def _instrument(code: Any, directory: Directory) -> InstrumentId:
    try:
        return read(code, directory)
    except BadSymbol:
        raise
    except (TypeError, AttributeError):
        raise Malformed("no symbol") from None


def _day(tick: ItemTick) -> str:
    """Return the exchange's day that a tick is of: `trade_date`, or the beginning of `trade_time`."""
    for name, text in (("trade_date", tick.trade_date), ("trade_time", tick.trade_time)):
        try:
            day = _day_in(str(text or "")[:10])
        except ValueError:
            raise Malformed(f"no {name}") from None
        if day:
            return day
    return ""


@lru_cache(maxsize=1024)
def _day_in(text: str) -> str:
    """Return the day that a text begins with as YYYYMMDD; "" where it begins with none.

    Raises:
        ValueError: there is no such day.
    """
    if (found := _DAY.match(text)) is None:
        return ""
    day = "".join(found.groups())
    date.fromisoformat(day)
    return day
