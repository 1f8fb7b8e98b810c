"""How rows and values look as JSON; billing.api.shop.serializers describes the same."""

from datetime import datetime
from typing import Any

from django.conf import settings

from billing.domain.stacking import Segment
from billing.models import AccessToken, Grant, GrantClosure, Prepayment, Purchase
from billing.services import attempts
from billing.services.holdings import Holding
from billing.services.previews import OrderPreview

Json = dict[str, Any]


def instant(at: datetime | None) -> str | None:
    """Return an instant as RFC 3339 has it."""
    return at.isoformat() if at is not None else None


def page_url(order: Purchase | Prepayment) -> str:
    """Return the address of an order's page in the panel."""
    return f"{settings.PANEL_URL}{attempts.page_of(order)}"


def order(purchase: Purchase, pay_url: str | None = None) -> Json:
    """Return a purchase; its grant, closure and coupon should have been selected with it."""
    grant: Grant | None = getattr(purchase, "grant", None)
    use = getattr(purchase, "coupon_use", None)
    return {
        "id": purchase.public_id,
        "state": purchase.state,
        "kind": purchase.kind,
        "plan": purchase.plan.slug,
        "node": purchase.node.slug,
        "group": purchase.group.slug,
        "months": purchase.months,
        "days": purchase.days,
        "symbols": purchase.symbols,
        "extends": purchase.extends_id,
        "replaces": purchase.replaces_id,
        "coupon": use.coupon.code if use is not None else "",
        "list_fen": purchase.list_fen,
        "credit_fen": purchase.credit_fen,
        "discount_fen": purchase.discount_fen,
        "rounding_fen": purchase.rounding_fen,
        "due_fen": purchase.due_fen,
        "balance_fen": purchase.balance_fen,
        "currency": purchase.currency,
        "placed": instant(purchase.placed_at),
        "price_until": instant(purchase.price_until_at),
        "settled": instant(purchase.settled_at),
        "grant": _order_grant(grant) if grant is not None else None,
        "page_url": page_url(purchase),
        "pay_url": pay_url,
    }


def _order_grant(grant: Grant) -> Json:
    closure: GrantClosure | None = getattr(grant, "closure", None)
    return {
        "id": grant.pk,
        "starts": instant(grant.starts_at),
        "ends": instant(grant.ends_at),
        "closed": instant(closure.closed_at) if closure is not None else None,
    }


def top_up(prepayment: Prepayment, pay_url: str | None = None) -> Json:
    """Return an order for money in the balance."""
    return {
        "id": prepayment.public_id,
        "state": prepayment.state,
        "due_fen": prepayment.due_fen,
        "currency": prepayment.currency,
        "placed": instant(prepayment.placed_at),
        "price_until": instant(prepayment.price_until_at),
        "settled": instant(prepayment.settled_at),
        "page_url": page_url(prepayment),
        "pay_url": pay_url,
    }


def gift_order(prepayment: Prepayment, *, readable: bool, pay_url: str | None = None) -> Json:
    """Return an order for a gift code, the code itself where who asks may read it."""
    assert prepayment.plan_version is not None  # kind gift has one
    gift = getattr(prepayment, "gift", None)
    told = gift and {
        "code": gift.code if readable else None,
        "state": gift.state,
        "expires": instant(gift.expires_at),
    }
    plan = prepayment.plan_version.plan.slug
    return {**top_up(prepayment, pay_url), "plan": plan, "months": prepayment.months, "gift": told}


def segment(one: Segment) -> Json:
    """Return a stretch of a timeline."""
    has = one.entitlement
    return {
        "since": instant(one.from_at),
        "until": instant(one.until_at),
        "symbols": has.max_subs,
        "max_connections": has.max_connections,
        "markets": sorted(has.markets),
        "levels": sorted(has.levels),
        "types": sorted(has.types) if has.types is not None else None,
        "intervals": sorted(has.intervals) if has.intervals is not None else None,
    }


def preview(found: OrderPreview) -> Json:
    """Return what an order would cost and change."""
    price = found.quote.price
    return {
        "plan": found.quote.wanted.plan,
        "node": found.node.slug,
        "group": found.node.group.slug,
        "list_fen": price.list_fen,
        "credit_fen": found.quote.credit_fen,
        "discount_fen": price.discount_fen,
        "rounding_fen": price.rounding_fen,
        "due_fen": price.due_fen,
        "balance_fen": found.balance_fen,
        "currency": "CNY",
        "starts": instant(found.starts_at),
        "ends": instant(found.ends_at),
        "before": [segment(one) for one in found.before],
        "after": [segment(one) for one in found.after],
        "quote": found.pinned,
        "until": instant(found.quote.until_at),
    }


def grant(row: Grant) -> Json:
    """Return a grant that gives something now or later."""
    return {
        "id": row.pk,
        "plan": row.purchase.plan.slug,
        "node": row.purchase.node.slug,
        "symbols": row.symbols,
        "starts": instant(row.starts_at),
        "ends": instant(row.as_value().until_at),
        "extends": row.extends_id,
    }


def token(held: Holding, *, readable: bool) -> Json:
    """Return the tokens of a group, their texts where who asks may read them."""
    current = held.current
    now = {one.jti: _one_token(held, one, readable=readable) for one in held.tokens}
    return {
        "group": held.group.slug,
        "nodes": [{"node": one.slug, "ws_url": one.ws_url, "http_url": one.http_base} for one in held.nodes],
        "current": now[current.jti] if current is not None else None,
        "tokens": list(now.values()),
        "replaced": [{"id": one.jti, "name": one.name, "works_until": instant(one.works_until_at)} for one in held.old],
    }


def _one_token(held: Holding, token: AccessToken, *, readable: bool) -> Json:
    return {
        "id": token.jti,
        "name": token.name,
        "symbols": token.symbols,
        "issued": instant(token.issued_at),
        "expires": instant(token.expires_at),
        "last_used": instant(token.last_used_at),
        "token": held.text_of(token) if readable else None,
    }
