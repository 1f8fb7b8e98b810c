"""What is known of an instrument, and how a symbol that a person wrote becomes one of those that a list has.

A recording or a provider may carry products that the list lacks: they are identified and described all the same, and
stand in no list.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from kernel.instruments import BadSymbol, InstrumentId, Market
from kernel.listing import complete
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


class Instrument(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of the list, in the order of kernel.listing.FIELDS: so the list is read at once, whole.

    `lot` is the board lot (STAR: the smallest order) in shares. What has several parts has spaces between them.
    """

    symbol: str  # the canonical symbol, `00700.HK`
    name_zh: str
    name_en: str = ""
    board: str = "main"  # main star chinext bse b fund index hk test
    kind: str = "stock"  # stock etf lof reit index
    currency: str = "CNY"
    lot: int = 100
    tick_table: str = "0.01"
    prev_close_e4: int = 0  # where the simulated market starts; 0: it does not
    state: str = "trading"  # trading suspended delisted
    sector: str = ""
    listed_on: str = ""
    delisted_on: str = ""
    pinyin: str = ""  # gui zhou mao tai
    initials: str = ""  # gzmt
    aliases: str = ""
    former_codes: str = ""  # 430047.BJ
    former_names: str = ""

    @property
    def id(self) -> InstrumentId:
        return _parsed(self.symbol)

    @property
    def lane(self) -> str:
        """The stream its bars travel on."""
        return _parsed(self.symbol).lane

    @property
    def market(self) -> Market | None:
        """None: TEST."""
        return _parsed(self.symbol).market

    def tick_e4(self, price_e4: int) -> int:
        """Return the price step that holds at a price."""
        step = TICK_TABLES[self.tick_table][0][1]
        for begins_e4, step_e4 in TICK_TABLES[self.tick_table]:
            if price_e4 < begins_e4:
                break
            step = step_e4
        return step


_parsed = lru_cache(maxsize=100_000)(InstrumentId.parse)


class _Content:
    """A list as it was at one time, and what was asked of it."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.by_symbol = {instrument.symbol: instrument for instrument in instruments}
        self.aliases = {
            alias.upper(): one.symbol
            for one in self.by_symbol.values()
            if one.aliases or one.former_codes
            for alias in f"{one.aliases} {one.former_codes}".split()
        }
        self.made: dict[Any, Any] = {}


class Directory:
    """Instruments by symbol; also by alias and former code. The list may be taken anew while others ask it."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._content = _Content(instruments)
        self.canonical = self._remembering()

    def take(self, instruments: Iterable[Instrument]) -> dict[InstrumentId, InstrumentId]:
        """Take another list in place of this one; return whose code is another from now on: old -> new."""
        before, self._content = self._content, _Content(instruments)
        self.canonical = self._remembering()
        moved = {}
        for alias, symbol in self._content.aliases.items():
            if before.aliases.get(alias) != symbol and alias not in self._content.by_symbol:
                try:
                    moved[_parsed(alias)] = _parsed(symbol)
                except BadSymbol:
                    continue  # a bare alias is no instrument's identity
        return moved

    def codes_of(self, instrument_id: InstrumentId) -> tuple[str, ...]:
        """Return the symbols under which an instrument is known: today's, and those of before."""
        known = self._content.by_symbol.get(instrument_id.symbol)
        return (instrument_id.symbol, *(known.former_codes.split() if known is not None else ()))

    def made(self, make: "Callable[[Iterable[Instrument]], Any]") -> Any:
        """Return what is made of the list, once for each list."""
        content = self._content
        if make not in content.made:
            content.made[make] = make(content.by_symbol.values())
        return content.made[make]

    def known(self, make: "Callable[[Iterable[Instrument]], Any]") -> Any | None:
        """Return what was made of the list already; None: `made` would make it now."""
        return self._content.made.get(make)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._content.by_symbol.values())

    def __len__(self) -> int:
        return len(self._content.by_symbol)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._content.by_symbol

    def get(self, symbol: str) -> Instrument | None:
        """Return the instrument of a canonical symbol."""
        return self._content.by_symbol.get(symbol)

    def in_lane(self, lane: str) -> list[Instrument]:
        """Return a lane's instruments in the order of the list."""
        return [instrument for instrument in self if instrument.lane == lane]

    def resolve(self, text: str) -> Instrument:
        """Return the instrument a person means: `700.HK`, bare `HSI`, a Beijing code from before 2025.

        Raises:
            BadSymbol: the text has no symbol's form.
            UnknownSymbol: the form is right, but the list does not have it; `symbol` says which.
        """
        content = self._content
        alias = content.aliases.get(text.strip().upper()) if isinstance(text, str) and len(text) <= 32 else None
        symbol = alias or InstrumentId.parse(text).symbol
        found = content.by_symbol.get(symbol)
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

    def _remembering(self) -> Callable[[str], InstrumentId]:
        remembered = lru_cache(maxsize=50_000)(self.identify)

        def canonical(text: str) -> InstrumentId:
            """Return the same as `identify`, remembered: clients write the same symbols again and again."""
            return remembered(text) if len(text) <= 32 else self.identify(text)

        return canonical

    def described(self, instrument_id: InstrumentId) -> Instrument:
        """Return the row of an instrument, a plain one where the list has none."""
        return self._content.by_symbol.get(instrument_id.symbol) or _unlisted(instrument_id)


@lru_cache(maxsize=20_000)
def _unlisted(instrument_id: InstrumentId) -> Instrument:
    symbol = instrument_id.symbol
    return Instrument(**complete({"symbol": symbol, "name_zh": symbol, "name_en": symbol}))
