"""What nodes and ingest are told: rows of the outbox, written in the transaction that causes them."""

from typing import Any

from nodes import selectors
from outbox.services.sending import say

ENTITLEMENT, REVOCATION, DRAIN = "entitlement", "revocation", "drain"
INSTRUMENTS = "instruments"
FEED_SETTING, CALENDAR_OVERRIDE, CALENDAR_HORIZON = "feed_setting", "calendar_override", "calendar_horizon"


def entitlement(*, scope: dict[str, Any]) -> None:
    """Say what a customer may follow on a group from now on. `scope` is Scope.as_json()."""
    say(ENTITLEMENT, {"scope": scope})


def revocation(*, jti: str, customer: str, group: str, works_until_s: int, expires_at_s: int) -> None:
    """Say from when on a token no longer works."""
    payload = {"jti": jti, "customer": customer, "group": group}
    say(REVOCATION, {**payload, "works_until_s": works_until_s, "expires_at_s": expires_at_s})


def drain(*, node: str) -> None:
    """Say that a node's drain order was given or taken back; which of both is read when this is delivered."""
    say(DRAIN, {"node": node})


def feed_setting(*, lane: str) -> None:
    """Say to every group's ingest that a lane's feed setting has changed; its value is read when this is delivered."""
    for group in selectors.destinations():
        say(FEED_SETTING, {"lane": lane, "group": group})


def calendar_override(*, lane: str, day: str) -> None:
    """Say to every group that a trading day was changed or given back; read when this is delivered."""
    for group in selectors.destinations():
        say(CALENDAR_OVERRIDE, {"lane": lane, "day": day, "group": group})


def calendar_horizon(*, lane: str) -> None:
    """Say to every group up to when a market's trading days are known; read when this is delivered."""
    for group in selectors.destinations():
        say(CALENDAR_HORIZON, {"lane": lane, "group": group})


def instruments() -> None:
    """Say to every group that the list of instruments is another; read when this is delivered."""
    for group in selectors.destinations():
        say(INSTRUMENTS, {"group": group})
