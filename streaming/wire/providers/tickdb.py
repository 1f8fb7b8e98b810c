"""TickDB's pushes as a source of ticks: a day's totals without a turnover, trades and orders, in shares.

Its pages show the volume of a mainland stock of the main boards in lots, Hong Kong's in shares, and of other boards
nothing: a total whose unit nobody knows is left out until the operator says it (`units`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from kernel.errors import Malformed
from kernel.instruments import InstrumentId, Venue
from streaming.domain.calendar import exchange_day
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, PreviousClose, Snapshot, Trade
from streaming.wire.dialects.numbers import field as field_of
from streaming.wire.dialects.numbers import rows
from streaming.wire.dialects.reading import json_object
from streaming.wire.dialects.tickdb import rest, symbols, upstream
from streaming.wire.providers.answers import reported, told_e4, told_money, told_price
from streaming.wire.providers.units import LOT
from streaming.wire.upstream import Heard

_UNITS = {"lots": LOT, "shares": 1}
_MAIN = ("main", "chinext")
_NUMBERS_KEPT = 512  # of an instrument: trades that come again come soon
_REFUSALS = {
    1001: "TickDB does not accept the key, or it has expired; look at {key}.",
    1002: "TickDB was told no key; look at {key}.",
    1005: "The TickDB key has expired; look at {key}.",
    3001: "TickDB was asked too often.",
    3002: "The quota of this TickDB key is used up.",
    3003: "TickDB allows no further connection with this key.",
    3004: "The plan of this TickDB key has fewer symbols than are asked for; look at {most}.",
}
CHANNEL_REFUSED = (1004, 4003, 4004, 4005)  # the plan has not this kind of data
_REFUSALS |= dict.fromkeys(CHANNEL_REFUSED, "The plan of this TickDB key does not include one of its channels.")


def unit_names(instrument: Instrument) -> tuple[str, ...]:
    """Return by what an operator may say the unit of an instrument's volumes: its kind before its board."""
    return (instrument.kind, instrument.board) if instrument.kind != "stock" else (instrument.board,)


def volume_unit(instrument: Instrument, said: Mapping[str, str]) -> int | None:
    """Return the shares in one unit of a volume; None where nobody has said.

    Args:
        said: by the operator: {"star": "shares", "etf": "lots"}.
    """
    for name in unit_names(instrument):
        if (unit := _UNITS.get(said.get(name, ""))) is not None:
            return unit
    if instrument.id.venue is Venue.HK:
        return 1
    return LOT if instrument.kind == "stock" and instrument.board in _MAIN else None


def names_of(instruments: Iterable[InstrumentId]) -> tuple[dict[str, InstrumentId], list[str]]:
    """Return instruments by every form that a push may name them in, and the forms that mean several of them.

    A push may leave the exchange out: of two instruments that share a code none may be named so.
    """
    found: dict[str, InstrumentId] = {}
    shared: set[str] = set()
    for one in instruments:
        bare = one.code.lstrip("0") if one.venue is Venue.HK and one.code.isdecimal() else one.code
        for name in {symbols.write(one), str(one)}:
            found[name] = one
        for name in {bare, one.code}:
            if found.setdefault(name, one) != one:
                shared.add(name)
    return {name: one for name, one in found.items() if name not in shared}, sorted(shared)


