"""The newest entitlement of a customer as Redis carries it, the operator's policy on it, and revoked tokens.

A store that is away does not lock anybody out: the token alone then says what is allowed (DESIGN section 1), and the
periodic re-check of every open socket catches up when the store is back.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.scope import BadScope, Policy, Scope, both, newer
from kernel.tokens import LEEWAY_S, Claims, SubscriptionExpired, TokenExpired, TokenRevoked
from streaming.errors import StoreUnavailable
from streaming.store import connection

log = logging.getLogger(__name__)
_Kept = TypeVar("_Kept", Scope, Policy)


def read_scope(raw: bytes | str | None) -> Scope | None:
    """Read a stored scope; one that cannot be read counts as absent and is logged."""
    return _read(raw, "entitlement", Scope.from_json)


def read_policy(raw: bytes | str | None) -> Policy | None:
    """Read a stored policy; one that cannot be read counts as absent and is logged."""
    return _read(raw, "policy", Policy.from_json)


def _read(raw: bytes | str | None, what: str, form: Callable[[Any], _Kept]) -> _Kept | None:
    if raw is None:
        return None
    try:
        return form(json.loads(raw))
    except (ValueError, BadScope) as error:
        log.error("a stored %s cannot be read: %s", what, error)
        return None


def judge(
    claims: Claims,
    newest: Scope | None,
    revoked_from: bytes | str | None,
    now_s: float,
    policy: Policy | None = None,
) -> Scope:
    """Return the scope in force: the newer one of token and store, only with symbols of both, under the policy.

    Raises:
        TokenRevoked: the token was revoked or its rotation's grace is over.
        TokenExpired: also of a socket that was opened before.
        SubscriptionExpired: nothing is left to follow.
    """
    if revoked_from is not None and now_s >= float(revoked_from):
        raise TokenRevoked
    if now_s >= claims.expires_at_s + LEEWAY_S:
        raise TokenExpired
    scope = newer(claims.scope, newest.whole if newest is not None else None)
    if scope.at(now_s).max_subs == 0 and scope.next_change_s(now_s) is None:
        raise SubscriptionExpired
    if claims.scope.symbols is not None:
        scope = replace(scope, symbols=both(claims.scope.symbols, scope.symbols))
    return scope.under(policy)


def effective(claims: Claims) -> Scope:
    """Return what a verified token allows now (for REST; blocking).

    Raises:
        TokenRevoked, SubscriptionExpired: HTTP 401.
        StoreUnavailable: the store is away and the token alone is over; a renewal would stand in the store.
    """
    try:
        raw, policy, revoked_from = _lookup(connection.redis_sync(), claims)
    except RedisError as error:
        return _by_what_is_known(claims, None, error)
    return judge(claims, read_scope(raw), revoked_from, clock.now_ms() / 1000, read_policy(policy))


Stored = tuple[bytes | None, bytes | None]  # a customer's entitlement and policy, as they are in the store


async def look_up(claims: Sequence[Claims]) -> list[tuple[Stored, bool]]:
    """Return what is stored of each customer and whether the token works no more, in one round trip.

    Two commands for all: one a customer cost a tenth of what a thousand sockets' bars do.

    Raises:
        redis.RedisError: the store is away.
    """
    pipe = connection.redis_async().pipeline(transaction=False)
    named = [(one.scope.customer, one.scope.group) for one in claims]
    pipe.mget([keyspace.entitlement(*name) for name in named] + [keyspace.policy(*name) for name in named])
    pipe.mget([keyspace.revoked(one.jti) for one in claims])
    stored, revoked = await pipe.execute()
    now_s = clock.now_ms() / 1000
    return [
        ((scope, policy), since is not None and now_s >= float(since))
        for scope, policy, since in zip(stored, stored[len(named) :], revoked, strict=False)
    ]


async def effective_async(claims: Claims, *, known: Scope | None = None) -> Scope:
    """The same for the socket's event loop.

    Args:
        known: what was in force when this was last asked; counts as long as the store has nothing newer.
    """
    client = connection.redis_async()
    try:
        raw, policy = await client.mget(*_keys(claims))
        revoked_from = await client.get(keyspace.revoked(claims.jti))
    except RedisError as error:
        return _by_what_is_known(claims, known, error)
    stored = read_scope(raw)
    newest = newer(known.whole, stored) if known is not None else stored
    return judge(claims, newest, revoked_from, clock.now_ms() / 1000, read_policy(policy))


def _by_what_is_known(claims: Claims, known: Scope | None, error: RedisError) -> Scope:
    log.warning("entitlements cannot be looked up, what is known counts: %s", type(error).__name__)
    try:
        return judge(claims, known, None, clock.now_ms() / 1000, known.policy if known is not None else None)
    except SubscriptionExpired:
        if known is not None:
            raise
        raise StoreUnavailable from error


def _lookup(client: Any, claims: Claims) -> tuple[Any, Any, Any]:
    return (*client.mget(*_keys(claims)), client.get(keyspace.revoked(claims.jti)))


def _keys(claims: Claims) -> tuple[str, str]:
    """Return what is stored of a customer; both keys have one hash tag."""
    name = (claims.scope.customer, claims.scope.group)
    return keyspace.entitlement(*name), keyspace.policy(*name)
