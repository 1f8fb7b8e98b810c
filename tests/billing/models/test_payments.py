"""What gateways told is kept once a fact; states and amounts are what the database lets in."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import Dispute, PaymentAttempt, PaymentFact, Refund, Suspense
from tests.factories import NOW, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def fact(**changes) -> PaymentFact:
    usual = {"provider": "sandbox", "kind": "paid", "reference": "t-1", "amount_fen": 1050, "currency": "CNY"}
    times = {"at": NOW, "received_at": NOW}
    return PaymentFact.objects.create(**{**usual, **times, "source": "notice", "outcome": "noted", **changes})


def test_one_fact_of_a_provider_is_kept_once():
    fact()
    fact(provider="another")
    fact(kind="refunded")

    with pytest.raises(IntegrityError):
        fact()


def test_its_amount_is_shown_as_people_write_it():
    assert fact().amount == "10.50"
    assert str(fact(reference="t-2")) == "Sandbox paid t-2"


def refused(make):
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_the_database_lets_only_known_states_and_real_amounts_in(alice, node):
    purchase = a_purchase(alice, node)
    payment = fact(reference="t-3")
    refund = {"payment": payment, "currency": "CNY", "fault": "rule", "reason": "r", "asked_at": NOW}

    refused(lambda: an_attempt(purchase, state="lost"))
    refused(lambda: an_attempt(purchase, due_fen=0))
    refused(lambda: fact(reference="t-4", amount_fen=-1))
    refused(lambda: Refund.objects.create(refund_no="R1", amount_fen=0, **refund))
    refused(lambda: Refund.objects.create(refund_no="R2", amount_fen=1, effect="shorten", **refund))
    refused(lambda: Refund.objects.create(refund_no="R3", amount_fen=1, state="lost", **refund))
    refused(lambda: Suspense.objects.create(fact=payment, reason="no_room", opened_at=NOW, state="used"))
    assert not PaymentAttempt.objects.exists()


def test_numbers_are_used_once(alice, node):
    first = an_attempt(a_purchase(alice, node))
    refused(lambda: an_attempt(first.purchase, order_no=first.order_no))

    Dispute.objects.create(provider="stripe", dispute_id="d", amount_fen=1, opened_at=NOW)
    refused(lambda: Dispute.objects.create(provider="stripe", dispute_id="d", amount_fen=1, opened_at=NOW))


def test_texts_for_people(alice, node):
    paid = a_paid(alice, node)
    paid.attempt.refresh_from_db()

    assert str(paid.attempt) == f"{paid.attempt.order_no} paid"
    assert paid.attempt.due == "10"
