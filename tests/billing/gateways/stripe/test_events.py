"""Pure reading of Stripe's messages: ids that were expanded, and what is no message of theirs."""

import pytest

from billing.gateways.protocol import RefundStatus
from billing.gateways.stripe.events import facts_of, refund_result, session_facts
from tests.factories import NOW

SESSION = {"id": "cs_1", "mode": "payment", "payment_status": "paid", "status": "complete", "amount_total": 1000,
           "currency": "cny", "client_reference_id": "P1", "payment_intent": "pi_1"}  # fmt: skip


def test_an_intent_may_be_expanded():
    (fact,) = session_facts({**SESSION, "payment_intent": {"id": "pi_1", "object": "payment_intent"}}, NOW)

    assert fact.transaction_id == "pi_1"


def test_another_currency_is_told_as_it_is():
    (fact,) = session_facts({**SESSION, "currency": "usd"}, NOW)

    assert fact.currency == "USD"


def test_a_session_without_our_number_is_of_an_order_that_nobody_knows():
    (fact,) = session_facts({**SESSION, "client_reference_id": None}, NOW)

    assert fact.order_no == ""


@pytest.mark.parametrize("event", [{}, {"type": "refund.created", "data": {}, "id": "e", "created": 1},
                                   {"type": "checkout.session.completed", "data": {"object": {}}, "id": "e",
                                    "created": 1}])  # fmt: skip
def test_what_is_no_event_is_an_error(event):
    with pytest.raises((KeyError, TypeError, ValueError)):
        facts_of(event)


@pytest.mark.parametrize(
    ("status", "known"),
    [("succeeded", RefundStatus.DONE), ("failed", RefundStatus.FAILED), ("canceled", RefundStatus.FAILED),
     ("pending", RefundStatus.PENDING), ("requires_action", RefundStatus.PENDING), ("new", RefundStatus.PENDING)],
)  # fmt: skip
def test_the_states_of_a_refund(status, known):
    told = {"status": status, "id": "re_1", "created": 1, "failure_reason": None}

    assert refund_result(told).status == known
