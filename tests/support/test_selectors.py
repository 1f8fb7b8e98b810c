"""Questions are found by their customer alone, and those that wait by staff, the oldest first."""

from datetime import timedelta

import pytest

from support import selectors
from support.services import tickets
from tests.factories import NOW, a_customer, a_grant, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_question_is_found_by_its_owner_in_any_case():
    alice, mallory = a_customer("alice"), a_customer("mallory")
    made = tickets.open_ticket(customer=alice, subject="s", text="t", now=NOW)

    assert selectors.ticket_of(alice, made.number.lower()) == made
    assert selectors.ticket_of(mallory, made.number) is None
    assert (selectors.tickets_of(alice), selectors.tickets_of(mallory)) == ([made], [])


def test_the_one_that_waits_longest_comes_first():
    alice = a_customer("alice")
    late = tickets.open_ticket(customer=alice, subject="late", text="t", now=NOW)
    early = tickets.open_ticket(customer=alice, subject="early", text="t", now=NOW - timedelta(hours=1))
    done = tickets.open_ticket(customer=alice, subject="done", text="t", now=NOW)
    tickets.close_ticket(ticket_id=done.pk, now=NOW)

    assert list(selectors.waiting()) == [early, late]


def test_orders_and_tokens_to_name_are_one_s_own(keys_dir):
    alice, node = a_customer("alice"), a_node()
    grant = a_grant(alice, node)

    assert selectors.orders_to_name(alice) == [grant.purchase]
    assert all(one.customer == alice for one in selectors.tokens_to_name(alice))
    assert selectors.orders_to_name(a_customer("bob")) == []
