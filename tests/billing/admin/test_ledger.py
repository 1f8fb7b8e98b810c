"""The books in the admin: balances are sums of lines, entries show theirs, files are safe to open."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import LedgerAccount, LedgerEntry, Reconciliation
from billing.services.facts import record
from billing.services.revenue import day_of
from kernel.clock import utc_now
from tests.factories import a_customer, a_fact, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


def take(desk, **form):
    today = day_of(utc_now()).isoformat()
    answer = desk.do(LedgerEntry, "take-away", **{"since": today, "until": today, **form})
    raw = b"".join(answer.streaming_content)
    return raw, list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def test_accounts_show_their_balances_on_their_own_side(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())

    rows = desk_of("finance", "view_ledgeraccount").page(LedgerAccount).context["cl"].result_list

    assert {row.code: row.sum_fen for row in rows} == {"gateway:sandbox": fact.amount_fen, "deferred": fact.amount_fen}


def test_a_balance_is_read_in_yuan_in_the_list_and_on_the_account_s_own_page(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_ledgeraccount")

    assert desk.page(LedgerAccount).text.count(f"{fact.amount} CNY") == 2
    assert f"{fact.amount} CNY" in desk.page(LedgerAccount, LedgerAccount.objects.get(code="deferred")).text


def test_no_column_of_the_admin_hides_behind_a_relation_of_the_same_name():
    """The admin looks for a field before a method: a relation that is empty would be a dash in every row."""
    hidden = [
        f"{model.__name__}.{name}"
        for model, page in admin.site._registry.items()
        for name in (*page.list_display, *page.readonly_fields)
        if isinstance(name, str) and hasattr(type(page), name)
        and name in {field.name for field in model._meta.get_fields() if not field.one_to_many}
    ]  # fmt: skip

    assert hidden == []


def test_an_entry_shows_its_lines(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())

    page = desk_of("finance", "view_ledgerentry").page(LedgerEntry, LedgerEntry.objects.get()).text

    assert "gateway:sandbox" in page
    assert page.count(f'<td class="px-3 py-2">{fact.amount}</td>') == 2


@pytest.mark.parametrize("model", [LedgerAccount, LedgerEntry])
def test_lists_ask_as_much_of_thirty_as_of_one(desk_of, alice, node, model):
    a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", f"view_{model._meta.model_name}")

    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert desk.page(model).status_code == 200
        return len(queries)

    asked()
    of_one = asked()
    for nth in range(30):
        a_paid(a_customer(f"c{nth}"), node, at=utc_now())

    assert asked() == of_one


def test_lines_and_facts_of_a_period_are_taken_away(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_ledgerentry", "export_ledger")

    raw, lines = take(desk, what="lines")
    _, facts = take(desk, what="facts")

    assert raw.startswith(b"\xef\xbb\xbf")
    assert {(row["account"], int(row["amount_fen"])) for row in lines} == {
        ("gateway:sandbox", fact.amount_fen),
        ("deferred", -fact.amount_fen),
    }
    assert [(row["reference"], row["order"]) for row in facts] == [(fact.reference, fact.purchase.public_id)]
    assert LogEntry.objects.filter(user=desk.person, change_message__startswith="take-away").count() == 2
    tomorrow = (day_of(utc_now()) + timedelta(days=1)).isoformat()
    assert take(desk, what="facts", since=tomorrow, until=tomorrow)[1] == []


def test_a_reference_that_is_a_formula_is_a_text(desk_of, alice, node):
    attempt = an_attempt(a_purchase(alice, node, at=utc_now()), at=utc_now())
    record(a_fact(attempt, reference='=HYPERLINK("http://evil")', at=utc_now()), source="notice", now=utc_now())

    _, rows = take(desk_of("finance", "view_ledgerentry", "export_ledger"), what="facts")

    assert rows[0]["reference"] == '\'=HYPERLINK("http://evil")'


def test_a_file_is_of_a_year_at_most_and_for_who_may(desk_of):
    desk = desk_of("finance", "view_ledgerentry", "export_ledger")
    form = {"what": "lines", "since": "2020-01-01", "until": "2026-01-01"}

    assert "within a year" in desk.do(LedgerEntry, "take-away", **form).text
    other = desk_of("support", "view_ledgerentry")
    assert other.client.post(other.address(LedgerEntry, "take-away"), form).status_code == 403


def test_the_books_are_looked_over_and_differences_stand_in_sentences(desk_of, alice, node):
    long_ago = utc_now() - timedelta(days=5)
    node.__class__.objects.update(last_seen_at=long_ago)
    fact = a_fact(an_attempt(a_purchase(alice, node, at=long_ago), at=long_ago), order_no="WHO", at=long_ago)
    record(fact, source="notice", now=long_ago)
    desk = desk_of("finance", "view_reconciliation", "check_books")

    assert desk.do(Reconciliation, "check").status_code == 302

    found = Reconciliation.objects.get()
    assert "wait in suspense since" in found.differences[0]
    assert "wait in suspense since" in desk.page(Reconciliation, found).text


def test_a_bill_is_read_of_a_day_that_has_ended(desk_of, settings):
    desk = desk_of("finance", "view_reconciliation", "check_books")
    today = day_of(utc_now())

    assert "once its day has ended" in desk.do(Reconciliation, "bill", provider="sandbox", day=today.isoformat()).text
    yesterday = today - timedelta(days=1)
    assert desk.do(Reconciliation, "bill", provider="sandbox", day=yesterday.isoformat()).status_code == 302
    assert Reconciliation.objects.get().day == yesterday
