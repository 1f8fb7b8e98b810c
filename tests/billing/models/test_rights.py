"""Rights are only ever added to, whoever asks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from billing.models import Grant
from tests.factories import NOW, a_grant, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_grants_are_append_only_in_the_models(alice, node):
    grant = a_grant(alice, node)

    with pytest.raises(TypeError, match="append-only"):
        grant.save()
    with pytest.raises(TypeError, match="append-only"):
        grant.delete()


def test_grants_are_append_only_in_postgresql(alice, node):
    if connection.vendor != "postgresql":
        pytest.skip("the trigger is PostgreSQL's")
    grant = a_grant(alice, node)

    for change in (lambda: Grant.objects.update(symbols=500), lambda: Grant.objects.filter(pk=grant.pk).delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_the_database_itself_refuses_an_empty_period_and_a_second_grant(alice, node):
    grant = a_grant(alice, node)
    copy = {
        name: getattr(grant, name) for name in ("customer", "group", "symbols", "max_connections", "markets", "levels")
    }
    copy |= {"types": grant.types, "intervals": grant.intervals}

    with pytest.raises(IntegrityError, match="grant_period_is_not_empty"), transaction.atomic():
        Grant.objects.create(**copy, purchase=a_purchase(alice, node), starts_at=NOW, ends_at=NOW)
    with pytest.raises(IntegrityError, match="purchase_id"), transaction.atomic():
        Grant.objects.create(**copy, purchase=grant.purchase, starts_at=NOW, ends_at=NOW + timedelta(days=1))
