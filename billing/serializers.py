"""JSON in, JSON out, for the purchases API."""

from typing import Any

from rest_framework import serializers

from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.models import Purchase


class PurchaseRequest(serializers.Serializer[Any]):
    """What a caller asks for. Unknown fields are ignored; the price never comes from outside."""

    plan = serializers.SlugField(max_length=40)
    node = serializers.SlugField(max_length=40)
    months = serializers.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS)
    kind = serializers.ChoiceField(choices=["stack", "extend"], default="stack")
    gateway = serializers.RegexField(
        r"^[A-Za-z0-9_-]{0,20}$", required=False, default="", help_text="the shop's first without it"
    )
    extends = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)


class GrantShown(serializers.Serializer[Any]):
    """The right that a settled purchase gave."""

    id = serializers.IntegerField()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()


class PurchaseShown(serializers.Serializer[Any]):
    """What `purchase_as_json` returns, for the API's description."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=Purchase.State.choices)
    plan = serializers.CharField()
    kind = serializers.ChoiceField(choices=Purchase.Kind.choices)
    node = serializers.CharField()
    group = serializers.CharField()
    months = serializers.IntegerField()
    symbols = serializers.IntegerField()
    due_fen = serializers.IntegerField(help_text="1/100 CNY")
    currency = serializers.CharField()
    price_until = serializers.DateTimeField()
    settled = serializers.DateTimeField(allow_null=True)
    grant = GrantShown(allow_null=True)
    pay_url = serializers.CharField(allow_null=True, help_text="where to pay; null unless it was just placed")


class PurchasesShown(serializers.Serializer[Any]):
    """A page of a customer's purchases, newest first; `older` asks for the next one, and is empty at the end."""

    purchases = PurchaseShown(many=True)
    older = serializers.CharField(allow_blank=True)


class ErrorShown(serializers.Serializer[Any]):
    """Our own errors; further fields carry the numbers."""

    code = serializers.CharField()
    message = serializers.CharField()


def purchase_as_json(purchase: Purchase, *, pay_url: str | None = None) -> dict[str, Any]:
    """Return a purchase as the API shows it."""
    grant = getattr(purchase, "grant", None)
    return {
        "id": purchase.public_id,
        "state": purchase.state,
        "plan": purchase.plan.slug,
        "kind": purchase.kind,
        "node": purchase.node.slug,
        "group": purchase.group.slug,
        "months": purchase.months,
        "symbols": purchase.symbols,
        "due_fen": purchase.due_fen,
        "currency": purchase.currency,
        "price_until": purchase.price_until_at.isoformat(),
        "settled": purchase.settled_at.isoformat() if purchase.settled_at else None,
        "grant": grant and {"id": grant.pk, "starts": grant.starts_at.isoformat(), "ends": grant.ends_at.isoformat()},
        "pay_url": pay_url,
    }
