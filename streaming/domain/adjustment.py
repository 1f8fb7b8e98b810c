"""Prices over corporate actions: as they were traded, or as if a share had always been today's, or the first day's.

By ratio: a day on which a share loses a right or cash has a factor, the last close before it over the reference that
the exchange named for its morning. Ratios keep returns and never make a price negative. Turnover is never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

ADJUSTMENTS = ("none", "forward", "backward")


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """What happens to a share on its first day without a right.

    Args:
        ratio: shares after for one before, rights that were taken up included: 1.5 after 5 for 10.
        split: the same without rights; what volumes are counted in.
        cash_e8: what leaves a share in cash, 1/100,000,000 of the currency; the price of a right counts negative.
        reference_e4: what the exchange named for the morning; 0: nobody knows, it is reckoned by the rule.
    """

    symbol: str
    ex_date: date
    ratio: Fraction
    split: Fraction
    cash_e8: int
    reference_e4: int = 0


@dataclass(frozen=True, slots=True)
class Factor:
    """From a day on, prices before it are `price` times and volumes `volume` times what they are after it."""

    ex_date: date
    price: Fraction
    volume: Fraction


def reference_e4(action: CorporateAction, close_e4: int, tick_e4: int) -> int:
    """Return the reference of the morning by the exchange's rule: (close - cash) / ratio, half up to its tick."""
    exact = (Fraction(close_e4) - Fraction(action.cash_e8, 10_000)) / action.ratio
    return _half_up(exact / tick_e4) * tick_e4


def factors_of(
    actions: Iterable[CorporateAction], closes: Mapping[date, tuple[date, int]], tick_e4: int
) -> list[Factor]:
    """Return the factors of one instrument's actions, oldest first.

    Args:
        actions: one a day at most.
        closes: of each first day, the last close before it and its day; an action without one changes nothing that
            is stored, and has no factor.
    """
    found: list[Factor] = []
    before: tuple[date, int] | None = None  # the last close that was used, and the reference it became
    for action in sorted(actions, key=lambda one: one.ex_date):
        if action.ex_date not in closes:
            continue
        traded_on, close_e4 = closes[action.ex_date]
        if before is not None and before[0] == traded_on:
            close_e4 = before[1]  # suspended all the time: the reference before is what the share was worth
        reference = action.reference_e4 or reference_e4(action, close_e4, tick_e4)
        before = (traded_on, reference)
        if reference > 0 and close_e4 > 0:
            found.append(Factor(action.ex_date, Fraction(close_e4, reference), 1 / action.split))
    return found


_AnyBar = TypeVar("_AnyBar", bound=Any)


def adjusted(bars: Sequence[_AnyBar], days: Sequence[date], factors: Sequence[Factor], how: str) -> list[_AnyBar]:
    """Return bars as if no share had ever changed.

    Args:
        bars: dataclasses with prices in 1/10,000 and a volume, oldest first.
        days: each bar's day at the exchange.
        factors: of their instrument, oldest first.
        how: forward: everything in shares of after the last factor; backward: of before the first one.
    """
    if how == "none" or not factors:
        return list(bars)
    prices, volumes = [Fraction(1)], [Fraction(1)]
    for factor in factors:
        prices.append(prices[-1] * factor.price)
        volumes.append(volumes[-1] * factor.volume)
    found, nth = [], 0
    for bar, day in zip(bars, days, strict=True):
        while nth < len(factors) and factors[nth].ex_date <= day:
            nth += 1
        # backward: times what has come off since the first day; forward: over what is still to come off.
        last = Fraction(1) if how == "backward" else prices[-1]
        last_volume = Fraction(1) if how == "backward" else volumes[-1]
        found.append(_times(bar, prices[nth] / last, volumes[nth] / last_volume))
    return found


def _times(bar: _AnyBar, price: Fraction, volume: Fraction) -> _AnyBar:
    if price == 1 and volume == 1:
        return bar
    prices = {name: _half_up(getattr(bar, name) * price) for name in ("open_e4", "high_e4", "low_e4", "close_e4")}
    made: _AnyBar = replace(bar, **prices, volume=_half_up(bar.volume * volume))
    return made


def _half_up(exact: Fraction) -> int:
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
