"""A trial: once a customer and once a phone number, for some days; free for a number that was verified."""

from datetime import timedelta

import pytest

from billing.errors import IdempotencyKeyReused, TrialRefused
from billing.models import Grant, Plan, Trial, TrialOffer
from billing.services import books, purchases, trials
from tests.factories import NOW, a_customer, a_plan, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATE = NOW + timedelta(minutes=20)


@pytest.fixture
def phones(monkeypatch) -> dict:
    """Verified numbers by customer."""
    known: dict = {}
    monkeypatch.setattr(trials, "verified_phone", lambda customer: known.get(customer.pk, ""))
    return known


@pytest.fixture
def offer(phones) -> TrialOffer:
    return TrialOffer.objects.create(plan=a_plan("pack-15"), days=3, price_fen=100)


def try_it(customer, node, key="t", **changes):
    return purchases.place_trial(
        **{"customer": customer, "plan": "pack-15", "node": node.slug, "idempotency_key": key, "now": NOW, **changes}
    )


def test_with_a_verified_phone_it_is_free_and_begins_at_once(keys_dir, alice, node, offer, phones):
    phones[alice.pk] = "+8613800138000"

    order = try_it(alice, node)

    assert (order.state, order.due_fen, order.grant.symbols) == ("settled", 0, 15)
    assert order.grant.ends_at == NOW + timedelta(days=3)
    kept = Trial.objects.get()
    assert kept.phone_digest
    assert "138" not in kept.phone_digest[:3]
    assert books.differences(now=NOW) == []


def test_without_one_it_costs_a_yuan(keys_dir, alice, node, offer):
    order = try_it(alice, node)
    assert (order.state, order.due_fen) == ("pending", 100)

    assert pay(order).outcome == "settled"
    assert Trial.objects.get().phone_digest is None


def test_a_second_one_is_refused_to_the_customer_and_to_the_number(keys_dir, alice, node, offer, phones):
    phones[alice.pk] = "+8613800138000"
    try_it(alice, node)
    bob = a_customer("bob")
    phones[bob.pk] = phones.pop(alice.pk)  # the number has moved to another account

    for customer, reason in ((alice, "had_one"), (bob, "phone_had_one")):
        with pytest.raises(TrialRefused) as refused:
            try_it(customer, node, key="again")
        assert refused.value.fields["reason"] == reason


def test_while_one_waits_for_its_payment_there_is_no_other_and_afterwards_there_is(keys_dir, alice, node, offer):
    first = try_it(alice, node)
    with pytest.raises(TrialRefused):
        try_it(alice, node, key="again")
    purchases.expire_purchases(now=LATE)
    node.last_seen_at = LATE
    node.save()
    second = try_it(alice, node, key="again", now=LATE)
    assert pay(second, at=LATE).outcome == "settled"

    late = pay(first, at=LATE)

    assert (late.suspense.reason, late.suspense.state) == ("changed", "refunding")
    assert Grant.objects.count() == 1


def test_the_same_key_is_the_same_trial(alice, node, offer):
    assert try_it(alice, node) == try_it(alice, node)
    with pytest.raises(IdempotencyKeyReused):
        try_it(alice, node, plan="pack-50")


@pytest.mark.parametrize("change", ["inactive", "off sale", "another plan", "no plan"])
def test_what_is_not_offered_is_refused(alice, node, offer, change):
    if change == "inactive":
        TrialOffer.objects.update(active=False)
    elif change == "off sale":
        Plan.objects.update(on_sale=False)
    with pytest.raises(TrialRefused):
        try_it(alice, node, plan={"another plan": "pack-5", "no plan": "nothing"}.get(change, "pack-15"))


def test_the_price_and_days_of_when_it_was_ordered_count(keys_dir, alice, node, offer):
    order = try_it(alice, node)
    offer.delete()

    assert pay(order).outcome == "settled"
    assert order.grant.ends_at == NOW + timedelta(days=3)


def test_the_digest_of_a_number_is_its_own_and_no_number():
    assert trials.digest("+8613800138000") == trials.digest("+8613800138000") != trials.digest("+8613800138001")
    assert "13800138000" not in trials.digest("+8613800138000")
