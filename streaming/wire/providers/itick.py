"""iTick's pushes as a source of ticks: what `tick.v` is, in what volumes are counted, and its refusals.

Its REST answers have the volume of the one trade in `tick.v`; the example of its socket shows a day's size there. It is
decided at run time (`TickMeaning`), and until then the quotes alone count: they have the day's total.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, PreviousClose, Snapshot, Trade
from streaming.wire.dialects.itick import symbols, upstream
from streaming.wire.dialects.itick.rest import read_answer
from streaming.wire.dialects.numbers import e4_of
from streaming.wire.dialects.reading import json_object
from streaming.wire.providers.answers import told_count, told_e4, told_money
from streaming.wire.providers.units import LearnedUnits
from streaming.wire.upstream import Heard

ENOUGH = 20  # pushes of one instrument that never fell
REGIONS = ("SH", "SZ", "HK")  # Beijing is none of its stock regions
_REFUSALS = {
    "auth": "iTick does not accept the key; look at {key}.",
    "subscribe": (
        "iTick refused the subscription ({msg}): the plan has fewer symbols than are asked for; look at {most}."
    ),
}


@dataclass(slots=True)
class _Told:
    day: object
    volume: int
    pushes: int = 1
    is_total: bool = False  # it was the quote's total once


class TickMeaning:
    """Decides whether `tick.v` is of one trade (`trade`) or of the day so far (`total`); "" before it is known.

    A volume that falls within a day is no total. One that has not fallen in twenty pushes, and was the quote's total
    meanwhile, is one.
    """

    def __init__(self) -> None:
        self.meaning = ""
        self._told: dict[str, _Told] = {}
        self._totals: dict[str, int] = {}

    def quote(self, snapshot: Snapshot) -> None:
        """Take a quote's total, as it was told."""
        symbol = snapshot.instrument.symbol
        self._totals[symbol] = snapshot.cum_volume
        if (told := self._told.get(symbol)) is not None and 0 < snapshot.cum_volume == told.volume:
            told.is_total = True
            self._decide(told)

    def tick(self, trade: Trade) -> str:
        """Take a tick, as it was told; return what ticks are."""
        symbol, day = trade.instrument.symbol, exchange_day(trade.at_ms)
        told = self._told.get(symbol)
        if told is None or told.day != day:
            told = self._told[symbol] = _Told(day, trade.volume)
        elif trade.volume < told.volume:
            self.meaning = "trade"
            self._told[symbol] = _Told(day, trade.volume)
            return self.meaning
        else:
            told.volume, told.pushes = trade.volume, told.pushes + 1
        told.is_total = told.is_total or 0 < trade.volume == self._totals.get(symbol)
        self._decide(told)
        return self.meaning

    def _decide(self, told: _Told) -> None:
        if told.pushes >= ENOUGH and told.is_total and not self.meaning:
            self.meaning = "total"


