"""Questions go along with the customer's data, and are removed with the customer."""

import pytest

from support.models import Ticket, TicketMessage
from support.services import leaving, tickets
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def asked():
    alice = a_customer("alice")
    made = tickets.open_ticket(customer=alice, subject="s", text="t", now=NOW)
    tickets.answer(ticket_id=made.pk, by=a_customer("staff", is_staff=True), text="a", close=False, now=NOW)
    return alice, made


def test_every_message_is_taken_along(asked):
    rows = list(leaving.tables(asked[0])["questions"])

    assert [(one["by"], one["text"]) for one in rows] == [("customer", "t"), ("shop", "a")]


def test_waiting_questions_are_a_loss_and_all_are_removed(asked):
    alice, made = asked
    assert leaving.leaving(alice, NOW).losses == []
    tickets.write_on(customer=alice, number=made.number, text="more", now=NOW)
    assert leaving.leaving(alice, NOW).losses == ["1 question to us that waits is not answered any more."]

    leaving.forget(alice, NOW)

    assert (Ticket.objects.count(), TicketMessage.objects.count()) == (0, 0)
