"""Rows that are written once are neither changed nor removed: by the models, and in PostgreSQL by the database."""

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.utils import DatabaseError

from billing.models import AppendOnly, GatewayNotice, Grant, GrantClosure
from tests.factories import NOW, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
ONCE = [model for model in apps.get_models() if issubclass(model, AppendOnly)]


@pytest.fixture(autouse=True)
def rows(alice, node):
    """One row of each kind."""
    grant = a_grant(alice, node)
    GrantClosure.objects.create(grant=grant, closed_at=NOW, reason="tested")
    GatewayNotice.objects.create(provider="sandbox", event_id="e", order_id="o", amount_fen=1, currency="CNY",
                                 paid_at=NOW, received_at=NOW, outcome="settled")  # fmt: skip


def test_the_kinds_are_these():
    assert {Grant, GrantClosure, GatewayNotice} == set(ONCE)


@pytest.mark.parametrize("model", ONCE)
def test_the_models_refuse(model):
    row = model.objects.get()

    with pytest.raises(TypeError, match="append-only"):
        row.save()
    with pytest.raises(TypeError, match="append-only"):
        row.delete()


@pytest.mark.parametrize("model", ONCE)
def test_postgresql_refuses_whoever_asks(model):
    if connection.vendor != "postgresql":
        pytest.skip("the trigger is PostgreSQL's")
    table = model._meta.db_table

    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
