"""Questions about what was sold and what holds. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet, Sum
from django.utils.timezone import localdate

from accounts.models import Customer
from billing.domain import ledger, stacking
from billing.domain.months import Chain, grant_period
from billing.domain.pricing import due_fen, yuan
from billing.models import (
    AccessToken,
    Commission,
    EntitlementRev,
    Grant,
    GrantClosure,
    LedgerBalance,
    LedgerLine,
    PaymentFact,
    Plan,
    PlanVersion,
    Prepayment,
    Purchase,
    Refund,
    TermDiscount,
)
from billing.models.catalogue import as_grant
from billing.selectors.places import Offer as Offer
from billing.selectors.places import Standing as Standing
from billing.selectors.places import can_be_paid as can_be_paid
from billing.selectors.places import candidate as candidate
from billing.selectors.places import has_room as has_room
from billing.selectors.places import offers as offers
from billing.selectors.places import ordered_since as ordered_since
from billing.selectors.places import sockets_held as sockets_held
from billing.selectors.places import standing as standing
from kernel.scope import Scope
from nodes import selectors as node_selectors
from nodes.models import Node, NodeGroup

PURCHASES_LISTED = 50  # on one page


@dataclass(frozen=True, slots=True)
class Preview:
    """What a purchase would change, as if it were settled now."""

    before: list[stacking.Segment]
    after: list[stacking.Segment]
    starts_at: datetime
    ends_at: datetime
    due_fen: int

    @property
    def due(self) -> str:
        """Return what it costs in CNY, as people write it."""
        return yuan(self.due_fen)


def grants_of(customer: Customer, group: NodeGroup) -> list[stacking.Grant]:
    """Return all grants of a customer on a group, as the stacking rules take them."""
    rows = Grant.objects.filter(customer=customer, group=group).select_related("closure").prefetch_related("freezes")
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
    for grant in Grant.objects.filter(customer__in=customers).select_related("closure").prefetch_related("freezes"):
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
    """Return the first of the tokens that are neither rotated nor revoked, which pages show; None without one."""
    return next(iter(current_tokens(customer, group)), None)


def current_tokens(customer: Customer, group: NodeGroup) -> list[AccessToken]:
    """Return the tokens that are neither rotated nor revoked: what follows everything first, then the main one."""
    rows = AccessToken.objects.filter(customer=customer, group=group, works_until_at=None, revoked_at=None)
    return sorted(rows.select_related("customer", "group"), key=in_order)


def in_order(token: AccessToken) -> tuple[bool, bool, int]:
    """Return what a customer's tokens are sorted by."""
    return bool(token.symbols), token.name != "", token.pk


def working_tokens(customer: Customer, group: NodeGroup, now: datetime) -> list[AccessToken]:
    """Return the tokens that open sockets now: the current one and those rotated less than a day ago."""
    unrevoked = AccessToken.objects.filter(customer=customer, group=group, revoked_at=None, expires_at__gt=now)
    return list(unrevoked.filter(Q(works_until_at=None) | Q(works_until_at__gt=now)))


def chain_of(grant: Grant | None) -> list[Grant]:
    """Return the grants of the chain that a grant belongs to, in the order in which each extends the one before."""
    if grant is None:
        return []
    rows = Grant.objects.filter(customer=grant.customer_id, group=grant.group_id).select_related("closure")
    rows = rows.prefetch_related("freezes")
    return next(chain for chain in chains_of(rows) if grant in chain)


def period_behind(chain: Iterable[Grant], *, months: int, now: datetime) -> tuple[datetime, datetime]:
    """Return the period that so many months buy now, behind what a chain has paid for; of no chain, from now on."""
    return grant_period(settled_at=now, months=months, chain=Chain.of(grant.as_value() for grant in chain))


def chain_end(grant: Grant) -> datetime | None:
    """Return up to when the chain of a grant is paid for, or None where nothing of it was ever in force."""
    chain = Chain.of(one.as_value() for one in chain_of(grant))
    return chain.end_at if chain is not None else None


