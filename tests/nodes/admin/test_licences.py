"""An operator enters by what right data is sold; the name and the time stand beside it."""

import pytest
from django.urls import reverse

from nodes.models import DataLicence
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def root(client):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


def form(**more):
    said = {"lane": "CN", "provider": "sina", "contract": "", "scope": "", "starts_on": "2026-11-01", "ends_on": "",
            "insisted": ""}  # fmt: skip
    return {**said, **more}


def test_a_licence_is_entered_with_the_name_of_who_did(root):
    answer = root.post(reverse("admin:nodes_datalicence_add"), form(insisted="We answer for it."))

    row = DataLicence.objects.get()
    assert answer.status_code == 302
    assert (row.entered_by, row.insisted, row.entered_at is not None) == ("root@example.com", "We answer for it.", True)


def test_one_that_says_by_no_right_is_not_taken(root):
    answer = root.post(reverse("admin:nodes_datalicence_add"), form())

    assert answer.status_code == 200
    assert "by what right" in answer.content.decode()
    assert not DataLicence.objects.exists()


def test_the_list_says_which_hold_and_on_whose_word(root):
    DataLicence.objects.create(lane="CN", provider="itick", contract="IT-7", starts_on=NOW.date().replace(year=2020))
    DataLicence.objects.create(lane="CN", provider="sina", insisted="yes", starts_on=NOW.date().replace(year=2020))
    DataLicence.objects.create(
        lane="HK", provider="sina", contract="S-1", starts_on=NOW.date().replace(year=2020),
        ends_on=NOW.date().replace(year=2020),
    )  # fmt: skip

    page = root.get(reverse("admin:nodes_datalicence_changelist")).content.decode()

    assert page.count("holds on an operator") == 1
    assert "does not hold" in page


def test_its_market_and_provider_stay(root):
    row = DataLicence.objects.create(lane="CN", provider="itick", contract="IT-7", starts_on=NOW.date())

    root.post(reverse("admin:nodes_datalicence_change", args=[row.pk]), form(provider="sina", contract="IT-8"))

    row.refresh_from_db()
    assert (row.provider, row.contract) == ("itick", "IT-8")
