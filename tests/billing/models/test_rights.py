"""Rights are only ever added to, whoever asks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from billing.models import Grant
from tests.factories import NOW, a_grant, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


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
