"""Which nodes a plan can be sold on.

The unit of capacity is the socket sold: a customer counts on a node with the largest number of sockets among the
grants bought there, because grants add up in symbols and not in sockets.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

SEEN_WITHIN = timedelta(seconds=60)  # the poller asks each 10 s: six misses in a row


@dataclass(frozen=True, slots=True)
class Candidate:
    """What placement must know of a node."""

    slug: str
    markets: frozenset[str]
    levels: frozenset[str]
    realtime: bool
    active: bool
    capacity: int
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class SocketsHeld:
    """Sockets of one customer on one node: a grant that has not ended, or a purchase that holds its place."""

    node: str
    customer: int
    sockets: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a purchase needs of its node."""

    markets: frozenset[str]
    levels: frozenset[str]
    sockets: int
    customer: int | None  # None: somebody who has not logged in


def sockets_sold(held: Iterable[SocketsHeld]) -> dict[str, int]:
    """Return the sockets sold per node."""
    totals: dict[str, int] = defaultdict(int)
    for (node, _), sockets in _largest(held).items():
        totals[node] += sockets
    return dict(totals)


def refusal(node: Candidate, wanted: Wanted, held: Iterable[SocketsHeld], now: datetime) -> str | None:
    """Return why this node can't be offered, as a stable word, or None when it can.

    The words, in the order of their weight: not_active, not_realtime, market, level, unseen, full.
    """
    held = list(held)
    if not node.active:
        return "not_active"
    if not node.realtime:
        return "not_realtime"
    if not wanted.markets <= node.markets:
        return "market"
    if not wanted.levels <= node.levels:
        return "level"
    if is_unseen(node.last_seen_at, now):
        return "unseen"
    if more_sockets(node.slug, wanted, held) > room(node, held):
        return "full"
    return None


def room(node: Candidate, held: Iterable[SocketsHeld]) -> int:
    """Return how many more sockets can be sold; below 0 when an admin has lowered the capacity."""
    return node.capacity - sockets_sold(held).get(node.slug, 0)


def is_unseen(last_seen_at: datetime | None, now: datetime) -> bool:
    """Tell whether a node's last sign of life is too old to sell it."""
    return last_seen_at is None or now - last_seen_at > SEEN_WITHIN


def more_sockets(node: str, wanted: Wanted, held: Iterable[SocketsHeld]) -> int:
    """Return how many sockets somebody needs beyond those that are already counted for them on a node."""
    has = _largest(held).get((node, wanted.customer), 0) if wanted.customer is not None else 0
    return max(0, wanted.sockets - has)


def _largest(held: Iterable[SocketsHeld]) -> dict[tuple[str, int | None], int]:
    largest: dict[tuple[str, int | None], int] = defaultdict(int)
    for one in held:
        key = (one.node, one.customer)
        largest[key] = max(largest[key], one.sockets)
    return largest
