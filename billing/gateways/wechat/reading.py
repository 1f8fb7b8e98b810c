"""What WeChat's notices and answers say of money. Pure: whoever calls has looked at the signature."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.gateways.protocol import Fact, FactKind, RefundResult, RefundStatus
from billing.gateways.texts import instant, is_our_refund

PROVIDER = "wechat"
_REFUND_KINDS = {
    "SUCCESS": FactKind.REFUNDED,
    "ABNORMAL": FactKind.REFUND_FAILED,  # the buyer's card is dead: a person has to act
    "CLOSED": FactKind.REFUND_FAILED,
}
_REFUND_STATES = {
    "SUCCESS": RefundStatus.DONE,
    "PROCESSING": RefundStatus.PENDING,
    "ABNORMAL": RefundStatus.FAILED,
    "CLOSED": RefundStatus.FAILED,
}


def read_transaction(told: Mapping[str, Any], now: datetime, event_id: str = "") -> Fact | None:
    """Return what a transaction says: a payment, a closed order, or that nothing has been paid yet.

    REFUND was paid once: what went back is told by refunds.

    Raises:
        ValueError, KeyError, TypeError: a field is missing or cannot be read.
    """
    state, order_no = told["trade_state"], text(told, "out_trade_no")
    if state in ("SUCCESS", "REFUND"):
        transaction_id, amount = text(told, "transaction_id"), told["amount"]
        # amount.total, not payer_total: a coupon of WeChat's comes out of its pocket.
        return Fact(
            provider=PROVIDER,
            kind=FactKind.PAID,
            reference=transaction_id,
            order_no=order_no,
            amount_fen=fen(amount, "total"),
            currency=text(amount, "currency"),
            at=instant(told["success_time"]) if told.get("success_time") else now,
            transaction_id=transaction_id,
            event_id=event_id,
        )
    return closed(order_no, now) if state == "CLOSED" else None


def closed(order_no: str, at: datetime) -> Fact:
    """Return that nobody can pay an order any more."""
    return Fact(
        provider=PROVIDER,
        kind=FactKind.CLOSED,
        reference=order_no,
        order_no=order_no,
        amount_fen=0,
        currency="CNY",
        at=at,
    )


def read_refund(told: Mapping[str, Any], now: datetime, event_id: str) -> Fact | None:
    """Return what a notice of a refund says; nothing while it is on its way.

    Raises:
        ValueError, KeyError, TypeError: a field is missing or cannot be read.
    """
    kind = _REFUND_KINDS.get(told["refund_status"])
    if kind is None:
        return None
    number = text(told, "out_refund_no")
    ours = is_our_refund(number)
    return Fact(
        provider=PROVIDER,
        kind=kind,
        reference=number if ours else text(told, "refund_id"),
        order_no=text(told, "out_trade_no"),
        amount_fen=fen(told["amount"], "refund"),
        currency="CNY",  # refunds are told without one
        at=instant(told["success_time"]) if told.get("success_time") else now,
        transaction_id=text(told, "transaction_id"),
        refund_no=number if ours else "",
        event_id=event_id,
    )


def read_refund_answer(told: Mapping[str, Any], now: datetime) -> RefundResult:
    """Return what the answer to a refund, or to a question about one, says.

    Raises:
        ValueError, KeyError, TypeError: a field is missing or cannot be read.
    """
    status = _REFUND_STATES[told["status"]]
    return RefundResult(
        status,
        refund_id=text(told, "refund_id"),
        at=instant(told["success_time"]) if told.get("success_time") else now,
        why=str(told["status"]) if status == RefundStatus.FAILED else "",
    )


def text(told: Mapping[str, Any], name: str) -> str:
    """Return a field that is a short text; raises ValueError or KeyError where it is none."""
    found = told[name]
    if not isinstance(found, str) or not 0 < len(found) <= 64 or not found.isprintable():
        raise ValueError(f"{name} is no text of 1 to 64 characters")
    return found


def fen(amount: Mapping[str, Any], name: str) -> int:
    """Return a positive amount in fen; a float or a text is none."""
    found = amount[name]
    if type(found) is not int or not 0 < found < 10**11:
        raise ValueError(f"{name} is no amount in fen")
    return found
