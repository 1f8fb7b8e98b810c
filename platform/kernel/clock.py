"""The only reader of the system clock, so that everything else takes its time as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251


def now_ms() -> int:
    """Return the present instant as Unix time in milliseconds."""
    return time.time_ns() // 1_000_000
