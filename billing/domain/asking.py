"""When a gateway is asked by ourselves what became of an attempt, in case its notice is lost; and order numbers."""

from datetime import datetime, timedelta

AFTER_S = (5, 30, 60, 180, 300, 600, 1800)  # from the attempt's start; those before its end
AGAIN_S = 60  # behind its end: it was closed there, and money may have come in the same second
LAST_S = 1800
PAGE_EVERY = timedelta(seconds=5)  # at most, however often a page asks us

DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O: people read numbers to each other


def next_ask(*, started_at: datetime, expires_at: datetime, now: datetime) -> datetime | None:
    """Return when an open attempt is asked for next, seen from `now`; None where nothing more is expected."""
    planned = [started_at + timedelta(seconds=after) for after in AFTER_S]
    ends = [expires_at, expires_at + timedelta(seconds=AGAIN_S), expires_at + timedelta(seconds=LAST_S)]
    return next((at for at in [*(at for at in planned if at < expires_at), *ends] if at > now), None)


def number(prefix: str, day: datetime, random: int) -> str:
    """Return a number of 26 characters that nobody guesses: prefix, yymmdd, then digits and capitals.

    Args:
        prefix: a letter that says what it numbers: P an attempt to pay, R a refund.
        day: in the shop's time.
        random: of 95 bits; what stands above them is ignored.
    """
    rest = []
    for _ in range(26 - len(prefix) - 6):
        random, digit = divmod(random, len(DIGITS))
        rest.append(DIGITS[digit])
    return f"{prefix}{day:%y%m%d}{''.join(rest)}"
