"""Reports of node groups are read from where the last reader has stopped, each at least once.

Handlers and checkpoint share one transaction, so what is stored in SQL happens once; a reader that dies in between
leaves both as they were.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from kernel import keyspace
from outbox import report_kinds
from outbox.errors import UnreadableReport
from outbox.models import ReportCheckpoint
from outbox.report_kinds import Report
from outbox.transports.redis import Link, Stretch

log = logging.getLogger(__name__)

BATCH = 500  # reports in one transaction
_START = "0-0"


@dataclass(frozen=True, slots=True)
class Read:
    """What one reading came to."""

    handled: int = 0
    skipped: int = 0
    more: bool = False  # there was as much as one reading takes, so there may be more


def read_reports(*, group: str, link: Link, now: datetime, limit: int = BATCH) -> Read:
    """Hand the next reports of a group to their owners; nothing where another reader is at it.

    Raises:
        LinkAway: the group's Redis does not answer; nothing has changed.
    """
    ReportCheckpoint.objects.get_or_create(group=group)
    return _read_from_checkpoint(group, link, now, limit)


@transaction.atomic
def _read_from_checkpoint(group: str, link: Link, now: datetime, limit: int) -> Read:
    # Lock before looking: two readers would both hand out what comes after the same entry.
    checkpoint = ReportCheckpoint.objects.select_for_update(skip_locked=True).filter(group=group).first()
    if checkpoint is None:
        return Read()
    stretch = _next_stretch(checkpoint, link, limit)
    handled = 0
    for entry_id, fields in stretch.entries:
        try:
            with transaction.atomic():  # what a failed handler has written must not stay, nor spoil what follows
                _hand_over(_report_of(group, entry_id, fields))
            handled += 1
        except (OperationalError, InterfaceError):
            raise  # not the report's fault: the whole reading is done again
        except Exception as error:
            checkpoint.last_skipped = f"{entry_id}: {type(error).__name__}: {error}"[:300]
            unforeseen = not isinstance(error, UnreadableReport)
            log.warning("group %s: report skipped: %s", group, checkpoint.last_skipped, exc_info=unforeseen)
    skipped = len(stretch.entries) - handled
    if stretch.entries:
        checkpoint.entry_id = stretch.entries[-1][0]
    more = len(stretch.entries) >= limit
    checkpoint.position = checkpoint.position + len(stretch.entries) if more else stretch.added or 0
    checkpoint.handled += handled
    checkpoint.skipped += skipped
    checkpoint.read_at = now
    checkpoint.save()
    return Read(handled=handled, skipped=skipped, more=more)


def _next_stretch(checkpoint: ReportCheckpoint, link: Link, limit: int) -> Stretch:
    """Return what comes after the checkpoint; note in it what will never be read."""
    key = keyspace.reports(checkpoint.group)
    stretch = link.read_stream(key, after=checkpoint.entry_id, count=limit)
    if checkpoint.entry_id != _START and _was_lost(checkpoint, stretch):
        log.warning(
            "group %s: the stream of reports was lost (read up to %s); reading the new one from its beginning",
            checkpoint.group,
            checkpoint.entry_id,
        )
        checkpoint.entry_id, checkpoint.position, checkpoint.lost = _START, 0, checkpoint.lost + 1
        stretch = link.read_stream(key, after=_START, count=limit)
    gone = _trimmed(stretch) - checkpoint.position
    if gone > 0:
        log.warning("group %s: %d reports were trimmed before they were read", checkpoint.group, gone)
        checkpoint.missed += gone
        checkpoint.position += gone
    return stretch


def _trimmed(stretch: Stretch) -> int:
    """Return how many entries the stream has taken and no longer has; they are the oldest ones."""
    return stretch.added - stretch.length if stretch.added is not None else 0


def _was_lost(checkpoint: ReportCheckpoint, stretch: Stretch) -> bool:
    """Tell whether this is another stream than the one that was read: the counts or the ids do not go on."""
    if not stretch.exists:
        return True
    if stretch.added is None:
        return False  # without a count nothing can be said
    if stretch.added < checkpoint.position:
        return True
    if checkpoint.position <= _trimmed(stretch):
        return False  # the entry that was read last may have been trimmed since
    if _order(stretch.first_id) > _order(checkpoint.entry_id):
        return True  # it was not trimmed, and it is not there
    # More entries than we have read, and none behind ours: a clock that went back numbers the new ones lower.
    return stretch.added > checkpoint.position and not stretch.entries


def _order(entry_id: str) -> tuple[int, int]:
    ms, number = entry_id.split("-")
    return int(ms), int(number)


def _report_of(group: str, entry_id: str, fields: dict[str, str]) -> Report:
    try:
        body = json.loads(fields["body"])
        kind, version = fields["kind"], fields["v"]
    except (KeyError, ValueError, RecursionError) as error:
        raise UnreadableReport(f"v, kind and a JSON body are wanted ({type(error).__name__})") from None
    if not isinstance(body, dict):
        raise UnreadableReport("the body is no JSON object")
    return Report(group=group, kind=kind, version=version, body=body, entry_ms=_order(entry_id)[0])


def _hand_over(report: Report) -> None:
    kind = report_kinds.find(report.kind)
    if kind is None:
        raise UnreadableReport(f"this version of the program knows no reports of the kind {report.kind[:40]!r}")
    if report.version not in kind.versions:
        raise UnreadableReport(
            f"this version of the program does not read version {report.version[:10]!r} of {kind.name}"
        )
    kind.handler(report)
