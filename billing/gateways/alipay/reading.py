"""What Alipay's notices and answers say of money. Pure: whoever calls has looked at the signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.gateways.protocol import Fact, FactKind
from billing.gateways.texts import fen_of, is_our_refund, shanghai_instant

PROVIDER = "alipay"
_PAID = ("TRADE_SUCCESS", "TRADE_FINISHED")


@dataclass(frozen=True, slots=True)
class ToldRefund:
    """A notice of a refund. It has the sum of all refunds of the trade, so what this one was has to be asked.

    Attributes:
        number: out_biz_no; without one Alipay takes the order's number for the refund's.
        total_fen: of all refunds of the trade so far.
    """

    order_no: str
    transaction_id: str
    number: str
    total_fen: int
    at: datetime
    event_id: str


def read_fields(fields: Mapping[str, str]) -> Fact | ToldRefund | None:
    """Return what a notice says: a payment, a closed order, a refund, or nothing of money.

    Raises:
        ValueError, KeyError: a field is missing or cannot be read.
    """
    status = fields.get("trade_status", "")
    event_id = fields.get("notify_id", "")[:128]
    refunded_fen = fen_of(fields["refund_fee"]) if fields.get("refund_fee") else 0
    if fields.get("gmt_refund") or refunded_fen:
        return ToldRefund(
            order_no=_number(fields["out_trade_no"]),
            transaction_id=_number(fields["trade_no"]),
            number=_number(fields.get("out_biz_no") or fields["out_trade_no"]),
            total_fen=refunded_fen,
            at=shanghai_instant(fields.get("gmt_refund") or fields["notify_time"]),
            event_id=event_id,
        )
    if status in _PAID:
        return _paid(fields, fields.get("gmt_payment") or fields["notify_time"], event_id)
    if status == "TRADE_CLOSED":
        return closed(_number(fields["out_trade_no"]), shanghai_instant(fields["notify_time"]), event_id)
    return None


def read_trade(answer: Mapping[str, str], now: datetime) -> Fact | None:
    """Return what the answer to a query says: a payment, a closed order, or that nothing has been paid yet.

    A trade that was paid back in full is closed too; that it was paid shows in the date.

    Raises:
        ValueError, KeyError: a field is missing or cannot be read.
    """
    status, paid_at = answer["trade_status"], answer.get("send_pay_date", "")
    if status in _PAID or (status == "TRADE_CLOSED" and paid_at):
        return _paid(answer, paid_at, "") if paid_at else _paid_at(answer, now, "")
    if status == "TRADE_CLOSED":
        return closed(_number(answer["out_trade_no"]), now, "")
    return None


def refund_fact(told: ToldRefund, amount_fen: int) -> Fact:
    """Return the refund that a notice told of, with what was asked about its amount."""
    return Fact(
        provider=PROVIDER,
        kind=FactKind.REFUNDED,
        reference=told.number,
        order_no=told.order_no,
        amount_fen=amount_fen,
        currency="CNY",
        at=told.at,
        transaction_id=told.transaction_id,
        refund_no=told.number if is_our_refund(told.number) else "",
        event_id=told.event_id,
    )


def closed(order_no: str, at: datetime, event_id: str) -> Fact:
    """Return that nobody can pay an order any more."""
    return Fact(
        provider=PROVIDER,
        kind=FactKind.CLOSED,
        reference=order_no,
        order_no=order_no,
        amount_fen=0,
        currency="CNY",
        at=at,
        event_id=event_id,
    )


def _paid(fields: Mapping[str, str], at: str, event_id: str) -> Fact:
    return _paid_at(fields, shanghai_instant(at), event_id)


def _paid_at(fields: Mapping[str, str], at: datetime, event_id: str) -> Fact:
    # total_amount, not what the buyer paid: Alipay's own vouchers come out of its pocket.
    amount_fen = fen_of(fields["total_amount"])
    if amount_fen <= 0:
        raise ValueError(f"{fields['total_amount'][:20]} is no payment")
    return Fact(
        provider=PROVIDER,
        kind=FactKind.PAID,
        reference=_number(fields["trade_no"]),
        order_no=_number(fields["out_trade_no"]),
        amount_fen=amount_fen,
        currency="CNY",
        at=at,
        transaction_id=_number(fields["trade_no"]),
        event_id=event_id,
    )


def _number(text: str) -> str:
    if not 0 < len(text) <= 64 or not text.isprintable():
        raise ValueError("a number has 1 to 64 characters")
    return text
