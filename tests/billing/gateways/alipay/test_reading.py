"""Payments, closed orders and refunds are told apart; what is neither is nothing."""

from datetime import timedelta

import pytest

from billing.gateways.alipay import reading
from billing.gateways.alipay.reading import ToldRefund
from billing.gateways.protocol import FactKind
from tests.billing.gateways.vectors import ALIPAY
from tests.factories import NOW

PAID = {
    "notify_id": "n-1", "notify_time": "2026-11-21 09:00:05", "trade_status": "TRADE_SUCCESS", "trade_no": "2026-t",
    "out_trade_no": "P-1", "total_amount": "20.00", "buyer_pay_amount": "15.00", "gmt_payment": "2026-11-21 09:00:00",
}  # fmt: skip
OURS = "R261121ABCDEFGHJKLMNPQRSTU"


def test_a_payment_is_what_is_due_not_what_the_buyers_voucher_left():
    fact = reading.read_fields(PAID)

    assert (fact.kind, fact.reference, fact.order_no, fact.amount_fen) == (FactKind.PAID, "2026-t", "P-1", 2000)
    assert (fact.currency, fact.at, fact.event_id) == ("CNY", NOW, "n-1")


def test_the_notice_of_2019_is_a_payment_of_ten_fen():
    fact = reading.read_fields(ALIPAY["params"])

    assert (fact.order_no, fact.amount_fen) == ("20190815155618536-564-57", 10)


def test_t5_finished_months_later_is_the_same_payment():
    later = {**PAID, "trade_status": "TRADE_FINISHED", "notify_id": "n-9", "notify_time": "2027-02-21 09:00:00"}

    first, again = reading.read_fields(PAID), reading.read_fields(later)

    assert (again.kind, again.reference, again.at) == (first.kind, first.reference, first.at)


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_CLOSED", "TRADE_FINISHED"])
@pytest.mark.parametrize("field", [{"gmt_refund": "2026-11-21 09:00:00.000"}, {"refund_fee": "5.00"}])
def test_t5_with_fields_of_a_refund_it_is_never_a_payment(status, field):
    told = reading.read_fields({**PAID, "trade_status": status, "out_biz_no": OURS, **field})

    assert isinstance(told, ToldRefund)
    assert reading.refund_fact(told, 500).refund_no == OURS


def test_a_refund_of_no_money_is_none():
    assert reading.read_fields({**PAID, "refund_fee": "0.00"}).kind == FactKind.PAID


def test_a_refund_of_the_console_has_no_number_of_ours():
    told = reading.read_fields({**PAID, "refund_fee": "5.00", "gmt_refund": "2026-11-21 09:00:00"})

    fact = reading.refund_fact(told, 500)

    assert (fact.reference, fact.refund_no, fact.amount_fen, fact.transaction_id) == ("P-1", "", 500, "2026-t")


def test_what_is_waited_for_is_nothing_and_what_is_closed_is_closed():
    assert reading.read_fields({**PAID, "trade_status": "WAIT_BUYER_PAY"}) is None
    assert reading.read_fields({**PAID, "trade_status": "TRADE_CLOSED"}).kind == FactKind.CLOSED


@pytest.mark.parametrize(
    "changes",
    [{"total_amount": "20"}, {"total_amount": "-1.00"}, {"total_amount": "0.00"}, {"trade_no": ""}, {"gmt_payment": "x"},
     {"out_trade_no": "a\0b"}, {"refund_fee": "5"}],
)  # fmt: skip
def test_what_cannot_be_read_is_no_fact(changes):
    with pytest.raises(ValueError):
        reading.read_fields({**PAID, **changes})


def test_an_answer_to_a_query_says_the_same():
    answer = {"trade_status": "TRADE_SUCCESS", "trade_no": "2026-t", "out_trade_no": "P-1", "total_amount": "20.00"}
    paid = {**answer, "send_pay_date": "2026-11-21 09:00:00"}

    assert reading.read_trade(paid, NOW + timedelta(1)).at == NOW
    assert reading.read_trade({**paid, "trade_status": "TRADE_CLOSED"}, NOW).kind == FactKind.PAID  # and paid back
    assert reading.read_trade({**answer, "trade_status": "TRADE_CLOSED"}, NOW).kind == FactKind.CLOSED
    assert reading.read_trade({**answer, "trade_status": "WAIT_BUYER_PAY"}, NOW) is None
