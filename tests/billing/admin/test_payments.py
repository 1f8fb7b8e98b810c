"""Money that waits for people: suspense, the second step of refunds, bank transfers; each verb for who may and no other."""

import pytest
from django.contrib.admin.models import LogEntry

from billing.models import BankTransfer, PaymentFact, Purchase, Refund, Suspense
from billing.services import facts, refunds
from kernel.clock import utc_now
from tests.factories import a_customer, a_fact, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = False


@pytest.fixture
def lost(alice, node):
    """Money that came under a number which nobody knows; alice has an order of that sum."""
    purchase = a_purchase(alice, node, at=utc_now())
    fact = a_fact(an_attempt(purchase, at=utc_now()), order_no="WHO-KNOWS", at=utc_now())
    facts.record(fact, source="notice", now=utc_now())
    return Suspense.objects.get()


def asked(fact, by):
    return refunds.ask_refund(
        payment_id=fact.pk, amount_fen=100, reason="slow", fault="seller", effect="keep", by=by, now=utc_now()
    )


def test_money_in_suspense_is_used_for_the_order_it_is_for(desk_of, lost):
    desk, order = desk_of("finance", "view_suspense", "decide_suspense"), Purchase.objects.get()

    wrong = desk.do(Suspense, "use", lost, order="no-such-order", reason="her mail")
    right = desk.do(Suspense, "use", lost, order=order.public_id, reason="her mail")

    assert "there is no order" in wrong.text
    assert right.status_code == 302
    lost.refresh_from_db()
    order.refresh_from_db()
    assert (lost.state, lost.used_for, lost.decided_by, order.state) == ("used", order, desk.person, "settled")
    assert LogEntry.objects.get().change_message.startswith("use: ")


def test_money_in_suspense_is_paid_back_after_a_second_person(desk_of, lost):
    assert (
        desk_of("finance", "view_suspense", "decide_suspense").do(Suspense, "return", lost, reason="?").status_code
        == 302
    )
    refund = Refund.objects.get()
    assert refund.state == "asked"
    assert "Pay it back" not in desk_of("other", "view_suspense", "decide_suspense").page(Suspense, lost).text

    assert desk_of("owner", "view_refund", "decide_refund").do(Refund, "decide", refund).status_code == 302

    lost.refresh_from_db()
    assert lost.state == "refunding"


@pytest.mark.parametrize("verb", ["use", "return"])
def test_who_may_only_look_decides_nothing(desk_of, lost, verb):
    desk = desk_of("support", "view_suspense")

    assert desk.client.post(desk.address(Suspense, verb, lost), {"order": "x", "reason": "y"}).status_code == 403
    assert desk.page(Suspense, lost).status_code == 200
    assert "Use it for an order" not in desk.page(Suspense, lost).text


def test_who_asked_for_a_refund_cannot_confirm_it(desk_of, alice, node):
    desk = desk_of("finance", "view_refund", "ask_refund", "decide_refund")
    refund = asked(a_paid(alice, node, at=utc_now()), desk.person)

    answer = desk.do(Refund, "decide", refund)

    assert "Another person has to confirm this" in answer.text
    refund.refresh_from_db()
    assert refund.state == "asked"
    assert desk_of("owner", "view_refund", "decide_refund").do(Refund, "decide", refund).status_code == 302
    refund.refresh_from_db()
    assert refund.state == "decided"


def test_a_refund_is_withdrawn_sent_again_and_paid_by_hand(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_refund", "ask_refund", "decide_refund", "pay_refund_by_hand")
    first, second = asked(fact, desk.person), asked(fact, None)

    assert desk.do(Refund, "withdraw", first).status_code == 302
    Refund.objects.filter(pk=second.pk).update(state="failed")
    assert desk.do(Refund, "retry", second).status_code == 302
    third = Refund.objects.get(state="decided")
    assert desk.do(Refund, "by-hand", third, reference="ICBC 42").status_code == 302

    states = dict(Refund.objects.values_list("pk", "state"))
    assert states == {first.pk: "withdrawn", second.pk: "withdrawn", third.pk: "done"}
    assert Refund.objects.get(pk=third.pk).by_hand == "ICBC 42"


def test_a_bank_transfer_is_noted_by_one_and_confirmed_by_another(desk_of, alice, node, settings):
    settings.PAYMENT_GATEWAYS = ["transfer"]
    attempt = an_attempt(a_purchase(alice, node, at=utc_now()), gateway="transfer", at=utc_now())
    one = desk_of("one", "view_banktransfer", "note_transfer", "confirm_transfer")
    form = {
        "order_no": attempt.order_no,
        "reference": "CCB 7",
        "amount": f"{attempt.due_fen / 100:.2f}",
        "came_at": "2026-11-20T10:00",
    }

    assert "nobody was asked" in one.do(BankTransfer, "note", **{**form, "order_no": "P0"}).text
    assert one.do(BankTransfer, "note", **form).status_code == 302
    assert "noted before" in one.do(BankTransfer, "note", **form).text
    noted = BankTransfer.objects.get()
    assert "Another person" in one.do(BankTransfer, "confirm", noted).text
    assert desk_of("two", "view_banktransfer", "confirm_transfer").do(BankTransfer, "confirm", noted).status_code == 302

    assert PaymentFact.objects.get().amount_fen == attempt.due_fen
    assert Purchase.objects.get().state == "settled"


def test_what_was_noted_by_mistake_is_withdrawn(desk_of, alice, node):
    attempt = an_attempt(a_purchase(alice, node, at=utc_now()), gateway="transfer", at=utc_now())
    desk = desk_of("one", "view_banktransfer", "note_transfer")
    form = {"order_no": attempt.order_no, "reference": "CCB 7", "amount": "1.00", "came_at": "2026-11-20T10:00"}
    desk.do(BankTransfer, "note", **form)

    assert desk.do(BankTransfer, "withdraw", BankTransfer.objects.get()).status_code == 302

    assert BankTransfer.objects.get().state == "withdrawn"


def test_what_a_buyer_was_shown_to_pay_with_is_shown_to_nobody_else(desk_of, alice, node):
    attempt = an_attempt(a_purchase(alice, node, at=utc_now()), shown={"kind": "qr", "text": "weixin://secret"})

    assert "weixin" not in desk_of("finance", "view_paymentattempt").page(type(attempt), attempt).text


def test_a_verb_is_a_form_with_a_csrf_token(desk_of, alice, node, db):
    from django.test import Client

    desk = desk_of("owner", "view_refund", "decide_refund")
    refund = asked(a_paid(alice, node, at=utc_now()), a_customer("finance", is_staff=True))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(desk.person)

    assert strict.post(desk.address(Refund, "decide", refund), {}).status_code == 403
    refund.refresh_from_db()
    assert refund.state == "asked"
