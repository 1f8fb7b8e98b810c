"""What Stripe's messages say of money, once they are verified. Pure: a message in, facts out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from billing.gateways.protocol import Fact, FactKind, RefundResult, RefundStatus

NAME = "stripe"
_DISPUTES = {
    "charge.dispute.created": FactKind.DISPUTED,
    "charge.dispute.funds_withdrawn": FactKind.DISPUTE_WITHDRAWN,
    "charge.dispute.funds_reinstated": FactKind.DISPUTE_REINSTATED,
}
_ENDED = {"won": FactKind.DISPUTE_WON, "warning_closed": FactKind.DISPUTE_WON, "lost": FactKind.DISPUTE_LOST}
_REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")


def facts_of(event: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return what an event says of money; nothing for kinds that say nothing new (`charge.refunded` is cumulative).

    Raises:
        KeyError, TypeError, ValueError: it is not what Stripe sends.
    """
    kind, told, event_id = event["type"], event["data"]["object"], str(event["id"])
    at = datetime.fromtimestamp(int(event["created"]), UTC)
    if kind.startswith("checkout.session."):
        return session_facts(told, at, failed=kind.endswith("async_payment_failed"), event_id=event_id)
    if kind in _REFUNDS:
        return _refund_facts(told, at, event_id)
    if kind in _DISPUTES:
        return (_dispute(told, _DISPUTES[kind], at, event_id),)
    if kind == "charge.dispute.closed" and told["status"] in _ENDED:
        return (_dispute(told, _ENDED[told["status"]], at, event_id),)
    return ()


def session_facts(
    session: Mapping[str, Any], at: datetime, *, failed: bool = False, event_id: str = ""
) -> tuple[Fact, ...]:
    """Return what a checkout session says: paid, expired, failed; nothing while it is open or waits for a bank."""
    number, intent = str(session["client_reference_id"] or ""), session.get("payment_intent")
    if session["mode"] != "payment":
        raise ValueError(f"a session of mode {session['mode']!r} is none of ours")
    paid = session["payment_status"] == "paid"
    common: dict[str, Any] = {"provider": NAME, "order_no": number, "at": at, "event_id": event_id}
    if paid:
        reference = _id(intent)
        amount, currency = _fen(session["amount_total"]), str(session["currency"]).upper()
        return (
            Fact(
                kind=FactKind.PAID, reference=reference, transaction_id=reference, amount_fen=amount, currency=currency,
                **common,
            ),
        )  # fmt: skip
    if failed or session.get("status") == "expired":
        kind = FactKind.DECLINED if failed else FactKind.CLOSED
        return (Fact(kind=kind, reference=str(session["id"]), amount_fen=0, currency="CNY", **common),)
    return ()


def refund_result(refund: Mapping[str, Any]) -> RefundResult:
    """Return what a refund has come to."""
    states = {"succeeded": RefundStatus.DONE, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
    status = states.get(str(refund["status"]), RefundStatus.PENDING)
    return RefundResult(
        status,
        refund_id=str(refund["id"]),
        at=datetime.fromtimestamp(int(refund["created"]), UTC),
        why=str(refund.get("failure_reason") or ""),
    )


def _refund_facts(refund: Mapping[str, Any], at: datetime, event_id: str) -> tuple[Fact, ...]:
    result = refund_result(refund)
    kinds = {RefundStatus.DONE: FactKind.REFUNDED, RefundStatus.FAILED: FactKind.REFUND_FAILED}
    if result.status not in kinds:
        return ()
    number = str((refund.get("metadata") or {}).get("refund_no", ""))
    return (
        Fact(
            provider=NAME,
            kind=kinds[result.status],
            reference=number or result.refund_id,
            order_no="",
            amount_fen=_fen(refund["amount"]),
            currency=str(refund["currency"]).upper(),
            at=at,
            transaction_id=_id(refund["payment_intent"]),
            refund_no=number,
            event_id=event_id,
        ),
    )


def _dispute(dispute: Mapping[str, Any], kind: FactKind, at: datetime, event_id: str) -> Fact:
    return Fact(
        provider=NAME,
        kind=kind,
        reference=str(dispute["id"]),
        order_no="",
        amount_fen=_fen(dispute["amount"]),
        currency=str(dispute["currency"]).upper(),
        at=at,
        transaction_id=_id(dispute["payment_intent"]),
        event_id=event_id,
    )


def _id(value: Any) -> str:
    """Return an id, of what was expanded as well."""
    found = value if isinstance(value, str) else value["id"]
    if not found:
        raise ValueError("an id is empty")
    return str(found)


def _fen(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no amount")
    return value
