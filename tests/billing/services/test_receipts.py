"""A receipt says to the fen what was paid and paid back, names its buyer, and exists for what was paid alone."""

import pytest
from pypdf import PdfReader

from billing.errors import NoReceipt
from billing.models import Refund
from billing.services import gifts, receipts, refunds
from billing.services.facts import record, use_suspense
from tests.billing.documents.test_receipt import text_of
from tests.factories import NOW, a_customer, a_fact, a_paid, a_plan, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TITLE = "喆龘（上海）科技😀有限公司"


@pytest.fixture(autouse=True)
def keys(keys_dir, settings):
    settings.ONE_PERSON_SHOP = True
    settings.SHOP_NAME, settings.SHOP_TAX_NUMBER = "北京滴答数据有限公司", "91350100M000100Y43"


def drawn(purchase, language="zh-hans"):
    purchase.refresh_from_db()
    return text_of(receipts.receipt_pdf(purchase=purchase, language=language))


def test_a_receipt_is_read_back_to_the_fen_with_rare_characters_and_an_emoji(alice, node):
    fact = a_paid(alice, node, months=3)
    receipts.name_buyer(customer=alice, title=f"  {TITLE} ")

    text = drawn(fact.purchase)

    for said in (
        f"收据编号{receipts.number_of(fact.purchase)}", fact.purchase.public_id, "支付时间2026-11-2109:00:00（北京时间）",
        "名称北京滴答数据有限公司", "税号91350100M000100Y43", "抬头喆龘（上海）科技[U+1F600]有限公司", "alice@example.com",
        "5只套餐", "2026-11-2109:00:00–2027-02-2109:00:00", "310.0030.00", "已收款（元）30.00", fact.reference,
    ):  # fmt: skip
        assert said in text, said
    assert "退款" not in text.replace("已退款", "")


def test_what_was_paid_back_stands_on_it(alice, node):
    fact = a_paid(alice, node)
    row = refunds.ask_refund(
        payment_id=fact.pk, amount_fen=321, reason="r", fault="seller", effect="keep", by=a_customer("root"), now=NOW
    )

    text = drawn(fact.purchase, "en")

    for said in ("Paid,CNY10.00", "Paidback,CNY-3.21", "Remains,CNY6.79", f"21Nov2026{row.refund_no}-3.21"):
        assert said in text, said


def test_what_only_waits_for_a_second_person_does_not(alice, node, settings):
    settings.ONE_PERSON_SHOP = False
    fact = a_paid(alice, node)
    row = refunds.ask_refund(
        payment_id=fact.pk, amount_fen=321, reason="r", fault="seller", effect="keep", by=a_customer("root"), now=NOW
    )

    assert row.state == Refund.State.ASKED
    assert "3.21" not in drawn(fact.purchase, "en")


def test_a_seller_without_a_tax_number_prints_none(alice, node, settings):
    settings.SHOP_TAX_NUMBER = ""

    assert "税号" not in drawn(a_paid(alice, node).purchase)


def test_what_was_not_paid_has_none(alice, node):
    waiting = a_purchase(alice, node)
    given = gifts.grant_by_hand(
        customer=alice, plan=a_plan(), node=node, ends_at=NOW.replace(year=2027), reason="r", by=alice, now=NOW
    ).purchase

    for one in (waiting, given):
        assert not receipts.has_receipt(one)
        with pytest.raises(NoReceipt):
            receipts.receipt_pdf(purchase=one, language="en")


def test_the_file_is_a_pdf_that_says_what_it_is(alice, node, tmp_path):
    purchase = a_paid(alice, node).purchase
    purchase.refresh_from_db()
    file = tmp_path / receipts.file_name(purchase)
    file.write_bytes(receipts.receipt_pdf(purchase=purchase, language="en"))

    assert PdfReader(file).metadata.title == "Receipt"
    assert file.name.startswith("receipt-20261121-")


def test_a_second_payment_that_goes_back_lowers_nothing_that_was_paid(alice, node):
    fact = a_paid(alice, node)
    record(a_fact(an_attempt(fact.purchase)), source="notice", now=NOW)

    assert Refund.objects.get().amount_fen == 1000
    assert receipts.refunds_of(fact.purchase) == []
    assert receipts.paid_back_fen([fact.purchase]) == {}
    assert "Paidback" not in drawn(fact.purchase, "en")


def test_what_a_person_used_from_suspense_for_an_order_is_its_money(alice, node):
    root = a_customer("root")
    purchase = a_purchase(alice, node)
    lost = record(a_fact(an_attempt(purchase), order_no="WHO"), source="notice", now=NOW)
    use_suspense(suspense_id=lost.suspense.pk, order=purchase.public_id, by=root, why="hers", now=NOW)

    refunds.ask_refund(payment_id=lost.pk, amount_fen=321, reason="r", fault="seller", effect="keep", by=root, now=NOW)

    assert receipts.paid_back_fen([purchase]) == {purchase.pk: 321}
    assert "Remains,CNY6.79" in drawn(purchase, "en")
