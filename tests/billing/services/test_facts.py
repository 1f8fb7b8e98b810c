"""Every sum that a gateway took stands in a figure: what it settled, or suspense; each once, in any order."""

import itertools
from dataclasses import replace

import pytest
from django.db import connection

from billing.errors import BadNotice
from billing.gateways.protocol import FactKind
from billing.models import Grant, LedgerEntry, PaymentFact, Purchase, Refund, Suspense
from billing.services import facts, purchases
from billing.services.facts import record
from nodes.models import Node
from tests.at_once import at_once
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_fact, a_node, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def keys(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


def take(fact, *, source="notice", now=NOW):
    return record(fact, source=source, now=now)


def test_a_payment_settles_and_is_booked_in_one(alice, node):
    attempt = an_attempt(a_purchase(alice, node))

    row = take(a_fact(attempt))

    attempt.refresh_from_db()
    purchase = attempt.purchase
    purchase.refresh_from_db()
    assert (row.outcome, attempt.state, purchase.state, purchase.gateway) == ("settled", "paid", "settled", "sandbox")
    assert (balance("gateway:sandbox"), balance("deferred")) == (1000, -1000)
    assert [(event.from_state, event.to_state) for event in purchase.events.all()] == [("", "pending"),
                                                                                      ("pending", "settled")]  # fmt: skip


def test_whoever_tells_it_again_a_fact_is_one(alice, node):
    told = a_fact(an_attempt(a_purchase(alice, node)))

    rows = {take(told, source=source).pk for source in ("notice", "query", "bill", "notice")}

    assert len(rows) == 1
    assert (Grant.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_a_payment_that_is_told_again_with_another_amount_stands_as_it_was_and_is_said(alice, node, caplog):
    told = a_fact(an_attempt(a_purchase(alice, node)))
    first = take(told)

    again = take(replace(told, amount_fen=1))

    assert (again, again.amount_fen) == (first, 1000)
    assert "the first stands" in caplog.text


def test_t12_paid_through_two_gateways_one_is_used_and_the_other_goes_back(alice, node):
    purchase = a_purchase(alice, node)
    first, second = an_attempt(purchase, gateway="alipay"), an_attempt(purchase, gateway="wechat")

    take(a_fact(first))
    row = take(a_fact(second))

    assert (row.suspense.reason, row.suspense.state) == ("second_payment", "refunding")
    refund = Refund.objects.get()
    assert (refund.amount_fen, refund.state, refund.fault) == (1000, "decided", "rule")
    assert (balance("gateway:wechat"), balance("suspense:wechat"), balance("refund_due")) == (1000, 0, -1000)
    assert Grant.objects.count() == 1


def test_an_unknown_order_waits_for_a_person(alice, node):
    fact = a_fact(an_attempt(a_purchase(alice, node)), order_no="P-of-nobody", transaction_id="t-9", reference="t-9")

    row = take(fact)

    assert (row.purchase, row.suspense.reason, row.suspense.state) == (None, "unknown_order", "open")
    assert balance("suspense:sandbox") == -1000


def test_another_currency_has_accounts_of_its_own(alice, node):
    take(a_fact(an_attempt(a_purchase(alice, node)), currency="USD", amount_fen=150))

    assert (balance("gateway:sandbox/USD"), balance("gateway:sandbox"), balance("refund_due/USD")) == (150, 0, -150)


def test_t10_late_money_settles_where_there_is_room(alice, node):
    attempt = an_attempt(a_purchase(alice, node))
    later = attempt.purchase.price_until_at
    purchases.expire_purchases(now=later)

    assert take(a_fact(attempt), now=later).outcome == "settled"


def test_t10_late_money_goes_back_where_the_node_is_full(alice, node):
    attempt = an_attempt(a_purchase(alice, node))
    later = attempt.purchase.price_until_at
    purchases.expire_purchases(now=later)
    Node.objects.filter(pk=node.pk).update(capacity=1)

    row = take(a_fact(attempt), now=later)

    assert (row.suspense.reason, row.suspense.state) == ("no_room", "refunding")
    assert not Grant.objects.exists()


def test_money_for_a_cancelled_order_goes_back(alice, node):
    attempt = an_attempt(a_purchase(alice, node))
    purchases.cancel_purchase(purchase_id=attempt.purchase_id, by=alice, now=NOW)

    row = take(a_fact(attempt))

    assert (row.suspense.reason, Refund.objects.get().state) == ("cancelled", "decided")
    assert Purchase.objects.get().state == "cancelled"


def test_t4_a_stale_word_that_nothing_was_paid_never_overwrites_that_it_was(alice, node):
    attempt = an_attempt(a_purchase(alice, node))
    take(a_fact(attempt))

    for kind in (FactKind.DECLINED, FactKind.CLOSED):
        take(a_fact(attempt, kind))

    attempt.refresh_from_db()
    assert (attempt.state, Purchase.objects.get().state) == ("paid", "settled")


def test_one_attempt_that_is_declined_leaves_the_other_open(alice, node):
    purchase = a_purchase(alice, node)
    first, second = an_attempt(purchase), an_attempt(purchase)

    take(a_fact(first, FactKind.DECLINED))
    purchase.refresh_from_db()
    assert purchase.state == "pending"

    take(a_fact(second, FactKind.DECLINED))
    purchase.refresh_from_db()
    assert purchase.state == "failed"


def test_t23_every_order_of_telling_ends_the_same(alice, node):
    ends = []
    for nth, order in enumerate(itertools.permutations(range(4))):
        customer = a_customer(f"buyer-{nth}")
        attempt = an_attempt(a_purchase(customer, node))
        paid = a_fact(attempt)
        transaction = paid.transaction_id
        told = [
            paid,
            a_fact(attempt, FactKind.CLOSED, reference=f"closed-{nth}"),
            a_fact(attempt, FactKind.DISPUTED, reference=f"d-{nth}", transaction_id=transaction),
            a_fact(attempt, FactKind.DISPUTE_LOST, reference=f"d-{nth}", transaction_id=transaction),
        ]
        for which in order:
            take(told[which])
        purchase = attempt.purchase
        purchase.refresh_from_db()
        ends.append((purchase.state, purchase.grant.freezes.filter(lifted_at=None).count()))

    assert set(ends) == {("settled", 1)}


def test_what_is_no_amount_of_money_is_refused(alice, node):
    with pytest.raises(BadNotice, match="-1 is no amount"):
        take(a_fact(an_attempt(a_purchase(alice, node)), amount_fen=-1))
    assert not PaymentFact.objects.exists()


def test_settled_by_hand_is_booked_like_the_rest(alice, node):
    purchase = a_purchase(alice, node)

    row = facts.settle_by_hand(purchase=purchase, provider="demo", reference="x", now=NOW)

    assert (row.source, row.outcome, balance("gateway:demo")) == ("person", "settled", 1000)


@pytest.mark.django_db(transaction=True)
def test_an_unknown_payment_that_is_told_twenty_times_at_once_is_booked_once():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    fact = a_fact(an_attempt(a_purchase(a_customer(), a_node())), order_no="nobody's")

    rows = at_once([lambda: take(fact).pk] * 20)

    assert len(set(rows)) == 1
    assert (PaymentFact.objects.count(), Suspense.objects.count(), LedgerEntry.objects.count()) == (1, 1, 1)


def test_a_second_payment_is_told_on_the_buyers_page_and_to_nobody_else(alice, node):
    paid = a_paid(alice, node)
    again = take(a_fact(an_attempt(paid.purchase)))

    assert again.purchase.customer == alice
