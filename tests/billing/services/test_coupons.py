"""Coupons: as often as they say, reserved by an order that waits, free again when it ends, and never twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet

from billing.errors import CouponRefused
from billing.models import Coupon, CouponUse, Plan, Purchase
from billing.services import books, coupons, purchases
from tests.at_once import at_once
from tests.factories import NOW, a_customer, a_node, a_plan, a_purchase, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATE = NOW + timedelta(minutes=20)


@pytest.fixture
def once(db) -> Coupon:
    """A coupon of one."""
    a_plan()
    return Coupon.objects.create(code="ONCE", percent=20, limit=1)


def states() -> list[str]:
    return list(CouponUse.objects.order_by("pk").values_list("state", flat=True))


def test_a_coupon_takes_its_percentage_or_amount_off(alice, node, once):
    Coupon.objects.create(code="YUAN3", off_fen=300)

    percent, amount = a_purchase(alice, node, coupon=" once "), a_purchase(alice, node, coupon="yuan3")

    assert (percent.due_fen, percent.discount_fen, percent.list_fen) == (800, 200, 1000)
    assert (amount.due_fen, amount.discount_fen) == (700, 300)


def test_nothing_left_to_pay_is_settled_at_once(keys_dir, alice, node):
    a_plan()
    Coupon.objects.create(code="ALL", percent=100)

    order = a_purchase(alice, node, coupon="ALL")

    assert (order.state, order.due_fen, order.grant.symbols, states()) == ("settled", 0, 5, ["used"])
    assert books.differences(now=NOW) == []


def test_the_price_of_who_is_not_the_first_is_another_one(alice, node, once):
    a_purchase(alice, node, coupon="ONCE")

    with pytest.raises(CouponRefused) as refused:
        a_purchase(a_customer("bob"), node, coupon="ONCE")

    assert refused.value.fields["reason"] == "used_up"
    assert Purchase.objects.count() == 1


@pytest.mark.parametrize("ends", ["expired", "cancelled"])
def test_an_order_that_ends_frees_its_place(alice, node, once, ends):
    order = a_purchase(alice, node, coupon="ONCE")
    if ends == "expired":
        purchases.expire_purchases(now=LATE)
    else:
        purchases.cancel_purchase(purchase_id=order.pk, by=alice, now=NOW)

    assert a_purchase(a_customer("bob"), node, coupon="ONCE").due_fen == 800
    assert states() == ["freed", "reserved"]


def test_t21_who_pays_late_and_finds_the_coupon_used_gets_the_money_back(keys_dir, alice, node, once):
    order = a_purchase(alice, node, coupon="ONCE")
    purchases.expire_purchases(now=LATE)
    node.last_seen_at = LATE
    node.save(update_fields=["last_seen_at"])
    assert pay(a_purchase(a_customer("bob"), node, coupon="ONCE", at=LATE), at=LATE).outcome == "settled"

    late = pay(order, at=LATE)

    assert (late.suspense.reason, late.suspense.state, states()) == ("coupon_used", "refunding", ["freed", "used"])
    assert books.differences(now=LATE) == []


def test_who_pays_late_and_finds_it_free_has_it(keys_dir, alice, node, once):
    order = a_purchase(alice, node, coupon="ONCE")
    purchases.expire_purchases(now=LATE)

    assert pay(order, at=LATE).outcome == "settled"
    assert states() == ["used"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": False}, "not_valid"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "not_valid"),
        ({"ends_at": NOW}, "ended"),
        ({"limit": 0}, "used_up"),
    ],
)
def test_a_coupon_that_does_not_count_says_why(alice, once, change, reason):
    Coupon.objects.filter(pk=once.pk).update(**change)

    with pytest.raises(CouponRefused) as refused:
        coupons.find("once", customer=alice, plan=Plan.objects.get(slug="pack-5"), now=NOW)

    assert refused.value.fields["reason"] == reason


def test_a_coupon_of_other_plans_or_that_nobody_knows_is_refused(alice, once):
    once.plans.set([Plan.objects.get(slug="pack-50")])
    for code, reason in (("ONCE", "other_plan"), ("TWICE", "unknown"), ("' OR 1=1 --", "unknown")):
        with pytest.raises(CouponRefused) as refused:
            coupons.find(code, customer=alice, plan=Plan.objects.get(slug="pack-5"), now=NOW)
        assert refused.value.fields["reason"] == reason


def test_each_customer_has_it_so_often(alice, node, once):
    Coupon.objects.update(limit=None)
    a_purchase(alice, node, coupon="ONCE")

    with pytest.raises(CouponRefused) as refused:
        a_purchase(alice, node, coupon="ONCE")

    assert refused.value.fields["reason"] == "used_by_you"
    assert a_purchase(a_customer("bob"), node, coupon="ONCE").due_fen == 800


def _twenty_at_once(monkeypatch) -> list:
    """Twenty people order with a coupon of one at one instant."""
    import threading
    from contextlib import suppress

    node, people = a_node(), [a_customer(f"one{n}") for n in range(20)]
    a_plan()
    Coupon.objects.create(code="ONCE", percent=20, limit=1)
    for person in people:  # so that nobody waits for the first version to be made
        a_purchase(person, node)
    barrier, real = threading.Barrier(2), coupons.why_not

    def look_then_wait(*args, **kwargs):
        found = real(*args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=0.5)
        return found

    monkeypatch.setattr(coupons, "why_not", look_then_wait)
    return at_once([lambda person=person: a_purchase(person, node, coupon="ONCE").due_fen for person in people])


@pytest.mark.django_db(transaction=True)
def test_t21_of_twenty_who_want_the_last_coupon_at_once_one_has_it(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")

    got = _twenty_at_once(monkeypatch)

    assert sorted(map(str, got)) == ["800", *["CouponRefused"] * 19]


@pytest.mark.django_db(transaction=True)
def test_t21_without_the_lock_several_have_it(monkeypatch):
    """The twin: it is the lock that protects."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert _twenty_at_once(monkeypatch).count(800) > 1
