"""Versions of plans: what was sold stands, and for how long it goes on is all that changes."""

import pytest
from django.urls import reverse

from billing.models import PlanVersion
from kernel.clock import utc_now
from tests.factories import a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_of_a_plan_s_version_only_its_last_day_changes(desk_of, alice, node, keys_dir):
    version = a_purchase(alice, node, at=utc_now()).plan_version
    desk = desk_of("owner", "view_planversion", "change_planversion", "delete_planversion", "add_planversion")
    address = reverse("admin:billing_planversion_change", args=[version.pk])

    form = {
        "renewable_until_at_0": "2027-01-31",
        "renewable_until_at_1": "12:00:00",
        "price_fen": "1",
        "symbols": "500",
    }
    assert desk.client.post(address, form).status_code == 302

    after = PlanVersion.objects.get(pk=version.pk)
    assert after.renewable_until_at.isoformat() == "2027-01-31T04:00:00+00:00"
    assert (after.price_fen, after.symbols) == (version.price_fen, version.symbols)
    assert desk.client.get(reverse("admin:billing_planversion_add")).status_code == 403
    assert (
        desk.client.post(reverse("admin:billing_planversion_delete", args=[version.pk]), {"post": "yes"}).status_code
        == 403
    )
