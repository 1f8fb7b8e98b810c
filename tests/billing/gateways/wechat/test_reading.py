"""Payments and refunds are told apart, in whole fen of what was due; what cannot be read is no fact."""

import pytest

from billing.gateways.protocol import FactKind, RefundStatus
from billing.gateways.wechat import reading
from tests.factories import NOW

PAID = {
    "trade_state": "SUCCESS", "out_trade_no": "P-1", "transaction_id": "4200", "success_time": "2026-11-21T09:00:00+08:00",
    "amount": {"total": 2000, "payer_total": 1500, "currency": "CNY", "payer_currency": "CNY"},
}  # fmt: skip
REFUND = {
    "refund_status": "SUCCESS", "out_refund_no": "R261121ABCDEFGHJKLMNPQRSTU", "refund_id": "5030", "out_trade_no": "P-1",
    "transaction_id": "4200", "success_time": "2026-11-21T09:00:00+08:00", "amount": {"total": 2000, "refund": 500},
}  # fmt: skip


def test_a_payment_is_the_total_not_what_the_coupon_left():
    fact = reading.read_transaction(PAID, NOW, "EV-1")

    assert (fact.kind, fact.reference, fact.order_no, fact.amount_fen) == (FactKind.PAID, "4200", "P-1", 2000)
    assert (fact.currency, fact.at, fact.event_id) == ("CNY", NOW, "EV-1")


def test_states():
    states = ("SUCCESS", "REFUND", "CLOSED", "NOTPAY", "USERPAYING", "PAYERROR", "REVOKED", "ACCEPT")
    facts = {state: reading.read_transaction({**PAID, "trade_state": state}, NOW) for state in states}

    told = {state: fact.kind for state, fact in facts.items() if fact}
    assert told == {"SUCCESS": FactKind.PAID, "REFUND": FactKind.PAID, "CLOSED": FactKind.CLOSED}


@pytest.mark.parametrize("total", [20.0, "2000", True, 0, -1, None, 10**11])
def test_what_is_not_whole_positive_fen_is_no_amount(total):
    with pytest.raises((ValueError, TypeError)):
        reading.read_transaction({**PAID, "amount": {"total": total, "currency": "CNY"}}, NOW)


@pytest.mark.parametrize("name", ["out_trade_no", "transaction_id"])
def test_numbers_are_short_texts(name):
    for value in ("", "x" * 65, "a\0b", 7, None):
        with pytest.raises(ValueError):
            reading.read_transaction({**PAID, name: value}, NOW)


def test_a_refund_of_ours_goes_by_our_number_and_another_by_wechats():
    ours = reading.read_refund(REFUND, NOW, "EV-2")
    console = reading.read_refund({**REFUND, "out_refund_no": "console-7"}, NOW, "EV-3")

    assert (ours.reference, ours.refund_no, ours.amount_fen) == (REFUND["out_refund_no"], REFUND["out_refund_no"], 500)
    assert (console.reference, console.refund_no) == ("5030", "")


def test_what_became_of_a_refund():
    kinds = {
        state: reading.read_refund({**REFUND, "refund_status": state}, NOW, "")
        for state in ("ABNORMAL", "CLOSED", "PROCESSING")
    }
    assert [fact and fact.kind for fact in kinds.values()] == [FactKind.REFUND_FAILED, FactKind.REFUND_FAILED, None]

    answers = [reading.read_refund_answer({"status": state, "refund_id": "5030"}, NOW) for state in
               ("SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED")]  # fmt: skip
    assert [one.status for one in answers] == [
        RefundStatus.DONE,
        RefundStatus.PENDING,
        RefundStatus.FAILED,
        RefundStatus.FAILED,
    ]
    assert [one.why for one in answers] == ["", "", "ABNORMAL", "CLOSED"]
    with pytest.raises(KeyError):
        reading.read_refund_answer({"status": "?", "refund_id": "5030"}, NOW)
