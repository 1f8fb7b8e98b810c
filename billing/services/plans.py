"""The price list that a new shop opens with, and the versions in which plans were sold."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.models import Customer
from billing import announcements
from billing.models import Grant, Plan, PlanVersion
from billing.models.catalogue import TERMS

# slug, English, Chinese, symbols, fen a month, sockets at once
PACKS = (
    ("pack-5", "Pack 5", "5 只套餐", 5, 1000, 2),
    ("pack-15", "Pack 15", "15 只套餐", 15, 2000, 3),
    ("pack-50", "Pack 50", "50 只套餐", 50, 5000, 5),
)


def seed_plans() -> int:
    """Create the packs that are missing; an admin's edits stay. Return how many were created."""
    made = 0
    for slug, name_en, name_zh, symbols, price_fen, max_connections in PACKS:
        fields = {"name_en": name_en, "name_zh": name_zh, "symbols": symbols}
        _, created = Plan.objects.get_or_create(
            slug=slug, defaults={**fields, "price_fen": price_fen, "max_connections": max_connections}
        )
        made += created
    return made


def version_of(plan: Plan, now: datetime) -> PlanVersion:
    """Return the version that has a plan's present price and content; make it where the plan was edited since.

    What was sold before stays renewable for PLAN_RENEWABLE_DAYS from then on, which an admin can change. The caller
    has a transaction.
    """
    # Locked: two buyers who both see an edit would both make the version.
    Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    latest = PlanVersion.objects.filter(plan=plan).order_by("-number").first()
    if latest is not None and _terms(latest) == _terms(plan):
        return latest
    if latest is not None and latest.renewable_until_at is None:
        latest.renewable_until_at = now + timedelta(days=settings.PLAN_RENEWABLE_DAYS)
        latest.save(update_fields=["renewable_until_at"])
        for customer in _holders(latest, now):
            announcements.terms_end(latest, customer)
    number = latest.number + 1 if latest is not None else 1
    return PlanVersion.objects.create(plan=plan, number=number, since_at=now, **_terms(plan))


def present_terms(plan: Plan, now: datetime) -> PlanVersion:
    """Return what `version_of` would, for looking: not stored where the plan was edited and not sold since."""
    latest = PlanVersion.objects.select_related("plan").filter(plan=plan).order_by("-number").first()
    if latest is not None and _terms(latest) == _terms(plan):
        return latest
    number = latest.number + 1 if latest is not None else 1
    return PlanVersion(plan=plan, number=number, since_at=now, **_terms(plan))


def _holders(terms: PlanVersion, now: datetime) -> list[Customer]:
    """Return who has something of a version that has not ended."""
    live = Grant.objects.filter(purchase__plan_version=terms, ends_at__gt=now).exclude(closure__closed_at__lte=now)
    return list(Customer.objects.filter(is_active=True, grants__in=live).distinct().order_by("pk"))


def _terms(row: Plan | PlanVersion) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("price_fen", *TERMS)}
