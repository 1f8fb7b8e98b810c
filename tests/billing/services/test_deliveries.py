"""A receipt is in the buyer's language, whoever causes it to be sent."""

import pytest
from django.core import mail
from django.utils import translation

from billing.services.purchases import settle_purchase
from kernel.clock import utc_now
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def receipt_of(language: str):
    """Settle a purchase as a gateway's notice does, in a request of its own language; return the mail."""
    buyer = a_customer("alice", language=language)
    purchase = a_purchase(buyer, a_node())
    with translation.override("en"):
        settle_purchase(purchase_id=purchase.pk, paid_fen=1000, now=NOW)
    deliver_outbox(now=utc_now())
    [sent] = mail.outbox
    return sent, purchase


def test_a_receipt_says_what_was_paid_and_where_the_token_is():
    sent, purchase = receipt_of("en")

    assert (sent.to, sent.subject) == (["alice@example.com"], "Pack 5 is ready")
    assert "10.00 CNY for Pack 5" in sent.body
    assert f"/purchases/{purchase.public_id}/" in sent.body


def test_a_chinese_buyer_gets_it_in_chinese_although_the_gateways_notice_speaks_english():
    sent, _ = receipt_of("zh-hans")

    assert "5 只套餐" in sent.subject
    assert "is ready" not in sent.subject
    assert "Your payment" not in sent.body