@dataclass(slots=True)
class Reader:
    """Reads one connection's messages into ticks in shares. `counts` has what was left out, by reason."""

    directory: Directory
    asked: Mapping[str, InstrumentId]
    shared: frozenset[str] = frozenset()
    said: Mapping[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    _numbers: dict[str, dict[str, None]] = field(default_factory=dict)

    def read(self, text: str) -> list[Heard]:
        """Return what a message tells; an acknowledgement and a pong tell nothing.

        Raises:
            Malformed, BadSymbol: it is none of theirs.
        """
        data = json_object(text).get("data")
        if isinstance(data, dict) and str(data.get("symbol", "")) in self.shared:
            self.counts["ambiguous_symbol"] += 1
            return []
        heard = upstream.read(text, self.directory, self.asked)
        fresh = self._fresh(heard, data) if any(isinstance(one, Trade) for one in heard) else heard
        return [made for one in fresh if (made := self._in_shares(one)) is not None]

    def _fresh(self, trades: list[Heard], data: Any) -> list[Heard]:
        """Return the trades whose numbers were not told before."""
        told = data.get("trades", [data])
        found = []
        for trade, row in zip(trades, told, strict=True):
            number = str(row.get("id") or "")
            seen = self._numbers.setdefault(trade.instrument.symbol, {})
            if number and number in seen:
                self.counts["told_again"] += 1
                continue
            seen[number] = None
            if len(seen) > _NUMBERS_KEPT:
                del seen[next(iter(seen))]
            found.append(trade)
        return found

    def _in_shares(self, one: Heard) -> Heard | None:
        instrument = self.directory.described(one.instrument)
        unit = volume_unit(instrument, self.said)
        if unit is None:
            self.counts["unit_unknown"] += 1
            return None
        if isinstance(one, Snapshot):
            return replace(one, cum_volume=one.cum_volume * unit)  # and no turnover: nobody tells it
        if isinstance(one, Trade):
            return replace(one, volume=one.volume * unit, turnover_e4=one.price_e4 * one.volume * unit)
        if isinstance(one, Levels):
            bids, asks = (
                tuple((price, volume * unit) for price, volume in side if price > 0) for side in (one.bids, one.asks)
            )
            return replace(one, bids=bids, asks=asks)
        return None


def acknowledged(text: str) -> tuple[str, int, Any]:
    """Return (what a message answers, its code, its data); ("", 0, None) for a push.

    Raises:
        Malformed: it is none of theirs.
    """
    message = json_object(text)
    if "code" not in message:
        return "", 0, None
    code = message["code"]
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else -1
    return str(message.get("cmd", "")), number, message.get("data")


def refusal(code: int, *, key: str, most: str) -> str:
    """Return the sentence of a code that refuses.

    Args:
        key, most: the variables to look at.
    """
    return _REFUSALS.get(code, "TickDB refused: {code}.").format(code=code, key=key, most=most)


def read_previous_close(text: str, instrument: InstrumentId, now_ms: int) -> PreviousClose | None:
    """Read an answer of /v1/market/kline with days: the close of the newest one that is over.

    Raises:
        Malformed: it is none of theirs, or it refuses.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    today = exchange_day(now_ms)
    bars = [bar for bar in rest.read_klines(rest.read_answer(answer)) if exchange_day(bar.opened_ms) < today]
    newest = max(bars, key=lambda bar: bar.opened_ms, default=None)
    return PreviousClose(instrument, newest.close_e4) if newest is not None else None


def read_stock_info(text: str, asked: Mapping[str, InstrumentId], now_ms: int) -> list[Statistics]:
    """Read an answer of /v1/market/stock-info; in what `dividend_yield` is told is not published: it is left out.

    Args:
        asked: instruments by the symbols that were asked for, which it echoes; rows of others are passed over.

    Raises:
        Malformed: it is none of theirs, or it refuses.
    """
    return _statistics(text, asked, lambda row, one: reported(row, one, exchange_day(now_ms)))


def read_indicators(text: str, asked: Mapping[str, InstrumentId], now_ms: int) -> list[Statistics]:
    """Read an answer of /v1/market/calc-index.

    Whether `turnover_rate` is in percent or a share is not published: it is left out. Raises as `read_stock_info`.
    """

    def read(row: Mapping[str, Any], one: InstrumentId) -> Statistics:
        return Statistics(
            one,
            exchange_day(now_ms),
            market_cap=told_money(row.get("total_market_value")),
            volume_ratio_e4=told_price(row.get("volume_ratio")),
            pe_ttm_e4=told_e4(row.get("pe_ttm_ratio")),
            pb_e4=told_e4(row.get("pb_ratio")),
        )

    return _statistics(text, asked, read)


def _statistics(
    text: str,
    asked: Mapping[str, InstrumentId],
    read: Callable[[Mapping[str, Any], InstrumentId], Statistics],
) -> list[Statistics]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    found = []
    for row in rows(rest.read_answer(answer)):
        instrument = asked.get(str(field_of(row, "symbol")))
        if instrument is None:
            continue
        try:
            found.append(read(row, instrument))
        except ValueError as error:
            raise Malformed(f"a fact of {instrument.symbol} cannot be read: {error}") from None
    return found