@dataclass(slots=True)
class Reader:
    """Reads one connection's messages into ticks in shares. `counts` has what was left out, by reason."""

    directory: Directory
    meaning: TickMeaning = field(default_factory=TickMeaning)
    units: LearnedUnits = field(default_factory=LearnedUnits)
    counts: Counter[str] = field(default_factory=Counter)
    _last: dict[str, Trade] = field(default_factory=dict)
    _began: set[str] = field(default_factory=set)  # instruments that told a tick on this connection

    def connected(self) -> None:
        """Begin a connection: what it tells first may be what the one before told last."""
        self._began.clear()

    def read(self, text: str) -> list[Heard]:
        """Return what a message tells.

        Raises:
            Malformed, BadSymbol: it is none of theirs.
        """
        heard = (self._checked(one) for one in upstream.read(text, self.directory))
        return [one for one in heard if one is not None]

    def _checked(self, one: Heard) -> Heard | None:
        if isinstance(one, Snapshot):
            return self._quote(one)
        if isinstance(one, Trade):
            return self._tick(one)
        return self._levels(one) if isinstance(one, Levels) else None

    def _quote(self, quote: Snapshot) -> Snapshot | None:
        self.meaning.quote(quote)
        unit = self._unit(quote.instrument, quote.cum_volume, quote.cum_turnover_e4, quote.low_e4, quote.high_e4)
        if unit is None and quote.cum_volume:
            self.counts["unit_unknown"] += 1
            return None
        return replace(quote, cum_volume=quote.cum_volume * (unit or 1))

    def _tick(self, tick: Trade) -> Trade | None:
        symbol = tick.instrument.symbol
        first, before = symbol not in self._began, self._last.get(symbol)
        self._began.add(symbol)
        self._last[symbol] = tick
        if first and tick == before:
            self.counts["told_again"] += 1
            return None
        meaning = self.meaning.tick(tick)
        if meaning != "trade":
            self.counts["tick_undecided" if not meaning else "tick_is_total"] += 1
            return None
        unit = self.units.of(self.directory.described(tick.instrument))
        if unit is None:
            self.counts["unit_unknown"] += 1
            return None
        return replace(tick, volume=tick.volume * unit, turnover_e4=tick.price_e4 * tick.volume * unit)

    def _levels(self, levels: Levels) -> Levels | None:
        unit = self.units.of(self.directory.described(levels.instrument))
        if unit is None:
            self.counts["unit_unknown"] += 1
            return None
        bids, asks = (tuple((price, volume * unit) for price, volume in side) for side in (levels.bids, levels.asks))
        return replace(levels, bids=bids, asks=asks)

    def _unit(self, instrument: InstrumentId, volume: int, turnover_e4: int, low_e4: int, high_e4: int) -> int | None:
        return self.units.take(self.directory.described(instrument), volume, turnover_e4, low_e4, high_e4)


def read_previous_closes(text: str, asked: Sequence[InstrumentId]) -> list[PreviousClose]:
    """Read the answer of /stock/quotes, quotes by their codes.

    Raises:
        Malformed: it is none of theirs, or it refuses.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    quotes = read_answer(answer)
    if not isinstance(quotes, dict):
        raise Malformed("the answer has no quotes by their codes")
    told = ((one, quotes.get(symbols.code_of(one))) for one in asked)
    return [PreviousClose(one, e4_of(row.get("p"))) for one, row in told if isinstance(row, dict)]


def read_info(text: str, instrument: Instrument, now_ms: int) -> Statistics:
    """Read the answer of /stock/info: what one instrument's company reports.

    Its pages have two forms: shares as `t`, `cs` and `hs` with values a share, and one with `tso` and `mcb`, whose
    currency `fcc` is the company's. Which ratio `pet` is, and in what `dy` is told, they do not say: both are left out.

    Raises:
        Malformed: it is none of theirs, or it refuses.
    """
    try:
        told = read_answer(json.loads(text))
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None
    if not isinstance(told, dict):
        raise Malformed("the answer has no facts of an instrument")
    try:
        # In the second form `t` is the word for its type, and `l` the address of a picture.
        total, lot = (told.get(name) if isinstance(told.get(name), int | float) else None for name in ("t", "l"))
        in_its_currency = told.get("fcc") == instrument.currency
        return Statistics(
            instrument.id,
            exchange_day(now_ms),
            lot=told_count(lot),
            total_shares=told_count(total) or told_count(told.get("tso")),
            circulating_shares=told_count(told.get("cs")),
            hk_shares=told_count(told.get("hs")),
            market_cap=told_money(told.get("mcb")) if in_its_currency else None,
            eps_e4=told_e4(told.get("ep")),
            eps_ttm_e4=told_e4(told.get("ept")),
            bps_e4=told_e4(told.get("bps")),
        )
    except ValueError as error:
        raise Malformed(f"a fact of {instrument.symbol} cannot be read: {error}") from None


def acknowledged(text: str) -> tuple[str, bool]:
    """Return what a message acknowledges (auth, subscribe, pong; "" for none) and whether it was accepted.

    Raises:
        Malformed: it is none of theirs.
    """
    message = json_object(text)
    return str(message.get("resAc", "")), message.get("code", 1) == 1


def refusal(text: str, *, key: str, most: str) -> str:
    """Return the sentence of a message that refuses; their words, which name no key.

    Args:
        key, most: the variables to look at.
    """
    message: dict[str, Any] = json_object(text)
    what, words = str(message.get("resAc", "")), str(message.get("msg", ""))[:80]
    return _REFUSALS.get(what, "iTick refused ({msg}).").format(key=key, most=most, msg=words)
