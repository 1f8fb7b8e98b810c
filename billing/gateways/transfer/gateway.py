"""The account that buyers transfer to. Refunds are transferred by a person as well, and booked by hand."""

from collections.abc import Mapping
from datetime import date, datetime

from django.conf import settings

from billing.domain.pricing import yuan
from billing.errors import BadNotice, GatewayRefused
from billing.gateways.protocol import (
    Answer,
    Bill,
    Device,
    Fact,
    Instructions,
    Method,
    Order,
    RefundOrder,
    RefundResult,
    RefundStatus,
    Start,
)
from kernel.errors import PlatformError

_NEEDED = {
    "TRANSFER_ACCOUNT_NAME": "the name of the account that buyers transfer to",
    "TRANSFER_ACCOUNT_NUMBER": "its number",
    "TRANSFER_BANK": "the bank and branch that keeps it",
}


class TransferGateway:
    """A bank account."""

    name = "transfer"
    bills = False

    def __init__(self, *, account_name: str, account_number: str, bank: str) -> None:
        self._account = (("Account name", account_name), ("Account number", account_number), ("Bank", bank))

    def methods(self, device: Device) -> tuple[Method, ...]:
        return (Method.TRANSFER,)

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Return the account, the amount, and the order number as purpose: by it the money is found."""
        amount = ("Amount", f"{yuan(order.due_fen)} {order.currency}")
        return Instructions(lines=(*self._account, amount), purpose=order.order_no)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        raise BadNotice("a bank transfer is confirmed by a person; nobody notifies it")

    def answer(self, error: PlatformError | None) -> Answer:
        return Answer(404, b"no notices are taken for bank transfers")

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        return ()

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        return ()

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        raise GatewayRefused(
            "a person transfers it back and books it with the bank's reference",
            provider=self.name,
            provider_code="by_hand",
        )

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        return RefundResult(RefundStatus.UNKNOWN)

    def bill(self, day: date, now: datetime) -> Bill | None:
        return None


def missing() -> list[str]:
    """Return a sentence for each setting that lacks."""
    return [f"bank transfers need {name}: {what}" for name, what in _NEEDED.items() if not getattr(settings, name)]


def create() -> TransferGateway:
    """Return the gateway with this shop's account."""
    return TransferGateway(
        account_name=settings.TRANSFER_ACCOUNT_NAME,
        account_number=settings.TRANSFER_ACCOUNT_NUMBER,
        bank=settings.TRANSFER_BANK,
    )
