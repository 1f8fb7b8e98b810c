"""A person sees what was written to them and whether it arrived, and ends reminders with one press, without a login."""

import pytest
from django.test import Client

from kernel.clock import utc_now
from outbox.models import MailRecord, SuppressedAddress
from outbox.services import mailing
from outbox.services.sending import deliver_outbox
from tests.factories import a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def told(client, alice, node, keys_dir):
    """alice bought something, and has had a receipt."""
    type(node).objects.update(last_seen_at=utc_now())
    a_grant(alice, node, at=utc_now())
    deliver_outbox(now=utc_now())
    client.force_login(alice)
    return MailRecord.objects.get(kind="receipt")


def test_the_page_lists_their_mails_and_nobody_elses(client, told):
    page = client.get("/mails/").text
    assert "Pack 5 is ready" in page
    assert "alice@example.com" in page

    client.force_login(a_customer("bob"))
    assert "Pack 5 is ready" not in client.get("/mails/").text


@pytest.mark.parametrize("address", ["/mails/", "/dashboard/"])
def test_whoever_cannot_be_reached_is_told_on_the_page(client, told, address):
    assert 'data-testid="unreachable"' not in client.get(address).text

    SuppressedAddress.objects.create(address="alice@example.com", reason="r", since_at=utc_now())

    assert 'data-testid="unreachable"' in client.get(address).text


def test_reminders_are_ended_and_taken_up_again(client, told, alice):
    client.post("/mails/reminders", {})
    assert not mailing.wants_reminders(alice.pk)
    assert "You get no reminders" in client.get("/mails/").text

    client.post("/mails/reminders", {"reminders": "on"})
    assert mailing.wants_reminders(alice.pk)


def test_a_mail_program_ends_them_with_one_post_and_looking_alone_does_not(told, alice):
    stranger, address = Client(enforce_csrf_checks=True), f"/mails/stop/{told.key}/"

    assert stranger.get(address).status_code == 200
    assert mailing.wants_reminders(alice.pk)

    answer = stranger.post(address, {"List-Unsubscribe": "One-Click"})
    assert 'data-testid="stopped"' in answer.text
    assert not mailing.wants_reminders(alice.pk)


def test_a_key_that_no_mail_has_is_not_found():
    assert Client().post(f"/mails/stop/{'0' * 32}/").status_code == 404
