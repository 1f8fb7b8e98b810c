"""AllTick's pushes as a source of ticks: trades and orders in shares, and what its codes of refusal mean.

Its socket tells no totals and no previous close. In what it counts mainland volumes is not published: each trade has
its turnover, by which that shows.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.instruments import Directory
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, PreviousClose, Trade
from streaming.wire.dialects.alltick import symbols, upstream
from streaming.wire.dialects.numbers import e4_of, rows, whole
from streaming.wire.dialects.numbers import field as field_of
from streaming.wire.dialects.reading import json_object
from streaming.wire.providers.answers import reported
from streaming.wire.providers.units import LearnedUnits

_OK = 200
_DAY_BARS = 8
_REFUSALS = {
    401: "AllTick does not accept the key; look at {key}.",
    429: "AllTick was asked too often.",
    600: "AllTick knows one of the codes not ({msg}); {symbols} can leave it out.",
    603: "The plan of this AllTick key does not include this.",
    604: "The plan of this AllTick key does not include one of the codes ({msg}); {symbols} can leave it out.",
    605: "AllTick was asked too often.",
    606: "AllTick was asked too often and closes the connection.",
}
TOO_OFTEN = (429, 605, 606)


@dataclass(slots=True)
class Reader:
    """Reads one connection's messages into ticks in shares. `counts` has what was left out, by reason."""

    directory: Directory
    asked: Mapping[str, InstrumentId]
    units: LearnedUnits = field(default_factory=LearnedUnits)
    counts: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)  # symbols of which anything came
    _last: dict[str, tuple[Trade, object]] = field(default_factory=dict)

    def read(self, text: str) -> list[Trade | Levels]:
        """Return what a message tells; an acknowledgement tells nothing.

        Raises:
            Malformed, BadSymbol: it is none of theirs.
        """
        found: list[Trade | Levels] = []
        for one in upstream.read(text, self.directory):
            symbol = one.instrument.symbol
            if symbol not in self.asked:
                self.counts["not_asked"] += 1
                continue
            self.told.add(symbol)
            made: Trade | Levels | None
            if isinstance(one, Trade):
                made = self._trade(one, json_object(text)["data"].get("seq"))
            else:
                made = self._levels(one) if isinstance(one, Levels) else None
            if made is not None:
                found.append(made)
        return found

    def _trade(self, trade: Trade, number: object) -> Trade | None:
        symbol = trade.instrument.symbol
        if number is not None and self._last.get(symbol) == (trade, number):
            self.counts["told_again"] += 1
            return None
        self._last[symbol] = (trade, number)
        instrument = self.directory.described(trade.instrument)
        unit = self.units.take(instrument, trade.volume, trade.turnover_e4, trade.price_e4, trade.price_e4)
        if unit is None:
            self.counts["unit_unknown"] += 1
            return None
        # A trade without its turnover has price times volume: that is what the word means.
        turnover_e4 = trade.turnover_e4 or trade.price_e4 * trade.volume * unit
        return replace(trade, volume=trade.volume * unit, turnover_e4=turnover_e4)

    def _levels(self, levels: Levels) -> Levels | None:
        unit = self.units.of(self.directory.described(levels.instrument))
        if unit is None:
            self.counts["unit_unknown"] += 1
            return None
        bids, asks = (
            tuple((price, volume * unit) for price, volume in side if price > 0) for side in (levels.bids, levels.asks)
        )
        return replace(levels, bids=bids, asks=asks)


def acknowledged(text: str) -> tuple[int, int]:
    """Return (the command that a message answers, its code); (0, 200) for a push.

    Raises:
        Malformed: it is none of theirs.
    """
    message = json_object(text)
    code = message.get("ret", _OK)
    return (whole(message.get("cmd_id", 0)), whole(code)) if "ret" in message else (0, _OK)


def refusal(text: str, *, key: str, symbols: str) -> str:
    """Return the sentence of a message that refuses; their words, which name no key.

    Args:
        key, symbols: the variables to look at.
    """
    message = json_object(text)
    code, words = message.get("ret"), str(message.get("msg", ""))[:80]
    known = _REFUSALS.get(code if isinstance(code, int) else 0, "AllTick refused: {ret} ({msg}).")
    return known.format(key=key, symbols=symbols, ret=str(code)[:8], msg=words)


def day_bars(instruments: Iterable[InstrumentId]) -> dict[str, Any]:
    """Return the body that asks for the last two days of instruments."""
    listed = [
        {"code": symbols.write(one), "kline_type": _DAY_BARS, "kline_timestamp_end": 0, "query_kline_num": 2,
         "adjust_type": 0}
        for one in instruments
    ]  # fmt: skip
    return {"trace": "tickpack", "data": {"data_list": listed}}


def read_previous_closes(text: str, directory: Directory, now_ms: int) -> list[PreviousClose]:
    """Read the answer to `day_bars`: the close of the newest day that is over.

    Raises:
        Malformed: it is none of theirs, or it refuses.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    if field_of(answer, "ret") != _OK:
        raise Malformed(f"AllTick refused: {str(answer.get('ret'))[:8]}")
    today, found = exchange_day(now_ms), []
    for row in rows(field_of(field_of(answer, "data"), "kline_list")):
        bars = [(whole(field_of(bar, "timestamp")) * 1_000, bar) for bar in rows(field_of(row, "kline_data"))]
        before = [one for one in bars if exchange_day(one[0]) < today]
        if before:
            close_e4 = e4_of(field_of(max(before, key=lambda one: one[0])[1], "close_price"))
            found.append(PreviousClose(symbols.read(str(field_of(row, "code")), directory), close_e4))
    return found


def static_info(instruments: Iterable[InstrumentId]) -> str:
    """Return the `query` that asks for the basic facts of instruments."""
    listed = [{"code": symbols.write(one)} for one in instruments]
    return json.dumps({"trace": "tickpack", "data": {"symbol_list": listed}})


def read_static_info(text: str, directory: Directory, now_ms: int) -> list[Statistics]:
    """Read the answer to `static_info`; in what `dividend_yield` is told is not published: it is left out.

    Raises:
        Malformed, BadSymbol: it is none of theirs, or it refuses.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    if field_of(answer, "ret") != _OK:
        raise Malformed(f"AllTick refused: {str(answer.get('ret'))[:8]}")
    found = []
    for row in rows(field_of(field_of(answer, "data"), "static_info_list")):
        instrument = symbols.read(str(field_of(row, "symbol")), directory)
        try:
            found.append(reported(row, instrument, exchange_day(now_ms)))
        except ValueError as error:
            raise Malformed(f"a fact of {instrument.symbol} cannot be read: {error}") from None
    return found
