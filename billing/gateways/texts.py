"""Amounts, instants and numbers as gateways in China write them. Pure."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from billing.domain.months import SHANGHAI

_YUAN = re.compile(r"-?[0-9]{1,10}\.[0-9]{2}")
_LONG = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,8})?")
_OUR_REFUND = re.compile(r"R[0-9]{6}[0-9A-HJ-NP-Z]{19}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")


def yuan_text(fen: int) -> str:
    """Return an amount with exactly two decimals: 20.00 for 2000 fen."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def fen_of(text: str) -> int:
    """Read an amount with exactly two decimals, like 20.00 or -0.12; never through a float.

    Raises:
        ValueError: it is written in another way.
    """
    if not _YUAN.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is no amount with two decimals")
    return int(text.replace(".", ""))


def decimal_of(text: str) -> Decimal:
    """Read an amount of a bill, whose fees have up to eight decimals.

    Raises:
        ValueError: it is no number.
    """
    if not _LONG.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is no amount")
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern lets nothing else through
        raise ValueError(f"{text[:20]!r} is no amount") from None


def rounded_fen(yuan: Decimal) -> int:
    """Return yuan as fen, half a fen upwards."""
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


def shanghai_text(at: datetime) -> str:
    """Return an instant as 2026-11-28 10:00:00 in Shanghai, wherever this machine stands."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def shanghai_instant(text: str) -> datetime:
    """Read 2026-11-28 10:00:00, with or without fractions of a second, as Shanghai's time.

    Raises:
        ValueError: it is written in another way.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"{text[:30]!r} is no date and time")
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def instant(text: str) -> datetime:
    """Read an instant with its offset from UTC, like 2026-11-28T10:00:00+08:00.

    Raises:
        ValueError: it is none, or has no offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no offset from UTC")
    return at.astimezone(UTC)


def is_our_refund(number: str) -> bool:
    """Tell whether a refund number is one that this shop gives out, by its form."""
    return _OUR_REFUND.fullmatch(number) is not None
