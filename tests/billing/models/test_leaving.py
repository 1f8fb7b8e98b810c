"""That somebody has left is written once."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import Departure, FormerTrial
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_nobody_leaves_twice():
    alice = a_customer("alice")
    row = Departure.objects.create(customer=alice, at=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        Departure.objects.create(customer=alice, at=NOW)
    with pytest.raises(TypeError, match="append-only"):
        row.save()


def test_a_digest_is_kept_once():
    FormerTrial.objects.create(digest="d" * 64, at=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        FormerTrial.objects.create(digest="d" * 64, at=NOW)
