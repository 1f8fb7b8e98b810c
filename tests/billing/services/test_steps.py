"""Each step of a purchase's life leaves a row: who took it, when and why."""

import pytest

from billing.services.steps import lock_purchase, note
from tests.factories import NOW, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_step_is_noted_with_who_took_it_and_why(alice, node):
    purchase = a_purchase(alice, node)
    purchase.state = "cancelled"

    note(purchase, "pending", NOW, by=alice, why="changed my mind")

    step = purchase.events.order_by("-id").first()
    assert (step.from_state, step.to_state, step.by, step.why) == ("pending", "cancelled", alice, "changed my mind")


def test_a_purchase_is_locked_with_what_settling_reads_of_it(alice, node, django_assert_num_queries):
    locked = lock_purchase(a_purchase(alice, node).pk)

    with django_assert_num_queries(0):
        assert (locked.customer, locked.group, locked.plan.slug, locked.node) == (alice, node.group, "pack-5", node)
