"""PostgreSQL keeps the ledger: what does not balance, comes late, changes, empties or overdraws is refused."""

import pytest
from django.db import DatabaseError, connection, transaction

from billing.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerLine
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def on_postgresql(db):
    if connection.vendor != "postgresql":
        pytest.skip("the triggers are PostgreSQL's")


def account(code="deferred", normal=-1, below=True):
    made = LedgerAccount.objects.create(code=code, normal=normal, may_go_below_zero=below)
    if not below:
        LedgerBalance.objects.create(account=made)
    return made


def entry(*lines, source="s"):
    """Write an entry with (account, fen) lines past the service, and let the deferred triggers look."""
    with transaction.atomic():
        made = LedgerEntry.objects.create(kind="test", source=source, posted_at=NOW)
        for account, fen in lines:
            LedgerLine.objects.create(entry=made, account=account, amount_fen=fen)
        look()
    return made


def look():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_two_lines_that_sum_to_zero_are_an_entry():
    a, b = account(), account("gateway:alipay", 1)

    assert entry((a, -10), (b, 10)).lines.count() == 2


@pytest.mark.parametrize("fen", [(), (10,), (10, -9), (10, -10, 1)])
def test_what_does_not_balance_is_refused(fen):
    accounts = [account(code) for code in ("deferred", "revenue", "refund_due")]

    with pytest.raises(DatabaseError, match="lines that sum to"):
        entry(*zip(accounts, fen, strict=False))


def test_a_line_of_nothing_is_refused():
    with pytest.raises(DatabaseError, match="ledger_line_moves_something"):
        entry((account(), 0), (account("revenue"), 0))


def test_the_same_source_twice_is_refused():
    a, b = account(), account("gateway:alipay", 1)
    entry((a, -10), (b, 10))

    with pytest.raises(DatabaseError, match="one_ledger_entry_a_source"):
        entry((a, -10), (b, 10))


@pytest.mark.parametrize("table", ["billing_ledgerentry", "billing_ledgerline"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nothing_is_changed_removed_or_emptied(table, statement):
    entry((account(), -10), (account("gateway:alipay", 1), 10))

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        for name in ("billing_ledgerentry", "billing_ledgerline"):  # asleep in tests, which empty tables
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER {name}_kept")
        cursor.execute(statement.format(table))


def test_an_account_that_may_not_fall_below_zero_does_not():
    owner, bank = account("balance:7", -1, below=False), account("bank", 1)
    entry((owner, -50), (bank, 50))

    with pytest.raises(DatabaseError, match="would fall to -1 fen"):
        entry((owner, 51), (bank, -51), source="t")
    entry((owner, 50), (bank, -50), source="u")
    assert LedgerBalance.objects.get().balance_fen == 0


def test_an_account_without_its_balance_row_is_refused():
    owner, bank = account("balance:7", -1, below=False), account("bank", 1)
    LedgerBalance.objects.all().delete()

    with pytest.raises(DatabaseError, match="has no balance row"):
        entry((owner, -50), (bank, 50))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fen", [(5,), (5, -5)])
def test_nobody_appends_to_yesterdays_entry(fen):
    a, b = account(), account("gateway:alipay", 1)
    made = entry((a, -10), (b, 10))

    with pytest.raises(DatabaseError, match="was posted in another transaction"), transaction.atomic():
        for line, amount in zip((a, b), fen, strict=False):
            LedgerLine.objects.create(entry=made, account=line, amount_fen=amount)


def test_texts_for_people():
    made = entry((account(), -1050), (account("gateway:alipay", 1), 1050))

    assert str(made) == "test s"
    assert {str(line) for line in made.lines.all()} == {"paid in advance -10.50", "gateway · Alipay 10.50"}
