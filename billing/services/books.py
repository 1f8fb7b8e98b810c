"""Looks over all money: what must hold in the shop's own books, and whether providers' bills say the same.

Every difference is a sentence with its figures; nothing is mended here but money that was never booked, which a bill
shows: that becomes a fact like any other.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.selectors import staff_who_may
from billing import announcements
from billing.domain import ledger as rules
from billing.domain.months import SHANGHAI
from billing.errors import BadBill, GatewayRefused, GatewayUnavailable
from billing.gateways import gateway, names
from billing.gateways.protocol import Bill, BillRow, Fact, FactKind
from billing.models import (
    LedgerBalance,
    LedgerEntry,
    LedgerLine,
    PaymentFact,
    Purchase,
    Reconciliation,
    Refund,
    Suspense,
)
from billing.services import balances, ledger, prepaid_books
from billing.services.facts import record

log = logging.getLogger(__name__)

NO_BILL = "none"  # in place of a file's digest
BILLS_FROM = 10  # o'clock in Shanghai
OLD = timedelta(days=3)  # after it, money that waits for a decision is an alarm
LATE = timedelta(hours=24)  # after it, what we have and the bill has not is a difference


def differences(*, now: datetime) -> list[str]:
    """Return what does not hold in the shop's own books; empty where everything does."""
    return [
        *_entries(),
        *_balances(),
        *_purchases(),
        *prepaid_books.differences(),
        *_gateways(),
        *_suspense(now),
        *_refunds(now),
    ]


def check_books(*, now: datetime) -> Reconciliation:
    """Look over the books and keep what was found."""
    found = differences(now=now)
    return Reconciliation.objects.create(
        day=now.astimezone(SHANGHAI).date(),
        digest="",
        at=now,
        matched=LedgerEntry.objects.count(),
        differences=found,
    )


def match_bill(*, provider: str, day: date, now: datetime) -> Reconciliation:
    """Fetch a provider's bill of a day and compare it with our facts; the same file again changes nothing.

    Returns:
        What was found. A file that cannot be used is a difference; none where we have none either is not.
    """
    try:
        bill = gateway(provider).bill(day, now)
    except (BadBill, GatewayRefused, GatewayUnavailable) as error:
        sentence = f"{provider} {day}: the bill was not read: {error.message} {error.fields or ''}".strip()
        return Reconciliation.objects.create(provider=provider, day=day, digest="", at=now, differences=[sentence])
    if bill is None and not _paid_on(provider, day).exists():
        return Reconciliation.objects.get_or_create(provider=provider, day=day, digest=NO_BILL, defaults={"at": now})[0]
    bill = bill or Bill(day=day)
    digest = bill.digest or hashlib.sha256(repr(bill.rows).encode()).hexdigest()
    read = Reconciliation.objects.filter(provider=provider, day=day, digest=digest).first()
    if read is not None:
        return read
    odd = [sentence for row in bill.rows if (sentence := _compare(provider, row, now))]
    found = [*odd, *_ours_only(provider, bill, now)]
    if bill.fees_fen:
        lines = rules.fee(provider, bill.fees_fen)
        ledger.post(kind="fee", source=f"{provider}:{day}:{digest}", lines=lines, now=now)
    return Reconciliation.objects.create(
        provider=provider, day=day, digest=digest, at=now, matched=len(bill.rows) - len(odd), differences=found
    )


def look_nightly(*, now: datetime) -> int:
    """Look over the books once a day, and read yesterday's bills once they can be; return how many looks were taken.

    Providers have a bill from 10:00 on; one that cannot be read is asked for again each hour.
    """
    today = now.astimezone(SHANGHAI)
    looks = 0
    if not Reconciliation.objects.filter(provider="", day=today.date()).exists():
        announce(check_books(now=now))
        looks += 1
    yesterday = today.date() - timedelta(days=1)
    for name in billed() if today.hour >= BILLS_FROM else ():
        tries = Reconciliation.objects.filter(provider=name, day=yesterday).order_by("-id")
        last = tries.first()
        if last is not None and (last.digest or now - last.at < timedelta(hours=1)):
            continue
        announce(match_bill(provider=name, day=yesterday, now=now))
        looks += 1
    return looks


def billed() -> list[str]:
    """Return the gateways of the shop that have bills."""
    return [name for name in names() if gateway(name).bills]


def announce(found: Reconciliation) -> None:
    """Write to who looks after the money where something differs."""
    if not found.differences:
        return
    log.error(
        "reconciliation of %s %s: %s differences", found.provider or "the books", found.day, len(found.differences)
    )
    for person in staff_who_may("billing.view_reconciliation"):
        announcements.books_differ(found, person)


def _entries() -> Iterator[str]:
    sums = LedgerEntry.objects.annotate(total=Sum("lines__amount_fen"), parts=Count("lines"))
    for entry in sums.filter(Q(parts__lt=2) | ~Q(total=0))[:100]:
        yield f"ledger entry {entry.pk} ({entry}) has {entry.parts} lines that sum to {entry.total}"


