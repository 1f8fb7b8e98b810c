"""What the processes of all groups report of themselves is kept: the newest of each, for a day."""

import logging
from datetime import UTC, datetime, timedelta

from nodes import selectors
from nodes.domain.health import clock_offset_ms, is_off, read_health
from nodes.errors import UnknownTransport
from nodes.models import NodeGroup, ProcessHealth
from outbox.errors import LinkAway, UnreadableReport
from outbox.report_kinds import Report
from outbox.services.reports import read_reports

log = logging.getLogger(__name__)

KEPT = timedelta(days=1)
MOST_READINGS = 20  # of one group in one round: a reader that was away for long catches up in several


def record_health(report: Report) -> None:
    """Keep what a process says of itself, instead of what it said before.

    Raises:
        UnreadableReport: it is no health report of version 1.
    """
    try:
        health = read_health(report.body)
    except ValueError as error:
        raise UnreadableReport(f"health: {error}") from None
    offset_ms = clock_offset_ms(health, report.entry_ms)
    before = ProcessHealth.objects.filter(group__slug=report.group, process=health.process).first()
    if is_off(offset_ms) and not (before and is_off(before.clock_offset_ms)):  # said once, not with each report
        log.warning(
            "group %s: the clock of %s (%s) is %+.1f s off its Redis; set it (NTP), or bars and ends come late",
            report.group, health.node, health.role, offset_ms / 1000,
        )  # fmt: skip
    ProcessHealth.objects.update_or_create(
        group=NodeGroup.objects.only("pk").get(slug=report.group),
        process=health.process,
        defaults={
            "node": health.node,
            "role": health.role,
            "version": health.version,
            "clock_offset_ms": offset_ms,
            "sockets": health.sockets,
            "lag_ms": health.lag_ms,
            "markets": health.markets,
            "feeds": health.feeds,
            "rss_bytes": health.rss_bytes,
            "reported_at": datetime.fromtimestamp(report.entry_ms / 1000, UTC),
        },
    )


def read_all_reports(*, now: datetime) -> int:
    """Read what the processes of every group have reported since the last time; return how many reports were taken."""
    handled = 0
    for group in NodeGroup.objects.order_by("slug"):
        try:
            for _ in range(MOST_READINGS):
                read = read_reports(group=group.slug, link=selectors.link_to(group), now=now)
                handled += read.handled
                if not read.more:
                    break
        except (LinkAway, UnknownTransport) as error:
            log.warning("group %s: its reports could not be read: %s", group.slug, error)
    return handled


def forget_processes(*, now: datetime) -> int:
    """Forget processes that were not heard of for a day; return how many."""
    return ProcessHealth.objects.filter(reported_at__lt=now - KEPT).delete()[0]
