"""What a token allows: the one value that crosses from the control plane to the data plane.

A scope is made by billing from grants (`billing.domain`), signed into a token (`kernel.tokens`) and written to Redis
as JSON (`as_json`), where the copy with the higher `rev` wins over the token's (kernel.access).
"""

from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from typing import Any

from kernel.errors import Malformed
from kernel.instruments import InstrumentId

LEVELS = ("L1", "L2")
MARKETS = ("CN", "HK")
TYPES = ("kline", "quote", "tick", "depth")
INTERVALS = ("1.5s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M")  # of bars, in the wire's words
SKEW_S = 300  # how far the clock of a node may be behind the panel's before a new token or scope is too early for it
MAX_SUBS_CAP = 100_000  # far above any plan; a claim beyond it is a forgery or a bug
MAX_CONNS_CAP = 10_000
MAX_STEPS = 1000  # of a token; ours have twelve
MAX_STORED_STEPS = 100_000  # each grant begins and ends once


class BadScope(Malformed):
    message = "A scope's claims are missing or of the wrong type."
    code = "bad_scope"


@dataclass(frozen=True, slots=True)
class Step:
    """What holds from `from_s` (epoch seconds) until the next step. Types and intervals: None has all of them."""

    from_s: int
    max_subs: int
    max_conns: int
    markets: frozenset[str]
    levels: frozenset[str]
    types: frozenset[str] | None = None
    intervals: frozenset[str] | None = None

    def has_type(self, word: str) -> bool:
        """Tell whether a type may be followed or asked for."""
        return self.types is None or word in self.types

    def has_interval(self, word: str) -> bool:
        """Tell whether bars of an interval may be; they are of the type kline, too."""
        return self.intervals is None or word in self.intervals


NOTHING = Step(from_s=0, max_subs=0, max_conns=0, markets=frozenset(), levels=frozenset())


