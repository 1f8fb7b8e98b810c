"""What does not hold of balances, codes and commissions is a sentence with its figures."""

import pytest

from billing.models import Commission, Coupon, CouponUse, GiftCode, Prepayment, Purchase
from billing.services import invitations, ledger, prepaid_books, prepayments
from tests.factories import NOW, a_customer, a_paid, a_plan, a_purchase, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def found() -> str:
    return "\n".join(prepaid_books.differences())


def test_nothing_differs_in_a_shop_that_has_some_of_everything(keys_dir, alice, node, settings):
    settings.INVITE_PERCENT = 10
    bob = a_customer("bob")
    invitations.accept(customer=bob, code=invitations.code_of(alice), now=NOW)
    Coupon.objects.create(code="HALF", percent=50, limit=1)
    topped_up(bob, 1000)
    a_plan()
    pay(prepayments.place_gift(customer=bob, plan="pack-5", months=1, idempotency_key="g", now=NOW))
    a_purchase(bob, node, plan="pack-15", use_balance=True)
    a_paid(bob, node, coupon="HALF")

    assert found() == ""


def test_a_top_up_that_was_settled_without_money(alice):
    order = prepayments.place_top_up(customer=alice, amount_fen=1000, idempotency_key="k", now=NOW)
    Prepayment.objects.update(state="settled", settled_at=NOW)

    assert f"prepayment {order.public_id} is settled and was paid 0 times" in found()


def test_a_gift_that_was_paid_and_gave_no_code(alice):
    a_plan()
    pay(prepayments.place_gift(customer=alice, plan="pack-5", months=1, idempotency_key="g", now=NOW))
    GiftCode.objects.all().delete()

    assert "is settled and gave no code" in found()
    assert "gift_codes: the ledger holds 1000 fen, and codes that were bought and not redeemed say 0" in found()


def test_what_is_put_aside_for_nobody(alice, node):
    topped_up(alice, 1000)
    a_purchase(alice, node, plan="pack-15", use_balance=True)
    Purchase.objects.update(state="expired")

    assert "reserved: the ledger holds 1000 fen, and orders that wait and open disputes say 0" in found()


def test_a_commission_that_nobody_booked(keys_dir, alice, node, settings):
    settings.INVITE_PERCENT = 10
    bob = a_customer("bob")
    invitations.accept(customer=bob, code=invitations.code_of(alice), now=NOW)
    a_paid(bob, node)
    Commission.objects.update(amount_fen=77)

    assert "commission_due: the ledger holds 100 fen, and commissions say 77" in found()


def test_a_fen_that_was_rounded_away_by_nobody():
    ledger.post(kind="rounding", source="x", lines={"rounding": 1, "deferred": -1}, now=NOW)

    assert "rounding: the ledger holds 1 fen, and orders say 0" in found()


def test_a_coupon_that_was_used_too_often_or_on_an_order_that_ended(alice, node):
    a_plan()
    coupon = Coupon.objects.create(code="ONCE", percent=10)
    orders = [a_purchase(customer, node, coupon="ONCE") for customer in (alice, a_customer("bob"))]
    Coupon.objects.update(limit=1)
    CouponUse.objects.filter(purchase=orders[0]).update(state="used")

    assert "coupon ONCE was used 2 times of 1" in found()
    assert f"coupon ONCE is used on order {orders[0].public_id}, pending" in found()
    assert coupon.uses.count() == 2
