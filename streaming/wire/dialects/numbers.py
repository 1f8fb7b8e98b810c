"""Numbers between our 1/10,000s and what other systems write: decimal texts and JSON's numbers."""

from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from kernel.errors import Malformed
from streaming.domain import E4
from streaming.domain.intervals import FormedBar
from streaming.domain.minutes import Prices


class OpenedBar(Prices, Protocol):
    """A bar of an interval that says where it opened."""

    @property
    def opened_ms(self) -> int: ...


@lru_cache(maxsize=100_000)  # a market's prices are few
def decimal_text(e4: int) -> str:
    """Write 1/10,000s as a decimal number without needless zeros: 18549800 -> 1854.98."""
    whole, rest = divmod(abs(e4), E4)
    text = str(whole) if not rest else f"{whole}.{rest:04d}".rstrip("0")
    return f"-{text}" if e4 < 0 else text


def number_or_null(e4: int) -> float | None:
    """Return JSON's number; null for a price that is not known yet."""
    return e4 / E4 if e4 else None


def known_turnover(volume: int, turnover_e4: int) -> int | None:
    """Return a turnover in 1/10,000; None where nobody tells it, which stands as 0 beside shares that were traded."""
    return turnover_e4 if turnover_e4 or not volume else None


def amount_or_null(volume: int, turnover_e4: int) -> float | None:
    """Return a turnover as JSON's number; null where nobody tells it."""
    return turnover_e4 / E4 if turnover_e4 or not volume else None


def amount(volume: int, turnover_e4: int) -> str:
    """The same as JSON's text."""
    return repr(turnover_e4 / E4) if turnover_e4 or not volume else "null"


def percent(e4: int, of_e4: int) -> float:
    """Return a change in percent with two digits."""
    return round(e4 * 100 / of_e4, 2)


def percent_text(e4: int, of_e4: int) -> str:
    """The same as a text."""
    return decimal_text(round(percent(e4, of_e4) * E4))


# -- a peer's numbers --------------------------------------------------------------------------------------------------


_MOST = 10**17  # no price, time or volume is larger, and no arithmetic on it takes long
_EXACT_FLOATS = 2.0**50


def _decimal(value: Any, what: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Malformed(f"{type(value).__name__} is not a {what}")
    text = str(value) if isinstance(value, float | str) or abs(value) < _MOST else "a huge number"
    try:
        number = Decimal(text)
        if abs(number) < _MOST:  # false for NaN: it raises
            return number
    except ArithmeticError:
        pass
    raise Malformed(f"{text[:40]!r} is not a {what}")


def e4_of(value: Any) -> int:
    """Read a price or an amount of money: a number or its text; null is 0.

    Raises:
        Malformed: it is neither.
    """
    if value is None:
        return 0
    if type(value) is float:
        # A float of up to 2**50 tenthousandths is off by a quarter of one at most, and so is its product: what is this
        # near to a whole number is that number, as its decimal digits have it. NaN is near to nothing.
        moved = value * 10_000.0
        if -_EXACT_FLOATS < moved < _EXACT_FLOATS:
            nearest = round(moved)
            if -0.2 < moved - nearest < 0.2:
                return nearest
    elif type(value) is int and -_MOST < value < _MOST:
        return value * E4
    return int((_decimal(value, "price") * E4).to_integral_value())


def whole(value: Any) -> int:
    """Read a whole number or its text.

    Raises:
        Malformed: it is neither.
    """
    number = _decimal(value, "whole number")
    if number != number.to_integral_value():
        raise Malformed(f"{str(value)[:40]!r} is not a whole number")
    return int(number)


def field(row: Any, name: str) -> Any:
    """Return a field of an object.

    Raises:
        Malformed: it is no object, or has no such field.
    """
    if not isinstance(row, dict) or name not in row:
        raise Malformed(f"the answer has no {name!r}")
    return row[name]


def rows(value: Any) -> list[Any]:
    """Return a list.

    Raises:
        Malformed: it is none.
    """
    if not isinstance(value, list):
        raise Malformed("the answer has no list where one is due")
    return value


def bar_of(row: Any, opened_ms: int, names: tuple[str, str, str, str, str, str]) -> FormedBar:
    """Read a bar; `names` are its fields for open, high, low, close, volume and turnover."""
    open_e4, high_e4, low_e4, close_e4 = (e4_of(field(row, name)) for name in names[:4])
    volume, turnover_e4 = whole(field(row, names[4])), e4_of(row.get(names[5]) or 0)  # a peer may not know it
    return FormedBar(opened_ms, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4)


def levels_of(side: Any, price: Any, volume: Any) -> tuple[tuple[int, int], ...]:
    """Read one side's best orders, best first; `price` and `volume` are an order's keys."""
    found = []
    for order in rows(side):
        try:
            found.append((e4_of(order[price]), whole(order[volume])))
        except (KeyError, IndexError, TypeError):
            raise Malformed("an order has no price or no volume") from None
    return tuple(found)
