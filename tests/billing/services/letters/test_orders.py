"""What a buyer reads about an order and its money: number, pack, period, amount and a page of ours, in their language."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import translation

from billing.gateways.protocol import Device, Instructions
from billing.models import Refund
from billing.services import attempts, refunds
from billing.services.facts import record
from billing.services.purchases import cancel_purchase
from billing.services.settling import settle_purchase
from kernel.clock import utc_now
from outbox.models import MailRecord
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_fact, a_node, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.ONE_PERSON_SHOP = True
    settings.PANEL_URL = "https://shop.example"


def mails(*, minutes: int = 0):
    """Deliver what is due so many minutes from now; return the mails that have left since."""
    before = len(mail.outbox)
    deliver_outbox(now=utc_now() + timedelta(minutes=minutes))
    return mail.outbox[before:]


def both(sent):
    """The two forms of a mail as one text."""
    return f"{sent.body}\n{sent.alternatives[0][0]}"


class TestReceipt:
    def sent(self, language, **order):
        buyer = a_customer("alice", language=language)
        purchase = a_purchase(buyer, a_node(), **order)
        with translation.override("en"):  # a gateway's notice has a language of its own
            settle_purchase(purchase_id=purchase.pk, paid_fen=purchase.due_fen, now=NOW)
        [sent] = mails()
        return sent, purchase

    def test_it_says_what_was_paid_from_when_to_when_and_where_the_token_is(self):
        sent, purchase = self.sent("en", months=2)

        assert (sent.to, sent.subject) == (["alice@example.com"], "Pack 5 is ready")
        for form in (sent.body, sent.alternatives[0][0]):
            for said in (purchase.public_id, "20.00 CNY", "Pack 5, 2 months", f"/purchases/{purchase.public_id}/",
                         "21 Nov 2026 09:00:00 (Shanghai time, UTC+8)", "21 Jan 2027 09:00:00"):  # fmt: skip
                assert said in form

    def test_the_receipt_is_attached(self):
        sent, _ = self.sent("en")

        [one] = sent.attachments
        assert one.filename.startswith("receipt-20261121-")
        assert one.content.startswith(b"%PDF-")

    def test_a_chinese_buyer_reads_chinese_alone_although_the_gateways_notice_speaks_english(self):
        sent, _ = self.sent("zh-hans")

        assert sent.subject == "5 只套餐已开通"
        assert "您为“5 只套餐”支付的 10.00 元已到账" in sent.body
        assert "2026年11月21日 09:00:00（北京时间）" in sent.body
        words = (
            sent.body.replace("Tickpack", "").replace("https://shop.example/purchases/", "").replace("receipt.pdf", "")
        )
        for english in ("Your", "payment", "Pack", "CNY", "Begins", "Receipt", "month"):
            assert english not in words

    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_every_address_in_it_can_be_pressed(self, language):
        sent, purchase = self.sent(language)
        html = sent.alternatives[0][0]

        for address in (
            f"/purchases/{purchase.public_id}/",
            f"/purchases/{purchase.public_id}/receipt.pdf",
            "/fapiao/",
        ):
            assert f'href="https://shop.example{address}"' in html


class TestWaiting:
    def test_whoever_has_not_paid_after_five_minutes_is_reminded_with_the_way_to_pay(self, alice):
        placed = a_purchase(alice, a_node(last_seen_at=utc_now()), at=utc_now())

        assert mails(minutes=4) == []
        [sent] = mails(minutes=6)
        assert sent.subject == "Your order of Pack 5 waits for its payment"
        assert f"https://shop.example/purchases/{placed.public_id}/" in both(sent)

    @pytest.mark.parametrize("minutes", [6, 20])
    def test_whoever_paid_cancelled_or_let_it_expire_is_not(self, alice, minutes):
        node = a_node(last_seen_at=utc_now())
        paid, cancelled = a_purchase(alice, node, at=utc_now()), a_purchase(alice, node, at=utc_now(), months=2)
        settle_purchase(purchase_id=paid.pk, paid_fen=1000, now=utc_now())
        cancel_purchase(purchase_id=cancelled.pk, by=alice, now=utc_now())
        if minutes == 20:
            a_purchase(alice, node, at=utc_now(), months=3)

        assert [one.subject for one in mails(minutes=minutes)] == ["Pack 5 is ready"]


class TestBankTransfer:
    @pytest.fixture
    def started(self, alice, settings):
        settings.PAYMENT_GATEWAYS = ["transfer"]
        settings.TRANSFER_ACCOUNT_NAME, settings.TRANSFER_ACCOUNT_NUMBER = "滴答数据", "6222 0000"
        settings.TRANSFER_BANK = "ICBC"
        placed = a_purchase(alice, a_node(last_seen_at=utc_now()), at=utc_now())

        def start():
            return attempts.start_attempt(
                order=placed, gateway_name="transfer", method="transfer", now=utc_now(), device=Device.COMPUTER
            )

        return start

    def test_the_account_and_the_purpose_come_at_once_and_no_reminder_follows(self, started):
        attempt, start = started()
        assert isinstance(start, Instructions)

        [sent] = mails()
        for said in ("滴答数据", "6222 0000", "ICBC", attempt.order_no, "10.00 CNY"):
            assert said in both(sent)
        assert mails(minutes=6) == []

    def test_pressing_again_sends_no_second_one(self, started):
        started()
        started()

        assert len(mails()) == 1

    def test_what_is_paid_meanwhile_needs_no_account(self, started):
        attempt, _ = started()
        record(a_fact(attempt, at=utc_now()), source="person", now=utc_now())

        assert [one.subject for one in mails()] == ["Pack 5 is ready"]


class TestRefund:
    def asked(self, fact, **changes):
        usual = {
            "amount_fen": 321,
            "reason": "r",
            "fault": "seller",
            "effect": "keep",
            "by": a_customer("root"),
            "now": NOW,
        }
        return refunds.ask_refund(payment_id=fact.pk, **{**usual, **changes})

    def test_it_is_told_when_it_is_decided_and_when_it_has_gone(self, alice, node):
        fact = a_paid(alice, node)
        mails()

        row = self.asked(fact, amount_fen=1000, effect="close")
        [decided] = mails()
        refunds.pay_by_hand(refund_id=row.pk, reference="ICBC 1", by=row.asked_by, now=NOW)
        [done] = mails()

        assert (decided.subject, done.subject) == ("We pay back 10.00 CNY", "Refund of 10.00 CNY")
        assert "What was bought with it has ended." in both(decided)
        for sent in (decided, done):
            assert row.refund_no in both(sent)
            assert fact.purchase.public_id in both(sent)

    def test_what_has_gone_before_the_mail_left_is_told_once(self, alice, node):
        fact = a_paid(alice, node)
        mails()

        row = self.asked(fact)
        refunds.pay_by_hand(refund_id=row.pk, reference="ICBC 1", by=row.asked_by, now=NOW)

        assert [one.subject for one in mails()] == ["Refund of 3.21 CNY"]
        assert MailRecord.objects.get(kind="refund_decided").state == "dropped"

    def test_what_waits_for_a_second_person_is_not_told(self, alice, node, settings):
        settings.ONE_PERSON_SHOP = False
        fact = a_paid(alice, node)
        mails()

        assert self.asked(fact).state == Refund.State.ASKED
        assert mails() == []

    def test_a_second_payment_that_goes_back_is_told_too(self, alice, node):
        fact = a_paid(alice, node)
        mails()

        record(a_fact(an_attempt(fact.purchase)), source="notice", now=NOW)

        assert [one.subject for one in mails()] == ["We pay back 10.00 CNY"]
