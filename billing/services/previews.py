"""What an order would cost and change: nothing is ordered, but the price is held."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Customer
from billing import selectors
from billing.domain import stacking
from billing.models.catalogue import as_grant
from billing.services import purchases, quotes, upgrades
from billing.services.quotes import Quote, Wanted
from nodes.errors import NodeNotOffered
from nodes.models import Node


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """An order as if it were placed and paid now.

    `pinned` brings the price back within 15 minutes; `balance_fen` of it would come from the balance.
    """

    quote: Quote
    pinned: str
    node: Node
    balance_fen: int
    starts_at: datetime
    ends_at: datetime
    before: list[stacking.Segment]
    after: list[stacking.Segment]


@transaction.atomic
def preview_order(*, customer: Customer, wanted: Wanted, node: str, use_balance: bool, now: datetime) -> OrderPreview:
    """Return what an order would cost and give, and hold its price; no place on the node is held.

    Raises:
        what `place_purchase` does, but for keys and the number of orders.
    """
    extends = wanted.grant if wanted.kind == "extend" else None
    replaces = wanted.grant if wanted.kind == "upgrade" else None
    purchases.check_form(
        months=wanted.months, kind=wanted.kind, extends=extends, replaces=replaces, idempotency_key="preview"
    )
    # With lock: the terms that the price is held for have to be stored.
    found = quotes.quote(customer, wanted, now=now, lock=True)
    chosen = _offered(customer, found, node, now)
    purchases.check_chain(found, chosen, now)
    held = selectors.grants_of(customer, chosen.group)
    bought, kept = _bought(found, now), upgrades.kept(customer, chosen.group, found.replaced, now)
    since = min(now, bought.starts_at)
    return OrderPreview(
        quote=found,
        pinned=quotes.pin(customer, found),
        node=chosen,
        balance_fen=min(found.price.due_fen, selectors.balance_fen(customer)) if use_balance else 0,
        starts_at=bought.starts_at,
        ends_at=bought.ends_at,
        before=stacking.timeline(held, since),
        after=stacking.timeline([*kept, bought], since),
    )


def _offered(customer: Customer, found: Quote, node: str, now: datetime) -> Node:
    offers = {offer.node.slug: offer for offer in selectors.offers(plan=found.terms, customer=customer, now=now)}
    if node not in offers:
        raise NodeNotOffered(node=node[:40], reason="unknown")
    if (reason := offers[node].refusal) is not None:
        raise NodeNotOffered(node=node, reason=reason)
    return offers[node].node


def _bought(found: Quote, now: datetime) -> stacking.Grant:
    if found.replaced is not None:
        starts_at, ends_at = now.replace(microsecond=0), found.replaced.ends_at
    else:
        chain = selectors.chain_of(found.grant)
        starts_at, ends_at = selectors.period_behind(chain, months=found.wanted.months, now=now)
    return as_grant(found.terms, starts_at, ends_at)
