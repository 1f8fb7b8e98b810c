"""Reconciliation: the shop's own books hold, each disagreement is a sentence, and bills are matched row by row."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from billing.domain.months import SHANGHAI
from billing.gateways.protocol import FactKind
from billing.models import LedgerLine, PaymentFact, Purchase, Reconciliation, Suspense
from billing.services import books
from billing.services.facts import record
from billing.services.letters.books import books_differ
from billing.services.settling import settle_purchase
from outbox.models import Outbox
from tests.billing.gateways.paper import PaperGateway, row
from tests.factories import NOW, a_customer, a_fact, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = NOW.date()


@pytest.fixture(autouse=True)
def keys(keys_dir):
    return keys_dir


@pytest.fixture
def paper(monkeypatch):
    made = PaperGateway()
    monkeypatch.setattr(books, "gateway", lambda name: made)
    return made


def paid(alice, node):
    return record(a_fact(an_attempt(a_purchase(alice, node), gateway="paper")), source="notice", now=NOW)


def test_books_that_agree_say_nothing(alice, node):
    a_paid(alice, node)
    record(a_fact(an_attempt(Purchase.objects.get())), source="notice", now=NOW)

    assert books.differences(now=NOW) == []
    assert books.check_books(now=NOW).differences == []


def test_an_order_that_was_settled_without_money_is_a_difference(alice, node):
    purchase = a_purchase(alice, node)
    settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=NOW)

    assert books.differences(now=NOW) == [
        f"order {purchase.public_id} is settled and was paid 0 fen from the balance and 0 through gateways; "
        "0 and 1000 were due"
    ]


def test_a_payment_in_no_entry_is_a_difference(alice, node):
    PaymentFact.objects.create(provider="paper", kind="paid", reference="lost", amount_fen=7, currency="CNY", at=NOW,
                               received_at=NOW, source="notice", outcome="noted")  # fmt: skip

    found = books.differences(now=NOW)

    assert "payment paper lost of 7 fen is in no entry" in found
    assert "gateway:paper: the ledger holds 0 fen, and its facts say 7" in found


def test_a_ledger_that_was_meddled_with_is_a_difference(alice, node):
    a_paid(alice, node)
    line = LedgerLine.objects.get(account__code="deferred")
    if connection.vendor != "postgresql":
        pytest.skip("the triggers are PostgreSQL's")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_ledgerline DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_ledgerline SET amount_fen = -999 WHERE id = %s", [line.pk])
        cursor.execute("ALTER TABLE billing_ledgerline ENABLE TRIGGER USER")

    assert "has 2 lines that sum to 1" in books.differences(now=NOW)[0]


def test_money_that_waits_for_three_days_is_an_alarm(alice, node):
    record(a_fact(an_attempt(a_purchase(alice, node)), order_no="nobody's"), source="notice", now=NOW)
    record(a_fact(an_attempt(Purchase.objects.get()), amount_fen=5), source="notice", now=NOW)

    assert books.differences(now=NOW + timedelta(days=3)) == []
    late = books.differences(now=NOW + timedelta(days=3, seconds=1))
    assert ["in suspense since" in late[0], "is owed since" in late[1]] == [True, True]


def test_a_bill_that_agrees(alice, node, paper):
    fact = paid(alice, node)
    paper.rows = (row(fact, fee_fen=6),)

    found = books.match_bill(provider="paper", day=DAY, now=NOW)

    assert (found.matched, found.differences) == (1, [])
    assert LedgerLine.objects.get(account__code="fees").amount_fen == 6
    assert books.differences(now=NOW) == []


def test_the_same_bill_again_changes_nothing(alice, node, paper):
    paper.rows = (row(paid(alice, node), fee_fen=6),)
    first = books.match_bill(provider="paper", day=DAY, now=NOW)

    assert books.match_bill(provider="paper", day=DAY, now=NOW) == first
    assert Reconciliation.objects.count() == LedgerLine.objects.filter(account__code="fees").count() == 1


def test_money_that_we_were_never_told_of_is_booked_and_named(alice, node, paper):
    attempt = an_attempt(a_purchase(alice, node), gateway="paper")
    paper.rows = (row(a_fact(attempt)), row(a_fact(attempt, order_no="nobody's"), order_no="nobody's"))

    found = books.match_bill(provider="paper", day=DAY, now=NOW)

    assert ["booked: settled" in found.differences[0], "booked: suspense" in found.differences[1]] == [True, True]
    assert (Purchase.objects.get().state, Suspense.objects.get().reason) == ("settled", "unknown_order")
    assert set(PaymentFact.objects.values_list("source", flat=True)) == {"bill"}


def test_a_refund_that_was_made_in_the_console_is_booked_by_its_bill(alice, node, paper):
    fact = paid(alice, node)
    paper.rows = (row(fact), row(fact, kind=FactKind.REFUNDED, amount_fen=400, refund_no="R-of-theirs"))

    found = books.match_bill(provider="paper", day=DAY, now=NOW)

    assert len(found.differences) == 1
    assert fact.refunds.get().fault == "console"
    assert books.differences(now=NOW) == []


def test_another_amount_is_a_difference(alice, node, paper):
    fact = paid(alice, node)
    paper.rows = (row(fact, amount_fen=999),)

    (sentence,) = books.match_bill(provider="paper", day=DAY, now=NOW).differences

    assert sentence.endswith("the bill says 999 fen, we have 1000")


def test_what_only_we_have_is_a_difference_after_a_day(alice, node, paper):
    fact = paid(alice, node)

    assert books.match_bill(provider="paper", day=DAY, now=NOW).differences == []
    paper.rows = (row(a_fact(fact.attempt, amount_fen=1)),)
    late = books.match_bill(provider="paper", day=DAY, now=NOW + timedelta(days=2))

    assert f"paper payment {fact.reference}: 1000 fen are not in the bill of {DAY}" in late.differences


def test_a_bill_that_cannot_be_used_is_a_difference_and_books_nothing(alice, node, paper):
    paper.broken_bill = True

    found = books.match_bill(provider="paper", day=DAY, now=NOW)

    assert "the bill was not read" in found.differences[0]
    assert not PaymentFact.objects.exists()


class TestEachNight:
    @pytest.fixture(autouse=True)
    def shop(self, monkeypatch, paper, settings):
        settings.PAYMENT_GATEWAYS = ["paper"]
        a_customer("owner", is_staff=True, is_superuser=True, language="zh-hans")

    def look(self, hour, day=21):
        return books.look_nightly(now=datetime(2026, 11, day, hour, 30, tzinfo=SHANGHAI))

    def test_the_books_are_looked_over_once_a_day_and_bills_when_there_are(self, paper):
        assert [self.look(hour) for hour in (0, 1, 9, 10, 11, 23)] == [1, 0, 0, 1, 0, 0]
        assert self.look(0, day=22) == 1
        assert [one.provider for one in Reconciliation.objects.order_by("pk")] == ["", "paper", ""]

    def test_a_bill_that_cannot_be_read_is_asked_for_each_hour(self, paper):
        paper.broken_bill = True
        assert [self.look(hour) for hour in (10, 10, 11, 12)] == [2, 0, 1, 1]

        paper.broken_bill = False
        assert [self.look(hour) for hour in (13, 14)] == [1, 0]

    def test_who_looks_after_the_money_is_written_to_in_their_language(self, alice, node):
        settle_purchase(purchase_id=a_purchase(alice, node).pk, paid_fen=1000, now=NOW)

        self.look(1)

        row = Outbox.objects.get(kind="books_differ")
        assert (row.language, row.payload["to"]) == ("zh-hans", "owner@example.com")
        letter = books_differ(row.payload, NOW)
        assert "is settled and was paid 0 fen" in letter.paragraphs[1]

    def test_books_that_agree_write_to_nobody(self, alice, node):
        a_paid(alice, node)
        self.look(1)
        assert not Outbox.objects.filter(kind="books_differ").exists()
