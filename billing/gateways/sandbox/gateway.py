"""A gateway for trying things out: it takes no money and otherwise behaves like one that does.

The order travels signed in the pay page's address, as a real gateway would keep it in a database of its own. Notices
are JSON, signed with HMAC-SHA256 over `<timestamp>.<body>`; the headers are Sandbox-Timestamp and Sandbox-Signature.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing

from billing.errors import BadNotice, PaymentsOff
from billing.gateways.protocol import Notice, Order

FRESH_FOR = timedelta(minutes=5)  # both ways; a notice that is tried again is signed again
MAX_BODY = 16 * 1024
_SALT = "sandbox.order"


class SandboxGateway:
    """The Gateway of the embedded run."""

    name = "sandbox"

    def __init__(self, *, key: str) -> None:
        if not key:
            raise ValueError("the sandbox gateway needs SANDBOX_KEY")
        self._key = key

    def pay_url(self, order: Order) -> str:
        """Return the pay page's path: it stands on the panel's own host, whatever the buyer calls that."""
        return f"/sandbox/pay/{signing.dumps(asdict(order), key=self._key, salt=_SALT, compress=True)}"

    def read_order(self, signed: str) -> Order:
        """Read an order back from the pay page's address.

        Raises:
            BadNotice: somebody has changed it.
        """
        try:
            return Order(**signing.loads(signed, key=self._key, salt=_SALT))
        except (signing.BadSignature, TypeError, ValueError):
            raise BadNotice("this pay page's address is not one of ours") from None

    def sign_notice(self, message: dict[str, Any], now: datetime) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of a notice."""
        body = json.dumps(message, sort_keys=True).encode()
        stamp = str(int(now.timestamp()))
        headers = {"Content-Type": "application/json", "Sandbox-Timestamp": stamp}
        return {**headers, "Sandbox-Signature": self._signature(stamp, body)}, body

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Return what a notice says; the signature is checked before anything is read."""
        stamp, signature = headers.get("Sandbox-Timestamp", ""), headers.get("Sandbox-Signature", "")
        if len(body) > MAX_BODY or not hmac.compare_digest(
            signature.encode("ascii", "replace"), self._signature(stamp, body).encode()
        ):
            raise BadNotice("the notice is not signed by the gateway")
        if not stamp.isascii() or not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > FRESH_FOR.total_seconds():
            raise BadNotice("the notice is too old, or from the future")
        try:
            return _notice(json.loads(body))
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            raise BadNotice("the notice cannot be read") from None

    def _signature(self, stamp: str, body: bytes) -> str:
        signed = stamp.encode("utf-8", "replace") + b"." + body
        return hmac.new(self._key.encode(), signed, hashlib.sha256).hexdigest()


def sandbox() -> SandboxGateway:
    """Return the sandbox with this shop's key.

    Raises:
        PaymentsOff: it is not the gateway that is set up, or real money is meant here: everybody can pay with it.
    """
    if settings.PAYMENT_GATEWAY != "sandbox" or not (settings.EMBEDDED or settings.DEBUG):
        raise PaymentsOff
    return SandboxGateway(key=settings.SANDBOX_KEY)


def _notice(message: Any) -> Notice:
    event_id, order_id, currency = message["event_id"], message["order_id"], message["currency"]
    amount_fen, paid_at_s, status = message["amount_fen"], message["paid_at"], message["status"]
    if not all(
        isinstance(text, str) and 0 < len(text) <= 64 and "\0" not in text for text in (event_id, order_id, currency)
    ):
        raise ValueError("ids and currency are short texts without a NUL")
    if type(amount_fen) is not int or type(paid_at_s) is not int or not 0 <= amount_fen < 2**53:
        raise ValueError("amount_fen and paid_at are whole numbers")
    if not 0 <= paid_at_s < 2**33:  # until the year 2242; beyond it some platforms cannot make a datetime
        raise ValueError("paid_at is in epoch seconds")
    if status not in ("paid", "declined"):
        raise ValueError("status is paid or declined")
    return Notice(
        provider=SandboxGateway.name,
        event_id=event_id,
        order_id=order_id,
        paid=status == "paid",
        amount_fen=amount_fen,
        currency=currency[:8],
        paid_at=datetime.fromtimestamp(paid_at_s, UTC),
    )
