"""Notices of the sandbox gateway: forged ones do nothing, repeats settle once, also when they come at the same time."""

import threading
from contextlib import contextmanager, suppress
from copy import copy
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.query import QuerySet

from billing.errors import BadNotice, PaymentsOff
from billing.gateways.sandbox.gateway import SandboxGateway
from billing.models import Grant, LedgerEntry, PaymentFact, Suspense
from billing.services import facts, payments, purchases, settling
from tests.at_once import at_once
from tests.factories import NOW, a_customer, a_node, a_purchase, an_attempt

pytestmark = pytest.mark.whole
KEY = "the-sandbox's-own-key"


@pytest.fixture(autouse=True)
def sandbox(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.SANDBOX_KEY = KEY
    return SandboxGateway(key=KEY)


def message(purchase, **changes):
    usual = {
        "event_id": "event-1",
        "transaction_id": "transaction-1",
        "order_id": (purchase.attempts.first() or an_attempt(purchase)).order_no,
        "amount_fen": purchase.due_fen,
        "currency": "CNY",
        "paid_at": int(NOW.timestamp()),
        "status": "paid",
    }
    return {**usual, **changes}


def take(signed, now=NOW):
    headers, body = signed
    (fact,) = payments.accept_notice(provider="sandbox", headers=headers, body=body, now=now)
    return fact


@pytest.mark.django_db
class TestOneNotice:
    def test_a_signed_notice_settles(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)

        notice = take(sandbox.sign_notice(message(purchase), NOW))

        purchase.refresh_from_db()
        assert (notice.outcome, purchase.state) == ("settled", "settled")

    def test_the_same_event_again_settles_nothing_more(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)
        first = take(sandbox.sign_notice(message(purchase), NOW))

        assert take(sandbox.sign_notice(message(purchase), NOW)) == first
        assert (Grant.objects.count(), PaymentFact.objects.count()) == (1, 1)

    def test_another_event_of_the_same_payment_is_the_first_fact(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)
        first = take(sandbox.sign_notice(message(purchase), NOW))

        assert take(sandbox.sign_notice(message(purchase, event_id="event-2"), NOW)) == first
        assert (Grant.objects.count(), LedgerEntry.objects.count()) == (1, 1)

    def test_a_second_payment_of_a_settled_purchase_is_in_suspense(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)
        take(sandbox.sign_notice(message(purchase), NOW))

        second = take(sandbox.sign_notice(message(purchase, event_id="event-2", transaction_id="transaction-2"), NOW))

        assert (second.outcome, second.suspense.reason) == ("suspense", "second_payment")
        assert Grant.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"amount_fen": 900}, "wrong_amount"),
            ({"amount_fen": 1001}, "wrong_amount"),
            ({"currency": "USD"}, "wrong_currency"),
        ],
    )
    def test_another_amount_or_currency_settles_nothing(self, alice, node, sandbox, change, reason):
        purchase = a_purchase(alice, node)

        notice = take(sandbox.sign_notice(message(purchase, **change), NOW))

        purchase.refresh_from_db()
        assert (notice.outcome, notice.suspense.reason, purchase.state) == ("suspense", reason, "pending")

    def test_a_declined_payment_fails_the_purchase_and_a_later_one_settles_it(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)

        declined = message(purchase, status="declined", transaction_id="transaction-0")
        take(sandbox.sign_notice(declined, NOW))
        purchase.refresh_from_db()
        assert purchase.state == "failed"

        assert take(sandbox.sign_notice(message(purchase, event_id="event-2"), NOW)).outcome == "settled"

    def test_money_that_comes_after_the_price_has_expired_settles(self, alice, node, sandbox):
        purchase, late = a_purchase(alice, node), NOW + timedelta(hours=3)
        purchases.expire_purchases(now=late)

        assert take(sandbox.sign_notice(message(purchase), late), late).outcome == "settled"

    def test_an_unknown_order_is_noted_once(self, alice, node, sandbox):
        purchase = a_purchase(alice, node)
        signed = sandbox.sign_notice(message(purchase, order_id="nobodys"), NOW)

        assert take(signed) == take(signed)
        assert Suspense.objects.get().reason == "unknown_order"
        assert PaymentFact.objects.count() == 1

    @pytest.mark.parametrize("name", ["key", "body", "timestamp", "no headers"])
    def test_a_forged_notice_settles_nothing_and_leaves_nothing(self, alice, node, sandbox, name):
        purchase = a_purchase(alice, node)
        signer = SandboxGateway(key="another key") if name == "key" else sandbox
        headers, body = signer.sign_notice(message(purchase), NOW)
        if name == "body":
            body = body.replace(b'"CNY"', b'"CNX"')
        if name == "timestamp":
            headers["Sandbox-Timestamp"] = str(int(NOW.timestamp()) + 1)
        if name == "no headers":
            headers = {}

        with pytest.raises(BadNotice):
            take((headers, body))

        purchase.refresh_from_db()
        assert purchase.state == "pending"
        assert not PaymentFact.objects.exists()

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_stale_notice_is_refused_both_ways(self, alice, node, sandbox, minutes):
        purchase = a_purchase(alice, node)

        with pytest.raises(BadNotice, match="too old"):
            take(sandbox.sign_notice(message(purchase), NOW + timedelta(minutes=minutes)))

    @pytest.mark.parametrize(
        "change",
        [
            {"amount_fen": "1000"},
            {"amount_fen": True},
            {"amount_fen": -1000},
            {"amount_fen": 1000.0},
            {"paid_at": None},
            {"event_id": ""},
            {"event_id": ["x"]},
            {"status": "PAID"},
            {"paid_at": 10**18},
        ],
    )
    def test_a_signed_notice_of_the_wrong_types_is_refused(self, alice, node, sandbox, change):
        purchase = a_purchase(alice, node)

        with pytest.raises(BadNotice):
            take(sandbox.sign_notice(message(purchase, **change), NOW))

    def test_the_sandbox_is_off_where_the_setting_says_none(self, alice, node, sandbox, settings):
        purchase = a_purchase(alice, node)
        settings.PAYMENT_GATEWAYS = []

        with pytest.raises(PaymentsOff):
            take(sandbox.sign_notice(message(purchase), NOW))


