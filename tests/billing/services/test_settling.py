"""What was paid settles once, and gives one grant."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.domain.months import add_months
from billing.errors import (
    AmountMismatch,
)
from billing.models import AccessToken, EntitlementRev, Grant, GrantClosure
from billing.services.settling import settle_purchase
from outbox.models import Outbox
from tests.factories import FIRST_REV, NOW, a_customer, a_grant, a_group, a_node, a_past_grant, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


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
    assert Outbox.objects.get(kind="receipt").payload["purchase"] == grant.purchase.public_id


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


def test_a_chain_whose_future_part_was_closed_goes_on_where_its_paid_time_ends(alice, node):
    first = a_grant(alice, node)
    later = a_grant(alice, node, kind="extend", extends=first.pk)
    waiting = a_purchase(alice, node, kind="extend", extends=later.pk)  # ordered before
    GrantClosure.objects.create(grant=later, closed_at=NOW, reason="refunded")

    settled = settle_purchase(purchase_id=waiting.pk, paid_fen=waiting.due_fen, now=NOW)

    assert settled.starts_at == first.ends_at
    assert selectors.chain_tails(alice, now=NOW) == [settled]
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5


def test_a_chain_whose_last_part_was_closed_can_be_extended(alice, node):
    first = a_grant(alice, node)
    later = a_grant(alice, node, kind="extend", extends=first.pk)
    GrantClosure.objects.create(grant=later, closed_at=NOW, reason="refunded")

    (tail,) = selectors.chain_tails(alice, now=NOW)
    assert (tail, tail.chain_ends_at) == (later, first.ends_at)
    told = selectors.preview(
        customer=alice, plan=later.purchase.plan, group=node.group, months=1, extends=later, now=NOW
    )
    assert told.starts_at == first.ends_at


def test_extending_a_pack_that_ended_starts_now(node):
    bob = a_customer("bob")
    old = a_past_grant(bob, node)

    renewed = a_grant(bob, node, kind="extend", extends=old.pk)

    assert renewed.starts_at == NOW
