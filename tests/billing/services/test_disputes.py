"""A dispute freezes what was paid for, is booked when money moves, and is undone when it is won."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.gateways.protocol import FactKind
from billing.models import Dispute
from billing.services.facts import record
from kernel.scope import Scope
from tests.billing.balances import balance
from tests.factories import NOW, a_fact, a_paid, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def keys(keys_dir):
    return keys_dir


def tell(payment, kind, *, fen=None, now=NOW, reference="d-1"):
    fact = a_fact(payment.attempt, kind, reference=reference, transaction_id=payment.transaction_id, order_no="",
                  amount_fen=payment.amount_fen if fen is None else fen)  # fmt: skip
    return record(fact, source="notice", now=now)


def test_a_dispute_freezes_at_once_and_a_won_one_lifts_it(alice, node):
    payment = a_paid(alice, node)
    later = NOW + timedelta(days=3)

    tell(payment, FactKind.DISPUTED)
    frozen: Scope = selectors.scope(alice, node.group, NOW)
    tell(payment, FactKind.DISPUTE_WON, now=later)
    lifted = selectors.scope(alice, node.group, later)

    assert (frozen.steps[0].max_subs, lifted.steps[0].max_subs) == (0, 5)
    assert lifted.rev > frozen.rev  # nodes hear of both
    assert selectors.last_end(alice, node.group) == payment.purchase.grant.ends_at


def test_what_the_bank_takes_and_returns_is_booked(alice, node):
    payment = a_paid(alice, node)

    tell(payment, FactKind.DISPUTE_WITHDRAWN)
    assert (balance("dispute_loss"), balance("gateway:sandbox")) == (1000, 0)

    tell(payment, FactKind.DISPUTE_REINSTATED)
    assert (balance("dispute_loss"), balance("gateway:sandbox")) == (0, 1000)


def test_a_lost_one_stays_frozen_and_a_late_word_changes_nothing(alice, node):
    payment = a_paid(alice, node)
    tell(payment, FactKind.DISPUTE_LOST)

    tell(payment, FactKind.DISPUTE_WON)

    assert Dispute.objects.get().state == "lost"
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 0


def test_of_two_disputes_both_must_be_won(alice, node):
    payment = a_paid(alice, node)
    for reference in ("d-1", "d-2"):
        tell(payment, FactKind.DISPUTED, reference=reference)

    tell(payment, FactKind.DISPUTE_WON, reference="d-1")
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 0

    tell(payment, FactKind.DISPUTE_WON, reference="d-2")
    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5


def test_a_disputed_second_payment_freezes_nothing(alice, node):
    payment = a_paid(alice, node)
    second = record(a_fact(an_attempt(payment.purchase)), source="notice", now=NOW)

    tell(second, FactKind.DISPUTED)

    assert selectors.entitlement(alice, node.group, NOW).max_subs == 5


def test_t3_notices_of_a_dispute_told_twice_count_once(alice, node):
    payment = a_paid(alice, node)

    for _ in range(2):
        tell(payment, FactKind.DISPUTED)
        tell(payment, FactKind.DISPUTE_WITHDRAWN)

    assert (Dispute.objects.count(), balance("dispute_loss")) == (1, 1000)
    assert payment.purchase.grant.freezes.count() == 1
