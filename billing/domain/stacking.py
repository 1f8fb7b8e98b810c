"""Grants -> entitlement: the rule the whole shop stands on.

At an instant the symbols of all grants that cover it add up, markets, levels, types and intervals are united, and the
largest number of sockets counts. Periods are half-open, so a grant that ends and its extension that begins at the same
instant never add up. Nothing here knows a database or reads a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kernel.scope import NOTHING, Step


@dataclass(frozen=True, slots=True)
class Grant:
    """The right that one paid purchase gave, on one node group.

    `closed_at` ends it early; it gives nothing within `frozen`, whose last stretch may have no end. `month_day` is the
    day in Shanghai on which its months begin, where that is not the day of its start.
    """

    starts_at: datetime
    ends_at: datetime
    symbols: int
    max_connections: int
    markets: frozenset[str]
    levels: frozenset[str]
    closed_at: datetime | None = None
    types: frozenset[str] | None = None  # None: all; intervals alike
    intervals: frozenset[str] | None = None
    frozen: tuple[tuple[datetime, datetime | None], ...] = ()
    month_day: int | None = None

    @property
    def until_at(self) -> datetime:
        """Return where it really ends; not after its start for one that was closed before it began."""
        return self.ends_at if self.closed_at is None else min(self.ends_at, self.closed_at)

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.until_at and not any(
            since <= at and (lifted is None or at < lifted) for since, lifted in self.frozen
        )

    def edges(self) -> tuple[datetime, ...]:
        """Return the instants at which what it gives can change; none for one that was closed before it began."""
        if self.until_at <= self.starts_at:
            return ()
        frozen = (edge for stretch in self.frozen for edge in stretch if edge is not None)
        return (self.starts_at, self.until_at, *(edge for edge in frozen if self.starts_at < edge < self.until_at))


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a customer may follow at one instant on one node group."""

    max_subs: int
    max_connections: int
    markets: frozenset[str]
    levels: frozenset[str]
    types: frozenset[str] | None = None  # None: all; intervals alike
    intervals: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time with one entitlement; `until_at` is None for the nothing after the last grant."""

    from_at: datetime
    until_at: datetime | None
    entitlement: Entitlement


NO_ENTITLEMENT = Entitlement(max_subs=0, max_connections=0, markets=frozenset(), levels=frozenset())


def entitlement_at(grants: Iterable[Grant], at: datetime) -> Entitlement:
    """Return what all grants together allow at an instant."""
    covering = [grant for grant in grants if grant.covers(at)]
    return Entitlement(
        max_subs=sum(grant.symbols for grant in covering),
        max_connections=max((grant.max_connections for grant in covering), default=0),
        markets=frozenset[str]().union(*(grant.markets for grant in covering)),
        levels=frozenset[str]().union(*(grant.levels for grant in covering)),
        types=_united(grant.types for grant in covering),
        intervals=_united(grant.intervals for grant in covering),
    )


def _united(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return what some sets have together, where None has everything: one that is not restricted restricts nothing."""
    some = list(sets)
    known = [one for one in some if one is not None]
    return frozenset[str]().union(*known) if known and len(known) == len(some) else None


def last_end(grants: Iterable[Grant]) -> datetime | None:
    """Return when the last of them ends, or None where there is none."""
    return max((grant.until_at for grant in grants if grant.until_at > grant.starts_at), default=None)


def timeline(grants: Iterable[Grant], since: datetime) -> list[Segment]:
    """Return what holds from `since` on, in order: neighbours differ, the last one is nothing and has no end."""
    grants = list(grants)
    edges = [since, *(edge for edge in _edges(grants) if edge > since)]
    merged: list[Segment] = []
    for edge in edges:
        entitlement = entitlement_at(grants, edge)
        if merged and merged[-1].entitlement == entitlement:
            continue
        if merged:
            merged[-1] = Segment(merged[-1].from_at, edge, merged[-1].entitlement)
        merged.append(Segment(edge, None, entitlement))
    return merged


def scope_steps(grants: Iterable[Grant], now: datetime) -> tuple[Step, ...]:
    """Return the same as a token carries it: epoch seconds, the present step first, max_subs 0 last.

    The present step keeps the instant at which it began, so that two scopes made in one step are equal. A grant's
    edges are whole seconds (billing.services cuts them so), therefore nothing is rounded here.
    """
    grants = list(grants)
    edges = _edges(grants)
    if not edges:
        return (NOTHING,)
    steps: list[Step] = []
    for edge in edges:
        step = _step(edge, entitlement_at(grants, edge))
        if not steps or _content(steps[-1]) != _content(step):
            steps.append(step)
    present = max((index for index, step in enumerate(steps) if step.from_s <= now.timestamp()), default=0)
    return tuple(steps[present:])


def _edges(grants: list[Grant]) -> list[datetime]:
    return sorted({edge.astimezone(UTC) for grant in grants for edge in grant.edges()})


def _step(edge: datetime, entitlement: Entitlement) -> Step:
    return Step(
        from_s=int(edge.timestamp()),
        max_subs=entitlement.max_subs,
        max_conns=entitlement.max_connections,
        markets=entitlement.markets,
        levels=entitlement.levels,
        types=entitlement.types,
        intervals=entitlement.intervals,
    )


def _content(step: Step) -> Step:
    return replace(step, from_s=0)
