"""What a month of a plan is: a calendar month in Asia/Shanghai, at the same time of day."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from billing.domain.stacking import Grant

SHANGHAI = ZoneInfo("Asia/Shanghai")
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Chain:
    """Grants of which each extends the one before: where the paid time ends, and on which day its months begin."""

    end_at: datetime
    day: int  # of the month, in Shanghai

    @property
    def month_day(self) -> int | None:
        """Return the day on which its months begin; None where it was ended early: its end's own day counts then."""
        local = self.end_at.astimezone(SHANGHAI)
        return self.day if local.day == min(self.day, monthrange(local.year, local.month)[1]) else None

    @classmethod
    def of(cls, grants: Iterable[Grant]) -> "Chain | None":
        """Return the chain of some grants, in the order in which each extends the one before.

        A grant that was closed before it began is none of it: the time of the one before it is still paid for. After a
        time without a grant the chain begins anew.

        Returns:
            None where nothing of it was ever in force.
        """
        chain: Chain | None = None
        for grant in grants:
            if grant.until_at <= grant.starts_at:
                continue
            if chain is None or grant.starts_at > chain.end_at:
                chain = cls(grant.until_at, grant.month_day or grant.starts_at.astimezone(SHANGHAI).day)
            else:
                chain = cls(max(chain.end_at, grant.until_at), chain.day)
        return chain


def add_months(start: datetime, months: int, day: int | None = None) -> datetime:
    """Return the instant `months` calendar months after `start`, in UTC.

    Always counted from the start, never chained: 31 January + 1 is the last of February, 31 January + 2 is 31 March.
    Shanghai has kept one offset since 1991, so the time of day exists on every day.

    Args:
        day: of the month, where it is not the start's: 28 February + 1 with the day 31 is 31 March.
    """
    local = start.astimezone(SHANGHAI)
    years, month0 = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month0 + 1
    return local.replace(year=year, month=month, day=min(day or local.day, monthrange(year, month)[1])).astimezone(UTC)


def grant_period(*, settled_at: datetime, months: int, chain: Chain | None) -> tuple[datetime, datetime]:
    """Return the period that a purchase buys: from its settlement, or from the end of the chain that it extends.

    A chain keeps the day of its first grant, however its months were bought: 31 January, 28 February, 31 March. Cut to
    the whole second, so that a token's steps and the database say the same.
    """
    if chain is not None and chain.end_at >= settled_at:
        start = chain.end_at.astimezone(UTC).replace(microsecond=0)
        # A chain that was ended early goes on from there: its old day would make the first month too long or short.
        return start, add_months(start, months, chain.month_day)
    start = settled_at.astimezone(UTC).replace(microsecond=0)
    return start, add_months(start, months)


def months_left(at: datetime, end_at: datetime, day: int | None = None) -> Fraction:
    """Return how many months lie between an instant and an end; 0 behind it.

    Counted back from the end, so that two instants of one term measure with the same months: of a month that has begun
    it is the part that is left, by that month's own length.

    Args:
        day: of the month on which months begin, where it is not the end's.
    """
    if at >= end_at:
        return Fraction(0)
    whole, later = 0, end_at
    while (earlier := add_months(end_at, -(whole + 1), day)) >= at:
        whole, later = whole + 1, earlier
    return whole + Fraction((later - at) // _INSTANT, (later - earlier) // _INSTANT)


def shanghai(at: datetime) -> str:
    """Return an instant for a sentence, as people in Shanghai write it: 2026-12-01 09:30."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
