"""Decimal texts -> whole numbers, by moving the point: a float would make 16.08 into 160799."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_PLAIN = re.compile(r"([+-]?)([0-9]{1,25})(?:\.([0-9]{0,4})0*)?", re.ASCII)
_MOST_DIGITS = 40


def tenthousandths(text: str) -> int:
    """Read a decimal number in 1/10,000; what is finer is rounded half up.

    Raises:
        ValueError: it is no number, or far from any that a market has.
    """
    units, _, rest = text.partition(".")
    if text.isascii() and units.isdigit() and len(units) <= 25 and len(rest) <= 4 and (not rest or rest.isdigit()):
        return int(units + rest.ljust(4, "0"))  # nearly all are so, and a recording has millions
    found = _PLAIN.fullmatch(text)
    if found is not None:
        sign, units, rest = found.groups()
        value = int(units) * 10_000 + int((rest or "0").ljust(4, "0"))
        return -value if sign == "-" else value
    return _exact(text, 4)


def whole(text: str) -> int:
    """Read a whole number, also where it is written with an empty fraction, like 100.0.

    Raises:
        ValueError: it is no whole number, or far from any that a market has.
    """
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    units, _, rest = text.partition(".")
    if rest.strip("0"):
        raise ValueError(f"{text[:40]!r} is no whole number")
    return _exact(units, 0)


def _exact(text: str, places: int) -> int:
    if not text.isascii():
        raise ValueError(f"{text[:40]!r} is no number")
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]!r} has more digits than any number of a market")
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]!r} is no number of a market")
    return int(number.scaleb(places).to_integral_value(ROUND_HALF_UP))
