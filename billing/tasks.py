"""Celery's entrances to the shop. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task

from billing.services import entitlements, purchases
from kernel.clock import utc_now


@shared_task(name="billing.refresh_entitlements")
def refresh_entitlements(**_: Any) -> int:
    """Write every entitlement to Redis again; beat offers this each minute."""
    return entitlements.refresh_entitlements(now=utc_now())


@shared_task(name="billing.expire_purchases")
def expire_purchases(**_: Any) -> int:
    """Give up purchases that nobody has paid in time; beat offers this each minute."""
    return purchases.expire_purchases(now=utc_now())
