"""What is known of an instrument, and how a symbol that a person wrote becomes one of those that a list has.

A recording or a provider may carry products that the list lacks: they are identified and described all the same, and
stand in no list.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from kernel.instruments import InstrumentId, Market, Venue
from streaming.errors import UnknownSymbol

# (from this price on, the step), both in 1/10,000; a fixed table has one row.
TICK_TABLES: dict[str, tuple[tuple[int, int], ...]] = {
    "0.01": ((0, 100),),
    "0.001": ((0, 10),),
    "index": ((0, 100),),
    # HKEX Second Schedule, part A, with the narrower steps of August 2025 between 10 and 50 HKD.
    "hkex": (
        (0, 10),
        (2_500, 50),
        (5_000, 100),
        (200_000, 200),
        (500_000, 500),
        (1_000_000, 1_000),
        (2_000_000, 2_000),
        (5_000_000, 5_000),
        (10_000_000, 10_000),
        (20_000_000, 20_000),
        (50_000_000, 50_000),
    ),
    # HKEX Second Schedule, part D: exchange traded products.
    "hkex-etf": (
        (0, 10),
        (10_000, 20),
        (50_000, 50),
        (100_000, 100),
        (200_000, 200),
        (1_000_000, 500),
        (2_000_000, 1_000),
        (5_000_000, 2_000),
        (10_000_000, 5_000),
        (20_000_000, 10_000),
    ),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One row of the list. `lot` is the board lot (STAR: the smallest order) in shares."""

    id: InstrumentId
    name_zh: str
    name_en: str
    board: str  # main star chinext bse b fund index hk test
    kind: str  # stock etf lof reit index
    currency: str
    lot: int
    tick_table: str
    prev_close_e4: int
    # Made once: REST asks for fifty of them a request.
    symbol: str = field(init=False)  # the canonical symbol, `00700.HK`
    lane: str = field(init=False)  # the stream its bars travel on
    market: Market | None = field(init=False)  # None: TEST

    def __post_init__(self) -> None:
        for name, value in (("symbol", str(self.id)), ("lane", self.id.lane), ("market", self.id.market)):
            object.__setattr__(self, name, value)

    def tick_e4(self, price_e4: int) -> int:
        """Return the price step that holds at a price."""
        step = TICK_TABLES[self.tick_table][0][1]
        for begins_e4, step_e4 in TICK_TABLES[self.tick_table]:
            if price_e4 < begins_e4:
                break
            step = step_e4
        return step


class Directory:
    """Instruments by symbol; also by alias and former code."""

    def __init__(self, instruments: list[Instrument], aliases: dict[str, str]) -> None:
        self._by_symbol = {instrument.symbol: instrument for instrument in instruments}
        self._aliases = aliases
        self._remembered = lru_cache(maxsize=50_000)(self.identify)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._by_symbol

    def get(self, symbol: str) -> Instrument | None:
        """Return the instrument of a canonical symbol."""
        return self._by_symbol.get(symbol)

    def in_lane(self, lane: str) -> list[Instrument]:
        """Return a lane's instruments in the order of the list."""
        return [instrument for instrument in self if instrument.lane == lane]

    def resolve(self, text: str) -> Instrument:
        """Return the instrument a person means: `700.HK`, bare `HSI`, a Beijing code from before 2025.

        Raises:
            BadSymbol: the text has no symbol's form.
            UnknownSymbol: the form is right, but the list does not have it; `symbol` says which.
        """
        alias = self._aliases.get(text.strip().upper()) if isinstance(text, str) and len(text) <= 32 else None
        symbol = alias or str(InstrumentId.parse(text))
        found = self._by_symbol.get(symbol)
        if found is None:
            raise UnknownSymbol(f"{symbol} is not carried by this node", symbol=symbol)
        return found

    def identify(self, text: str) -> InstrumentId:
        """Return what a person means, listed or not: a feed may carry more than the list has.

        Raises:
            BadSymbol: the text has no symbol's form.
        """
        try:
            return self.resolve(text).id
        except UnknownSymbol as error:
            return InstrumentId.parse(error.fields["symbol"])

    def canonical(self, text: str) -> InstrumentId:
        """Return the same as `identify`, remembered: clients write the same symbols again and again."""
        return self._remembered(text) if len(text) <= 32 else self.identify(text)

    def described(self, instrument_id: InstrumentId) -> Instrument:
        """Return the row of an instrument, a plain one where the list has none."""
        return self._by_symbol.get(str(instrument_id)) or _unlisted(instrument_id)


def _unlisted(instrument_id: InstrumentId) -> Instrument:
    in_hong_kong = instrument_id.venue is Venue.HK
    currency = "HKD" if in_hong_kong or instrument_id.code.startswith("200") else "CNY"
    if in_hong_kong and instrument_id.code.startswith("8"):
        currency = "CNY"
    if instrument_id.venue is Venue.SH and instrument_id.code.startswith("900"):
        currency = "USD"
    return Instrument(
        id=instrument_id,
        name_zh=str(instrument_id),
        name_en=str(instrument_id),
        board="hk" if in_hong_kong else board_of(instrument_id),
        kind="stock",
        currency=currency,
        lot=100,
        tick_table="hkex" if in_hong_kong else "0.01",
        prev_close_e4=0,
    )


def board_of(instrument_id: InstrumentId) -> str:
    """Return the board that a mainland stock's code stands for."""
    code, venue = instrument_id.code, instrument_id.venue
    if venue is Venue.BJ:
        return "bse"
    if venue is Venue.SH and code.startswith(("688", "689")):
        return "star"
    if venue is Venue.SZ and code.startswith(("300", "301", "302")):
        return "chinext"
    return "main"
