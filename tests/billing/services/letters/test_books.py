"""Who looks after the money reads what does not add up, and where all of it stands."""

from datetime import date

import pytest

from billing.models import Reconciliation
from billing.services.letters.books import books_differ
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_twenty_differences_stand_in_the_mail_and_all_on_their_page(settings):
    settings.PANEL_URL = "https://shop.example"
    found = Reconciliation.objects.create(
        provider="alipay", day=date(2026, 11, 20), digest="d", at=NOW, differences=[f"order {n}" for n in range(30)]
    )

    letter = books_differ({"reconciliation": found.pk, "to": "owner@example.com"}, NOW)

    assert (letter.to, letter.subject) == ("owner@example.com", "Money does not add up: bill of alipay")
    assert "order 19" in letter.paragraphs[1]
    assert "order 20" not in letter.paragraphs[1]
    assert letter.button[1] == f"https://shop.example/admin/billing/reconciliation/{found.pk}/change/"
