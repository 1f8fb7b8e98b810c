"""What is paid back of a term that has begun, in fen. Rounded in the buyer's favour, never above what was paid."""

from datetime import datetime, timedelta

from billing.domain.months import add_months


def pro_rata_fen(*, paid_fen: int, starts_at: datetime, ends_at: datetime, now: datetime) -> int:
    """Return the part of a payment for the time that is left: where it is the shop's fault.

    Raises:
        ValueError: the period is empty, or the payment negative.
    """
    if ends_at <= starts_at or paid_fen < 0:
        raise ValueError(f"{paid_fen} fen for {starts_at} to {ends_at} is no term")
    now = min(now, ends_at)
    instant = timedelta(microseconds=1)
    left, whole = (ends_at - max(now, starts_at)) // instant, (ends_at - starts_at) // instant
    return -(-paid_fen * left // whole)  # rounded up


def by_wish_fen(*, paid_fen: int, price_fen: int, starts_at: datetime, months: int, now: datetime) -> int:
    """Return what is left of a payment once used months count at the list price: where the buyer wishes it.

    A month that has begun is used; before the first has begun everything is paid back.

    Args:
        price_fen: a month at the list price of what was bought.
    """
    if now < starts_at:
        return paid_fen
    begun = next((n for n in range(1, months) if now < add_months(starts_at, n)), months)
    return max(0, paid_fen - price_fen * begun)
