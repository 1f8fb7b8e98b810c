"""One person an address, however it is written."""

import pytest
from django.db import IntegrityError

from accounts.models import Customer
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_an_address_is_kept_in_lower_case_and_found_in_any():
    alice = Customer.objects.create_user(" Alice@Example.com ", PASSWORD)

    assert alice.email == "alice@example.com"
    assert Customer.objects.get_by_natural_key("ALICE@example.com") == alice


def test_one_address_is_one_person():
    a_customer("alice")

    with pytest.raises(IntegrityError):
        Customer.objects.create(email="ALICE@example.com")


def test_a_person_without_an_address_is_refused():
    with pytest.raises(ValueError, match="email"):
        Customer.objects.create_user("")


def test_an_admin_may_do_everything():
    root = Customer.objects.create_superuser("root@example.com", PASSWORD)

    assert (root.is_staff, root.is_superuser) == (True, True)


def test_a_person_is_called_by_their_address_in_pages_and_mails():
    alice = a_customer("alice")

    assert {str(alice), alice.get_full_name(), alice.get_short_name()} == {"alice@example.com"}
    assert len(alice.public_id) == 32


@pytest.mark.parametrize("fields", [
    {"phone": "+8613800138000"},
    {"phone_verified_at": "2026-11-28T00:00Z"},
    {"phone": "13800138000", "phone_verified_at": "2026-11-28T00:00Z"},
    {"phone": "+85251234567", "phone_verified_at": "2026-11-28T00:00Z"},
    {"phone": "", "phone_verified_at": "2026-11-28T00:00Z"},
])  # fmt: skip
def test_only_a_proved_number_of_the_mainland_is_kept(fields):
    with pytest.raises(IntegrityError):
        a_customer("alice", **fields)


def test_one_number_is_one_person_and_many_have_none():
    proved = {"phone": "+8613800138000", "phone_verified_at": "2026-11-28T00:00Z"}
    a_customer("alice", **proved)
    a_customer("bob")
    a_customer("carol")

    with pytest.raises(IntegrityError):
        a_customer("mallory", **proved)
