"""Bank transfers: one person sees the money, another confirms, and it settles like any payment."""

import pytest

from billing.errors import AlreadyDecided, NotThatMoney, SecondPersonNeeded
from billing.models import PaymentFact, Purchase
from billing.services import transfers
from tests.factories import NOW, a_customer, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.ONE_PERSON_SHOP = False


@pytest.fixture
def people(db):
    return a_customer("finance"), a_customer("owner")


@pytest.fixture
def attempt(alice, node):
    return an_attempt(a_purchase(alice, node), gateway="transfer", method="transfer")


def see(attempt, by, **changes):
    usual = {"order_no": attempt.order_no, "reference": "ICBC 1", "amount_fen": 1000, "came_at": NOW, "now": NOW}
    return transfers.note_transfer(by=by, **{**usual, **changes})


def test_it_settles_when_a_second_person_confirms(attempt, people):
    finance, owner = people
    seen = see(attempt, finance)
    with pytest.raises(SecondPersonNeeded):
        transfers.confirm_transfer(transfer_id=seen.pk, by=finance, now=NOW)
    assert Purchase.objects.get().state == "pending"

    for _ in range(2):
        transfers.confirm_transfer(transfer_id=seen.pk, by=owner, now=NOW)

    assert Purchase.objects.get().state == "settled"
    fact = PaymentFact.objects.get()
    assert (fact.provider, fact.reference, fact.source) == ("transfer", "ICBC 1", "person")
    with pytest.raises(AlreadyDecided):
        transfers.withdraw_transfer(transfer_id=seen.pk, by=owner, now=NOW)


def test_a_shop_of_one_person_confirms_at_once(attempt, people, settings):
    settings.ONE_PERSON_SHOP = True

    assert see(attempt, people[0]).state == "confirmed"


def test_another_sum_is_in_suspense(attempt, people):
    seen = see(attempt, people[0], amount_fen=900)

    transfers.confirm_transfer(transfer_id=seen.pk, by=people[1], now=NOW)

    assert PaymentFact.objects.get().suspense.reason == "wrong_amount"


@pytest.mark.parametrize("change", [{"order_no": "P-of-nobody"}, {"reference": " "}, {"amount_fen": 0}])
def test_what_nobody_asked_for_is_refused(attempt, people, change):
    with pytest.raises(NotThatMoney):
        see(attempt, people[0], **change)


def test_a_reference_is_noted_once_unless_it_was_withdrawn(attempt, people):
    seen = see(attempt, people[0])
    with pytest.raises(NotThatMoney, match="noted before"):
        see(attempt, people[0])

    transfers.withdraw_transfer(transfer_id=seen.pk, by=people[0], now=NOW)

    assert see(attempt, people[0]).pk != seen.pk
    with pytest.raises(AlreadyDecided):
        transfers.confirm_transfer(transfer_id=seen.pk, by=people[1], now=NOW)
