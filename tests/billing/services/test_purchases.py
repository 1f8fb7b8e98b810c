"""Orders are placed once a key, expire, and are refused with a reason."""

from datetime import timedelta

import pytest

from billing.domain.months import add_months
from billing.errors import (
    BadPurchase,
    IdempotencyKeyReused,
    MarketNotSold,
    NotThatGrant,
    PlanNotOnSale,
    TooFarAhead,
)
from billing.models import Grant, Plan, Purchase
from billing.services.purchases import expire_purchases, fail_purchase
from billing.services.settling import settle_purchase
from nodes.errors import NodeNotOffered
from nodes.models import DataLicence, FeedSetting, MarketLine, Node
from tests.factories import NOW, a_customer, a_grant, a_group, a_node, a_plan, a_purchase

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


def test_a_plan_is_held_back_while_data_of_one_of_its_markets_is_not_licensed(alice, node):
    a_grant(alice, node)
    setting = FeedSetting.objects.create(lane="HK", feed="live")
    MarketLine.objects.create(setting=setting, name="a", source="tencent")

    for more in ({}, {"kind": "extend", "extends": Grant.objects.get().pk}):
        with pytest.raises(MarketNotSold) as refused:
            a_purchase(alice, node, idempotency_key=f"k{len(more)}", **more)
        assert refused.value.fields == {"markets": ["HK"]}

    DataLicence.objects.create(lane="HK", provider="tencent", contract="T-1", starts_on=NOW.date())
    assert a_purchase(alice, node, idempotency_key="again").pk


def test_a_plan_of_other_markets_is_sold_all_the_same(alice, node):
    setting = FeedSetting.objects.create(lane="HK", feed="live")
    MarketLine.objects.create(setting=setting, name="a", source="tencent")
    Plan.objects.filter(pk=a_plan().pk).update(markets=["CN"])

    assert a_purchase(alice, node).pk


def test_what_was_ordered_before_is_settled_when_it_was_paid(alice, node):
    purchase = a_purchase(alice, node)
    setting = FeedSetting.objects.create(lane="CN", feed="live")
    MarketLine.objects.create(setting=setting, name="a", source="sina")

    assert settle_purchase(purchase_id=purchase.pk, paid_fen=purchase.due_fen, now=NOW).pk


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


def test_an_order_expires_when_its_price_does_and_still_settles_when_money_came(alice, node):
    purchase = a_purchase(alice, node)

    assert expire_purchases(now=NOW + timedelta(minutes=14)) == 0
    assert expire_purchases(now=NOW + timedelta(minutes=15)) == 1
    late = NOW + timedelta(hours=2)
    grant = settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=late)

    assert grant.starts_at == late


def test_a_settled_purchase_neither_fails_nor_expires(alice, node):
    purchase = a_grant(alice, node).purchase

    fail_purchase(purchase_id=purchase.pk, now=NOW)
    expire_purchases(now=NOW + timedelta(days=1))

    purchase.refresh_from_db()
    assert purchase.state == "settled"


def test_nothing_is_sold_for_more_than_two_years_ahead(alice, node):
    first = a_grant(alice, node, months=12)
    second = a_grant(alice, node, kind="extend", extends=first.pk, months=11)
    last = a_purchase(alice, node, kind="extend", extends=second.pk, months=1)  # 24 months, to the second

    with pytest.raises(TooFarAhead) as refused:
        a_purchase(alice, node, kind="extend", extends=second.pk, months=2)

    assert last.state == Purchase.State.PENDING
    assert refused.value.fields["until"] == add_months(NOW, 25).isoformat()


def test_an_extension_needs_ones_own_grant_of_the_same_plan_and_group(alice, node):
    bob, other = a_customer("bob"), a_node("hk-1", group=a_group("hk"))
    grant = a_grant(alice, node)

    for customer, place, plan in ((bob, node, "pack-5"), (alice, other, "pack-5"), (alice, node, "pack-15")):
        with pytest.raises(NotThatGrant):
            a_purchase(customer, place, plan=plan, kind="extend", extends=grant.pk)


def test_an_extension_has_price_and_content_of_the_version_that_was_bought(alice, node):
    grant = a_grant(alice, node)
    Plan.objects.filter(slug="pack-5").update(symbols=4, price_fen=1200)

    longer = a_purchase(alice, node, kind="extend", extends=grant.pk)

    assert (longer.symbols, longer.due_fen) == (5, 1000)
