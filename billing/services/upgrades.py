"""What an upgrade takes the place of, and what of its cash is unused."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.models import Customer
from billing import selectors
from billing.domain import stacking
from billing.domain.months import SHANGHAI, Chain
from billing.domain.stacking import Grant as GrantValue
from billing.domain.upgrades import PaidTime, UpgradeCost, upgrade_cost
from billing.errors import NotThatGrant, UpgradeRefused
from billing.gateways.protocol import FactKind
from billing.models import Dispute, Grant, GrantClosure, PaymentFact, PlanVersion, Purchase
from billing.models.catalogue import as_grant, restricted_intervals, restricted_types
from nodes.models import NodeGroup


@dataclass(frozen=True, slots=True)
class Replaced:
    """The grants that an upgrade closes, the present one first, and up to when they are paid for.

    `day` is the day of the month on which their months begin, where that is not the end's.
    """

    grants: tuple[Grant, ...]
    ends_at: datetime
    day: int | None


def replaced_by(terms: PlanVersion, *, customer: Customer, grant_id: int, with_later: bool, now: datetime) -> Replaced:
    """Return what an upgrade to some terms takes the place of, if it were settled now.

    Args:
        grant_id: the one in force that is upgraded.
        with_later: what extends it without a gap goes with it; without it, those stay as they are.

    Raises:
        NotThatGrant: it is not the customer's.
        UpgradeRefused: it is not in force, ends early or is disputed, or the terms lack something that it has.
    """
    rows = Grant.objects.select_related("group", "purchase__plan", "purchase__plan_version")
    grant = rows.filter(pk=grant_id, customer=customer).first()
    if grant is None:
        raise NotThatGrant(grant=grant_id)
    chain = selectors.chain_of(grant)
    place = chain.index(grant)
    links = [chain[place]]
    if not links[0].as_value().covers(now):
        raise UpgradeRefused("only a pack that is in force can be upgraded", grant=grant.pk)
    for later in chain[place + 1 :] if with_later else ():
        value = later.as_value()
        if value.until_at <= value.starts_at:  # closed before it began
            continue
        if later.starts_at != links[-1].ends_at:
            break
        links.append(later)
    for link in links:
        _refuse_bound(link)
        _refuse_less(terms, link.as_value())
    paid_for = Chain.of(one.as_value() for one in chain[: chain.index(links[-1]) + 1])
    assert paid_for is not None  # its first one is in force
    return Replaced(tuple(links), links[-1].ends_at, paid_for.month_day)


def later_links(grant: Grant, now: datetime) -> list[Grant]:
    """Return what extends a grant and has not ended or been closed."""
    chain = selectors.chain_of(grant)
    behind = chain[chain.index(grant) + 1 :]
    return [one for one in behind if one.as_value().until_at > max(now, one.starts_at)]


def preview(
    customer: Customer, terms: PlanVersion, replaced: Replaced, due_fen: int, *, now: datetime
) -> selectors.Preview:
    """Return the timeline before and after an upgrade, as if it were paid now."""
    at, group = now.replace(microsecond=0), replaced.grants[0].group
    bought = as_grant(terms, at, replaced.ends_at)
    return selectors.Preview(
        before=stacking.timeline(selectors.grants_of(customer, group), at),
        after=stacking.timeline([*kept(customer, group, replaced, now), bought], at),
        starts_at=at,
        ends_at=replaced.ends_at,
        due_fen=due_fen,
    )


def kept(customer: Customer, group: NodeGroup, replaced: Replaced | None, now: datetime) -> list[GrantValue]:
    """Return what a customer has on a group once an upgrade is settled, without it: what it replaces ends now."""
    gone = {grant.pk for grant in replaced.grants} if replaced is not None else set()
    rows = Grant.objects.filter(customer=customer, group=group).select_related("closure").prefetch_related("freezes")
    at = now.replace(microsecond=0)
    return [replace(row.as_value(), closed_at=at) if row.pk in gone else row.as_value() for row in rows]


def cost(terms: PlanVersion, replaced: Replaced, at: datetime) -> UpgradeCost:
    """Return what terms cost for what they replace, from an instant on."""
    paid = [time for grant in replaced.grants for time in paid_times(grant)]
    return upgrade_cost(price_fen=terms.price_fen, at=at, ends_at=replaced.ends_at, day=replaced.day, paid=paid)


def paid_times(grant: Grant) -> Iterator[PaidTime]:
    """Yield the cash that a grant stands on, and the stretches of time that it was paid for.

    What went back or is disputed is none, and what was given away yields nothing.
    """
    for one in lineage(grant):
        closure = GrantClosure.objects.filter(grant=one, replaced_by=None).first()
        until = min(one.ends_at, closure.closed_at) if closure is not None else one.ends_at
        if until > one.starts_at and (cash := net_cash_fen(one.purchase)) > 0:
            yield PaidTime(cash, one.starts_at, until, day_of(one) if until == one.ends_at else None)


def lineage(grant: Grant) -> Iterator[Grant]:
    """Yield a grant and what it stands on: what an upgrade replaced, and what was given back after its refund."""
    yield grant
    purchase = grant.purchase
    if purchase.kind == Purchase.Kind.UPGRADE:
        for closed in GrantClosure.objects.filter(replaced_by=purchase).select_related("grant__purchase"):
            yield from lineage(closed.grant)
    elif purchase.replaces is not None:
        yield from lineage(purchase.replaces)


def net_cash_fen(purchase: Purchase) -> int:
    """Return what was paid for a purchase and has stayed: refunds that are decided and disputes count against it."""
    paid = PaymentFact.objects.filter(kind=FactKind.PAID)
    own = paid.filter(purchase=purchase, outcome=PaymentFact.Outcome.SETTLED)
    used = paid.filter(suspense__used_for=purchase)
    kept = 0
    for fact in [*own, *used]:
        if Dispute.objects.filter(payment=fact).exclude(state=Dispute.State.WON).exists():
            continue
        kept += selectors.kept_fen(fact)
    return kept


def day_of(grant: Grant) -> int | None:
    """Return the day on which a grant's months begin, where its end is such a day."""
    root = selectors.chain_of(grant)[0]
    day = root.month_day or root.starts_at.astimezone(SHANGHAI).day
    return Chain(grant.ends_at, day).month_day


def _refuse_bound(grant: Grant) -> None:
    value = grant.as_value()
    if value.closed_at is not None or any(lifted is None for _, lifted in value.frozen):
        raise UpgradeRefused("this pack was ended early, or its payment is disputed", grant=grant.pk)


def _refuse_less(terms: PlanVersion, has: GrantValue) -> None:
    """Adding something never lowers what a customer has; a smaller pack can be bought behind the end of a chain."""
    types, intervals = restricted_types(terms.types), restricted_intervals(terms.intervals)
    enough = (
        terms.symbols > has.symbols
        and terms.max_connections >= has.max_connections
        and frozenset(terms.markets) >= has.markets
        and frozenset(terms.levels) >= has.levels
        and (types is None or (has.types is not None and types >= has.types))
        and (intervals is None or (has.intervals is not None and intervals >= has.intervals))
    )
    if not enough:
        raise UpgradeRefused(
            f"{terms.plan.slug} is no larger than what you have: an upgrade has more symbols and lacks nothing",
            plan=terms.plan.slug,
        )