@dataclass(frozen=True, slots=True)
class Policy:
    """What a node's operator leaves of a customer's entitlement, whatever was sold. None: not restricted."""

    revision: int = 0
    max_subs: int = 0  # 0: not restricted
    markets: frozenset[str] | None = None
    levels: frozenset[str] | None = None
    symbols: frozenset[str] | None = None  # canonical

    def as_json(self) -> dict[str, Any]:
        """Return the form that Redis carries."""
        told = {"markets": self.markets, "levels": self.levels, "symbols": self.symbols}
        lists = {name: sorted(value) for name, value in told.items() if value is not None}
        return {"revision": self.revision, "max_subs": self.max_subs, **lists}

    @classmethod
    def from_json(cls, data: Any) -> "Policy":
        """Read `as_json` back.

        Raises:
            BadScope: a key is of the wrong type.
        """
        if not isinstance(data, dict):
            raise BadScope("a policy is an object")
        return cls(
            revision=_count(data, "revision", 2**53),
            max_subs=_count(data, "max_subs", MAX_SUBS_CAP),
            markets=words(data, "markets", MARKETS) if "markets" in data else None,
            levels=words(data, "levels", LEVELS) if "levels" in data else None,
            symbols=symbols_from(data["symbols"]) if "symbols" in data else None,
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """A customer's entitlement on one node group, present and announced.

    `steps` ascend by `from_s`; the first is what holds now, the last has max_subs 0 and is the end. `symbols` are the
    only ones that may be followed; None: every one of the markets. A customer who is not `active` was deactivated:
    the steps then say nothing.
    """

    customer: str
    group: str
    rev: int
    steps: tuple[Step, ...]
    symbols: frozenset[str] | None = None
    active: bool = True
    # Of a scope that a policy has narrowed: the policy, and what was there before it.
    policy: Policy | None = field(default=None, compare=False)
    before_policy: "Scope | None" = field(default=None, compare=False, repr=False)

    def at(self, now_s: float) -> Step:
        """Return the step that holds at an instant; NOTHING long before the first.

        The first is what held when the scope was made, by the panel's clock: for a node whose own is a little behind
        it holds already.
        """
        current = NOTHING
        if self.steps and self.steps[0].from_s - SKEW_S <= now_s < self.steps[0].from_s:
            return self.steps[0]
        for step in self.steps:
            if step.from_s > now_s:
                break
            current = step
        return current

    def next_change_s(self, now_s: float) -> int | None:
        """Return when the next step begins, or None after the last."""
        return next((step.from_s for step in self.steps if step.from_s > now_s), None)

    @property
    def ends_at_s(self) -> int:
        """Return when the last grant ends, in epoch seconds; 0 where there never was one."""
        return self.steps[-1].from_s if self.steps else 0

    @property
    def whole(self) -> "Scope":
        """Return the scope without any policy."""
        return self.before_policy or self

    @property
    def revision(self) -> int:
        """Return the higher one of the entitlement's rev and the policy's."""
        return max(self.rev, self.policy.revision if self.policy is not None else 0)

    def allows(self, symbol: str) -> bool:
        """Tell whether a canonical symbol is not left out by name."""
        return self.symbols is None or symbol in self.symbols

    def shortened(self, most: int) -> "Scope":
        """Return a scope of at most so many steps (three or more) that never allows more, and ends no sooner.

        The next ones are exact; then, until the end, what is the lowest of all that is still to come.
        """
        if len(self.steps) <= most:
            return self
        kept, rest, end = self.steps[: most - 2], self.steps[most - 2 : -1], self.steps[-1]
        lowest = replace(
            rest[0],
            max_subs=min(step.max_subs for step in rest),
            max_conns=min(step.max_conns for step in rest),
            markets=frozenset[str].intersection(*(step.markets for step in rest)),
            levels=frozenset[str].intersection(*(step.levels for step in rest)),
            types=reduce(both, (step.types for step in rest)),
            intervals=reduce(both, (step.intervals for step in rest)),
        )
        return replace(self, steps=(*kept, lowest, end))

    def under(self, policy: Policy | None) -> "Scope":
        """Return what a policy leaves: markets, levels and symbols of both, the lower quota."""
        whole = self.whole
        if policy is None:
            return whole
        return replace(
            whole,
            steps=tuple(_narrowed(step, policy) for step in whole.steps),
            symbols=both(whole.symbols, policy.symbols),
            policy=policy,
            before_policy=whole,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the form that Redis carries."""
        return {
            "sub": self.customer,
            "aud": self.group,
            "rev": self.rev,
            "steps": [step_as_claims(s) for s in self.steps],
            **({} if self.active else {"active": False}),
        }

    @classmethod
    def from_json(cls, data: Any) -> "Scope":
        """Read `as_json` back.

        Raises:
            BadScope: a key is missing or of the wrong type.
        """
        if not isinstance(data, dict):
            raise BadScope("a scope is an object")
        return cls(
            customer=_text(data, "sub"),
            group=_text(data, "aud"),
            rev=_count(data, "rev", 2**53),
            steps=steps_from_claims(data.get("steps"), MAX_STORED_STEPS),
            active=data.get("active") is not False,
        )


def newer(token_scope: Scope, stored: Scope | None) -> Scope:
    """Return the effective scope: the one with the higher rev, the token's where nothing is stored."""
    return stored if stored is not None and stored.rev >= token_scope.rev else token_scope


def both(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    """Return what two sets have in common, where None has everything."""
    if some is None or others is None:
        return others if some is None else some
    return some & others


def _narrowed(step: Step, policy: Policy) -> Step:
    return replace(
        step,
        max_subs=min(step.max_subs, policy.max_subs or step.max_subs),
        markets=both(step.markets, policy.markets) or frozenset(),
        levels=both(step.levels, policy.levels) or frozenset(),
    )


def restrictions_as_claims(step: Step) -> dict[str, Any]:
    """Return types and intervals where a step restricts them; absent, it has all."""
    told = {"types": step.types, "intervals": step.intervals}
    return {name: sorted(value) for name, value in told.items() if value is not None}


def step_as_claims(step: Step) -> dict[str, Any]:
    return {
        "from": step.from_s,
        "max_subs": step.max_subs,
        "max_conns": step.max_conns,
        "markets": sorted(step.markets),
        "levels": sorted(step.levels),
        **restrictions_as_claims(step),
    }


def steps_from_claims(claims: Any, most: int = MAX_STEPS) -> tuple[Step, ...]:
    """Read `quota.steps`, refusing wrong types (bool is not a number here) and an order that goes back."""
    if not isinstance(claims, list) or not claims or len(claims) > most:
        raise BadScope(f"quota.steps must be a list of 1 to {most} steps")
    steps = tuple(_step(claim) for claim in claims)
    if any(later.from_s <= earlier.from_s for earlier, later in pairwise(steps)):
        raise BadScope("quota.steps must ascend by from")
    return steps


def _step(claim: Any) -> Step:
    if not isinstance(claim, dict):
        raise BadScope("a step is an object")
    return Step(
        from_s=_count(claim, "from", 2**53),
        max_subs=_count(claim, "max_subs", MAX_SUBS_CAP),
        max_conns=_count(claim, "max_conns", MAX_CONNS_CAP),
        markets=words(claim, "markets", MARKETS),
        levels=words(claim, "levels", LEVELS),
        types=words_or_all(claim, "types", TYPES),
        intervals=words_or_all(claim, "intervals", INTERVALS),
    )


def words_or_all(claims: dict[str, Any], name: str, known: tuple[str, ...]) -> frozenset[str] | None:
    """Read a list of known words that may be absent: None, which has all of them."""
    return words(claims, name, known) if name in claims else None


def words(claims: dict[str, Any], name: str, known: tuple[str, ...]) -> frozenset[str]:
    """Read a list of known words."""
    value = claims.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) and word in known for word in value):
        raise BadScope(f"{name} must be a list out of {', '.join(known)}")
    return frozenset(value)


def symbols_from(value: Any) -> frozenset[str]:
    """Read a list of symbols as people write them into their canonical forms."""
    if not isinstance(value, list) or len(value) > MAX_SUBS_CAP:
        raise BadScope("symbols must be a list")
    try:
        return frozenset(str(InstrumentId.parse(one)) for one in value)
    except Malformed as error:
        raise BadScope(error.message) from None


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise BadScope(f"{name} must be a text")
    return value


def _count(claims: dict[str, Any], name: str, most: int) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise BadScope(f"{name} must be a whole number from 0 to {most}")
    return value