@contextmanager
def meeting_point(monkeypatch, parties=2):
    """Let both threads look at the purchase before either changes it, if nothing keeps them apart."""
    barrier = threading.Barrier(parties)
    real = facts._why_not

    def look_then_wait(*seen):
        outcome = real(*seen)
        with suppress(threading.BrokenBarrierError):  # broken: the other one is held back, as it should be
            barrier.wait(timeout=1.5)
        return outcome

    monkeypatch.setattr(facts, "_why_not", look_then_wait)
    yield barrier


def two_at_once(signed):
    """Hand the same notice in on two connections; return what each got."""
    return at_once([lambda: take(signed).outcome] * 2)


@pytest.fixture
def on_postgresql(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")


def test_two_identical_notices_at_once_settle_once(on_postgresql, monkeypatch, sandbox):
    purchase = a_purchase(a_customer(), a_node())
    signed = sandbox.sign_notice(message(purchase), NOW)

    with meeting_point(monkeypatch) as barrier:
        outcomes = two_at_once(signed)

    assert barrier.broken  # they never met: one waited for the other
    assert outcomes == ["settled", "settled"]
    assert (Grant.objects.count(), PaymentFact.objects.count()) == (1, 1)


def test_without_the_lock_and_the_unique_keys_the_same_two_notices_grant_twice(on_postgresql, monkeypatch, sandbox):
    """The twin: shows that the test above can fail, and what it is that protects."""
    purchase = a_purchase(a_customer(), a_node())
    signed = sandbox.sign_notice(message(purchase), NOW)
    unique = {
        "billing_grant": "purchase_id",
        "billing_paymentfact": "reference",
        "billing_accesstoken": "customer_id",
        "billing_purchaseevent": "to_state",
        "billing_ledgerentry": "source",
    }
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())
    # Settling looks once more; it then sees what was there before.
    seen = settling.lock_purchase(purchase.pk)
    monkeypatch.setattr(settling, "lock_purchase", lambda purchase_id: copy(seen))

    with without_unique_keys(unique), meeting_point(monkeypatch) as barrier:
        outcomes = two_at_once(signed)
        granted = Grant.objects.count()
        empty(*unique)

    assert not barrier.broken  # both had looked before either wrote
    assert outcomes == ["settled", "settled"]
    assert granted == 2


@contextmanager
def without_unique_keys(tables):
    """Drop every unique index of these tables that names this column, and make them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.relname, pg_get_indexdef(i.oid), pg_get_constraintdef(c.oid), c.conname, t.relname "
            "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
            "LEFT JOIN pg_constraint c ON c.conindid = i.oid "
            "WHERE x.indisunique AND NOT x.indisprimary AND t.relname = ANY(%s)",
            [list(tables)],
        )
        found = [row for row in cursor.fetchall() if tables[row[4]] in row[1]]
        assert len(found) >= len(tables)
        for index, _, _, name, table in found:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"' if name else f'DROP INDEX "{index}"')
        try:
            yield
        finally:
            for _, index_sql, constraint_sql, name, table in found:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {constraint_sql}' if name else index_sql)


def empty(*tables):
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
