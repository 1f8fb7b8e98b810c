"""What must hold of balances, gift codes, coupons and commissions, for who looks over the books."""

from collections.abc import Iterator

from django.db.models import Count, F, Q, Sum

from billing import selectors
from billing.models import (
    Commission,
    Coupon,
    CouponUse,
    Dispute,
    GiftCode,
    LedgerLine,
    PaymentFact,
    Prepayment,
    Purchase,
)


def differences() -> Iterator[str]:
    """Yield a sentence for everything that does not hold."""
    yield from _prepayments()
    yield from _reserved()
    for code, said, what in (
        ("gift_codes", _gift_codes_fen(), "codes that were bought and not redeemed"),
        ("commission_due", _sum(Commission.objects.filter(state=Commission.State.HELD), "amount_fen"), "commissions"),
    ):
        if (held := -_account(code)) != said:
            yield f"{code}: the ledger holds {held} fen, and {what} say {said}"
    rounded = _sum(Purchase.objects.filter(state=Purchase.State.SETTLED), "rounding_fen")
    if _account("rounding") != rounded:
        yield f"rounding: the ledger holds {_account('rounding')} fen, and orders say {rounded}"
    yield from _coupons()


def _prepayments() -> Iterator[str]:
    times = Count("facts", filter=Q(facts__kind="paid", facts__outcome="settled"))
    orders = Prepayment.objects.annotate(times=times)
    odd = orders.exclude(state="settled", times=1).exclude(~Q(state="settled"), times=0)
    for number, state, paid in odd.values_list("public_id", "state", "times")[:100]:
        yield f"prepayment {number} is {state} and was paid {paid} times"
    for order in Prepayment.objects.filter(state="settled", kind="gift", gift=None)[:100]:
        yield f"prepayment {order.public_id} is settled and gave no code"


def _reserved() -> Iterator[str]:
    waiting = _sum(Purchase.objects.filter(state=Purchase.State.PENDING), "balance_fen")
    disputed = Dispute.objects.filter(state=Dispute.State.OPEN, payment__prepayment__kind="balance")
    sources = [f"{one.provider}:{one.dispute_id}" for one in disputed]
    held = LedgerLine.objects.filter(entry__kind="dispute_held", entry__source__in=sources, account__code="reserved")
    said = waiting - _sum(held, "amount_fen")
    if (has := -_account("reserved")) != said:
        yield f"reserved: the ledger holds {has} fen, and orders that wait and open disputes say {said}"


def _gift_codes_fen() -> int:
    waiting = PaymentFact.objects.filter(kind="paid", outcome="settled", prepayment__gift__state=GiftCode.State.NEW)
    return sum(map(selectors.kept_fen, waiting))


def _coupons() -> Iterator[str]:
    taken = Count("uses", filter=Q(uses__state__in=["reserved", "used"]))
    for coupon in Coupon.objects.annotate(taken=taken).filter(taken__gt=F("limit"))[:100]:
        yield f"coupon {coupon.code} was used {coupon.taken} times of {coupon.limit}"
    fits = {"pending": "reserved", "settled": "used"}
    for use in CouponUse.objects.select_related("purchase", "coupon"):
        if use.state != fits.get(use.purchase.state, "freed"):
            yield f"coupon {use.coupon.code} is {use.state} on order {use.purchase.public_id}, {use.purchase.state}"


def _account(code: str) -> int:
    return _sum(LedgerLine.objects.filter(account__code=code), "amount_fen")


def _sum(rows: object, field: str) -> int:
    return rows.aggregate(total=Sum(field))["total"] or 0  # type: ignore[attr-defined]
