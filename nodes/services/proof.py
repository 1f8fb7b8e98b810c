"""What nodes delivered is added up, each report once; what ingest counted of symbols takes the place of what it said
before; and both are forgotten in time."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from operator import add

from django.conf import settings
from django.db.models import F

from accounts.models import Customer
from accounts.services.personal import Tables
from nodes.domain.proof import Delivery, read_delivery, read_symbol_days
from nodes.models import Delivered, DeliveredMonth, NodeGroup, SymbolDay, TakenReport, UsedHour
from outbox.errors import UnreadableReport
from outbox.report_kinds import Report

REMEMBERED = timedelta(days=30)  # which reports were taken; a stream of reports holds a few days of them
USE_KEPT = timedelta(days=35)  # of hours: a page shows thirty days
_HOUR_MS = 3_600_000
_MOST_BEHIND_MS = 24 * _HOUR_MS  # a report that waited for its Redis for longer is of a clock that is wrong
_BATCH = 200
_COUNTS = ("due", "sent", "late")
_Key = tuple[int, str, str, date]  # customer, market, symbol, day


def record_delivery(report: Report) -> None:
    """Add what a node delivered; a report that comes again adds nothing.

    Reports of one group are taken one after the other (outbox.services.reports), so nobody else adds to its rows
    meanwhile. What is of nobody that the shop knows counts in the month alone.

    Raises:
        UnreadableReport: it is no report of deliveries.
    """
    try:
        delivery = read_delivery(report.body)
    except ValueError as error:
        raise UnreadableReport(f"delivery: {error}") from None
    taken_at = datetime.fromtimestamp(report.entry_ms / 1000, UTC)
    name = f"{report.group} {delivery.id}"
    if not TakenReport.objects.get_or_create(report=name, defaults={"taken_at": taken_at})[1]:
        return
    group = NodeGroup.objects.only("pk").get(slug=report.group)
    _add_to_months(group, delivery)
    _add_to_days(group, delivery)
    _add_to_hours(group, delivery, report.entry_ms)


def _add_to_months(group: NodeGroup, delivery: Delivery) -> None:
    sums: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in delivery.rows:
        total = sums[row.market, row.day.replace(day=1)]
        for counts in row.bars.values():
            total[:] = map(add, total, counts)
    for (market, month), total in sums.items():
        month_row, _ = DeliveredMonth.objects.get_or_create(group=group, lane=market, month_on=month)
        changes = {name: F(name) + count for name, count in zip(_COUNTS, total, strict=True)}
        DeliveredMonth.objects.filter(pk=month_row.pk).update(**changes)


def _add_to_days(group: NodeGroup, delivery: Delivery) -> None:
    known = dict(
        Customer.objects.filter(public_id__in={row.customer for row in delivery.rows}).values_list("public_id", "pk")
    )
    added: dict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in delivery.rows:
        for symbol, counts in row.bars.items() if row.customer in known else ():
            total = added[known[row.customer], row.market, symbol, row.day]
            total[:] = map(add, total, counts)
    Delivered.objects.bulk_create(
        [
            Delivered(group=group, node=delivery.node, customer_id=customer, lane=market, symbol=symbol, day_on=day)
            for customer, market, symbol, day in added
        ],
        ignore_conflicts=True,
        batch_size=_BATCH,
    )
    rows = Delivered.objects.filter(
        group=group,
        node=delivery.node,
        customer_id__in={key[0] for key in added},
        symbol__in={key[2] for key in added},
        day_on__in={key[3] for key in added},
    )
    changed = []
    for stored in rows:
        if (more := added.get((stored.customer_id, stored.lane, stored.symbol, stored.day_on))) is not None:
            for name, count in zip(_COUNTS, more, strict=True):
                setattr(stored, name, F(name) + count)
            changed.append(stored)
    Delivered.objects.bulk_update(changed, _COUNTS, batch_size=_BATCH)


def _add_to_hours(group: NodeGroup, delivery: Delivery, entry_ms: int) -> None:
    """Add what was sent to the hour in which it was counted: at most a report's minute behind."""
    # A node whose clock is wrong counts as of when Redis took its report; one that waited for Redis as of itself.
    told_ms = delivery.at_ms if 0 <= entry_ms - delivery.at_ms <= _MOST_BEHIND_MS else entry_ms
    hour_at = datetime.fromtimestamp((told_ms - 1) // _HOUR_MS * _HOUR_MS / 1000, UTC)
    known = dict(
        Customer.objects.filter(public_id__in={row.customer for row in delivery.rows}).values_list("public_id", "pk")
    )
    added: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in delivery.rows:
        for symbol, (_, sent, _late) in row.bars.items() if row.customer in known else ():
            if sent:
                added[known[row.customer]][symbol] += sent
    UsedHour.objects.bulk_create(
        [UsedHour(group=group, customer_id=customer, hour_at=hour_at) for customer in added],
        ignore_conflicts=True,
        batch_size=_BATCH,
    )
    rows = list(UsedHour.objects.filter(group=group, hour_at=hour_at, customer_id__in=added))
    for stored in rows:
        for symbol, sent in added[stored.customer_id].items():
            stored.bars[symbol] = stored.bars.get(symbol, 0) + sent
        stored.sent += sum(added[stored.customer_id].values())
    UsedHour.objects.bulk_update(rows, ("bars", "sent"), batch_size=_BATCH)


def record_symbol_days(report: Report) -> None:
    """Keep what ingest counted of some symbols, instead of what it said of the same day before.

    Raises:
        UnreadableReport: it is no report of symbols' days.
    """
    try:
        told = read_symbol_days(report.body)
    except ValueError as error:
        raise UnreadableReport(f"symbol_days: {error}") from None
    group = NodeGroup.objects.only("pk").get(slug=report.group)
    SymbolDay.objects.bulk_create(
        [
            SymbolDay(
                group=group,
                lane=told.market,
                day_on=told.day,
                symbol=symbol,
                rows=one.rows,
                bars=one.bars,
                refused=sum(one.refused.values()),
                copies=one.copies,
                reasons=one.refused,
                lines=one.lines,
                gaps=one.gaps,
                longest_gap_seconds=min(one.longest_gap_ms // 1000, 86_400),
                first_at=_instant(one.first_ms),
                last_at=_instant(one.last_ms),
            )
            for symbol, one in told.symbols.items()
        ],
        update_conflicts=True,
        unique_fields=["group", "day_on", "symbol"],
        update_fields=[
            "lane", "rows", "bars", "refused", "copies", "reasons", "lines", "gaps", "longest_gap_seconds",
            "first_at", "last_at",
        ],
        batch_size=_BATCH,
    )  # fmt: skip


def _instant(at_ms: int) -> datetime | None:
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None


def forget_days(*, now: datetime, today: date) -> int:
    """Forget days of customers and of symbols that are older than settings say, and old hours; return how many rows.

    Args:
        today: at the exchange.
    """
    TakenReport.objects.filter(taken_at__lt=now - REMEMBERED).delete()
    return (
        UsedHour.objects.filter(hour_at__lt=now - USE_KEPT).delete()[0]
        + Delivered.objects.filter(day_on__lt=today - timedelta(days=settings.DELIVERY_DAYS)).delete()[0]
        + SymbolDay.objects.filter(day_on__lt=today - timedelta(days=settings.SYMBOL_DAYS)).delete()[0]
    )


def tables(customer: Customer) -> Tables:
    """Return what a customer's programs were sent, by hour: what is kept about them here."""
    rows = UsedHour.objects.filter(customer=customer).select_related("group").order_by("hour_at", "pk")
    return {
        "use_by_hour": (
            {"node_group": one.group.slug, "hour_at": one.hour_at, "sent": one.sent, "bars": one.bars}
            for one in rows.iterator(_BATCH)
        )
    }


def forget(customer: Customer, now: datetime) -> None:
    """Remove what somebody looked at. What was due and sent stays as proof, of a customer without a name."""
    UsedHour.objects.filter(customer=customer).delete()
