"""What an upgrade costs: new price x time left - unused cash paid, never below 0.

What was given away (gifts, trials, comp, discounts) was not paid and gives nothing back. Cash pays for its stretch of
time evenly, by calendar months, so that 5 -> 15 -> 50 at one instant costs what 5 -> 50 does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from billing.domain.months import months_left


@dataclass(frozen=True, slots=True)
class PaidTime:
    """Cash that was paid for a stretch of time, less what went back.

    `day` is the day of the month on which its months begin, where that is not the day of its end.
    """

    cash_fen: int
    from_at: datetime
    until_at: datetime
    day: int | None = None

    def unused_fen(self, at: datetime) -> Fraction:
        """Return the part for the time from an instant on; all of it before it begins."""
        if at >= self.until_at or self.cash_fen <= 0:
            return Fraction(0)
        whole = months_left(self.from_at, self.until_at, self.day)
        return self.cash_fen * months_left(max(at, self.from_at), self.until_at, self.day) / whole


@dataclass(frozen=True, slots=True)
class UpgradeCost:
    """Exact fen, and the months and the credit that they come from."""

    months: Fraction
    credit_fen: Fraction
    exact_fen: Fraction


def upgrade_cost(
    *, price_fen: int, at: datetime, ends_at: datetime, day: int | None, paid: Iterable[PaidTime]
) -> UpgradeCost:
    """Return what a plan costs from an instant to an end, where what was paid for that time is credited.

    Args:
        price_fen: of the new plan, a month.
        day: of the month on which the months begin, where that is not the end's.
    """
    months = months_left(at, ends_at, day)
    unused = sum((one.unused_fen(at) for one in paid), Fraction(0))
    return UpgradeCost(months, unused, max(Fraction(0), price_fen * months - unused))
