"""Questions about what was sold and what holds. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Sum

from accounts.models import Customer
from billing.domain import stacking
from billing.domain.months import grant_period
from billing.models import AccessToken, EntitlementRev, GatewayNotice, Grant, Plan, Purchase
from billing.models.catalogue import restricted_intervals, restricted_types
from kernel.scope import Scope
from nodes.domain import placement
from nodes.models import Node, NodeGroup


@dataclass(frozen=True, slots=True)
class Offer:
    """A node as a buyer may see it: `refusal` is None when it can be bought (words: nodes.domain.placement)."""

    node: Node
    refusal: str | None
    room: int
    present: bool  # the buyer has grants on its group


@dataclass(frozen=True, slots=True)
class Preview:
    """What a purchase would change, as if it were settled now."""

    before: list[stacking.Segment]
    after: list[stacking.Segment]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node stands in the shop; `sold` counts sockets."""

    node: Node
    sold: int
    full: bool
    unseen: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The shop in numbers."""

    grants: int  # in force
    symbols: int  # of those grants together
    paid_fen: int  # ever
    purchases_waiting: int
    unmatched: int  # notices of money that granted nothing: a person has to give it back or grant by hand


def grants_of(customer: Customer, group: NodeGroup) -> list[stacking.Grant]:
    """Return all grants of a customer on a group, as the stacking rules take them."""
    rows = Grant.objects.filter(customer=customer, group=group).select_related("closure")
    return [grant.as_value() for grant in rows]


def entitlement(customer: Customer, group: NodeGroup, at: datetime) -> stacking.Entitlement:
    """Return what a customer may follow on a group at an instant."""
    return stacking.entitlement_at(grants_of(customer, group), at)


def timeline(customer: Customer, group: NodeGroup, since: datetime) -> list[stacking.Segment]:
    """Return what a customer may follow from `since` on."""
    return stacking.timeline(grants_of(customer, group), since)


def last_end(customer: Customer, group: NodeGroup) -> datetime | None:
    """Return when a customer's last grant on a group ends, or None where there never was one."""
    return stacking.last_end(grants_of(customer, group))


def groups_of(customer: Customer) -> list[NodeGroup]:
    """Return the groups on which a customer ever had a grant, the newest first."""
    newest: dict[int, NodeGroup] = {}
    for grant in Grant.objects.filter(customer=customer).select_related("group").order_by("-id"):
        newest.setdefault(grant.group_id, grant.group)
    return list(newest.values())


def scope(customer: Customer, group: NodeGroup, now: datetime) -> Scope:
    """Return the newest scope: rev first, so that a change in between is announced again rather than lost."""
    rev = EntitlementRev.objects.filter(customer=customer, group=group).values_list("rev", flat=True).first() or 0
    # Asked anew: the caller's copy may be older than a deactivation that has just been committed.
    active = Customer.objects.filter(pk=customer.pk, is_active=True).exists()
    return _scope(customer, group, rev, grants_of(customer, group), now, active=active)


def scopes(revs: Iterable[EntitlementRev], now: datetime) -> list[Scope]:
    """Return the scopes of many (customer, group) pairs with one question for all grants."""
    revs = list(revs)
    found: dict[tuple[int, int], list[stacking.Grant]] = {(rev.customer_id, rev.group_id): [] for rev in revs}
    customers = {rev.customer_id for rev in revs}
    for grant in Grant.objects.filter(customer__in=customers).select_related("closure"):
        if (key := (grant.customer_id, grant.group_id)) in found:
            found[key].append(grant.as_value())
    return [
        _scope(
            rev.customer, rev.group, rev.rev, found[rev.customer_id, rev.group_id], now, active=rev.customer.is_active
        )
        for rev in revs
    ]


def _scope(
    customer: Customer, group: NodeGroup, rev: int, grants: list[stacking.Grant], now: datetime, *, active: bool
) -> Scope:
    steps = stacking.scope_steps(grants if active else [], now)
    return Scope(customer=customer.public_id, group=group.slug, rev=rev, steps=steps, active=active)


def rt_receiver_of(group: NodeGroup) -> Node | None:
    """Return the group's node that wants tokens as rt-receiver has them, if there is one; our own take both."""
    wants = Node.objects.filter(group=group, token_kind=Node.TokenKind.RT_RECEIVER)
    return wants.exclude(state=Node.State.RETIRED).order_by("slug").first()


def serving_node(node: Node) -> Node:
    """Return a node that takes connections: this one, or the first other of its group where it drains or is retired.

    The node itself where the group has none.
    """
    if node.state == Node.State.ACTIVE:
        return node
    others = Node.objects.filter(group=node.group_id, state=Node.State.ACTIVE).select_related("group")
    return others.order_by("slug").first() or node


def current_token(customer: Customer, group: NodeGroup) -> AccessToken | None:
    """Return the one token that is neither rotated nor revoked, if there is one."""
    return AccessToken.objects.filter(customer=customer, group=group, works_until_at=None, revoked_at=None).first()


def working_tokens(customer: Customer, group: NodeGroup, now: datetime) -> list[AccessToken]:
    """Return the tokens that open sockets now: the current one and those rotated less than a day ago."""
    unrevoked = AccessToken.objects.filter(customer=customer, group=group, revoked_at=None, expires_at__gt=now)
    return list(unrevoked.filter(Q(works_until_at=None) | Q(works_until_at__gt=now)))


