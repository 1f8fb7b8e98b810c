"""What a month of a plan is: a calendar month in Asia/Shanghai, at the same time of day."""

from calendar import monthrange
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def add_months(start: datetime, months: int) -> datetime:
    """Return the instant `months` calendar months after `start`, in UTC.

    Always counted from the start, never chained: 31 January + 1 is the last of February, 31 January + 2 is 31 March.
    Shanghai has kept one offset since 1991, so the time of day exists on every day.
    """
    local = start.astimezone(SHANGHAI)
    years, month0 = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month0 + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(UTC)


def grant_period(*, settled_at: datetime, months: int, chain_end_at: datetime | None) -> tuple[datetime, datetime]:
    """Return the period that a purchase buys: from its settlement, or from the end of the chain that it extends.

    Cut to the whole second, so that a token's steps and the database say the same.
    """
    start = max(settled_at, chain_end_at) if chain_end_at is not None else settled_at
    start = start.astimezone(UTC).replace(microsecond=0)
    return start, add_months(start, months)
