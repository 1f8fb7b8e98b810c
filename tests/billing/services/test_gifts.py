"""What the shop gives: by hand with a reason, and to everybody after an outage, once, behind what they have."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import BadPurchase, NothingToGive
from billing.models import Compensation, Purchase
from billing.services import gifts
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_grant, a_group, a_node, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def keys(keys_dir):
    return keys_dir


@pytest.fixture
def owner(db):
    return a_customer("owner", is_staff=True)


def give(customer, node, by, **changes):
    usual = {"plan": a_plan(), "ends_at": NOW + timedelta(days=10), "reason": "a prize", "now": NOW}
    return gifts.grant_by_hand(customer=customer, node=node, by=by, **{**usual, **changes})


def test_what_is_given_works_at_once_and_costs_nothing(alice, node, owner):
    grant = give(alice, node, owner, symbols=7)

    purchase = grant.purchase
    assert (purchase.kind, purchase.state, purchase.due_fen, purchase.paid_fen) == ("comp", "settled", 0, 0)
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 7
    assert selectors.current_token(alice, node.group) is not None
    event = purchase.events.get()
    assert (event.by, event.why) == (owner, "a prize")


@pytest.mark.parametrize("change", [{"reason": " "}, {"ends_at": NOW}, {"ends_at": NOW + timedelta(days=800)},
                                    {"symbols": 0}])  # fmt: skip
def test_without_a_reason_or_a_time_nothing_is_given(alice, node, owner, change):
    with pytest.raises(BadPurchase):
        give(alice, node, owner, **change)
    assert not Purchase.objects.exists()


def compensate(by, **changes):
    usual = {"key": "outage-1", "hours": 5, "reason": "Redis was away", "now": NOW}
    return gifts.compensate(by=by, **{**usual, **changes})


def test_everybody_there_gets_the_hours_behind_what_they_have(alice, node, owner):
    bob, elsewhere = a_customer("bob"), a_node("bj-1", group=a_group("bj"))
    ends = [a_grant(alice, node).ends_at, a_grant(bob, elsewhere).ends_at]
    a_grant(alice, node, plan="pack-15")

    made, people = compensate(owner, group=node.group)

    assert people == 1
    assert selectors.last_end(alice, node.group) == ends[0] + timedelta(hours=5)
    assert selectors.last_end(bob, elsewhere.group) == ends[1]
    at_the_end = selectors.entitlement(alice, node.group, ends[0] + timedelta(hours=1))
    assert at_the_end.max_subs == 20  # both packs go on
    assert Outbox.objects.filter(kind="compensation").count() == 1
    assert made.by == owner


def test_the_same_key_gives_once(alice, node, owner):
    end = a_grant(alice, node).ends_at
    compensate(owner, node=node)

    _, people = compensate(owner, node=node)

    assert people == 0
    assert selectors.last_end(alice, node.group) == end + timedelta(hours=5)
    assert Compensation.objects.count() == 1


def test_a_pack_that_is_extended_already_goes_on_behind_its_whole_chain(alice, node, owner):
    first = a_grant(alice, node)
    longer = a_grant(alice, node, kind="extend", extends=first.pk)

    compensate(owner, market="CN")

    assert selectors.last_end(alice, node.group) == longer.ends_at + timedelta(hours=5)
    assert a_purchase(alice, node, kind="extend", extends=first.pk).kind == "extend"  # and can be extended again


@pytest.mark.parametrize("change", [{"hours": 0}, {"hours": 24 * 32}, {"reason": ""}, {"node": None}])
def test_what_cannot_be_given_is_refused_and_leaves_nothing(alice, node, owner, change):
    a_grant(alice, node)

    with pytest.raises(NothingToGive):
        compensate(owner, **{"node": node, **change})
    assert not Compensation.objects.exists()


def test_where_nobody_has_anything_there_is_nobody_to_give_to(alice, node, owner):
    with pytest.raises(NothingToGive, match="nobody has anything"):
        compensate(owner, market="HK")


def test_the_preview_names_who_and_what(alice, node):
    a_grant(alice, node)

    (one,) = gifts.affected(now=NOW, market="HK")

    assert (one.customer, [tail.symbols for tail in one.tails]) == (alice, [5])
