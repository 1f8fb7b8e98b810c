"""What came in and went back, by day; and the rows of a period for accounting. Reads alone. Days are Shanghai's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.http import StreamingHttpResponse

from billing.documents import csv_file
from billing.domain.months import SHANGHAI
from billing.domain.pricing import yuan
from billing.models import LedgerLine, PaymentFact, Prepayment, Purchase, Refund

BY = ("day", "plan", "node", "gateway")
Sums = dict[Any, tuple[int, int]]
_LINE_HEADS = ("posted_at", "entry", "kind", "source", "account", "amount_fen", "amount")
_FACT_HEADS = (
    "received_at", "at", "provider", "kind", "reference", "transaction_id", "order_no", "refund_no", "order",
    "amount_fen", "amount", "currency", "source", "outcome",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Revenue:
    """Fen that were paid and paid back, in all and by each of BY: key -> (paid, back)."""

    paid_fen: int
    back_fen: int
    by: dict[str, Sums]


def day_of(at: datetime) -> date:
    """Return the day in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def revenue(*, since: date, until: date) -> Revenue:
    """Return what orders were paid with, and what of it was paid back, from a day to another one, both in it.

    What was in suspense counts once it is used for an order. A payment in another currency settles nothing, so all of
    it is CNY. Disputes are not in it: what a bank has taken back stands in the ledger's `dispute_loss`.
    """
    start, end = _bounds(since, until)
    settled = Purchase.objects.filter(state=Purchase.State.SETTLED, settled_at__gte=start, settled_at__lt=end)
    paid = settled.exclude(kind=Purchase.Kind.COMP).annotate(day=TruncDate("settled_at", tzinfo=SHANGHAI))
    back = (
        Refund.objects.filter(state=Refund.State.DONE, done_at__gte=start, done_at__lt=end)
        .filter(Q(payment__outcome="settled") | Q(payment__suspense__state="used"))
        .exclude(payment__prepayment__kind=Prepayment.Kind.BALANCE)  # a top-up is revenue once it is spent
        .annotate(
            day=TruncDate("done_at", tzinfo=SHANGHAI),
            plan=Coalesce(F("payment__suspense__used_for__plan__slug"), F("purchase__plan__slug")),
            node=Coalesce(F("payment__suspense__used_for__node__slug"), F("purchase__node__slug")),
            gateway=F("payment__provider"),
        )
    )
    paid_by = {"day": "day", "plan": "plan__slug", "node": "node__slug", "gateway": "gateway"}
    by = {name: _sums(paid, paid_by[name], back, name) for name in BY}
    days = by["day"].values()
    return Revenue(sum(day[0] for day in days), sum(day[1] for day in days), by)


def accounting(*, what: str, since: date, until: date, encoding: str = "utf-8") -> StreamingHttpResponse:
    """Return the ledger's lines (`lines`) or the payment facts (`facts`) of some days as a CSV file.

    Args:
        encoding: of billing.documents.csv_file.ENCODINGS.
    """
    start, end = _bounds(since, until)
    heads, rows = (_LINE_HEADS, _ledger_rows(start, end)) if what == "lines" else (_FACT_HEADS, _fact_rows(start, end))
    name = f"{what}-{since.isoformat()}-{until.isoformat()}.csv"
    return StreamingHttpResponse(
        csv_file.lines(heads, rows, encoding),
        content_type=csv_file.content_type(encoding),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _ledger_rows(start: datetime, end: datetime) -> Iterator[Iterable[Any]]:
    rows = LedgerLine.objects.filter(entry__posted_at__gte=start, entry__posted_at__lt=end).order_by("entry_id", "id")
    for line in rows.select_related("entry", "account").iterator(chunk_size=1000):
        entry, at = line.entry, line.entry.posted_at.astimezone(SHANGHAI)
        yield at, entry.pk, entry.kind, entry.source, line.account.code, line.amount_fen, _number(line.amount_fen)


def _fact_rows(start: datetime, end: datetime) -> Iterator[Iterable[Any]]:
    rows = PaymentFact.objects.filter(received_at__gte=start, received_at__lt=end).order_by("id")
    for fact in rows.select_related("purchase").iterator(chunk_size=1000):
        yield (
            fact.received_at.astimezone(SHANGHAI), fact.at.astimezone(SHANGHAI), fact.provider, fact.kind,
            fact.reference, fact.transaction_id, fact.order_no, fact.refund_no,
            fact.purchase.public_id if fact.purchase else "", fact.amount_fen, _number(fact.amount_fen), fact.currency,
            fact.source, fact.outcome,
        )  # fmt: skip


def _number(amount_fen: int) -> float:
    return float(yuan(amount_fen))  # a number, so that a spreadsheet adds it up; the exact one is beside it


def _bounds(since: date, until: date) -> tuple[datetime, datetime]:
    return (
        datetime.combine(since, time(), SHANGHAI),
        datetime.combine(until + timedelta(days=1), time(), SHANGHAI),
    )


def _sums(paid: QuerySet[Any], paid_by: str, back: QuerySet[Any], back_by: str) -> Sums:
    came = dict(paid.order_by().values_list(paid_by).annotate(total=Sum("paid_fen")))
    went = dict(back.order_by().values_list(back_by).annotate(total=Sum("amount_fen")))
    return {key: (came.get(key, 0), went.get(key, 0)) for key in sorted(came.keys() | went.keys(), key=str)}
