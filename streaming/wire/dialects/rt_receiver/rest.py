"""rt-receiver's words over HTTP: errors with their codes and texts, reasons of a rejection, and what a client asks."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kernel import nested
from kernel.errors import Malformed, PlatformError
from kernel.scope import LEVELS, MAX_SUBS_CAP, Policy, words
from kernel.tokens import BadToken, SubscriptionExpired, TokenExpired, TokenMissing
from streaming.wire.included import OF_KINDS
from streaming.wire.requests import Rejection

Json = dict[str, Any]
MODES = ("replace", "add", "remove")
_REASONS = {
    "market_not_allowed": "market_not_allowed",
    "symbol_not_allowed": "symbol_not_allowed",
    **dict.fromkeys(OF_KINDS, "symbol_not_allowed"),
    "quota_exceeded": "quota_exceeded",
    "not_subscribed": "not_subscribed",
}


def refusal(error: PlatformError) -> tuple[int, Json]:
    """Return the HTTP status and body of an error."""
    status = error.http_status
    if isinstance(error, TokenMissing):
        message = "missing token"
    elif isinstance(error, TokenExpired | SubscriptionExpired):
        message = "token expired"
    elif isinstance(error, BadToken):
        message = f"invalid token: {error.message}"
    else:
        message = error.message
    return status, {"code": status, "message": message, "status": "error"}


def rejection(symbol: str, reason: str) -> Json:
    """Return one rejected symbol; a reason that they don't have means that nothing is known of the symbol."""
    return {"reason": _REASONS.get(reason, f"invalid symbol: {symbol[:64]}"), "symbol": symbol[:64]}


def rejections(rejected: Iterable[Rejection]) -> list[Json]:
    return [rejection(one.symbol, one.reason) for one in rejected]


def object_of(raw: bytes) -> Json:
    """Read a body that must be an object.

    Raises:
        Malformed: it is none.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Malformed("payload must be a JSON object")
    return body


def sync_of(body: Json) -> tuple[str, list[str]]:
    """Read the body of subscription/sync: its mode, and the symbols as they were written.

    Raises:
        Malformed: it is no such body; the message is theirs.
    """
    mode = "replace" if body.get("mode") in (None, "") else body["mode"]
    mode = mode.strip().lower() if isinstance(mode, str) else mode
    if mode not in MODES:
        raise Malformed("mode must be replace, add, or remove")
    symbols = body.get("symbols")
    if not isinstance(symbols, list):
        raise Malformed("symbols must be an array")
    return mode, [one if isinstance(one, str) else str(one)[:64] for one in symbols]


def policies_of(body: Json) -> tuple[list[tuple[str, Policy]], list[Json]]:
    """Read the body of policies/apply: the policies by user, and those that are none, each with what is wrong with it.

    Raises:
        Malformed: it is no such body.
    """
    users = body.get("users")
    if not isinstance(users, list):
        raise Malformed("users must be an array")
    found, refused = [], []
    for index, user in enumerate(users):
        try:
            found.append(_policy_of(user))
        except Malformed as error:
            name = user.get("user_id") if isinstance(user, dict) else None
            shown = str(name)[:64] if isinstance(name, str | int) else ""
            refused.append({"index": index, "user_id": shown, "message": error.message})
    return found, refused


def _policy_of(user: Any) -> tuple[str, Policy]:
    if not isinstance(user, dict):
        raise Malformed("a user must be an object")
    name = user.get("user_id")
    if type(name) is int and abs(name) < 2**63:
        name = str(name)  # a token's `sub` is a text
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise Malformed("user_id must be a text or a whole number")
    # As there: an empty list of markets or levels restricts nothing.
    markets, levels = (user.get(name) if user.get(name) != [] else None for name in ("markets", "levels"))
    policy = Policy(
        revision=_count(user, "revision", 2**53),
        max_subs=_count(user, "max_subs", MAX_SUBS_CAP),
        markets=frozenset(nested.markets_of(markets)) if markets is not None else None,
        levels=words({"levels": levels}, "levels", LEVELS) if levels is not None else None,
        symbols=nested.symbols_of(user.get("symbols")),
    )
    return name, policy


def _count(user: Mapping[str, Any], name: str, most: int) -> int:
    value = user.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed(f"{name} must be a whole number from 0 to {most}")
    return value
