"""A window's bars as they are stored: column by column, each number as small as it can be.

72 hours of a market are some hundred million bars, and as rows a bar has 42 bytes. A symbol is a number, prices are in
the window's own tick, high, low and close are told by their distance, the turnover by its distance from volume times
close: 16 bytes. Reading costs a Python loop over what is otherwise one call: some 0.5 us a bar.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

_SUFFIXES = ("SH", "SZ", "BJ", "HK")
_DIGITS = {"SH": 6, "SZ": 6, "BJ": 6, "HK": 5}
_CODE = re.compile(r"([0-9]{5,6})\.(SH|SZ|BJ|HK)", re.ASCII)
_TICKS = (100, 10)  # a hundredth of the currency, a thousandth; in 1/10,000

_MOST = 2**63  # what a stored number holds
Bar = tuple[str, int, int, int, int, int, int]  # symbol, open, high, low, close, volume, turnover


class Columns(msgspec.Struct, array_like=True, frozen=True):
    """Bars by column; all columns are equally long."""

    tick: int = 1  # what opens and distances are multiples of, in 1/10,000
    symbols: list[int | str] = []
    opens: list[int] = []
    highs: list[int] = []  # above the open
    lows: list[int] = []  # below the open
    closes: list[int] = []  # above the open; below it they are negative
    volumes: list[int] = []
    turnovers: list[int] = []  # above volume * close, in 1/10,000; the turnovers themselves where one is too far off
    whole: bool = False  # which of both


class Prices(msgspec.Struct, array_like=True, frozen=True):
    """(symbol, price) pairs by column."""

    tick: int = 1
    symbols: list[int | str] = []
    prices: list[int] = []


@lru_cache(maxsize=20_000)
def number_of(symbol: str) -> int | str:
    """Return a symbol as a number, where it is one of digits; else as it is."""
    found = _CODE.fullmatch(symbol)
    if found is None or len(found[1]) != _DIGITS[found[2]]:
        return symbol
    return int(found[1]) * len(_SUFFIXES) + _SUFFIXES.index(found[2])


@lru_cache(maxsize=20_000)
def symbol_of(number: int | str) -> str:
    """Return the symbol that `number_of` made a number of."""
    if isinstance(number, str):
        return number
    code, suffix = divmod(number, len(_SUFFIXES))
    return f"{code:0{_DIGITS[_SUFFIXES[suffix]]}d}.{_SUFFIXES[suffix]}"


def columns_of(bars: Iterable[Bar]) -> Columns:
    """Return bars by column."""
    rows = list(bars)
    if not rows:
        return Columns()
    symbols, opens, highs, lows, closes, volumes, turnovers = zip(*rows, strict=True)
    tick = _tick((*opens, *highs, *lows, *closes))
    above = [sum_ - volume * close for sum_, volume, close in zip(turnovers, volumes, closes, strict=True)]
    whole = not all(-_MOST < one < _MOST for one in above)
    return Columns(
        tick,
        [number_of(symbol) for symbol in symbols],
        [price // tick for price in opens],
        [(high - price) // tick for high, price in zip(highs, opens, strict=True)],
        [(price - low) // tick for low, price in zip(lows, opens, strict=True)],
        [(close - price) // tick for close, price in zip(closes, opens, strict=True)],
        list(volumes),
        list(turnovers) if whole else above,
        whole,
    )


def rows_of(columns: Columns) -> list[Bar]:
    """Return the bars of columns.

    Raises:
        ValueError: the columns are not equally long.
    """
    tick, whole = columns.tick, columns.whole
    rows: list[Bar] = []
    for number, price, above, below, change, volume, more in zip(
        columns.symbols, columns.opens, columns.highs, columns.lows, columns.closes, columns.volumes,
        columns.turnovers, strict=True,
    ):  # fmt: skip
        open_e4 = price * tick
        close_e4 = open_e4 + change * tick
        rows.append(
            (
                symbol_of(number),
                open_e4,
                open_e4 + above * tick,
                open_e4 - below * tick,
                close_e4,
                volume,
                more if whole else volume * close_e4 + more,
            )
        )
    return rows


def prices_of(pairs: Sequence[tuple[str, int]]) -> Prices:
    """Return (symbol, price_e4) pairs by column."""
    if not pairs:
        return Prices()
    tick = _tick([price for _, price in pairs])
    return Prices(tick, [number_of(symbol) for symbol, _ in pairs], [price // tick for _, price in pairs])


def pairs_of(prices: Prices) -> list[tuple[str, int]]:
    """Return the pairs of columns.

    Raises:
        ValueError: the columns are not equally long.
    """
    return [
        (symbol_of(number), price * prices.tick) for number, price in zip(prices.symbols, prices.prices, strict=True)
    ]


def _tick(prices: Iterable[int]) -> int:
    divisor = math.gcd(*prices)
    return next((tick for tick in _TICKS if divisor % tick == 0), 1)
