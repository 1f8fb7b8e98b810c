"""Whom an announcement concerns, and from when until when it is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

RESOLVED, FRESH = "resolved", timedelta(hours=1)  # how long pages go on saying that something is over


@dataclass(frozen=True, slots=True)
class Scope:
    """A market, a node group, or all: "" is every one."""

    market: str = ""
    group: str = ""

    def concerns(self, holdings: list[tuple[str, frozenset[str]]]) -> bool:
        """Tell whether it concerns somebody with rights on (group, markets), each; with none at all it may."""
        if not holdings:
            return True
        return any(
            (not self.group or self.group == group) and (not self.market or self.market in markets)
            for group, markets in holdings
        )


def is_shown(
    *, kind: str, starts_at: datetime, ends_at: datetime | None, over_at: datetime | None, now: datetime
) -> bool:
    """Tell whether pages show it now.

    Args:
        over_at: when somebody said that it is over; None before that.
    """
    if over_at is not None:
        return kind == "incident" and now < over_at + FRESH
    if kind == "info" and now < starts_at:
        return False
    # An incident is over when somebody says so; planned work is told ahead.
    return kind == "incident" or ends_at is None or now < ends_at
