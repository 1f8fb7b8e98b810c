"""Orders are placed once a key and settled once a payment, and what they gave never changes."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.domain.months import add_months
from billing.errors import (
    AmountMismatch,
    BadPurchase,
    IdempotencyKeyReused,
    NotThatGrant,
    PlanNotOnSale,
)
from billing.models import AccessToken, EntitlementRev, Grant, Plan, Purchase
from billing.services.purchases import expire_purchases, fail_purchase, settle_purchase
from nodes.errors import NodeNotOffered
from nodes.models import Node
from outbox.models import Outbox
from tests.factories import FIRST_REV, NOW, a_customer, a_grant, a_group, a_node, a_past_grant, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_an_order_keeps_what_was_sold_whatever_becomes_of_the_plan(alice, node):
    purchase = a_purchase(alice, node, months=3)

    Plan.objects.filter(slug="pack-5").update(symbols=1, price_fen=99999)
    purchase.refresh_from_db()

    assert (purchase.symbols, purchase.price_fen, purchase.due_fen, purchase.max_connections) == (5, 1000, 3000, 2)
    assert purchase.price_until_at == NOW + timedelta(minutes=15)


def test_the_same_key_and_body_give_the_same_purchase(alice, node):
    first = a_purchase(alice, node, idempotency_key="k")

    again = a_purchase(alice, node, idempotency_key="k", at=NOW + timedelta(hours=1))

    assert again.pk == first.pk
    assert Purchase.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(alice, node):
    a_purchase(alice, node, idempotency_key="k")

    with pytest.raises(IdempotencyKeyReused):
        a_purchase(alice, node, idempotency_key="k", months=2)


def test_two_customers_may_use_one_key(alice, node):
    a_purchase(alice, node, idempotency_key="k")
    a_purchase(a_customer("bob"), node, idempotency_key="k")

    assert Purchase.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        {"months": 0},
        {"months": 13},
        {"months": True},
        {"kind": "upgrade"},
        {"kind": "extend"},
        {"kind": "stack", "extends": 1},
        {"idempotency_key": ""},
        {"idempotency_key": "x" * 81},
        {"idempotency_key": "a\nb"},
    ],
)
def test_an_order_that_makes_no_sense_is_malformed(alice, node, body):
    with pytest.raises(BadPurchase):
        a_purchase(alice, node, **body)


def test_a_plan_off_sale_cannot_be_bought(alice, node):
    Plan.objects.filter(pk=a_plan().pk).update(on_sale=False)

    with pytest.raises(PlanNotOnSale):
        a_purchase(alice, node)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"last_seen_at": NOW - timedelta(seconds=61)}, "unseen"),
        ({"state": "draining"}, "not_active"),
        ({"state": "retired"}, "unknown"),
        ({"reports_realtime": False}, "not_realtime"),
        ({"capacity": 1}, "full"),
    ],
)
def test_a_node_that_cannot_serve_is_not_sold(alice, node, change, reason):
    Node.objects.filter(pk=node.pk).update(**change)

    with pytest.raises(NodeNotOffered) as refused:
        a_purchase(alice, node)

    assert refused.value.fields["reason"] == reason


def test_a_pending_order_holds_its_place_for_15_minutes(alice, node):
    Node.objects.filter(pk=node.pk).update(capacity=3)
    bob = a_customer("bob")
    a_purchase(alice, node)

    with pytest.raises(NodeNotOffered):
        a_purchase(bob, node)
    later = NOW + timedelta(minutes=15)
    Node.objects.filter(pk=node.pk).update(last_seen_at=later)
    assert a_purchase(bob, node, at=later).state == "pending"


def test_a_settled_purchase_gives_its_grant_its_token_and_its_outbox_rows(alice, node):
    purchase = a_purchase(alice, node)

    grant = settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=NOW)

    purchase.refresh_from_db()
    assert (purchase.state, purchase.paid_fen, purchase.settled_at) == ("settled", 1000, NOW)
    assert (grant.starts_at, grant.ends_at, grant.symbols) == (NOW, add_months(NOW, 1), 5)
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5
    assert EntitlementRev.objects.get().rev == FIRST_REV
    assert AccessToken.objects.get().customer == alice
    entitlement = Outbox.objects.get(kind="entitlement").payload["scope"]
    assert (entitlement["sub"], entitlement["aud"], entitlement["rev"]) == (alice.public_id, "sh", FIRST_REV)
    assert [step["max_subs"] for step in entitlement["steps"]] == [5, 0]
    assert Outbox.objects.get(kind="receipt").payload == {"purchase": grant.purchase.public_id}


def test_settling_twice_returns_the_first_grant(alice, node):
    purchase = a_purchase(alice, node)
    first = settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=NOW)

    again = settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=NOW + timedelta(hours=1))

    assert again == first
    assert Grant.objects.count() == 1
    assert EntitlementRev.objects.get().rev == FIRST_REV


@pytest.mark.parametrize("paid_fen", [0, 1, 999, 1001])
def test_another_amount_settles_nothing(alice, node, paid_fen):
    purchase = a_purchase(alice, node)

    with pytest.raises(AmountMismatch):
        settle_purchase(purchase_id=purchase.pk, paid_fen=paid_fen, now=NOW)

    purchase.refresh_from_db()
    assert purchase.state == "pending"
    assert not Grant.objects.exists()


def test_an_order_expires_when_its_price_does_and_still_settles_when_money_came(alice, node):
    purchase = a_purchase(alice, node)

    assert expire_purchases(now=NOW + timedelta(minutes=14)) == 0
    assert expire_purchases(now=NOW + timedelta(minutes=15)) == 1
    late = NOW + timedelta(hours=2)
    grant = settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=late)

    assert grant.starts_at == late


def test_a_settled_purchase_neither_fails_nor_expires(alice, node):
    purchase = a_grant(alice, node).purchase

    fail_purchase(purchase_id=purchase.pk)
    expire_purchases(now=NOW + timedelta(days=1))

    purchase.refresh_from_db()
    assert purchase.state == "settled"


def test_symbols_stack_and_sockets_do_not(alice, node):
    a_grant(alice, node, plan="pack-5")
    a_grant(alice, node, plan="pack-15")

    both = selectors.entitlement(alice, node.group, NOW)

    assert (both.max_subs, both.max_connections) == (20, 3)


def test_quotas_of_two_groups_do_not_add(alice, node):
    other = a_node("hk-1", group=a_group("hk"))
    a_grant(alice, node)
    a_grant(alice, other, plan="pack-15")

    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5
    assert selectors.entitlement(alice, other.group, NOW).max_subs == 15


def test_an_extension_starts_at_the_end_of_the_chain_whichever_grant_it_names(alice, node):
    first = a_grant(alice, node)
    second = a_grant(alice, node, kind="extend", extends=first.pk)
    third = a_grant(alice, node, kind="extend", extends=first.pk, months=2)

    assert (second.starts_at, third.starts_at) == (first.ends_at, second.ends_at)
    assert third.extends == second
    assert third.ends_at == add_months(second.ends_at, 2)
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5


def test_extending_a_pack_that_ended_starts_now(node):
    bob = a_customer("bob")
    old = a_past_grant(bob, node)

    renewed = a_grant(bob, node, kind="extend", extends=old.pk)

    assert renewed.starts_at == NOW


def test_an_extension_needs_ones_own_grant_of_the_same_plan_and_group(alice, node):
    bob, other = a_customer("bob"), a_node("hk-1", group=a_group("hk"))
    grant = a_grant(alice, node)

    for customer, place, plan in ((bob, node, "pack-5"), (alice, other, "pack-5"), (alice, node, "pack-15")):
        with pytest.raises(NotThatGrant):
            a_purchase(customer, place, plan=plan, kind="extend", extends=grant.pk)


def test_an_extension_gives_what_was_sold_first_at_todays_price(alice, node):
    grant = a_grant(alice, node)
    Plan.objects.filter(slug="pack-5").update(symbols=4, price_fen=1200)

    longer = a_purchase(alice, node, kind="extend", extends=grant.pk)

    assert (longer.symbols, longer.due_fen) == (5, 1200)
