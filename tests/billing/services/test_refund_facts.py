"""What gateways tell of refunds: once each, in any order, and never more than was paid."""

import pytest

from billing.gateways.protocol import FactKind
from billing.models import Refund
from billing.services import books, facts, refunds
from tests.billing.balances import balance
from tests.factories import NOW, a_fact, a_paid

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def sent(keys_dir, alice, node, settings) -> Refund:
    """A refund of 400 fen that was sent to its gateway."""
    settings.ONE_PERSON_SHOP = True
    payment = a_paid(alice, node)
    refund = refunds.ask_refund(
        payment_id=payment.pk, amount_fen=400, reason="no", fault="buyer", effect="keep", by=None, now=NOW
    )
    Refund.objects.update(state="sent")
    return refund


def tell(refund: Refund, kind: FactKind) -> Refund:
    told = a_fact(
        refund.payment.attempt, kind, reference=refund.refund_no, refund_no=refund.refund_no,
        amount_fen=refund.amount_fen, transaction_id=refund.payment.transaction_id,
    )  # fmt: skip
    facts.record(told, source="query", now=NOW)
    refund.refresh_from_db()
    return refund


def test_done_and_failed_afterwards_is_owed_again(sent):
    assert tell(sent, FactKind.REFUNDED).state == "done"
    assert (balance("refund_due"), balance("gateway:sandbox")) == (0, 600)

    assert tell(sent, FactKind.REFUND_FAILED).state == "failed"

    assert (balance("refund_due"), balance("gateway:sandbox")) == (-400, 1000)


def test_a_refund_that_was_never_done_is_owed_once(sent):
    assert tell(sent, FactKind.REFUND_FAILED).state == "failed"

    assert balance("refund_due") == -400


def test_a_refund_in_the_console_counts_whether_its_payment_is_known_or_not(sent):
    told = a_fact(sent.payment.attempt, FactKind.REFUNDED, amount_fen=100, transaction_id=sent.payment.transaction_id)
    facts.record(told, source="notice", now=NOW)

    own = Refund.objects.get(fault="console")
    assert (own.amount_fen, own.state, own.payment) == (100, "done", sent.payment)
    assert refunds.left_of(sent.payment) == 500

    unknown = a_fact(sent.payment.attempt, FactKind.REFUNDED, amount_fen=70, transaction_id="nobody's", order_no="x")
    facts.record(unknown, source="bill", now=NOW)
    assert "70 CNY fen went back in a provider's console" in "\n".join(books.differences(now=NOW))
