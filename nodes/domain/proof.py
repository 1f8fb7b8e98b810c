"""Bodies of what nodes and ingest report of deliveries and of symbols' days, version 1 each; and shares."""

from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
_Market = Annotated[str, msgspec.Meta(min_length=1, max_length=8)]
_Word = Annotated[str, msgspec.Meta(max_length=40)]
AIM_HUNDREDTHS = 9_990  # 99.9 % of the due bars of a month, as it is published


class CustomerBars(msgspec.Struct, frozen=True):
    """(due, sent, late) by symbol, to be added."""

    customer: _Name  # public id
    market: _Market
    day: date
    bars: dict[_Symbol, tuple[_Count, _Count, _Count]]


class Delivery(msgspec.Struct, frozen=True):
    """The body of a report of the kind `delivery`."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=110)]  # unique among a group's reports
    node: _Name
    rows: list[CustomerBars]
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=2**47)] = 0  # 0: an older node, which does not tell


class CountedSymbol(msgspec.Struct, frozen=True):
    """What ingest counted of one symbol."""

    rows: _Count
    bars: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    gaps: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    longest_gap_ms: _Count
    first_ms: Annotated[int, msgspec.Meta(ge=0, le=2**47)]  # 0: none
    last_ms: Annotated[int, msgspec.Meta(ge=0, le=2**47)]
    lines: dict[_Word, _Count]
    refused: dict[_Word, _Count]
    copies: _Count


class SymbolDays(msgspec.Struct, frozen=True):
    """The body of a report of the kind `symbol_days`."""

    market: _Market
    day: date
    symbols: dict[_Symbol, CountedSymbol]


_T = TypeVar("_T", Delivery, SymbolDays)


def read_delivery(body: dict[str, Any]) -> Delivery:
    """Read the body of a report.

    Raises:
        ValueError: a field is missing, of another type or out of its range; the text names it.
    """
    return _read(body, Delivery)


def read_symbol_days(body: dict[str, Any]) -> SymbolDays:
    """Read the body of a report; raises ValueError as read_delivery does."""
    return _read(body, SymbolDays)


def _read(body: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def share_text(part: int, whole: int) -> str:
    """Write a share in hundredths of a percent, never rounded up: `100.00 %` is all of them.

    Returns:
        "" where nothing was due: that is no share of anything.
    """
    if not whole:
        return ""
    hundredths = _hundredths(part, whole)
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def misses_aim(part: int, whole: int) -> bool:
    """Tell whether a share is below the aim; nothing due misses nothing."""
    return bool(whole) and _hundredths(part, whole) < AIM_HUNDREDTHS


def _hundredths(part: int, whole: int) -> int:
    return part * 10_000 // whole
