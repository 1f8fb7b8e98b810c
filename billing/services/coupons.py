"""Coupons on orders: looked up, reserved while an order waits, used when it settles, free again when it does not."""

from datetime import datetime

from accounts.models import Customer
from billing.errors import CouponRefused
from billing.models import Coupon, CouponUse, Plan, Purchase

_TAKEN = (CouponUse.State.RESERVED, CouponUse.State.USED)


def find(code: str, *, customer: Customer | None, plan: Plan, now: datetime, lock: bool = False) -> Coupon:
    """Return the coupon that a buyer has typed, if it can be used for a plan now.

    Args:
        lock: until the transaction ends: of twenty who want the last one at once, one gets it.

    Raises:
        CouponRefused: with the reason.
    """
    rows = Coupon.objects.select_for_update(no_key=True) if lock else Coupon.objects.all()
    coupon = rows.filter(code=code.strip().upper()[:24]).first()
    if coupon is None:
        raise CouponRefused(f"there is no coupon {code.strip()[:24]!r}", reason="unknown")
    if (reason := why_not(coupon, customer=customer, plan=plan, now=now)) is not None:
        raise CouponRefused(f"the coupon {coupon.code} cannot be used: {reason.replace('_', ' ')}", reason=reason)
    return coupon


def why_not(coupon: Coupon, *, customer: Customer | None, plan: Plan, now: datetime) -> str | None:
    """Return why a coupon cannot be used, as a word of billing.errors.CouponRefused; None where it can."""
    if not coupon.active or (coupon.starts_at is not None and now < coupon.starts_at):
        return "not_valid"
    if coupon.ends_at is not None and now >= coupon.ends_at:
        return "ended"
    plans = set(coupon.plans.values_list("pk", flat=True))
    if plans and plan.pk not in plans:
        return "other_plan"
    taken = CouponUse.objects.filter(coupon=coupon, state__in=_TAKEN)
    if coupon.limit is not None and taken.count() >= coupon.limit:
        return "used_up"
    if customer is not None and taken.filter(customer=customer).count() >= coupon.per_customer:
        return "used_by_you"
    return None


def reserve(coupon: Coupon, purchase: Purchase, now: datetime) -> None:
    """Keep a place of a coupon for an order that waits. The caller has locked the coupon."""
    CouponUse.objects.create(coupon=coupon, purchase=purchase, customer=purchase.customer, changed_at=now)


def free(purchase: Purchase, now: datetime) -> None:
    """Give the place back of an order that came to nothing."""
    waiting = CouponUse.objects.filter(purchase=purchase, state=CouponUse.State.RESERVED)
    waiting.update(state=CouponUse.State.FREED, changed_at=now)


def still_there(purchase: Purchase, now: datetime) -> bool:
    """Tell whether an order that is paid late still has its coupon, or can have it again; locks the coupon."""
    use = CouponUse.objects.filter(purchase=purchase).first()
    if use is None or use.state != CouponUse.State.FREED:
        return True
    coupon = Coupon.objects.select_for_update(no_key=True).get(pk=use.coupon_id)
    return why_not(coupon, customer=purchase.customer, plan=purchase.plan, now=now) is None


def use(purchase: Purchase, now: datetime) -> None:
    """Note that an order with a coupon is settled."""
    CouponUse.objects.filter(purchase=purchase).update(state=CouponUse.State.USED, changed_at=now)
