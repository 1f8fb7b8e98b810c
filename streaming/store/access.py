"""The one place that asks the store what access needs: newest entitlement, the operator's policy, revocation.

What follows from the answers is kernel.access. A store that is away locks nobody out: what is known counts, and the
periodic refresh of every open socket catches up when the store is back.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeVar

from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.access import Stored, effective_scope, scope_by_what_is_known
from kernel.scope import BadScope, Policy, Scope
from kernel.tokens import Claims
from streaming.errors import StoreUnavailable
from streaming.store import connection
from streaming.store.pipeline import Command

log = logging.getLogger(__name__)
_Kept = TypeVar("_Kept", Scope, Policy)


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored about one token, as the bytes that stand there; equal bytes need not be read twice."""

    entitlement: bytes | None = None
    policy: bytes | None = None
    revoked_from: bytes | None = None

    @classmethod
    def of_answers(cls, answers: Sequence[Any]) -> Self:
        """Return the record out of the answers to `commands`.

        Raises:
            redis.RedisError: one of them is an error.
        """
        customer, revoked_from = answers
        for answer in (customer, revoked_from):
            if isinstance(answer, Exception):
                raise answer
        return cls(customer[0], customer[1], revoked_from)

    def read(self) -> Stored:
        """Return what it says; a part that cannot be read counts as absent and is logged."""
        return Stored(
            _entitlement(self.entitlement) if self.entitlement is not None else None,
            _policy(self.policy) if self.policy is not None else None,
            float(self.revoked_from) if self.revoked_from is not None else None,
        )


@lru_cache(maxsize=2000)  # a program asks again and again, and who bought a hundred packs has two hundred steps
def _entitlement(raw: bytes) -> Scope | None:
    return _read(raw, "entitlement", Scope.from_json)


@lru_cache(maxsize=2000)
def _policy(raw: bytes) -> Policy | None:
    return _read(raw, "policy", Policy.from_json)


def _read(raw: bytes, what: str, form: Callable[[Any], _Kept]) -> _Kept | None:
    try:
        return form(json.loads(raw))
    except (ValueError, BadScope) as error:
        log.error("a stored %s cannot be read: %s", what, error)
        return None


def commands(claims: Claims) -> tuple[Command, Command]:
    """Return the two commands that ask for one token's record; `Record.of_answers` reads what they answer."""
    name = (claims.scope.customer, claims.scope.group)
    # Both keys of a customer have one hash tag, the token's own has another: two commands, on a cluster too.
    return ("MGET", keyspace.entitlement(*name), keyspace.policy(*name)), ("GET", keyspace.revoked(claims.jti))


async def look_up(claims: Sequence[Claims]) -> list[Record]:
    """Return the records of some tokens, in one round trip.

    Two commands for all: one a customer cost a tenth of what a thousand sockets' bars do.

    Raises:
        redis.RedisError: the store is away.
    """
    pipe = connection.redis_async().pipeline(transaction=False)
    named = [(one.scope.customer, one.scope.group) for one in claims]
    pipe.mget([keyspace.entitlement(*name) for name in named] + [keyspace.policy(*name) for name in named])
    pipe.mget([keyspace.revoked(one.jti) for one in claims])
    stored, revoked = await pipe.execute()
    return [Record(*one) for one in zip(stored, stored[len(named) :], revoked, strict=False)]


async def effective(claims: Claims, *, known: Scope | None = None) -> Scope:
    """Return what a verified token allows now.

    Args:
        known: what was in force when this was last asked; counts as long as the store has nothing newer.

    Raises:
        TokenRevoked, TokenExpired, SubscriptionExpired: HTTP 401.
        StoreUnavailable: the store is away and the token alone is over; a renewal would stand in the store.
    """
    try:
        (record,) = await look_up([claims])
    except RedisError as error:
        log.warning("entitlements cannot be looked up, what is known counts: %s", type(error).__name__)
        return by_what_is_known(claims, known)
    return effective_scope(claims, record.read(), clock.now_ms() / 1000, known=known)


def by_what_is_known(claims: Claims, known: Scope | None) -> Scope:
    """Return what a token allows while the store is away; raises as `effective`."""
    scope = scope_by_what_is_known(claims, known, clock.now_ms() / 1000)
    if scope is None:
        raise StoreUnavailable
    return scope
