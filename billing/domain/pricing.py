"""What is due for a plan, in fen."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

MIN_MONTHS, MAX_MONTHS = 1, 12


def due_fen(*, price_fen: int, months: int) -> int:
    """Return what `months` of a plan cost.

    Raises:
        ValueError: months outside 1 to 12, or a price that is not positive.
    """
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        raise ValueError(f"months must be from {MIN_MONTHS} to {MAX_MONTHS}, not {months}")
    if price_fen <= 0:
        raise ValueError(f"a price is positive, not {price_fen} fen")
    return price_fen * months


@dataclass(frozen=True, slots=True)
class Price:
    """What something costs, in fen: `list_fen` = `discount_fen` + `rounding_fen` + `due_fen`."""

    list_fen: int
    discount_fen: int
    rounding_fen: int  # 0 or 1: given away so that whole fen are due
    due_fen: int


def priced(exact_fen: Fraction | int, *, percents: Iterable[int] = (), off_fen: int = 0) -> Price:
    """Return what is due of an exact price after discounts: rounded once, at the end, in the buyer's favour.

    Args:
        percents: taken off one after the other.
        off_fen: taken off last, down to nothing.

    Raises:
        ValueError: a negative price, or a discount that is none.
    """
    net = Fraction(exact_fen)
    if net < 0 or off_fen < 0:
        raise ValueError(f"{exact_fen} fen less {off_fen} is no price")
    for percent in percents:
        if not 0 <= percent <= 100:
            raise ValueError(f"a discount is 0 to 100 percent, not {percent}")
        net = net * (100 - percent) / 100
    net = max(Fraction(0), net - off_fen)
    due, list_fen = floor(net), ceil(exact_fen)
    rounding = ceil(net) - due
    return Price(list_fen, list_fen - due - rounding, rounding, due)


def yuan(fen: int) -> str:
    """Return an amount as people write it: 10 for 1000 fen, 10.50 for 1050."""
    whole, rest = divmod(abs(fen), 100)
    sign = "-" if fen < 0 else ""
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"


def exact_yuan(fen: int) -> str:
    """Return an amount as papers write it, always with two places: 10.00 for 1000 fen."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def money(fen: int, currency: str = "CNY") -> str:
    """Return an amount for a sentence, as people write it: ¥20.00, and 3.20 USD."""
    return f"¥{exact_yuan(fen)}" if currency == "CNY" else f"{exact_yuan(fen)} {currency}"
