"""`manage.py seed_plans`: the price list is made once and an admin's edits stay."""

import pytest
from django.core.management import call_command

from billing.models import Plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_packs_are_made_where_they_are_missing_and_never_changed(capsys):
    call_command("seed_plans")
    Plan.objects.filter(slug="pack-5").update(price_fen=1)
    Plan.objects.filter(slug="pack-15").delete()

    call_command("seed_plans")

    assert capsys.readouterr().out.split("\n")[:2] == ["3 plans created", "1 plans created"]
    assert Plan.objects.get(slug="pack-5").price_fen == 1
