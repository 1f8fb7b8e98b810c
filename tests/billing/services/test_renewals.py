"""What renews by itself: announced five days before, made from the balance in the last day, each once; off until asked."""

from datetime import timedelta

import pytest
from django.db import connection

from billing import selectors
from billing.errors import BadPurchase, NotThatGrant
from billing.models import AutoRenewal, Grant, Plan, PlanVersion, Purchase, RenewalStep
from billing.services import books, renewals
from billing.services.entitlements import close_grant
from nodes.models import Node
from outbox.models import Outbox
from tests.at_once import at_once
from tests.factories import NOW, a_customer, a_grant, a_node, a_paid, a_purchase, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def pack(keys_dir, alice, node) -> Grant:
    """Pack 5 until 21 December that renews by itself."""
    grant = a_paid(alice, node).purchase.grant
    renewals.switch(customer=alice, grant=grant.pk, on=True, now=NOW)
    return grant


def renew(at) -> int:
    Node.objects.update(last_seen_at=at)
    return renewals.renew(now=at)


def steps() -> list[str]:
    return list(RenewalStep.objects.order_by("pk").values_list("step", flat=True))


def said(kind: str) -> int:
    return Outbox.objects.filter(kind=kind).count()


def test_it_is_announced_then_made_from_the_balance_and_each_is_said_once(pack, alice):
    topped_up(alice, 1500)
    assert renew(pack.ends_at - timedelta(days=5, seconds=1)) == 0
    assert [renew(pack.ends_at - timedelta(days=5)) for _ in range(3)] == [1, 0, 0]
    assert [renew(pack.ends_at - timedelta(days=1)) for _ in range(3)] == [1, 0, 0]

    order = Purchase.objects.get(kind="extend")
    assert (order.state, order.balance_fen, order.grant.starts_at) == ("settled", 1000, pack.ends_at)
    assert (steps(), selectors.balance_fen(alice)) == (["ahead", "renewed"], 500)
    assert (said("renewal_ahead"), said("renewed"), said("renewal_failed")) == (1, 1, 0)
    assert books.differences(now=NOW) == []


def test_each_end_has_steps_of_its_own(pack, alice):
    topped_up(alice, 3000)
    renew(pack.ends_at - timedelta(hours=1))
    second = Grant.objects.latest("pk")
    renew(second.ends_at - timedelta(days=4))
    renew(second.ends_at - timedelta(hours=1))

    assert Grant.objects.count() == 3
    assert steps() == ["renewed", "ahead", "renewed"]


def test_what_fails_is_said_once_and_made_once_there_is_money(pack, alice):
    for hours in (20, 10):
        renew(pack.ends_at - timedelta(hours=hours))
    assert (steps(), said("renewal_failed")) == (["failed"], 1)
    assert RenewalStep.objects.get().why == "balance_too_small"

    topped_up(alice, 1000, at=pack.ends_at - timedelta(hours=5))
    assert renew(pack.ends_at - timedelta(hours=4)) == 1
    assert steps() == ["failed", "renewed"]
    assert renew(pack.ends_at + timedelta(hours=1)) == 0


def test_nothing_is_bought_after_the_end(pack, alice):
    topped_up(alice, 5000)

    assert renew(pack.ends_at) == 0
    assert Purchase.objects.filter(kind="extend").count() == 0


@pytest.mark.parametrize("why", ["off", "extended", "inactive", "ended"])
def test_what_needs_no_renewal_gets_none(pack, alice, why):
    topped_up(alice, 5000)
    if why == "off":
        renewals.switch(customer=alice, grant=pack.pk, on=False, now=NOW)
    elif why == "extended":
        a_paid(alice, pack.purchase.node, kind="extend", extends=pack.pk)
    elif why == "inactive":
        type(alice).objects.update(is_active=False)
    else:
        close_grant(grant_id=pack.pk, reason="x", now=NOW + timedelta(days=1))

    assert renew(pack.ends_at - timedelta(hours=1)) == 0


def test_terms_that_have_ended_are_a_reason(pack, alice):
    topped_up(alice, 5000)
    Plan.objects.update(price_fen=1200)
    PlanVersion.objects.update(renewable_until_at=NOW + timedelta(days=2))

    renew(pack.ends_at - timedelta(hours=1))

    assert RenewalStep.objects.get().why == "terms_ended"
    assert selectors.balance_fen(alice) == 5000


def test_it_costs_what_was_bought_whatever_the_plan_costs_now(pack, alice):
    topped_up(alice, 5000)
    Plan.objects.update(price_fen=4900, symbols=50)

    renew(pack.ends_at - timedelta(hours=1))

    assert (Purchase.objects.get(kind="extend").due_fen, Grant.objects.latest("pk").symbols) == (1000, 5)


def test_an_upgrade_takes_the_renewal_along(pack, alice):
    order = a_purchase(alice, pack.purchase.node, plan="pack-15", months=0, kind="upgrade", replaces=pack.pk)
    pay(order)

    assert AutoRenewal.objects.get().root == order.grant
    topped_up(alice, 5000)
    renew(pack.ends_at - timedelta(hours=1))
    assert Grant.objects.latest("pk").symbols == 15


def test_only_ones_own_and_what_still_runs_can_be_switched_on(pack, alice):
    with pytest.raises(NotThatGrant):
        renewals.switch(customer=a_customer("mallory"), grant=pack.pk, on=True, now=NOW)
    with pytest.raises(BadPurchase, match="months"):
        renewals.switch(customer=alice, grant=pack.pk, on=True, now=NOW, months=13)
    close_grant(grant_id=pack.pk, reason="x", now=pack.starts_at)
    with pytest.raises(BadPurchase, match="has ended"):
        renewals.switch(customer=alice, grant=pack.pk, on=True, now=NOW)
    assert not renewals.switch(customer=alice, grant=pack.pk, on=False, now=NOW).on


def test_one_chain_that_cannot_be_read_keeps_no_other_from_renewing(pack, alice, monkeypatch):
    bob = a_customer("bob")
    other = a_grant(bob, pack.purchase.node)
    renewals.switch(customer=bob, grant=other.pk, on=True, now=NOW)
    topped_up(bob, 1000)
    real = renewals._end_of

    def fails_for_alice(chain):
        if chain[0].pk == pack.pk:
            raise RuntimeError("unreadable")
        return real(chain)

    monkeypatch.setattr(renewals, "_end_of", fails_for_alice)

    assert renew(other.ends_at - timedelta(hours=1)) == 1
    assert Purchase.objects.get(kind="extend").customer == bob


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_renew_once(keys_dir):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    alice, node = a_customer(), a_node()
    grant = a_paid(alice, node).purchase.grant
    renewals.switch(customer=alice, grant=grant.pk, on=True, now=NOW)
    topped_up(alice, 5000)
    at = grant.ends_at - timedelta(hours=1)
    Node.objects.update(last_seen_at=at)

    got = at_once([lambda: renewals.renew(now=at)] * 4)

    assert sum(got) == 1
    assert (Purchase.objects.filter(kind="extend").count(), said("renewed")) == (1, 1)
    assert selectors.balance_fen(alice) == 4000
