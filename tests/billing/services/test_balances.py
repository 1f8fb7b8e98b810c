"""Money that customers have with the shop: spent, put aside, given back; never below zero, never twice."""

from datetime import timedelta

import pytest
from django.db import connection

from billing import selectors
from billing.models import PaymentFact, Refund
from billing.services import balances, books, purchases, refunds
from billing.services.steps import lock_purchase
from tests.at_once import at_once
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_node, a_plan, a_purchase, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATE = NOW + timedelta(minutes=20)


def test_an_order_is_paid_from_the_balance_alone(keys_dir, alice, node):
    topped_up(alice, 3000)

    order = a_purchase(alice, node, use_balance=True)

    assert (order.state, order.balance_fen, order.gateway) == ("settled", 1000, "balance")
    assert (selectors.balance_fen(alice), balance("deferred"), balance("reserved")) == (2000, -1000, 0)
    assert books.differences(now=NOW) == []


def test_the_rest_is_paid_through_a_gateway(keys_dir, alice, node):
    topped_up(alice, 1000)
    order = a_purchase(alice, node, plan="pack-15", use_balance=True)
    assert (order.state, order.balance_fen, order.cash_fen) == ("pending", 1000, 1000)
    assert (selectors.balance_fen(alice), balance("reserved")) == (0, -1000)  # nobody spends it twice meanwhile

    assert pay(order).outcome == "settled"

    facts = PaymentFact.objects.filter(purchase=order).order_by("provider")
    assert list(facts.values_list("provider", "amount_fen")) == [("balance", 1000), ("sandbox", 1000)]
    assert (balance("reserved"), balance("deferred")) == (0, -2000)
    assert books.differences(now=NOW) == []


@pytest.mark.parametrize("how", ["expires", "cancelled", "fails"])
def test_an_order_that_comes_to_nothing_gives_its_part_back(alice, node, how):
    topped_up(alice, 1000)
    order = a_purchase(alice, node, plan="pack-15", use_balance=True)
    if how == "expires":
        purchases.expire_purchases(now=LATE)
    elif how == "cancelled":
        purchases.cancel_purchase(purchase_id=order.pk, by=alice, now=NOW)
    else:
        purchases.fail_purchase(purchase_id=order.pk, now=NOW)

    assert (selectors.balance_fen(alice), balance("reserved")) == (1000, 0)
    assert books.differences(now=NOW) == []


def test_late_money_settles_where_the_balance_still_has_its_part(keys_dir, alice, node):
    topped_up(alice, 1000)
    order = a_purchase(alice, node, plan="pack-15", use_balance=True)
    purchases.expire_purchases(now=LATE)

    assert pay(order, at=LATE).outcome == "settled"
    assert selectors.balance_fen(alice) == 0
    assert books.differences(now=LATE) == []


def test_late_money_goes_back_where_the_balance_was_spent_meanwhile(keys_dir, alice, node):
    topped_up(alice, 1000)
    order = a_purchase(alice, node, plan="pack-15", use_balance=True)
    purchases.expire_purchases(now=LATE)
    node.last_seen_at = LATE
    node.save(update_fields=["last_seen_at"])
    assert a_purchase(alice, node, use_balance=True, at=LATE).state == "settled"

    late = pay(order, at=LATE)

    assert (late.suspense.reason, late.suspense.state) == ("balance_spent", "refunding")
    assert books.differences(now=LATE) == []


def test_a_refund_goes_back_to_its_origin(keys_dir, alice, node, settings):
    settings.ONE_PERSON_SHOP = True
    topped_up(alice, 1000)
    order = a_purchase(alice, node, plan="pack-15", use_balance=True)
    pay(order)
    for fact in PaymentFact.objects.filter(purchase=order):
        refunds.ask_refund(
            payment_id=fact.pk, amount_fen=600, reason="no", fault="buyer", effect="keep", by=None, now=NOW
        )

    states = dict(Refund.objects.values_list("payment__provider", "state"))
    assert states == {"balance": "done", "sandbox": "decided"}  # the one at once, the other through its gateway
    assert selectors.balance_fen(alice) == 600
    assert (balance("refund_due"), balance("deferred")) == (-600, -800)
    assert books.differences(now=NOW) == []


def test_an_orders_part_is_put_aside_once_and_given_back_once(alice, node):
    topped_up(alice, 1000)
    order = lock_purchase(a_purchase(alice, node, plan="pack-15", use_balance=True).pk)

    balances.reserve(order, NOW)
    assert balances.reserved(order)
    assert balance("reserved") == -1000
    balances.release(order, NOW)
    balances.release(order, NOW)

    assert (balances.reserved(order), balances.can_reserve(order), selectors.balance_fen(alice)) == (False, True, 1000)


@pytest.mark.django_db(transaction=True)
def test_twenty_orders_at_once_spend_a_balance_once(keys_dir, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(purchases, "ORDERS_AN_HOUR", 99)
    alice, node = a_customer(), a_node()
    a_plan()
    topped_up(alice, 5000)

    got = at_once([lambda: a_purchase(alice, node, use_balance=True).balance_fen] * 20)

    assert sorted(got) == [0] * 15 + [1000] * 5
    assert (selectors.balance_fen(alice), books.differences(now=NOW)) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_without_the_customers_lock_the_ledger_still_refuses_to_spend_it_twice(keys_dir, monkeypatch):
    """The twin: orders then fail in the middle, since each has seen the same balance; none of it is spent twice."""
    from django.db.models import QuerySet

    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(purchases, "ORDERS_AN_HOUR", 99)
    alice, node = a_customer(), a_node()
    a_purchase(alice, node)
    topped_up(alice, 1000)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())
    real = selectors.balance_fen

    def look_then_wait(customer):
        import time

        found = real(customer)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(selectors, "balance_fen", look_then_wait)

    got = at_once([lambda: a_purchase(alice, node, use_balance=True).state] * 4)

    assert got.count("settled") == 1
    assert "IntegrityError" in got
    assert real(alice) == 0