def chain_tail(grant: Grant) -> Grant:
    """Return the last grant of the chain that a grant belongs to."""
    tail = grant
    while (later := Grant.objects.filter(extends=tail).select_related("closure").first()) is not None:
        tail = later
    return tail


def chain_tails(customer: Customer, *, now: datetime, group: NodeGroup | None = None) -> list[Grant]:
    """Return the grants that an extension can name: the ends of chains that have not run out, soonest end first."""
    rows = Grant.objects.filter(customer=customer, extended_by=None, ends_at__gt=now)
    if group is not None:
        rows = rows.filter(group=group)
    rows = rows.select_related("closure", "group", "purchase__plan", "purchase__node").order_by("ends_at", "id")
    return [row for row in rows if row.as_value().until_at > now]


def preview(
    *, customer: Customer | None, plan: Plan, group: NodeGroup, months: int, extends: Grant | None, now: datetime
) -> Preview:
    """Return the timeline before and after a purchase, as if it were paid now."""
    before = grants_of(customer, group) if customer is not None else []
    chain_end = chain_tail(extends).as_value().until_at if extends is not None else None
    starts_at, ends_at = grant_period(settled_at=now, months=months, chain_end_at=chain_end)
    source: Plan | Grant = extends or plan
    bought = stacking.Grant(
        starts_at=starts_at,
        ends_at=ends_at,
        symbols=source.symbols,
        max_connections=source.max_connections,
        markets=frozenset(source.markets),
        levels=frozenset(source.levels),
        types=restricted_types(source.types),
        intervals=restricted_intervals(source.intervals),
    )
    # A grant begins on a whole second; looking from there, "now" has it already.
    since = min(now, starts_at)
    return Preview(
        before=stacking.timeline(before, since),
        after=stacking.timeline([*before, bought], since),
        starts_at=starts_at,
        ends_at=ends_at,
    )


def plans_on_sale() -> list[Plan]:
    """Return the price list as buyers see it."""
    return list(Plan.objects.filter(on_sale=True))


def purchases_of(customer: Customer) -> list[Purchase]:
    """Return a customer's purchases, newest first."""
    return list(Purchase.objects.filter(customer=customer).select_related("plan", "node", "group", "grant"))


def sockets_held(now: datetime) -> list[placement.SocketsHeld]:
    """Return what counts against nodes' capacity: grants that have not ended, and purchases that hold their place."""
    grants = Grant.objects.filter(ends_at__gt=now).exclude(closure__closed_at__lte=now)
    pending = Purchase.objects.filter(state=Purchase.State.PENDING, price_until_at__gt=now)
    rows = [
        *grants.values_list("purchase__node__slug", "customer_id", "max_connections"),
        *pending.values_list("node__slug", "customer_id", "max_connections"),
    ]
    return [placement.SocketsHeld(node=node, customer=customer, sockets=sockets) for node, customer, sockets in rows]


def can_be_paid(purchase: Purchase, now: datetime) -> bool:
    """Tell whether a purchase still waits for its payment, at the price that was shown."""
    return purchase.state == Purchase.State.PENDING and purchase.price_until_at > now


def offers(*, plan: Plan, customer: Customer | None, now: datetime) -> list[Offer]:
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


def standing(node: Node, held: list[placement.SocketsHeld], now: datetime) -> Standing:
    """Return how a node stands, `held` being what sockets_held returns."""
    room = placement.room(candidate(node), held)
    unseen = placement.is_unseen(node.last_seen_at, now)
    return Standing(node=node, sold=node.capacity - room, full=room <= 0, unseen=unseen)


def figures(now: datetime) -> Figures:
    """Count what is in force, was paid and waits."""
    live = Grant.objects.filter(starts_at__lte=now, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    paid = Purchase.objects.filter(state=Purchase.State.SETTLED).aggregate(total=Sum("paid_fen"))["total"]
    outcome = GatewayNotice.Outcome
    odd = GatewayNotice.objects.filter(outcome__in=[outcome.AMOUNT_MISMATCH, outcome.UNKNOWN_PURCHASE])
    return Figures(
        grants=live.count(),
        symbols=live.aggregate(total=Sum("symbols"))["total"] or 0,
        paid_fen=paid or 0,
        purchases_waiting=Purchase.objects.filter(state=Purchase.State.PENDING).count(),
        unmatched=odd.exclude(purchase__state=Purchase.State.SETTLED).count(),
    )


def revoked_tokens(now: datetime) -> list[AccessToken]:
    """Return the tokens that somebody could still show although they were rotated or revoked."""
    ended = Q(works_until_at__isnull=False) | Q(revoked_at__isnull=False)
    return list(AccessToken.objects.filter(ended, expires_at__gt=now).select_related("group", "customer"))


def _wanted(plan: Plan, customer: Customer | None) -> placement.Wanted:
    return placement.Wanted(
        markets=frozenset(plan.markets),
        levels=frozenset(plan.levels),
        sockets=plan.max_connections,
        customer=customer.pk if customer is not None else None,
    )
