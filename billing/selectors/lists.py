"""What a customer has of each kind, page by page, newest first; and what a plan's longer terms save.

A page begins behind the row whose key the page before ended with: what is added meanwhile moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.models import Customer
from billing.domain import ledger, stacking
from billing.models import AutoRenewal, Grant, LedgerLine, PaymentFact, Plan, Prepayment, Purchase, TermDiscount

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """Rows, and the key that the next page begins behind; None at the end."""

    rows: Sequence[_Row]
    before: int | None


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last grant of a chain that has not run out, up to when it is paid for, and what of it renews by itself."""

    tail: Grant
    ends_at: datetime
    renewal: AutoRenewal | None


def page(rows: QuerySet[_Row], *, before: int | None, most: int) -> Page[_Row]:
    """Return so many rows behind a key, in the order of keys downwards."""
    rows = rows.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: most + 1])
    return Page(found[:most], found[most - 1].pk if len(found) > most else None)


def purchases(customer: Customer) -> QuerySet[Purchase]:
    """Return a customer's purchases with what shows them."""
    rows = Purchase.objects.filter(customer=customer)
    return rows.select_related("plan", "node", "group", "grant__closure", "coupon_use__coupon")


def paid_purchases(customer: Customer) -> QuerySet[Purchase]:
    """Return those for which something was paid."""
    return purchases(customer).filter(state=Purchase.State.SETTLED, paid_fen__gt=0)


def prepayments(customer: Customer, kind: str) -> QuerySet[Prepayment]:
    """Return a customer's orders for money in the balance, or for gift codes."""
    return Prepayment.objects.filter(customer=customer, kind=kind).select_related("plan_version__plan", "gift")


def balance_lines(customer: Customer) -> QuerySet[LedgerLine]:
    """Return what was put into a customer's balance and taken out of it."""
    code = ledger.account("balance", customer.public_id)
    return LedgerLine.objects.filter(account__code=code).select_related("entry")


def orders_of_lines(lines: Sequence[LedgerLine]) -> dict[int, str]:
    """Return the number of the order that each line is about, by the line's key; those without one are absent."""
    found: dict[int, str] = {}
    paid: dict[tuple[str, str], int] = {}
    for line in lines:
        first, _, rest = line.entry.source.partition(":")
        if line.entry.kind in ("reserved", "released"):
            found[line.pk] = first
        elif line.entry.kind == "payment":
            paid[first, rest] = line.pk
    facts = PaymentFact.objects.filter(reference__in=[reference for _, reference in paid], prepayment__isnull=False)
    for provider, reference, number in facts.values_list("provider", "reference", "prepayment__public_id"):
        if (pk := paid.get((provider, reference))) is not None:
            found[pk] = number
    return found


def present_grants(customer: Customer, now: datetime) -> list[Grant]:
    """Return a customer's grants that give something now or later, in the order in which they begin."""
    rows = Grant.objects.filter(customer=customer, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    rows = rows.select_related("closure", "group", "purchase__plan", "purchase__node").prefetch_related("freezes")
    return [grant for grant in rows.order_by("starts_at", "pk") if _gives(grant.as_value(), now)]


def chain_ends(customer: Customer, tails: Sequence[Grant]) -> list[ChainEnd]:
    """Return the ends of chains (`selectors.chain_tails`) with what was chosen for each."""
    extends = dict(Grant.objects.filter(customer=customer).values_list("pk", "extends_id"))
    chosen = {one.root_id: one for one in AutoRenewal.objects.filter(customer=customer)}
    found: list[ChainEnd] = []
    for tail in tails:
        root = tail.pk
        while (earlier := extends[root]) is not None:
            root = earlier
        found.append(ChainEnd(tail, tail.chain_ends_at, chosen.get(root)))
    return found


def term_discounts(plan: Plan) -> list[tuple[int, int]]:
    """Return from how many months on a plan costs how many percent less, fewest months first."""
    rows = TermDiscount.objects.filter(Q(plan=plan) | Q(plan=None)).values_list("months", "percent")
    found: list[tuple[int, int]] = []
    for months, percent in sorted(rows, key=lambda one: (one[0], -one[1])):
        if not found or percent > found[-1][1]:
            found.append((months, percent))
    return found


def _gives(grant: stacking.Grant, now: datetime) -> bool:
    return grant.until_at > max(now, grant.starts_at)