def _balances() -> Iterator[str]:
    kept = LedgerBalance.objects.annotate(total=Sum("account__lines__amount_fen") * F("account__normal"))
    for balance in kept.select_related("account"):
        if balance.balance_fen != (balance.total or 0):
            yield f"{balance.account.code} has {balance.balance_fen} fen and its lines sum to {balance.total or 0}"


def _purchases() -> Iterator[str]:
    settled = Purchase.objects.filter(state=Purchase.State.SETTLED)
    paid = Q(kind=FactKind.PAID) & (Q(outcome="settled") | Q(suspense__state="used"))
    facts = PaymentFact.objects.filter(paid).annotate(order=Coalesce("suspense__used_for", "purchase"))
    came: dict[int, list[int]] = {}
    for order, provider, fen in facts.exclude(order=None).values_list("order", "provider", "amount_fen"):
        came.setdefault(order, [0, 0])[provider != balances.PROVIDER] += fen
    parts = settled.values_list("pk", "public_id", "due_fen", "balance_fen").iterator()
    for pk, number, due, from_balance in parts:
        if (brought := came.pop(pk, [0, 0])) != [from_balance, due - from_balance]:
            yield (
                f"order {number} is settled and was paid {brought[0]} fen from the balance and {brought[1]} through "
                f"gateways; {from_balance} and {due - from_balance} were due"
            )
    for pk in came:
        yield f"order {pk} is not settled, and payments say that they settled it"
    for useless in settled.filter(grant=None)[:100]:
        yield f"order {useless.public_id} is settled and gave nothing"
    unsettled = Purchase.objects.exclude(state=Purchase.State.SETTLED)
    for odd in unsettled.filter(grant__isnull=False)[:100]:
        yield f"order {odd.public_id} is {odd.state} and has a grant"
    told = PaymentFact.objects.filter(kind=FactKind.PAID, amount_fen__gt=0)
    booked = LedgerEntry.objects.filter(kind__in=["payment", "suspense"]).values_list("source", flat=True)
    known = set(booked)
    for fact in told.only("provider", "reference", "amount_fen").iterator():
        if f"{fact.provider}:{fact.reference}" not in known:
            yield f"payment {fact.provider} {fact.reference} of {fact.amount_fen} fen is in no entry"


def _gateways() -> Iterator[str]:
    """Compare what each gateway's account holds with what its facts say went in and out."""
    moves: dict[str, int] = {}
    signs = {
        FactKind.PAID: 1,
        FactKind.REFUNDED: -1,
        FactKind.DISPUTE_WITHDRAWN: -1,
        FactKind.DISPUTE_REINSTATED: 1,
    }
    told = PaymentFact.objects.filter(kind__in=signs).exclude(provider=balances.PROVIDER)
    rows = told.values("provider", "currency", "kind")
    for row in rows.annotate(total=Sum("amount_fen")):
        code = rules.account("gateway", row["provider"], row["currency"])
        moves[code] = moves.get(code, 0) + signs[row["kind"]] * row["total"]
    came_back = LedgerLine.objects.filter(entry__kind__in=["refund_failed", "fee"], account__code__startswith="gateway")
    for row in came_back.values("account__code").annotate(total=Sum("amount_fen")):
        moves[row["account__code"]] = moves.get(row["account__code"], 0) + row["total"]
    held = LedgerLine.objects.filter(account__code__startswith="gateway")
    booked = dict(held.values_list("account__code").annotate(total=Sum("amount_fen")))
    for code in sorted(moves.keys() | booked.keys()):
        if moves.get(code, 0) != booked.get(code, 0):
            yield f"{code}: the ledger holds {booked.get(code, 0)} fen, and its facts say {moves.get(code, 0)}"


def _suspense(now: datetime) -> Iterator[str]:
    for row in Suspense.objects.filter(state=Suspense.State.OPEN, opened_at__lt=now - OLD).select_related("fact")[:100]:
        yield f"{row.fact.amount_fen} fen of {row.fact} wait in suspense since {row.opened_at.date()}: {row.reason}"
    open_rows = Suspense.objects.filter(state=Suspense.State.OPEN).values("fact__provider", "fact__currency")
    waits = {
        rules.account("suspense", waiting["fact__provider"], waiting["fact__currency"]): waiting["total"]
        for waiting in open_rows.annotate(total=Sum("fact__amount_fen"))
    }
    held = LedgerLine.objects.filter(account__code__startswith="suspense")
    booked = dict(held.values_list("account__code").annotate(total=-Sum("amount_fen")))
    partly = Refund.objects.filter(payment__suspense__state=Suspense.State.OPEN).exclude(
        state__in=[Refund.State.ASKED, Refund.State.WITHDRAWN]
    )
    for decided in partly.values("payment__provider", "currency").annotate(total=Sum("amount_fen")):
        code = rules.account("suspense", decided["payment__provider"], decided["currency"])
        waits[code] = waits.get(code, 0) - decided["total"]
    for code in sorted(waits.keys() | booked.keys()):
        if waits.get(code, 0) != booked.get(code, 0):
            yield f"{code}: the ledger holds {booked.get(code, 0)} fen, and {waits.get(code, 0)} wait for a decision"


