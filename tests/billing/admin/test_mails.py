"""Support lets mails go to an address again, and sees what was written to somebody."""

import pytest

from accounts.models import Customer
from kernel.clock import utc_now
from outbox.models import MailRecord, SuppressedAddress
from outbox.services import mailing
from tests.factories import a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_suppressed_address_is_lifted_and_it_is_logged(desk_of):
    from django.contrib.admin.models import LogEntry

    desk = desk_of("support", "view_suppressedaddress", "lift_suppression")
    row = SuppressedAddress.objects.create(address="alice@example.com", reason="550 no such user", since_at=utc_now())

    assert "550 no such user" in desk.page(SuppressedAddress).text
    assert desk.do(SuppressedAddress, "lift", row).url.endswith("/suppressedaddress/")

    assert mailing.suppressed("alice@example.com") is None
    assert LogEntry.objects.get().object_repr == "alice@example.com"


def test_a_customers_page_lists_their_mails(desk_of, alice, node, keys_dir):
    a_grant(alice, node, at=utc_now())
    desk = desk_of("support", "view_customer", "view_mailrecord")

    page = desk.page(Customer, alice).text

    assert "receipt" in page
    assert "waits to be sent" in page
    assert desk.page(MailRecord, MailRecord.objects.first()).status_code == 200
    assert MailRecord.objects.first().key not in desk.page(MailRecord, MailRecord.objects.first()).text
