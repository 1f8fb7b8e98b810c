"""Who may ask over REST, how often and for what: entitlement, revocation, limiter and symbols in one round trip.

The limiter is GCRA on one key of the customer, so it holds for all processes and nodes of a group. While the store does
not answer nobody can say who was revoked or has asked too much, so nothing is answered; open sockets go on.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import redis

from kernel import keyspace
from kernel.access import effective_scope
from kernel.scope import Policy, Scope, Step, newer
from kernel.tokens import Claims
from streaming.errors import StoreUnavailable, TooManyCalls
from streaming.store.access import Record, commands
from streaming.store.asked import ADMIT
from streaming.store.gcra import SPEND
from streaming.store.pipeline import CommandPipeline

log = logging.getLogger(__name__)
CALLS, CALLS_A_SYMBOL = 60, 12  # a minute: 120 for five symbols, 660 for fifty; it stacks as symbols do
_MINUTE_MS = 60_000
_AWAY_SECONDS = 1.0  # after a failure nobody waits for the store, which may hang for its three seconds
_KNOWN = 10_000  # customers whose scope is remembered

# KEYS the bucket, then asked, claimed and follows (streaming.store.asked), the stored symbols, and of a viewer's call
# what programs have asked for; ARGV now in ms, ms that a call costs, calls that may come at once, how many these are,
# max_subs, the dead processes, which list is wanted beside the symbols ('', 'followed' or 'stored'), rows that a call
# has, symbols. Answers the ms to wait, or 0; the symbols that are one too many; the list.
_TAKE = (
    SPEND
    + ADMIT
    + """
