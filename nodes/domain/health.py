"""What a process of a node group reports of itself: the kind `health`, version 1, every 5 s."""

from typing import Annotated, Any, Literal

import msgspec

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

MOST_OFFSET_MS = 2_000


class Health(msgspec.Struct, frozen=True):
    """The body of a health report. Fields that are not named here are left alone: newer processes may say more."""

    process: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]  # unique among all that run
    node: Annotated[str, msgspec.Meta(max_length=100)]  # NODE_ID
    role: Literal["node", "ingest", "history"]
    version: Annotated[str, msgspec.Meta(max_length=40)]
    at_ms: _Count  # the process's clock
    sockets: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    lag_ms: dict[str, int | None]  # market -> how far behind its newest window is; None where nobody can say
    markets: dict[str, str]  # market -> its session: open, lunch_break, closed, ...
    rss_bytes: _Count  # memory
    feeds: dict[str, str] = {}  # market -> what runs there: live, replay, simulated, test; older processes do not say


def read_health(body: dict[str, Any]) -> Health:
    """Read the body of a report.

    Raises:
        ValueError: a field is missing, of another type or out of its range; the text names it.
    """
    try:
        return msgspec.convert(body, Health)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def clock_offset_ms(health: Health, entry_ms: int) -> int:
    """Return how far a process's clock is ahead of Redis's, in ms; too little by what the report was under way."""
    return health.at_ms - entry_ms


def is_off(offset_ms: int) -> bool:
    """Tell whether a clock is so far off that somebody should set it."""
    return abs(offset_ms) > MOST_OFFSET_MS
