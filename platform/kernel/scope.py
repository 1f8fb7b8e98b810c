"""What a token allows: the one value that crosses from the control plane to the data plane.

A scope is made by billing from grants (`billing.domain`), signed into a token (`kernel.tokens`) and written to Redis
as JSON (`as_json`), where the copy with the higher `rev` wins over the token's (DESIGN section 3).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kernel.errors import Malformed

LEVELS = ("L1", "L2")
MARKETS = ("CN", "HK")
MAX_SUBS_CAP = 100_000  # far above any plan; a claim beyond it is a forgery or a bug
MAX_CONNS_CAP = 10_000


class BadScope(Malformed):
    """A scope's claims are missing or of the wrong type."""

    code = "bad_scope"


@dataclass(frozen=True, slots=True)
class Step:
    """What holds from `from_s` (epoch seconds) until the next step."""

    from_s: int
    max_subs: int
    max_conns: int
    markets: frozenset[str]
    levels: frozenset[str]


NOTHING = Step(from_s=0, max_subs=0, max_conns=0, markets=frozenset(), levels=frozenset())


@dataclass(frozen=True, slots=True)
class Scope:
    """A customer's entitlement on one node group, present and announced.

    `steps` ascend by `from_s`; the first is what holds now, the last has max_subs 0 and is the end.
    """

    customer: str
    group: str
    rev: int
    steps: tuple[Step, ...]

    def at(self, now_s: float) -> Step:
        """Return the step that holds at an instant; NOTHING before the first."""
        current = NOTHING
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

    def as_json(self) -> dict[str, Any]:
        """Return the form that Redis carries."""
        return {
            "sub": self.customer,
            "aud": self.group,
            "rev": self.rev,
            "steps": [step_as_claims(s) for s in self.steps],
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
            steps=steps_from_claims(data.get("steps")),
        )


def newer(token_scope: Scope, stored: Scope | None) -> Scope:
    """Return the effective scope: the one with the higher rev, the token's where nothing is stored."""
    return stored if stored is not None and stored.rev >= token_scope.rev else token_scope


def step_as_claims(step: Step) -> dict[str, Any]:
    return {
        "from": step.from_s,
        "max_subs": step.max_subs,
        "max_conns": step.max_conns,
        "markets": sorted(step.markets),
        "levels": sorted(step.levels),
    }


def steps_from_claims(claims: Any) -> tuple[Step, ...]:
    """Read `quota.steps`, refusing wrong types (bool is not a number here) and an order that goes back."""
    if not isinstance(claims, list) or not claims or len(claims) > 1000:
        raise BadScope("quota.steps must be a list of 1 to 1000 steps")
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
    )


def words(claims: dict[str, Any], name: str, known: tuple[str, ...]) -> frozenset[str]:
    """Read a list of known words."""
    value = claims.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) and word in known for word in value):
        raise BadScope(f"{name} must be a list out of {', '.join(known)}")
    return frozenset(value)


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
