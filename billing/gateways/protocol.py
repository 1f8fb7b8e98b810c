"""What every payment gateway does for the shop. Money moves by notices alone; a browser's return changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """What a buyer is asked to pay. `order_id` is our purchase's public id, `return_path` where the browser goes."""

    order_id: str
    due_fen: int
    currency: str
    title: str
    return_path: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a gateway says has happened, once its signature and its age were found right."""

    provider: str
    event_id: str
    order_id: str
    paid: bool  # False: the gateway declined
    amount_fen: int
    currency: str
    paid_at: datetime


class Gateway(Protocol):
    """A payment gateway."""

    name: str

    def pay_url(self, order: Order) -> str:
        """Return where the buyer's browser is sent to pay."""
        ...

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Return what a notice says.

        Raises:
            BadNotice: it is not signed by the gateway, too old, from the future, or unreadable.
        """
        ...