def _refunds(now: datetime) -> Iterator[str]:
    owed_states = [Refund.State.DECIDED, Refund.State.SENT, Refund.State.FAILED]
    for refund in Refund.objects.filter(state__in=owed_states, decided_at__lt=now - OLD)[:100]:
        yield f"refund {refund.refund_no} of {refund.amount_fen} fen is owed since {refund.decided_at:%Y-%m-%d}"
    back = Sum("refunds__amount_fen", filter=~Q(refunds__state=Refund.State.WITHDRAWN))
    over = PaymentFact.objects.filter(kind=FactKind.PAID).annotate(back=back).filter(back__gt=F("amount_fen"))
    for fact in over[:100]:
        yield f"payment {fact.provider} {fact.reference}: {fact.back} fen go back of {fact.amount_fen} that were paid"
    owed = dict(Refund.objects.filter(state__in=owed_states).values_list("currency").annotate(total=Sum("amount_fen")))
    known = Refund.objects.filter(fault=Refund.Fault.CONSOLE).values("refund_id")
    consoles = PaymentFact.objects.filter(kind=FactKind.REFUNDED, refund_no="").exclude(reference__in=known)
    for currency, total in consoles.values_list("currency").annotate(total=Sum("amount_fen")):
        yield f"{total} {currency} fen went back in a provider's console, and nobody knows of which payment"
        owed[currency] = owed.get(currency, 0) - total
    held = LedgerLine.objects.filter(account__code__startswith="refund_due")
    booked = dict(held.values_list("account__code").annotate(total=-Sum("amount_fen")))
    due = {rules.account("refund_due", "", currency): total for currency, total in owed.items()}
    for code in sorted(due.keys() | booked.keys()):
        if due.get(code, 0) != booked.get(code, 0):
            yield f"{code}: the ledger holds {booked.get(code, 0)} fen, and refunds say {due.get(code, 0)}"


def _compare(provider: str, row: BillRow, now: datetime) -> str:
    """Return how a row of a bill differs from what we have; "" where it does not. What we have not is booked."""
    fact = _ours(provider, row)
    if fact is None:
        told = Fact(
            provider=provider,
            kind=row.kind,
            reference=_reference(row),
            order_no=row.order_no,
            amount_fen=row.amount_fen,
            currency="CNY",
            at=row.at,
            transaction_id=row.transaction_id,
            refund_no=row.refund_no if _is_ours(row.refund_no) else "",
        )
        stored = record(told, source=PaymentFact.Source.BILL, now=now)
        return (
            f"{provider} {row.kind} {_reference(row)}: {row.amount_fen} fen were never told; booked: {stored.outcome}"
        )
    if fact.amount_fen != row.amount_fen:
        return f"{provider} {row.kind} {_reference(row)}: the bill says {row.amount_fen} fen, we have {fact.amount_fen}"
    return ""


def _ours(provider: str, row: BillRow) -> PaymentFact | None:
    same = PaymentFact.objects.filter(provider=provider, kind=row.kind)
    by_reference = same.filter(reference=_reference(row)).first()
    if by_reference is not None or row.kind == FactKind.PAID or not row.refund_no:
        return by_reference
    return same.filter(refund_no=row.refund_no).first()


def _reference(row: BillRow) -> str:
    if row.kind == FactKind.PAID:
        return row.transaction_id
    return row.refund_no or f"{row.transaction_id}:refund:{row.at:%Y%m%d%H%M%S}"


def _is_ours(refund_no: str) -> bool:
    return Refund.objects.filter(refund_no=refund_no).exists()


def _ours_only(provider: str, bill: Bill, now: datetime) -> list[str]:
    """Return the payments of a day that its bill lacks; those of its last and first minutes may stand in the next."""
    listed = {row.transaction_id for row in bill.rows if row.kind == FactKind.PAID}
    edge = timedelta(minutes=5)
    begins = datetime.combine(bill.day, time(), SHANGHAI)
    inside = _paid_on(provider, bill.day).filter(at__gte=begins + edge, at__lt=begins + timedelta(days=1) - edge)
    late = inside.filter(received_at__lt=now - LATE).exclude(reference__in=listed)
    return [
        f"{provider} payment {one.reference}: {one.amount_fen} fen are not in the bill of {bill.day}" for one in late
    ]


def _paid_on(provider: str, day: date) -> QuerySet[PaymentFact, Any]:
    begins = datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
    return PaymentFact.objects.filter(
        provider=provider, kind=FactKind.PAID, at__gte=begins, at__lt=begins + timedelta(days=1)
    )
