"""What is proposed to pay back, and asking for it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.utils.timezone import localtime

from billing.admin.refunding import proposed_fen
from billing.models import Grant, GrantClosure, LedgerEntry, PaymentFact, Purchase, Refund
from billing.services import refunds
from kernel.clock import utc_now
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_node, a_paid

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = False


def test_time_that_is_left_for_the_shops_fault_and_months_that_are_left_for_the_buyers_wish(alice, node):
    fact = a_paid(alice, node, months=3)
    grant = Grant.objects.get()
    half = grant.starts_at + (grant.ends_at - grant.starts_at) / 2

    assert proposed_fen(fact, "seller", half) == -(-fact.amount_fen // 2)
    assert proposed_fen(fact, "buyer", NOW + timedelta(days=35)) == fact.amount_fen - 2 * fact.purchase.price_fen
    assert proposed_fen(fact, "seller", grant.ends_at) == 0


def test_the_form_begins_with_what_is_proposed_and_a_refund_waits_for_the_second_person(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now(), months=2)
    desk = desk_of("finance", "view_purchase", "ask_refund")

    page = desk.client.get(f"{desk.address(Purchase, 'refund', fact.purchase)}?fault=buyer")
    assert Decimal(page.context["form"]["amount"].value()) * 100 == fact.purchase.price_fen

    answer = desk.do(
        Purchase,
        "refund",
        fact.purchase,
        fault="buyer",
        amount="10.00",
        effect="close",
        reason="changed her mind",
        sure="yes",
    )
    refund = Refund.objects.get()
    assert answer.status_code == 302
    assert (refund.amount_fen, refund.state, refund.effect, refund.asked_by) == (1000, "asked", "close", desk.person)
    entry = LogEntry.objects.get()
    assert entry.user == desk.person
    assert "changed her mind" in entry.change_message


@pytest.mark.parametrize(("alone", "said"), [(True, "sent at once"), (False, "until a second person confirms it")])
def test_a_refund_says_what_it_will_do_before_the_press_and_does_nothing_until_then(
    desk_of, alice, node, settings, alone, said
):
    settings.ONE_PERSON_SHOP = alone
    fact = a_paid(alice, node, at=utc_now())
    grant = Grant.objects.get()
    desk = desk_of("finance", "view_purchase", "ask_refund")
    form = {"fault": "seller", "amount": "4.00", "reason": "an outage"}
    left_before = (Refund.objects.count(), Outbox.objects.count(), LedgerEntry.objects.count())

    closed = desk.do(Purchase, "refund", fact.purchase, **form, effect="close").text
    kept = desk.do(Purchase, "refund", fact.purchase, **form, effect="keep").text

    assert f"4 CNY of {fact.amount} that are left, by sandbox" in closed
    assert str(grant) in closed
    assert f"in place of {localtime(grant.ends_at):%Y-%m-%d %H:%M}" in closed
    assert said in closed
    assert "The buyer keeps everything." in kept
    assert str(grant) not in kept.split("What it will do")[1]
    assert (Refund.objects.count(), Outbox.objects.count(), LedgerEntry.objects.count()) == left_before
    assert not GrantClosure.objects.exists()


def test_who_confirms_a_refund_sees_what_that_will_do(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    asked = {"fault": "seller", "effect": "close", "by": a_customer("bob"), "now": utc_now(), "reason": "slow"}
    refund = refunds.ask_refund(payment_id=fact.pk, amount_fen=400, **asked)
    desk = desk_of("boss", "view_refund", "decide_refund")

    page = desk.client.get(desk.address(Refund, "decide", refund)).text

    assert f"4 CNY of {fact.amount} that are left" in page
    assert "ends at once" in page
    assert "bob@example.com: slow" in page


def test_what_a_service_refuses_stands_above_the_form_and_nothing_is_logged(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_paymentfact", "ask_refund")

    answer = desk.do(PaymentFact, "refund", fact, fault="buyer", amount="99999.00", effect="keep", reason="too much")

    assert answer.status_code == 200
    assert "cannot be paid back" in answer.text
    assert not Refund.objects.exists()
    assert not LogEntry.objects.exists()


def test_an_end_is_given_where_the_grant_ends_earlier_and_only_there(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_paymentfact", "ask_refund")
    usual = {"fault": "seller", "amount": "1.00", "reason": "an outage"}
    later = f"{utc_now() + timedelta(days=9):%Y-%m-%dT%H:%M}"

    assert desk.do(PaymentFact, "refund", fact, **usual, effect="shorten").status_code == 200
    assert desk.do(PaymentFact, "refund", fact, **usual, effect="keep", shorten_to=later).status_code == 200
    assert (
        desk.do(PaymentFact, "refund", fact, **usual, effect="shorten", shorten_to=later, sure="yes").status_code == 302
    )
    assert Refund.objects.get().effect == "shorten"


def test_what_has_been_paid_back_whole_is_not_offered_again(desk_of, alice):
    fact = a_paid(alice, a_node(), at=utc_now())
    desk = desk_of("finance", "view_paymentfact", "ask_refund")
    whole = {"fault": "seller", "amount": fact.amount, "effect": "keep", "reason": "all"}
    assert desk.do(PaymentFact, "refund", fact, **whole, sure="yes").status_code == 302

    assert desk.address(PaymentFact, "refund", fact) not in desk.page(PaymentFact, fact).text
