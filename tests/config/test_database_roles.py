"""The shop's role reads and writes rows; it owns nothing, and what is written once it cannot change by any statement."""

import os

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from psycopg import errors

from billing.models import AppendOnly, PaymentFact, Purchase
from config.database_roles import grant_application
from config.embedded.servers import APPLICATION_ROLE
from kernel.clock import utc_now
from tests.factories import a_customer, a_grant, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
ONCE = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))


@pytest.fixture
def shop(request):
    """A connection to the tests' database with the role that the shop has in a deployment."""
    url = os.environ.get("DATABASE_APPLICATION_URL")
    if connection.vendor != "postgresql" or url is None:
        pytest.skip("the database that the environment names has one role")
    grant_application(APPLICATION_ROLE)
    with psycopg.connect(f"{url.rsplit('/', 1)[0]}/{connection.settings_dict['NAME']}", autocommit=True) as opened:
        yield opened


@pytest.fixture
def grant(keys_dir):
    return a_grant(a_customer("alice"), a_node(), at=utc_now())


def test_the_role_is_no_superuser_and_owns_no_table(shop):
    rows = shop.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchall()
    owned = shop.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user").fetchone()
    assert (rows, owned) == ([(False, False, False, False)], (0,))


def test_what_is_written_once_are_the_tables_of_money_and_rights():
    assert ONCE == [
        "billing_compensation", "billing_departure", "billing_endnotice", "billing_fapiaoreversal", "billing_formertrial", "billing_grant", "billing_grantclosure",
        "billing_ledgerentry", "billing_ledgerline", "billing_paymentfact", "billing_purchaseevent",
        "billing_reconciliation", "billing_renewalstep", "content_announcement", "content_announcementupdate",
        "content_textversion",
    ]  # fmt: skip


@pytest.mark.parametrize("table", ONCE)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {0} SET id = id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE", "DROP TABLE {0} CASCADE",
     "ALTER TABLE {0} DISABLE TRIGGER ALL", "DROP TRIGGER {0}_append_only ON {0}", "ALTER TABLE {0} RENAME TO gone"],
)  # fmt: skip
def test_what_is_written_once_stays(shop, grant, table, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        shop.execute(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE x (y int)", "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE ROLE x",
     "SET session_replication_role = replica", "DELETE FROM django_migrations", "COPY billing_grant TO '/tmp/grants'",
     "SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO PROGRAM 'id'", "ALTER ROLE tickpack PASSWORD 'x'",
     "CREATE OR REPLACE FUNCTION billing_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"],
)  # fmt: skip
def test_nor_is_there_another_way(shop, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        shop.execute(statement)


def test_what_the_shop_does_it_may(shop, grant):
    """Every table is read; ordinary ones are written; rights are added."""
    for table in connection.introspection.table_names():
        shop.execute(f"SELECT count(*) FROM {table}")
    shop.execute("UPDATE accounts_customer SET language = 'en'")
    shop.execute("SELECT 1 FROM billing_purchase FOR UPDATE")
    shop.execute(
        "INSERT INTO billing_grantclosure (closed_at, reason, grant_id) VALUES (now(), 'tested', %s)", (grant.pk,)
    )


@pytest.mark.parametrize("change", ["paid_fen = 1", "due_fen = 1", "state = 'failed'", "customer_id = customer_id + 1",
                                    "settled_at = now()", "symbols = 5000"])  # fmt: skip
def test_a_settled_order_stays_what_it_was_even_for_its_owner(grant, change):
    from django.db import DatabaseError

    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL refuses it; elsewhere nothing does")
    with pytest.raises(DatabaseError, match="is settled"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_purchase SET {change}")


def test_its_node_may_change_and_nothing_is_removed(grant):
    from django.db import DatabaseError

    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL refuses it; elsewhere nothing does")
    other = a_node("sh-2", last_seen_at=utc_now())
    assert Purchase.objects.update(node=other) == 1
    pending = a_purchase(a_customer("bob"), other, at=utc_now())
    with pytest.raises(DatabaseError, match="never removed"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_purchase WHERE id = %s", (pending.pk,))


def test_what_a_gateway_said_is_not_changed(grant):
    fact = PaymentFact.objects.create(
        provider="sandbox", kind="paid", reference="r", amount_fen=1, currency="CNY", at=utc_now(),
        received_at=utc_now(), source="notice", outcome="noted",
    )  # fmt: skip
    with pytest.raises(TypeError, match="append-only"):
        fact.save()


def test_preparing_twice_changes_nothing(shop, settings):
    settings.DATABASE_APPLICATION_ROLE = APPLICATION_ROLE
    call_command("prepare_database")
    call_command("prepare_database")
    shop.execute("SELECT count(*) FROM billing_grant")


def test_of_a_settled_order_where_it_was_placed_from_is_forgotten_and_never_written(grant):
    from django.db import DatabaseError, transaction

    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL refuses it; elsewhere nothing does")
    assert Purchase.objects.update(placed_from=None) == 1
    with pytest.raises(DatabaseError, match="is settled"), transaction.atomic():
        Purchase.objects.update(placed_from="203.0.113.7")
