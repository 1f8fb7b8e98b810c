"""Whoever never pays keeps nobody out: what unpaid orders hold is bounded for each customer and each address."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import TooManyOrders
from billing.services import purchases
from billing.services.facts import record
from tests.factories import NOW, a_customer, a_fact, a_node, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def keys(keys_dir):
    return keys_dir


def held(node):
    return selectors.standing(node, selectors.sockets_held(NOW), NOW).sold


def test_four_accounts_that_never_pay_do_not_fill_a_node():
    """Pack 50 has five sockets: four accounts held all twenty of them."""
    node = a_node(capacity=20)
    for nth in range(4):
        a_purchase(a_customer(f"idle-{nth}"), node, plan="pack-50", placed_from="203.0.113.9")

    assert held(node) == 15
    assert a_purchase(a_customer("alice"), node, plan="pack-50", placed_from="198.51.100.1").state == "pending"


def test_of_one_customer_the_newest_two_orders_hold(alice):
    near, far, third = (a_node(slug) for slug in ("a-1", "b-1", "c-1"))
    for node in (near, far, third):
        a_purchase(alice, node, at=NOW + timedelta(seconds=len(node.slug)))

    assert [held(node) for node in (near, far, third)] == [0, 2, 2]


def test_an_order_that_holds_nothing_settles_where_there_is_room(alice):
    node = a_node(capacity=100)
    orders = [a_purchase(a_customer(f"buyer-{nth}"), node, placed_from="203.0.113.9") for nth in range(5)]

    rows = [record(a_fact(an_attempt(order)), source="notice", now=NOW) for order in orders]

    assert {row.outcome for row in rows} == {"settled"}


def test_and_goes_back_where_there_is_none():
    node = a_node(capacity=8)
    orders = [
        a_purchase(a_customer(f"buyer-{nth}"), node, placed_from="203.0.113.9", at=NOW + timedelta(seconds=nth))
        for nth in range(4)
    ]
    type(node).objects.filter(pk=node.pk).update(capacity=6)

    rows = [record(a_fact(an_attempt(order)), source="notice", now=NOW + timedelta(seconds=9)) for order in orders]

    # The oldest held nothing, and the three others hold what there is.
    assert [row.outcome for row in rows] == ["suspense", "settled", "settled", "settled"]
    assert rows[0].suspense.reason == "no_room"


def test_who_has_paid_in_time_gets_the_place_that_was_held():
    node = a_node(capacity=2)
    order = a_purchase(a_customer("first"), node, placed_from="203.0.113.9")

    assert record(a_fact(an_attempt(order)), source="notice", now=NOW).outcome == "settled"


def test_orders_of_a_customer_and_of_an_address_are_counted(monkeypatch, alice, node):
    monkeypatch.setattr(purchases, "ORDERS_AN_HOUR", 3)
    monkeypatch.setattr(purchases, "ORDERS_AN_HOUR_FROM", 4)
    for _ in range(3):
        a_purchase(alice, node, placed_from="203.0.113.9")
    with pytest.raises(TooManyOrders) as refused:
        a_purchase(alice, node, placed_from="203.0.113.9")
    assert refused.value.fields == {"most": 3, "of": "customer"}

    a_purchase(a_customer("bob"), node, placed_from="203.0.113.9")
    with pytest.raises(TooManyOrders) as refused:
        a_purchase(a_customer("carol"), node, placed_from="203.0.113.9")
    assert refused.value.fields == {"most": 4, "of": "address"}
    later = NOW + timedelta(hours=1)
    type(node).objects.update(last_seen_at=later)
    assert a_purchase(alice, node, at=later).state == "pending"
