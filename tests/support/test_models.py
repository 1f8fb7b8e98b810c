"""What is always so of questions."""

import pytest
from django.db import IntegrityError, transaction

from support.models import Ticket, new_number
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_number_has_no_letter_that_is_read_as_another():
    assert not set("".join(new_number()[1:] for _ in range(200))) & set("01IO")


def test_there_is_no_fourth_state():
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.create(customer=a_customer(), subject="s", state="lost", opened_at=NOW, moved_at=NOW)
