"""A gateway for trying things out: it takes no money and otherwise behaves like one that does.

The order travels signed in the pay page's address, as a real gateway would keep it in a database of its own. Notices
are JSON, signed with HMAC-SHA256 over `<timestamp>.<body>`; the headers are Sandbox-Timestamp and Sandbox-Signature.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing

from billing.errors import BadNotice, PaymentsOff
from billing.gateways.protocol import (
    Answer,
    Bill,
    Device,
    Fact,
    FactKind,
    Method,
    Order,
    Redirect,
    RefundOrder,
    RefundResult,
    RefundStatus,
    Start,
)
from kernel.errors import PlatformError

FRESH_FOR = timedelta(minutes=5)  # both ways; a notice that is tried again is signed again
MAX_BODY = 16 * 1024
_SALT = "sandbox.order"


class SandboxGateway:
    """The Gateway of the embedded run."""

    name = "sandbox"
    bills = False

    def __init__(self, *, key: str) -> None:
        if not key:
            raise ValueError("the sandbox gateway needs SANDBOX_KEY")
        self._key = key

    def methods(self, device: Device) -> tuple[Method, ...]:
        return (Method.PAGE,)

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Return the pay page's path: it stands on the panel's own host, whatever the buyer calls that."""
        told = {**asdict(order), "expires_at": order.expires_at.isoformat()}
        return Redirect(f"/sandbox/pay/{signing.dumps(told, key=self._key, salt=_SALT, compress=True)}")

    def read_order(self, signed: str) -> Order:
        """Read an order back from the pay page's address.

        Raises:
            BadNotice: somebody has changed it.
        """
        try:
            told = signing.loads(signed, key=self._key, salt=_SALT)
            return Order(**{**told, "expires_at": datetime.fromisoformat(told["expires_at"])})
        except (signing.BadSignature, KeyError, TypeError, ValueError):
            raise BadNotice("this pay page's address is not one of ours") from None

    def sign_notice(self, message: dict[str, Any], now: datetime) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of a notice."""
        body = json.dumps(message, sort_keys=True).encode()
        stamp = str(int(now.timestamp()))
        headers = {"Content-Type": "application/json", "Sandbox-Timestamp": stamp}
        return {**headers, "Sandbox-Signature": self._signature(stamp, body)}, body

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        """Return what a notice says; the signature is checked before anything is read."""
        stamp, signature = headers.get("Sandbox-Timestamp", ""), headers.get("Sandbox-Signature", "")
        if len(body) > MAX_BODY or not hmac.compare_digest(
            signature.encode("ascii", "replace"), self._signature(stamp, body).encode()
        ):
            raise BadNotice("the notice is not signed by the gateway")
        if not stamp.isascii() or not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > FRESH_FOR.total_seconds():
            raise BadNotice("the notice is too old, or from the future")
        try:
            return (_fact(json.loads(body)),)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            raise BadNotice("the notice cannot be read") from None

    def answer(self, error: PlatformError | None) -> Answer:
        if error is None:
            return Answer(200, b'{"taken": true}', "application/json")
        return Answer(error.http_status, json.dumps(error.as_json()).encode(), "application/json")

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Return nothing: it keeps no orders, its notices are all there is."""
        return ()

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        return ()

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Pay back at once: there is no money that would have to move."""
        return RefundResult(RefundStatus.DONE, refund_id=f"sandbox-{refund.refund_no}", at=now)

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        return RefundResult(RefundStatus.UNKNOWN)

    def bill(self, day: date, now: datetime) -> Bill | None:
        return None

    def _signature(self, stamp: str, body: bytes) -> str:
        signed = stamp.encode("utf-8", "replace") + b"." + body
        return hmac.new(self._key.encode(), signed, hashlib.sha256).hexdigest()


def missing() -> list[str]:
    """Return what lacks; where real money is meant the whole gateway does: everybody can pay with it."""
    if not (settings.EMBEDDED or settings.DEBUG):
        return ["the sandbox gateway works in an embedded run and with DEBUG=1 only: everybody can pay with it"]
    return [] if settings.SANDBOX_KEY else ["the sandbox gateway needs SANDBOX_KEY, which signs its notices"]


def create() -> SandboxGateway:
    """Return the sandbox with this shop's key."""
    return SandboxGateway(key=settings.SANDBOX_KEY)


def sandbox() -> SandboxGateway:
    """Return the sandbox for its own pages.

    Raises:
        PaymentsOff: it is not set up, or real money is meant here.
    """
    if SandboxGateway.name not in settings.PAYMENT_GATEWAYS or missing():
        raise PaymentsOff
    return create()


def _fact(message: Any) -> Fact:
    event_id, order_id, currency = message["event_id"], message["order_id"], message["currency"]
    transaction = message.get("transaction_id", event_id)
    amount_fen, paid_at_s, status = message["amount_fen"], message["paid_at"], message["status"]
    texts = (event_id, order_id, currency, transaction)
    if not all(isinstance(text, str) and 0 < len(text) <= 64 and "\0" not in text for text in texts):
        raise ValueError("ids and currency are short texts without a NUL")
    if type(amount_fen) is not int or type(paid_at_s) is not int or not 0 <= amount_fen < 10**11:
        raise ValueError("amount_fen and paid_at are whole numbers")
    if not 0 <= paid_at_s < 2**33:  # until the year 2242; beyond it some platforms cannot make a datetime
        raise ValueError("paid_at is in epoch seconds")
    if status not in ("paid", "declined"):
        raise ValueError("status is paid or declined")
    return Fact(
        provider=SandboxGateway.name,
        kind=FactKind.PAID if status == "paid" else FactKind.DECLINED,
        reference=transaction,
        order_no=order_id,
        amount_fen=amount_fen,
        currency=currency[:8],
        at=datetime.fromtimestamp(paid_at_s, UTC),
        transaction_id=transaction,
        event_id=event_id,
    )
