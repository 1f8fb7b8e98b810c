"""Staff answer where the thread, the order and the token stand."""

import pytest
from django.contrib.auth.models import Group

from config.staff_roles import prepare_roles
from outbox.models import MailRecord
from support.models import Ticket
from support.services import tickets
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def desk(client, settings):
    settings.STAFF_MFA = False
    prepare_roles()
    support = a_customer("support", is_staff=True)
    support.groups.add(Group.objects.get(name="support"))
    client.force_login(support)
    return client


@pytest.fixture
def asked():
    return tickets.open_ticket(customer=a_customer("alice"), subject="Gap", text="<b>where</b>?", now=NOW)


def test_the_page_shows_the_thread_and_lets_nothing_through_as_markup(desk, asked):
    page = desk.get(f"/admin/support/ticket/{asked.pk}/change/").text

    assert "&lt;b&gt;where&lt;/b&gt;?" in page
    assert "<b>where</b>" not in page


def test_support_answers_and_the_customer_is_written_to(desk, asked):
    address = f"/admin/support/ticket/{asked.pk}/verb/answer/"
    assert "Gap" in desk.get(address).text

    answer = desk.post(address, {"text": "In the resume.", "close": "on"})

    assert answer.status_code == 302
    assert Ticket.objects.get().state == "closed"
    assert MailRecord.objects.get(customer=asked.customer).kind == "ticket_answered"


def test_the_home_counts_what_waits_and_leads_there(desk, asked):
    page = desk.get("/admin/").text

    assert 'data-testid="hand-questions"' in page
    assert 'href="/admin/support/ticket/?state__exact=open"' in page
    desk.post(f"/admin/support/ticket/{asked.pk}/verb/close/")
    assert 'data-testid="hand-questions"' not in desk.get("/admin/").text