local now, count, most = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[5])
local symbols, listed = {}, {}
for i = 9, #ARGV do symbols[#symbols + 1] = ARGV[i] end
if ARGV[7] ~= '' then
  local named = {}
  for _, symbol in ipairs(symbols) do named[symbol] = true end
  listed = redis.call('LRANGE', KEYS[5], 0, -1)
  local wanted, has = {}, {}
  for _, symbol in ipairs(listed) do
    has[symbol] = true
    if #symbols == 0 or named[symbol] then wanted[#wanted + 1] = symbol end
  end
  if ARGV[7] == 'followed' then
    local more = {}
    for symbol in pairs(followed_by(KEYS[4], cjson.decode(ARGV[6]), KEYS[6])) do
      if not has[symbol] then more[#more + 1] = symbol end
    end
    table.sort(more)
    for _, symbol in ipairs(more) do listed[#listed + 1] = symbol; wanted[#wanted + 1] = symbol end
  end
  symbols = {}
  for _, symbol in ipairs(wanted) do if symbol ~= 'TEST.CN' then symbols[#symbols + 1] = symbol end end
  count = math.min(tonumber(ARGV[3]), math.max(count, math.ceil(#wanted / tonumber(ARGV[8]))))
end
local wait = spend(KEYS[1], now, tonumber(ARGV[2]), tonumber(ARGV[3]), count)
if wait > 0 or #symbols == 0 then return {wait, {}, listed} end
return {0, admit_symbols(KEYS[2], KEYS[3], KEYS[4], now, most, ARGV[6], symbols, KEYS[6]), listed}
"""
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What newest values a call asks for: canonical symbols, and whether those `stored`, or `followed` too."""

    symbols: Sequence[str] = ()
    listed: Literal["", "followed", "stored"] = ""


NOTHING_WANTED = Wanted()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may be answered: under this scope, without these symbols; and the list that it has asked for."""

    scope: Scope
    left_out: frozenset[str] = frozenset()
    listed: Sequence[str] = ()


def calls_a_minute(step: Step) -> int:
    """Return how often a plan may ask in a minute."""
    return CALLS + CALLS_A_SYMBOL * step.max_subs


class RateLimiter:
    """The limiter and the entitlements of one process, for its event loop.

    Args:
        dead: the processes whose sockets count no more, as QuotaRegistry.dead says it.
    """

    def __init__(self, client: Callable[[], Any], dead: Callable[[], str]) -> None:
        self._client, self._dead = client, dead
        self._batch = CommandPipeline(client)
        self._script: Any = None
        self._known: dict[tuple[str, str], tuple[Scope | None, Policy | None]] = {}
        self._away_until = 0.0  # monotonic

    def as_known(self, claims: Claims) -> Scope:
        """Return what is likely in force: the newest scope that this process has heard of."""
        newest, policy = self._known.get((claims.scope.customer, claims.scope.group), (None, None))
        return newer(claims.scope, newest).under(policy)

    async def admit(
        self, claims: Claims, now_ms: int, count: int = 1, wanted: Wanted = NOTHING_WANTED, *, rows: int = 50
    ) -> Admitted:
        """Count one call, or so many, and return what it may be answered with.

        Args:
            rows: of a list that is wanted, so many are one call.

        Raises:
            TokenRevoked, CustomerDeactivated, SubscriptionExpired: HTTP 401.
            TooManyCalls: HTTP 429; `retry_after_s` and `limit` tell the client.
            StoreUnavailable: the store does not answer.
        """
        # The newest scope that we know of makes the limit; a change counts from the call after this one.
        step = self.as_known(claims).at(now_ms / 1000)
        admitted = await self._ask(claims, now_ms, count, wanted, rows, step)
        step_now = admitted.scope.at(now_ms / 1000)
        if step_now.max_subs != step.max_subs and (wanted.symbols or wanted.listed):
            # But not for the symbols: who has just bought fifty asks for fifty. A second round trip, once a change.
            admitted = await self._ask(claims, now_ms, 0, wanted, rows, step_now)
        return admitted

    async def _ask(self, claims: Claims, now_ms: int, count: int, wanted: Wanted, rows: int, step: Step) -> Admitted:
        customer, group = claims.scope.customer, claims.scope.group
        if time.monotonic() < self._away_until:
            raise StoreUnavailable
        if self._script is None:
            self._script = self._client().register_script(_TAKE)
        limit = calls_a_minute(step)
        keys = _keys(customer, group, viewer=claims.viewer)
        arguments = [now_ms, _MINUTE_MS / limit, limit, min(count, limit), step.max_subs, self._dead()]
        arguments += [wanted.listed, rows, *wanted.symbols]
        try:
            *answers, taken = await self._batch.run(
                *commands(claims), ("EVALSHA", self._script.sha, len(keys), *keys, *arguments)
            )
            if isinstance(taken, redis.exceptions.NoScriptError):
                taken = await self._script(keys=keys, args=arguments)
            record = Record.of_answers(answers)
            if isinstance(taken, Exception):
                raise taken
        except (redis.RedisError, OSError) as error:
            log.warning("entitlements cannot be looked up: %s", type(error).__name__)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            raise StoreUnavailable from None
        stored = record.read()
        in_force = effective_scope(claims, stored, now_ms / 1000)
        self._remember((customer, group), stored.entitlement, stored.policy)
        wait, left_out, listed = taken
        if int(wait) > 0:
            raise TooManyCalls(
                f"more than {limit} calls a minute; wait {math.ceil(int(wait) / 1000)} s",
                retry_after_s=math.ceil(int(wait) / 1000), limit=limit,
            )  # fmt: skip
        return Admitted(in_force, frozenset(map(_text, left_out)), [_text(symbol) for symbol in listed])

    def _remember(self, customer: tuple[str, str], newest: Scope | None, policy: Policy | None) -> None:
        if newest is None and policy is None:
            self._known.pop(customer, None)
            return
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[customer] = (newest, policy)


def _keys(customer: str, group: str, *, viewer: bool) -> list[str]:
    """Return a call's keys: a page has a bucket and sets of its own, so no program waits for what somebody looks at."""
    who, shared = f"{customer}@{group}", [keyspace.follows(customer, group), keyspace.subscription(customer, group)]
    asked = keyspace.asked(customer, group)
    if not viewer:
        return [keyspace.rate("call", who), asked, keyspace.claimed(customer, group), *shared]
    viewers = [keyspace.asked_by_viewers(customer, group), keyspace.claimed_by_viewers(customer, group)]
    return [keyspace.rate("call-viewer", who), *viewers, *shared, asked]


def _text(symbol: bytes) -> str:
    return symbol.decode()