def has_something(customer: Customer, now: datetime) -> bool:
    """Tell whether a customer has a grant, on any group, that has not ended."""
    return Grant.objects.filter(customer=customer, ends_at__gt=now).exclude(closure__closed_at__lte=now).exists()


def chain_tails(customer: Customer, *, now: datetime, group: NodeGroup | None = None) -> list[Grant]:
    """Return the grants that an extension can name: the last of chains that have not run out, soonest end first."""
    rows = Grant.objects.filter(customer=customer)
    if group is not None:
        rows = rows.filter(group=group)
    found = []
    rows = rows.select_related("closure", "group", "purchase__plan", "purchase__node", "purchase__plan_version")
    for chain in chains_of(rows.prefetch_related("freezes")):
        paid = Chain.of(one.as_value() for one in chain)
        if paid is not None and paid.end_at > now:
            chain[-1].chain_ends_at, chain[-1].chain_root_id = paid.end_at, chain[0].pk
            found.append((paid.end_at, chain[-1].pk, chain[-1]))
    return [tail for _, _, tail in sorted(found, key=lambda one: one[:2])]


def chains_of(grants: Iterable[Grant]) -> list[list[Grant]]:
    """Sort all grants of a customer and group into chains, each in the order in which one extends the one before."""
    rows = list(grants)
    following = {row.extends_id: row for row in rows if row.extends_id is not None}
    chains = []
    for first in rows:
        if first.extends_id is not None:
            continue
        chain = [first]
        while (later := following.get(chain[-1].pk)) is not None:
            chain.append(later)
        chains.append(chain)
    return chains


def preview(
    *, customer: Customer | None, plan: Plan, group: NodeGroup, months: int, extends: Grant | None, now: datetime
) -> Preview:
    """Return the timeline before and after a purchase, as if it were paid now; an extension has its own terms."""
    before = grants_of(customer, group) if customer is not None else []
    starts_at, ends_at = period_behind(chain_of(extends), months=months, now=now)
    terms: Plan | PlanVersion = extends.purchase.plan_version if extends is not None else plan
    bought = as_grant(terms, starts_at, ends_at)
    # A grant begins on a whole second; looking from there, "now" has it already.
    since = min(now, starts_at)
    return Preview(
        before=stacking.timeline(before, since),
        after=stacking.timeline([*before, bought], since),
        starts_at=starts_at,
        ends_at=ends_at,
        due_fen=due_fen(price_fen=terms.price_fen, months=months),
    )


def grants_in_force(customer: Customer, group: NodeGroup, now: datetime) -> list[Grant]:
    """Return a customer's grants that give something now, the one that ends first at the front."""
    rows = Grant.objects.filter(customer=customer, group=group, starts_at__lte=now, ends_at__gt=now)
    rows = rows.select_related("closure", "purchase__plan").prefetch_related("freezes").order_by("ends_at", "pk")
    return [grant for grant in rows if grant.as_value().covers(now)]


def live_grant(grant: Grant) -> Grant:
    """Return the grant that what a purchase gave goes on in: itself, or what upgrades have replaced it by."""
    rows = GrantClosure.objects.select_related("replaced_by__grant__group", "replaced_by__grant__purchase")
    while (closure := rows.filter(grant=grant, replaced_by__isnull=False).first()) is not None:
        assert closure.replaced_by is not None
        grant = closure.replaced_by.grant
    return grant


def kept_fen(payment: PaymentFact) -> int:
    """Return what of a payment has stayed: less what was decided to go back, sent or not."""
    back = Refund.objects.filter(payment=payment).exclude(state__in=[Refund.State.ASKED, Refund.State.WITHDRAWN])
    return payment.amount_fen - (back.aggregate(total=Sum("amount_fen"))["total"] or 0)


def balance_fen(customer: Customer) -> int:
    """Return a customer's money with the shop, without what unpaid orders have reserved of it."""
    code = ledger.account("balance", customer.public_id)
    return LedgerBalance.objects.filter(account__code=code).values_list("balance_fen", flat=True).first() or 0


