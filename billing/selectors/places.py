"""Where a purchase finds its place: what nodes hold, what unpaid orders hold of it, and what can be offered."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Customer
from billing.models import Grant, Plan, PlanVersion, Purchase
from nodes.domain import placement
from nodes.models import Node

HELD_BY_A_CUSTOMER = 2  # unpaid orders that hold places on nodes
HELD_FROM_AN_ADDRESS = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A node as a buyer may see it: `refusal` is None when it can be bought (words: nodes.domain.placement)."""

    node: Node
    refusal: str | None
    room: int
    present: bool  # the buyer has grants on its group


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node stands in the shop; `sold` counts sockets."""

    node: Node
    sold: int
    full: bool
    unseen: bool


@dataclass(frozen=True, slots=True)
class _Holding:
    """An unpaid purchase that holds its place, and what it holds."""

    purchase: int
    held: placement.SocketsHeld


def sockets_held(now: datetime) -> list[placement.SocketsHeld]:
    """Return what counts against nodes' capacity: grants that have not ended, and purchases that hold their place."""
    grants = Grant.objects.filter(ends_at__gt=now).exclude(closure__closed_at__lte=now)
    rows = [
        *grants.values_list("purchase__node__slug", "customer_id", "max_connections"),
        *((one.held.node, one.held.customer, one.held.sockets) for one in _holding(now)),
    ]
    return [placement.SocketsHeld(node=node, customer=customer, sockets=sockets) for node, customer, sockets in rows]


def _holding(now: datetime) -> list[_Holding]:
    """Return the unpaid orders that hold their place: the newest of a customer, and the newest few of an address.

    Whoever never pays would else keep a node from everybody. An order beyond these can be paid as well, as long as
    there is room when the money comes.
    """
    pending = Purchase.objects.filter(state=Purchase.State.PENDING, price_until_at__gt=now)
    rows = pending.order_by("-placed_at", "-pk").values_list(
        "pk", "placed_from", "node__slug", "customer_id", "max_connections"
    )
    customers, addresses = Counter[int](), Counter[str]()
    holding = []
    for pk, address, node, customer, sockets in rows:
        customers[customer] += 1
        if address is not None:
            addresses[address] += 1
        free = address is None or addresses[address] <= HELD_FROM_AN_ADDRESS
        if customers[customer] <= HELD_BY_A_CUSTOMER and free:
            holding.append(_Holding(pk, placement.SocketsHeld(node=node, customer=customer, sockets=sockets)))
    return holding


def can_be_paid(purchase: Purchase, now: datetime) -> bool:
    """Tell whether a purchase still waits for its payment, at the price that was shown."""
    return purchase.state == Purchase.State.PENDING and purchase.price_until_at > now


def ordered_since(customer: Customer, at: datetime) -> bool:
    """Tell whether a customer has placed an order since an instant that is paid, or may still be."""
    alive = (Purchase.State.PENDING, Purchase.State.SETTLED)
    return Purchase.objects.filter(customer=customer, placed_at__gte=at, state__in=alive).exists()


def offers(*, plan: Plan | PlanVersion, customer: Customer | None, now: datetime) -> list[Offer]:
    """Return every node that is in the shop with why a plan can't be bought on it, the buyer's own group first."""
    held = sockets_held(now)
    present = set()
    if customer is not None:
        live = Grant.objects.filter(customer=customer, ends_at__gt=now).exclude(closure__closed_at__lte=now)
        present = set(live.values_list("group_id", flat=True))
    nodes = Node.objects.exclude(state=Node.State.RETIRED).select_related("group")
    found = [
        Offer(
            node=node,
            refusal=placement.refusal(candidate(node), _wanted(plan, customer), held, now),
            room=placement.room(candidate(node), held),
            present=node.group_id in present,
        )
        for node in nodes
    ]
    return sorted(found, key=lambda offer: (not offer.present, offer.node.slug))


def candidate(node: Node) -> placement.Candidate:
    """Return what placement must know of a node."""
    return placement.Candidate(
        slug=node.slug,
        markets=frozenset(node.markets),
        levels=frozenset(node.levels),
        realtime=node.realtime and node.reports_realtime,
        active=node.state == Node.State.ACTIVE,
        capacity=node.capacity,
        last_seen_at=node.last_seen_at,
    )


def has_room(purchase: Purchase, now: datetime) -> bool:
    """Tell whether a purchase that is paid now has its place: held until its price expired, then if there is one left.

    Only a full node counts: one that is silent or drains for a moment is still what was bought.
    """
    if can_be_paid(purchase, now) and any(one.purchase == purchase.pk for one in _holding(now)):
        return True
    wanted = placement.Wanted(
        markets=frozenset(), levels=frozenset(), sockets=purchase.max_connections, customer=purchase.customer_id
    )
    node = candidate(purchase.node)
    sold = sockets_held(now)
    return placement.more_sockets(node.slug, wanted, sold) <= placement.room(node, sold)


def standing(node: Node, held: list[placement.SocketsHeld], now: datetime) -> Standing:
    """Return how a node stands, `held` being what sockets_held returns."""
    room = placement.room(candidate(node), held)
    unseen = placement.is_unseen(node.last_seen_at, now)
    return Standing(node=node, sold=node.capacity - room, full=room <= 0, unseen=unseen)


def _wanted(plan: Plan | PlanVersion, customer: Customer | None) -> placement.Wanted:
    return placement.Wanted(
        markets=frozenset(plan.markets),
        levels=frozenset(plan.levels),
        sockets=plan.max_connections,
        customer=customer.pk if customer is not None else None,
    )
