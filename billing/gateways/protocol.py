"""What every payment gateway does for the shop.

A gateway says what has happened as facts; what they mean is the shop's to decide. A browser's return changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from kernel.errors import PlatformError


class Device(StrEnum):
    """Where the buyer sits: what a gateway offers depends on it."""

    COMPUTER = "computer"
    PHONE = "phone"
    WECHAT = "wechat"  # inside WeChat's own browser


class Method(StrEnum):
    """How a payment is begun."""

    PAGE = "page"  # the gateway's own page
    QR = "qr"  # a code on our page
    BRIDGE = "bridge"  # WeChat's script on our page
    TRANSFER = "transfer"  # by the buyer's bank, confirmed by a person


class FactKind(StrEnum):
    """What can have happened to money."""

    PAID = "paid"
    DECLINED = "declined"  # this try came to nothing; nothing was taken
    CLOSED = "closed"  # nobody can pay this attempt any more
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"  # also after it was reported as done: the money came back to us
    DISPUTED = "disputed"  # the buyer's bank asks; no money has moved
    DISPUTE_WITHDRAWN = "dispute_withdrawn"  # the bank has taken the money back
    DISPUTE_REINSTATED = "dispute_reinstated"  # and returned it
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


@dataclass(frozen=True, slots=True)
class Order:
    """What a buyer is asked to pay, once: another try has another number.

    Attributes:
        order_no: 24 to 30 of [0-9A-Za-z], unique for ever.
        title: what is bought, in the buyer's language, without / = and &.
        return_url, notify_url: absolute.
        expires_at: after it nobody should be able to pay; the gateway is told.
        open_id: of the buyer at WeChat, for the bridge.
        device: where the buyer sits: a gateway may have a page for phones beside the one for computers.
    """

    order_no: str
    due_fen: int
    currency: str
    title: str
    return_url: str
    notify_url: str
    expires_at: datetime
    language: str = "en"
    client_ip: str = ""
    open_id: str = ""
    device: Device = Device.COMPUTER


@dataclass(frozen=True, slots=True)
class Redirect:
    """The browser goes to this address; from a page that was got, since a form may not leave for another host.

    `kept` is what the gateway wants to be told again when it is asked for the order: the provider's own number of it.
    """

    url: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The browser posts these fields to this address."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Qr:
    """The page shows this text as a QR code."""

    text: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """The page hands these to WeChat's script."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Instructions:
    """The page shows to whom the buyer transfers; (label in English, value) in order, and what to write as purpose."""

    lines: tuple[tuple[str, str], ...]
    purpose: str


Start = Redirect | Form | Qr | Bridge | Instructions


@dataclass(frozen=True, slots=True)
class Fact:
    """What a gateway says has happened, once its signature and its age were found right.

    Attributes:
        reference: what makes it one: the payment's transaction id, our refund number (else the provider's refund
            id), the dispute's id. (provider, kind, reference) never counts twice, whoever tells it.
        order_no: of the attempt, as the provider repeats it; "" where it does not.
        amount_fen: what moved; positive.
        transaction_id: of the payment that this is about.
        refund_no: ours; "" for a refund that was made in the provider's console.
        event_id: of the message that told it, for people who look into it.
    """

    provider: str
    kind: FactKind
    reference: str
    order_no: str
    amount_fen: int
    currency: str
    at: datetime
    transaction_id: str = ""
    refund_no: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider is answered, to the byte: another text makes it repeat for ever."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund that is asked for. The number was stored before, and is the same at each try."""

    refund_no: str
    order_no: str
    transaction_id: str
    amount_fen: int
    paid_fen: int
    currency: str
    reason: str
    notify_url: str


class RefundStatus(StrEnum):
    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"  # nothing was paid back under this number, and nothing will be
    UNKNOWN = "unknown"  # nobody there has heard of it, or it cannot be told yet: the same number may be sent again


@dataclass(frozen=True, slots=True)
class RefundResult:
    status: RefundStatus
    refund_id: str = ""
    at: datetime | None = None
    why: str = ""  # the provider's own words


@dataclass(frozen=True, slots=True)
class BillRow:
    """A line of a provider's bill. `kind` is PAID or REFUNDED; amounts are positive, `fee_fen` what was kept."""

    kind: FactKind
    transaction_id: str
    order_no: str
    amount_fen: int
    at: datetime
    refund_no: str = ""
    fee_fen: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """A provider's own list of a day in Shanghai. `digest` is the file's SHA-256, for importing it once."""

    day: date
    rows: tuple[BillRow, ...] = ()
    digest: str = ""
    fees_fen: int = field(default=0)


class Gateway(Protocol):
    """A payment gateway. Each call that asks the provider may raise:

    GatewayRefused: the provider said no, and nothing was done; its code and words are in it.
    GatewayUnavailable: nobody knows whether it was done: ask with `query` or `query_refund`, never assume.
    """

    name: str
    bills: bool  # it has a list of each day that can be fetched

    def methods(self, device: Device) -> tuple[Method, ...]:
        """Return how one can pay from a device, the best first; none where it cannot be used there."""
        ...

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Return what the buyer's browser is given. The same order again is allowed and pays once."""
        ...

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        """Return what a notice says; nothing for one that concerns no money.

        Raises:
            BadNotice: it is not signed by the provider, not for us, too old, from the future, or unreadable.
        """
        ...

    def answer(self, error: PlatformError | None) -> Answer:
        """Return the provider's exact text for a notice that is stored, or that was refused with this error."""
        ...

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Ask what became of an order; nothing: not paid yet, as far as the provider knows.

        Args:
            kept: what `start` wanted to be told again.
        """
        ...

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """See to it that an order can't be paid any more; where it was paid meanwhile, that is what is returned."""
        ...

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Pay back. The same number and amount again is one refund."""
        ...

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Ask what became of a refund."""
        ...

    def bill(self, day: date, now: datetime) -> Bill | None:
        """Return the provider's list of a day; None where it has none of that day.

        Raises:
            BadBill: rows and footer disagree, or the file is not what its hash says.
        """
        ...