def balance_lines(customer: Customer) -> QuerySet[LedgerLine]:
    """Return what moved a customer's balance, the newest first; a credit (what came in) is negative."""
    code = ledger.account("balance", customer.public_id)
    lines = LedgerLine.objects.filter(account__code=code).select_related("entry", "account")
    return lines.order_by("-id")


def commission_held_fen(customer: Customer) -> int:
    """Return what a customer has earned by invitations and does not have yet, in fen."""
    held = Commission.objects.filter(inviter=customer, state=Commission.State.HELD)
    return int(held.aggregate(sum=Sum("amount_fen"))["sum"] or 0)


def prepayments_of(customer: Customer) -> QuerySet[Prepayment]:
    """Return a customer's orders for the balance and for gift codes, the newest first."""
    rows = Prepayment.objects.filter(customer=customer).select_related("plan_version__plan", "gift")
    return rows.order_by("-id")


def term_discount(plan: Plan, months: int) -> int:
    """Return the percentage off for so many months of a plan: the largest that fits; 0 without one."""
    fitting = TermDiscount.objects.filter(Q(plan=plan) | Q(plan=None), months__lte=months)
    return fitting.aggregate(most=Max("percent"))["most"] or 0


def plans_on_sale() -> list[Plan]:
    """Return the price list as buyers see it."""
    return list(Plan.objects.filter(on_sale=True))


def plans_to_renew(customer: Customer | None, now: datetime) -> list[Plan]:
    """Return the plans that are off sale and that a customer can extend, since what was bought is renewable."""
    if customer is None:
        return []
    tails = [tail for tail in chain_tails(customer, now=now) if not tail.purchase.plan.on_sale]
    return list({tail.purchase.plan for tail in tails if tail.purchase.plan_version.renewable(now)})


def not_sold_at_present(markets: Iterable[str], now: datetime) -> list[str]:
    """Return those of some markets whose data may not be sold now, sorted."""
    return sorted(frozenset(markets) & node_selectors.markets_not_sold(localdate(now)))


def plans_held_back(plans: Iterable[Plan], now: datetime) -> frozenset[str]:
    """Return the slugs of those plans that cannot be bought now, since data of their markets is not licensed."""
    held = node_selectors.markets_not_sold(localdate(now))
    return frozenset(plan.slug for plan in plans if held & frozenset(plan.markets))


def purchases_of(customer: Customer, *, before: str = "") -> tuple[list[Purchase], str]:
    """Return a page of a customer's purchases, newest first, and the number to ask the next page with; "" at the end.

    Args:
        before: the number of a purchase: those that were placed before it; what is none of theirs begins anew.
    """
    rows = Purchase.objects.filter(customer=customer).order_by("-placed_at", "-pk")
    last = Purchase.objects.filter(customer=customer, public_id=before).first() if before else None
    if last is not None:
        rows = rows.filter(Q(placed_at__lt=last.placed_at) | Q(placed_at=last.placed_at, pk__lt=last.pk))
    found = list(rows.select_related("plan", "node", "group", "grant")[: PURCHASES_LISTED + 1])
    page = found[:PURCHASES_LISTED]
    return page, page[-1].public_id if len(found) > PURCHASES_LISTED else ""


def every_purchase_of(customer: Customer) -> list[Purchase]:
    """Return all purchases of a customer, newest first."""
    rows = Purchase.objects.filter(customer=customer).select_related("plan", "node", "grant")
    return list(rows.order_by("-placed_at", "-pk"))


def grant_of(purchase: Purchase) -> Grant | None:
    """Return what a purchase gave; it should have been selected with it."""
    try:
        return purchase.grant
    except Grant.DoesNotExist:
        return None


def revoked_tokens(now: datetime) -> list[AccessToken]:
    """Return the tokens that somebody could still show although they were rotated or revoked."""
    ended = Q(works_until_at__isnull=False) | Q(revoked_at__isnull=False)
    return list(AccessToken.objects.filter(ended, expires_at__gt=now).select_related("group", "customer"))
