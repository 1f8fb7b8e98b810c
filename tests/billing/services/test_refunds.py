"""Refunds: never more than was paid, decided by two, booked once, and what they do to grants."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.query import QuerySet

from billing import selectors
from billing.domain.pricing import money
from billing.errors import AlreadyDecided, RefundRefused, SecondPersonNeeded
from billing.gateways.protocol import FactKind
from billing.models import Grant, PaymentFact, Purchase, Refund, Suspense
from billing.services import facts, refunds
from billing.services.facts import record
from outbox.models import Outbox
from tests.at_once import at_once
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_fact, a_node, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = False


@pytest.fixture
def finance(db):
    return a_customer("finance", is_staff=True)


@pytest.fixture
def owner(db):
    return a_customer("owner", is_staff=True)


def ask(payment, by, *, fen=1000, effect="keep", **changes):
    usual = {"reason": "asked for it", "fault": "buyer", "now": NOW}
    return refunds.ask_refund(payment_id=payment.pk, amount_fen=fen, effect=effect, by=by, **{**usual, **changes})


def gone(refund, kind=FactKind.REFUNDED, now=NOW):
    """The gateway says what became of a refund."""
    payment = refund.payment
    fact = a_fact(
        payment.attempt, kind, reference=refund.refund_no, refund_no=refund.refund_no, amount_fen=refund.amount_fen,
        transaction_id=payment.transaction_id,
    )  # fmt: skip
    record(fact, source="notice", now=now)
    refund.refresh_from_db()
    return refund


def test_a_refund_is_booked_when_it_is_decided_and_again_when_it_has_left(alice, node, finance, owner):
    payment = a_paid(alice, node)
    refund = ask(payment, finance)
    assert (refund.state, balance("refund_due")) == ("asked", 0)

    refunds.decide_refund(refund_id=refund.pk, by=owner, now=NOW)
    assert (balance("deferred"), balance("refund_due")) == (0, -1000)

    gone(refund)
    assert (refund.state, balance("refund_due"), balance("gateway:sandbox")) == ("done", 0, 0)
    assert Outbox.objects.filter(kind="refund").count() == 1


def test_who_asked_does_not_decide(alice, node, finance, settings):
    refund = ask(a_paid(alice, node), finance)

    with pytest.raises(SecondPersonNeeded):
        refunds.decide_refund(refund_id=refund.pk, by=finance, now=NOW)

    settings.ONE_PERSON_SHOP = True
    assert refunds.decide_refund(refund_id=refund.pk, by=finance, now=NOW).state == "decided"


def test_a_shop_of_one_person_decides_at_once(alice, node, finance, settings):
    settings.ONE_PERSON_SHOP = True

    assert ask(a_paid(alice, node), finance).state == "decided"


@pytest.mark.parametrize("fen", [0, -1, 1001])
def test_more_than_was_paid_or_nothing_is_refused(alice, node, finance, fen):
    payment = a_paid(alice, node)

    with pytest.raises(RefundRefused, match=f"{money(fen)} cannot"):
        ask(payment, finance, fen=fen)


def test_parts_add_up_to_what_was_paid_and_no_fen_more(alice, node, finance):
    payment = a_paid(alice, node)
    ask(payment, finance, fen=600)

    with pytest.raises(RefundRefused, match=r"¥4\.00 are left"):
        ask(payment, finance, fen=401)
    assert ask(payment, finance, fen=400).amount_fen == 400


def test_what_is_withdrawn_is_free_again(alice, node, finance, owner):
    payment = a_paid(alice, node)
    refund = ask(payment, finance)

    refunds.withdraw_refund(refund_id=refund.pk, by=owner, now=NOW)

    with pytest.raises(AlreadyDecided):
        refunds.decide_refund(refund_id=refund.pk, by=owner, now=NOW)
    decided = refunds.decide_refund(refund_id=ask(payment, finance).pk, by=owner, now=NOW)
    with pytest.raises(AlreadyDecided):
        refunds.withdraw_refund(refund_id=decided.pk, by=owner, now=NOW)


def test_closing_ends_the_grant_and_keeping_does_not(alice, bob, node, finance, owner):
    for customer, effect, left in ((alice, "close", 0), (bob, "keep", 5)):
        refund = ask(a_paid(customer, node), finance, effect=effect)
        refunds.decide_refund(refund_id=refund.pk, by=owner, now=NOW)
        assert selectors.entitlement(customer, node.group, NOW).max_subs == left


def test_shortening_ends_it_then(alice, node, finance, owner):
    payment = a_paid(alice, node)
    until = NOW + timedelta(days=5)
    with pytest.raises(RefundRefused, match="between now and"):
        ask(payment, finance, effect="shorten", shorten_to=NOW - timedelta(days=1))

    refund = ask(payment, finance, fen=500, effect="shorten", shorten_to=until)
    refunds.decide_refund(refund_id=refund.pk, by=owner, now=NOW)

    assert selectors.last_end(alice, node.group) == until
    closing = ask(payment, finance, fen=500, effect="close")
    refunds.decide_refund(refund_id=closing.pk, by=owner, now=NOW)
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 0  # ended now, though it was shortened before


def test_what_extends_a_refunded_grant_goes_back_with_it(alice, node, finance, owner):
    root = a_paid(alice, node)
    longer = a_paid(alice, node, kind="extend", extends=root.purchase.grant.pk, months=2)
    with pytest.raises(RefundRefused, match="later grant continues"):
        ask(root, finance, effect="close")

    refund = ask(root, finance, effect="close", with_extensions=True)
    refunds.decide_refund(refund_id=refund.pk, by=owner, now=NOW)

    back = {row.payment_id: row.amount_fen for row in Refund.objects.filter(state="decided")}
    assert back == {root.pk: 1000, longer.pk: 2000}
    assert all(grant.as_value().until_at <= NOW for grant in Grant.objects.filter(pk=root.purchase.grant.pk))
    assert selectors.timeline(alice, node.group, NOW)[0].entitlement.max_subs == 0
    assert selectors.last_end(alice, node.group) in (None, NOW)


def test_t9_a_disputed_payment_is_not_refunded_and_a_refunded_one_books_no_second_loss(alice, node, finance):
    payment = a_paid(alice, node)
    disputed = a_fact(payment.attempt, FactKind.DISPUTED, reference="d-1", transaction_id=payment.transaction_id)
    record(disputed, source="notice", now=NOW)

    with pytest.raises(RefundRefused, match="disputed"):
        ask(payment, finance)

    won = a_fact(payment.attempt, FactKind.DISPUTE_WON, reference="d-1", transaction_id=payment.transaction_id)
    record(won, source="notice", now=NOW)
    assert ask(payment, finance).state == "asked"
    assert balance("dispute_loss") == 0


def test_a_refund_that_failed_after_it_was_done_is_owed_again_and_paid_by_hand(alice, node, finance, owner):
    refund = refunds.decide_refund(refund_id=ask(a_paid(alice, node), finance).pk, by=owner, now=NOW)
    gone(refund)

    gone(refund, FactKind.REFUND_FAILED)
    assert (refund.state, balance("refund_due"), balance("gateway:sandbox")) == ("failed", -1000, 1000)

    refunds.pay_by_hand(refund_id=refund.pk, reference="ICBC 1", by=finance, now=NOW)
    assert (balance("refund_due"), balance("gateway:sandbox"), balance("bank")) == (0, 1000, -1000)
    with pytest.raises(RefundRefused, match="not with the gateway"):
        refunds.pay_by_hand(refund_id=refund.pk, reference="ICBC 1", by=finance, now=NOW)


def test_a_refund_that_failed_is_sent_again_under_a_new_number_and_booked_once(alice, node, finance, owner):
    refund = refunds.decide_refund(refund_id=ask(a_paid(alice, node), finance).pk, by=owner, now=NOW)
    with pytest.raises(RefundRefused, match="that failed"):
        refunds.retry_refund(refund_id=refund.pk, by=owner, now=NOW)
    gone(refund, FactKind.REFUND_FAILED)

    again = refunds.retry_refund(refund_id=refund.pk, by=owner, now=NOW)

    assert again.refund_no != refund.refund_no
    assert (again.state, balance("refund_due")) == ("decided", -1000)
    gone(again)
    assert (balance("refund_due"), balance("gateway:sandbox"), refunds.left_of(again.payment)) == (0, 0, 0)


@pytest.mark.parametrize("early", [True, False])
def test_a_refund_made_in_the_gateways_console_is_booked_whenever_it_is_told(alice, node, finance, early):
    attempt = an_attempt(a_purchase(alice, node))
    paid = a_fact(attempt)
    back = a_fact(attempt, FactKind.REFUNDED, transaction_id=paid.transaction_id, amount_fen=400)

    for fact in (back, paid) if early else (paid, back):
        record(fact, source="notice", now=NOW)

    payment = PaymentFact.objects.get(kind="paid")
    assert (Refund.objects.get().fault, refunds.left_of(payment)) == ("console", 600)
    assert (balance("gateway:sandbox"), balance("deferred"), balance("refund_due")) == (600, -600, 0)
    with pytest.raises(RefundRefused):
        ask(payment, finance, fen=601)


def test_what_money_from_suspense_was_used_for_ends_with_its_refund(alice, node, finance, owner):
    purchase = a_purchase(alice, node)
    payment = record(a_fact(an_attempt(purchase), order_no="nobody's"), source="notice", now=NOW)
    used = facts.use_suspense(
        suspense_id=payment.suspense.pk, order=purchase.public_id, by=finance, why="called us", now=NOW
    )
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5

    refund = refunds.decide_refund(refund_id=ask(payment, finance, effect="close").pk, by=owner, now=NOW)

    assert refund.purchase == used
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 0
    assert (balance("deferred"), balance("refund_due"), balance("suspense:sandbox")) == (0, -1000, 0)


def test_suspense_is_refunded_when_all_of_it_has_gone_back(alice, node):
    payment = a_paid(alice, node)
    second = record(a_fact(an_attempt(payment.purchase)), source="notice", now=NOW)
    refund = second.refunds.get()

    gone(refund)

    assert (Suspense.objects.get().state, balance("suspense:sandbox"), balance("refund_due")) == ("refunded", 0, 0)


def test_of_money_in_suspense_that_goes_back_in_part_the_rest_still_waits(alice, node, finance, owner):
    fact = a_fact(an_attempt(a_purchase(alice, node)), order_no="nobody's")
    payment = record(fact, source="notice", now=NOW)

    parts = [
        refunds.decide_refund(refund_id=ask(payment, finance, fen=fen).pk, by=owner, now=NOW) for fen in (830, 170)
    ]
    assert Suspense.objects.get().state == "refunding"
    for part in parts:
        told = a_fact(an_attempt(Purchase.objects.get()), FactKind.REFUNDED, reference=part.refund_no,
                      refund_no=part.refund_no, amount_fen=part.amount_fen)  # fmt: skip
        record(told, source="query", now=NOW)
    assert (Suspense.objects.get().state, balance("suspense:sandbox")) == ("refunded", 0)


def test_a_first_part_leaves_it_open(alice, node, finance, owner):
    payment = record(a_fact(an_attempt(a_purchase(alice, node)), order_no="nobody's"), source="notice", now=NOW)

    refunds.decide_refund(refund_id=ask(payment, finance, fen=830).pk, by=owner, now=NOW)

    assert (Suspense.objects.get().state, balance("suspense:sandbox")) == ("open", -170)


@pytest.fixture
def bob(db):
    return a_customer("bob")


def _two_refunds(monkeypatch):
    """Ask for 60 % of one payment twice at once; return what each got."""
    import threading
    from contextlib import suppress

    payment = a_paid(a_customer(), a_node())
    finance = a_customer("finance", is_staff=True)
    barrier = threading.Barrier(2)
    real = refunds.left_of

    def look_then_wait(payment):
        left = real(payment)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=1.5)
        return left

    monkeypatch.setattr(refunds, "left_of", look_then_wait)
    got = at_once([lambda: ask(payment, finance, fen=600).state] * 2)
    return got, Refund.objects.aggregate(total=Sum("amount_fen"))["total"]


@pytest.mark.django_db(transaction=True)
def test_t8_two_refunds_of_sixty_percent_at_once_are_never_more_than_was_paid(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")

    got, total = _two_refunds(monkeypatch)

    assert sorted(got) == ["RefundRefused", "asked"]
    assert total == 600


@pytest.mark.django_db(transaction=True)
def test_t8_without_the_lock_both_go_through(monkeypatch):
    """The twin: it is the lock that protects."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    got, total = _two_refunds(monkeypatch)

    assert got == ["asked", "asked"]
    assert total == 1200
