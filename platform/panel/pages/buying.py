"""What the subscription page offers for a pack and a node: more now, longer, a larger pack instead; and the price."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Customer
from billing import selectors
from billing.domain import drawing
from billing.domain.pricing import yuan
from billing.domain.stacking import Entitlement, Segment
from billing.errors import CouponRefused, TrialRefused
from billing.models import Plan, Purchase
from billing.selectors import Preview
from billing.services import quotes, trials, upgrades
from billing.services.quotes import Quote, Wanted
from kernel.clock import utc_now
from kernel.errors import PlatformError
from nodes.models import Node
from panel.pages.reasons import coupon_reason

CHAINS_SHOWN = 12


def kinds(customer: Customer | None, plan: Plan, node: Node, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what can be bought of a plan on a node, each with its timeline and its price."""
    now, months = utc_now(), chosen["months"]
    tails = selectors.chain_tails(customer, now=now, group=node.group) if customer is not None else []
    chains = [tail for tail in tails if tail.purchase.plan_id == plan.pk][:CHAINS_SHOWN]
    chains = [tail for tail in chains if tail.purchase.plan_version.renewable(now)]
    named = next((tail for tail in chains if tail.pk == chosen["extends"]), chains[0] if chains else None)
    common = {"customer": customer, "plan": plan, "group": node.group, "months": months, "now": now}
    coupon, refused = chosen["coupon"] or "", ""
    try:
        stack_price = _quote(customer, Wanted(plan.slug, months, "stack", coupon=coupon), now)
    except CouponRefused as error:
        coupon, refused = "", coupon_reason(str(error.fields.get("reason", "")))
        stack_price = _quote(customer, Wanted(plan.slug, months, "stack"), now)
    extend_price = None
    if named is not None:
        extend_price = _quote(customer, Wanted(plan.slug, months, "extend", named.pk, coupon=coupon), now)
    context: dict[str, Any] = {
        "chains": chains,
        "extends": named,
        "other_chains": [tail for tail in tails if tail not in chains][:CHAINS_SHOWN],
        "only_extend": not plan.on_sale,
        "stack": drawn(selectors.preview(**common, extends=None), stack_price, customer),
        "extend": drawn(selectors.preview(**common, extends=named), extend_price, customer) if named else None,
        "coupon_refused": refused,
        "balance": yuan(selectors.balance_fen(customer)) if customer and selectors.balance_fen(customer) else "",
        "trial": _trial(customer, plan),
        **_upgrade(customer, plan, node, chosen, coupon, now),
    }
    offered = [one for one in ("stack", "extend", "upgrade") if _still_offered(one, context)]
    # What is the only thing to choose stands chosen; between several the buyer chooses.
    kind = _still_offered(chosen["kind"], context) or (offered[0] if len(offered) == 1 else "")
    price = context[kind] if kind else None
    context["kind"] = kind  # what stands chosen on the page
    context["price"] = price
    context["due"] = price["due"] if price else ""
    return context


def _still_offered(kind: str, context: dict[str, Any]) -> str:
    """Return the kind that was asked for if this page can sell it; another pack or node may have taken it away."""
    if kind == "stack":
        return "" if context["only_extend"] else kind
    return kind if kind in ("extend", "upgrade") and context[kind] else ""


def again(purchase: Purchase) -> str:
    """Return the subscription page with what an order was for chosen once more."""
    chosen: dict[str, str | int] = {"plan": purchase.plan.slug, "node": purchase.node.slug}
    if purchase.months:
        chosen["months"] = purchase.months
    if purchase.kind in (Purchase.Kind.STACK, Purchase.Kind.EXTEND, Purchase.Kind.UPGRADE):
        chosen["kind"] = purchase.kind
    if purchase.extends_id is not None:
        chosen["extends"] = purchase.extends_id
    if purchase.replaces_id is not None:
        chosen["replaces"] = purchase.replaces_id
    if purchase.with_later:
        chosen["with_later"] = 1
    return f"{reverse('subscribe')}?{urlencode(chosen)}"


def drawn(preview: Preview, price: Quote | None, customer: Customer | None) -> dict[str, Any]:
    """Return a purchase's timeline before and after, as the page draws it, and its price."""
    until_at, most = drawing.scale(preview.before, preview.after)
    assert until_at is not None  # the purchase itself ends some day
    shown: dict[str, Any] = {
        "preview": preview,
        "before": ending(preview.before),
        "after": ending(preview.after),
        "before_blocks": drawing.draw(preview.before, until_at=until_at, most=most),
        "after_blocks": drawing.draw(preview.after, until_at=until_at, most=most),
        "ticks": drawing.ticks(preview.before, preview.after, until_at=until_at),
        "due": preview.due,
    }
    if price is not None:
        balance = selectors.balance_fen(customer) if customer is not None else 0
        shown |= {
            "due": price.due,
            "list": yuan(price.price.list_fen),
            "discount": yuan(price.price.discount_fen) if price.price.discount_fen else "",
            "credit": yuan(price.credit_fen) if price.credit_fen else "",
            "rest": yuan(max(0, price.price.due_fen - balance)),
            "coupon": price.coupon,
            "quote": quotes.pin(customer, price) if customer is not None else "",
        }
    return shown


@dataclass(frozen=True, slots=True)
class Told:
    """A stretch as a page says it; `exact` names the second, where another edge falls into the same minute."""

    entitlement: Entitlement
    until_at: datetime
    exact: bool


def ending(segments: list[Segment]) -> list[Told]:
    """Leave out the nothing after the end: "5 until May" says it."""
    minutes = Counter(one.until_at.replace(second=0, microsecond=0) for one in segments if one.until_at is not None)
    return [
        Told(one.entitlement, one.until_at, minutes[one.until_at.replace(second=0, microsecond=0)] > 1)
        for one in segments
        if one.until_at is not None
    ]


def _quote(customer: Customer | None, wanted: Wanted, now: datetime) -> Quote | None:
    try:
        return quotes.quote(customer, wanted, now=now)
    except CouponRefused:
        raise
    except PlatformError:  # off sale, or its terms have ended: the page says so elsewhere
        return None


def _trial(customer: Customer | None, plan: Plan) -> dict[str, Any] | None:
    if customer is None:
        return None
    try:
        offer, due_fen = trials.offer_for(customer, plan)
    except TrialRefused:
        return None
    return {"days": offer.days, "due": yuan(due_fen) if due_fen else ""}


def _upgrade(
    customer: Customer | None, plan: Plan, node: Node, chosen: dict[str, Any], coupon: str, now: datetime
) -> dict[str, Any]:
    """Return which packs in force this one could take the place of, and what that costs for the one that is named."""
    if customer is None or not plan.on_sale:
        return {"upgrade": None, "upgradable": []}
    found = []
    for grant in selectors.grants_in_force(customer, node.group, now):
        wanted = Wanted(plan.slug, 0, Purchase.Kind.UPGRADE, grant.pk, bool(chosen["with_later"]), coupon)
        price = _quote(customer, wanted, now)
        if price is not None:
            found.append((grant, price))
        if len(found) == CHAINS_SHOWN:
            break
    if not found:
        return {"upgrade": None, "upgradable": []}
    grant, price = next((one for one in found if one[0].pk == chosen["replaces"]), found[0])
    assert price.replaced is not None  # kind upgrade has it
    preview = upgrades.preview(customer, price.terms, price.replaced, price.price.due_fen, now=now)
    return {
        "upgradable": [grant for grant, _ in found],
        "replaces": grant,
        "has_later": bool(upgrades.later_links(grant, now)),
        "upgrade": drawn(preview, price, customer),
    }
