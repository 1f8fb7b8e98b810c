"""A gateway whose provider is a few lines of paper: what it took and gave back stands in lists, and it can be away."""

from dataclasses import dataclass, field

from billing.errors import BadBill, GatewayRefused, GatewayUnavailable
from billing.gateways.protocol import Bill, FactKind, Method, Qr, RefundResult, RefundStatus


@dataclass
class PaperGateway:
    """Answers from its lists. `away`: nobody answers; `lost`: work is done and the answer is lost."""

    name: str = "paper"
    bills: bool = True
    paid: dict = field(default_factory=dict)  # order number -> facts
    closed: list = field(default_factory=list)
    refunds: dict = field(default_factory=dict)  # refund number -> fen, once
    asked: list = field(default_factory=list)
    away: bool = False
    lost: bool = False
    refuses: str = ""
    fails: bool = False
    rows: tuple = ()
    broken_bill: bool = False

    def methods(self, device):
        return (Method.QR,)

    def start(self, order, method, now):
        return Qr(f"paper:{order.order_no}")

    def query(self, order_no, now, *, kept=""):
        self._asked("query", order_no)
        return tuple(self.paid.get(order_no, ()))

    def close(self, order_no, now, *, kept=""):
        self._asked("close", order_no)
        self.closed.append(order_no)
        return tuple(self.paid.get(order_no, ()))

    def refund(self, refund, now):
        self._asked("refund", refund.refund_no)
        if self.refuses:
            raise GatewayRefused(self.refuses, provider=self.name, provider_code="NOT_ENOUGH")
        if self.fails:
            return RefundResult(RefundStatus.FAILED, why="the card is dead")
        assert self.refunds.setdefault(refund.refund_no, refund.amount_fen) == refund.amount_fen
        if self.lost:
            raise GatewayUnavailable(provider=self.name)
        return RefundResult(RefundStatus.DONE, refund_id=f"paper-{refund.refund_no}", at=now)

    def query_refund(self, refund, now):
        self._asked("query_refund", refund.refund_no)
        done = refund.refund_no in self.refunds
        return RefundResult(RefundStatus.DONE if done else RefundStatus.UNKNOWN, at=now)

    def bill(self, day, now):
        if self.broken_bill:
            raise BadBill(provider=self.name, day=str(day))
        return Bill(
            day=day, rows=self.rows, digest=f"{len(self.rows)}-{day}", fees_fen=sum(r.fee_fen for r in self.rows)
        )

    def _asked(self, what, number):
        self.asked.append((what, number))
        if self.away:
            raise GatewayUnavailable(provider=self.name)


def row(fact, **changes):
    """Return the row of a bill that says the same as a payment's fact."""
    from billing.gateways.protocol import BillRow

    usual = {"kind": FactKind.PAID, "transaction_id": fact.reference, "order_no": fact.order_no,
             "amount_fen": fact.amount_fen, "at": fact.at}  # fmt: skip
    return BillRow(**{**usual, **changes})
