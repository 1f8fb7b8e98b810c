"""Who may ask over REST, and how often: a customer's entitlement, revocation and limiter in one round trip.

The limiter is GCRA on one key of the customer, so it holds for all processes and nodes of a group. While the store does
not answer nobody can say who was revoked or has asked too much, so nothing is answered; open sockets go on.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

import redis

from kernel import keyspace
from kernel.access import effective_scope
from kernel.scope import Policy, Scope, Step, newer
from kernel.tokens import Claims
from streaming.errors import StoreUnavailable, TooManyCalls
from streaming.store.access import Record, commands
from streaming.store.gcra import SPEND
from streaming.store.pipeline import CommandPipeline

log = logging.getLogger(__name__)
CALLS, CALLS_A_SYMBOL = 60, 12  # a minute: 120 for five symbols, 660 for fifty; it stacks as symbols do
_MINUTE_MS = 60_000
_AWAY_SECONDS = 1.0  # after a failure nobody waits for the store, which may hang for its three seconds
_KNOWN = 10_000  # customers whose scope is remembered

# KEYS the bucket; ARGV now in ms, ms that a call costs, calls that may come at once, how many these are: answers the ms
# to wait, or 0.
_TAKE = SPEND + "return spend(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))"


def calls_a_minute(step: Step) -> int:
    """Return how often a plan may ask in a minute."""
    return CALLS + CALLS_A_SYMBOL * step.max_subs


class RateLimiter:
    """The limiter and the entitlements of one process, for its event loop."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._batch = CommandPipeline(client)
        self._script: Any = None
        self._known: dict[tuple[str, str], tuple[Scope | None, Policy | None]] = {}
        self._away_until = 0.0  # monotonic

    async def admit(self, claims: Claims, now_ms: int, count: int = 1) -> Scope:
        """Count one call, or so many, and return the scope in force.

        Raises:
            TokenRevoked, CustomerDeactivated, SubscriptionExpired: HTTP 401.
            TooManyCalls: HTTP 429; `retry_after_s` and `limit` tell the client.
            StoreUnavailable: the store does not answer.
        """
        customer, group = claims.scope.customer, claims.scope.group
        # The newest scope that we know of makes the limit; a change counts from the call after this one.
        scope = self._as_known(claims)
        limit = calls_a_minute(scope.at(now_ms / 1000))
        if self._script is None:
            self._script = self._client().register_script(_TAKE)
        if time.monotonic() < self._away_until:
            raise StoreUnavailable
        keys = [keyspace.rate("call", f"{customer}@{group}")]
        arguments = [now_ms, _MINUTE_MS / limit, limit, min(count, limit)]
        try:
            *answers, wait = await self._batch.run(
                *commands(claims), ("EVALSHA", self._script.sha, 1, *keys, *arguments)
            )
            if isinstance(wait, redis.exceptions.NoScriptError):
                wait = await self._script(keys=keys, args=arguments)
            record = Record.of_answers(answers)
            if isinstance(wait, Exception):
                raise wait
        except (redis.RedisError, OSError) as error:
            log.warning("entitlements cannot be looked up: %s", type(error).__name__)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            raise StoreUnavailable from None
        stored = record.read()
        in_force = effective_scope(claims, stored, now_ms / 1000)
        self._remember((customer, group), stored.entitlement, stored.policy)
        if int(wait) > 0:
            raise TooManyCalls(
                f"more than {limit} calls a minute; wait {math.ceil(int(wait) / 1000)} s",
                retry_after_s=math.ceil(int(wait) / 1000), limit=limit,
            )  # fmt: skip
        return in_force

    def _as_known(self, claims: Claims) -> Scope:
        newest, policy = self._known.get((claims.scope.customer, claims.scope.group), (None, None))
        return newer(claims.scope, newest).under(policy)

    def _remember(self, customer: tuple[str, str], newest: Scope | None, policy: Policy | None) -> None:
        if newest is None and policy is None:
            self._known.pop(customer, None)
            return
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[customer] = (newest, policy)
