"""Revenue: what settled orders brought less what of it went back, by Shanghai's days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.models import Purchase, Refund, Suspense
from billing.services import gifts, refunds
from billing.services.facts import record, use_suspense
from billing.services.revenue import revenue
from tests.factories import NOW, a_customer, a_fact, a_node, a_paid, a_plan, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


def back(fact, fen, at=NOW):
    refund = refunds.ask_refund(
        payment_id=fact.pk, amount_fen=fen, reason="r", fault="seller", effect="keep", by=None, now=at
    )
    return refunds.pay_by_hand(refund_id=refund.pk, reference="ICBC", by=a_customer(f"f{refund.pk}"), now=at)


def test_paid_and_paid_back_by_each(alice, node):
    fact = a_paid(alice, node)
    a_paid(a_customer("bob"), a_node("hk-1", last_seen_at=NOW), plan="pack-50", at=NOW + timedelta(days=1))
    back(fact, 100)

    found = revenue(since=DAY, until=DAY + timedelta(days=1))

    prices = {one.plan.slug: one.due_fen for one in Purchase.objects.select_related("plan")}
    assert (found.paid_fen, found.back_fen) == (sum(prices.values()), 100)
    assert found.by["day"] == {DAY: (prices["pack-5"], 100), DAY + timedelta(days=1): (prices["pack-50"], 0)}
    assert found.by["plan"] == {"pack-50": (prices["pack-50"], 0), "pack-5": (prices["pack-5"], 100)}
    assert found.by["node"] == {"hk-1": (prices["pack-50"], 0), "sh-1": (prices["pack-5"], 100)}
    assert found.by["gateway"] == {"sandbox": (sum(prices.values()), 100)}


def test_a_day_begins_at_midnight_in_shanghai(alice, node):
    a_paid(alice, node, at=datetime(2026, 11, 20, 15, 59, tzinfo=UTC))
    a_paid(a_customer("bob"), node, at=datetime(2026, 11, 20, 16, 0, tzinfo=UTC))

    assert list(revenue(since=DAY, until=DAY).by["day"]) == [DAY]
    assert revenue(since=DAY, until=DAY).paid_fen * 2 == revenue(since=DAY - timedelta(days=1), until=DAY).paid_fen


def test_what_was_never_revenue_is_none_and_what_is_used_is(alice, node):
    purchase = a_purchase(alice, node)
    record(a_fact(an_attempt(purchase), order_no="WHO"), source="notice", now=NOW)
    gifts.grant_by_hand(
        customer=alice, plan=a_plan(), node=node, ends_at=NOW + timedelta(days=3), reason="r", by=alice, now=NOW
    )
    assert revenue(since=DAY, until=DAY).paid_fen == 0

    use_suspense(suspense_id=Suspense.objects.get().pk, order=purchase.public_id, by=alice, why="mail", now=NOW)
    assert revenue(since=DAY, until=DAY).paid_fen == purchase.due_fen

    back(Suspense.objects.get().fact, 100)
    assert revenue(since=DAY, until=DAY).by["plan"] == {"pack-5": (purchase.due_fen, 100)}


def test_a_second_payment_that_goes_back_takes_nothing_from_revenue(alice, node):
    fact = a_paid(alice, node)
    record(a_fact(fact.attempt), source="notice", now=NOW)
    refund = Refund.objects.get()  # by rule
    refunds.pay_by_hand(refund_id=refund.pk, reference="x", by=alice, now=NOW)

    found = revenue(since=DAY, until=DAY)

    assert (found.paid_fen, found.back_fen) == (fact.amount_fen, 0)
