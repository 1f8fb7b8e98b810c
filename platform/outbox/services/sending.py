"""Rows of the outbox: said in the transaction that causes them, delivered by a worker within a second.

The hook after the commit only makes that sooner. Nothing relies on it: in a test that kills the process right after the
commit, 26 of 40 such hooks were lost.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import translation

from kernel.clock import utc_now
from outbox import kinds
from outbox.models import Outbox

log = logging.getLogger(__name__)

BATCH = 200  # a sweep ends after so many, so that a worker can be stopped; beat offers the next a second later
LONGEST_WAIT = timedelta(minutes=5)
KEPT = timedelta(days=7)
SKEW = timedelta(seconds=60)
DELIVER = "outbox.deliver"
UNKNOWN_KIND = "This version of the program knows no rows of this kind; it waits for a worker of the one that wrote it."


def say(kind: str, payload: dict[str, Any], *, language: str = "", delay: timedelta = timedelta(0)) -> Outbox:
    """Write a row that is delivered once this transaction has happened, after `delay`.

    Args:
        kind: a registered one (outbox.kinds).
        payload: JSON; no secrets, admins can read it.
        language: the recipient's, for what people will read; blank where nobody does.

    Raises:
        ValueError: nobody has registered this kind; said here, a row would wait for ever.
    """
    if kinds.find(kind) is None:
        raise ValueError(f"nobody has registered the outbox kind {kind!r}")
    now = utc_now()
    # Due at once means by anybody's clock: a worker's may be a minute behind the one of who says it.
    due_at = now + delay if delay else now - SKEW
    row = Outbox.objects.create(kind=kind, payload=payload, language=language, created_at=now, due_at=due_at)
    if not delay:
        transaction.on_commit(_hurry, robust=True)  # once a row; the second finds nothing left to do
    return row


def deliver_outbox(*, now: datetime, limit: int = BATCH, only: Collection[str] | None = None) -> int:
    """Deliver what is due, oldest first, each row in a transaction of its own; return how many were delivered.

    Args:
        only: these kinds; None for all that are known.
    """
    delivered = 0
    for _ in range(limit):
        done = _deliver_next(now, only)
        if done is None:
            break
        delivered += done
    _note_unknown_kinds(now)
    return delivered


def purge_outbox(*, now: datetime) -> int:
    """Forget what was delivered more than seven days ago."""
    return Outbox.objects.filter(delivered_at__lt=now - KEPT).delete()[0]


def _hurry() -> None:
    try:
        current_app.send_task(DELIVER, expires=SKEW.total_seconds() + 4, retry=False)
    except Exception as error:
        # Beat offers the same task each second, so a broker that is away costs a second and no message.
        log.warning("the broker is away, the outbox waits for beat: %s", type(error).__name__)


@transaction.atomic
def _deliver_next(now: datetime, only: Collection[str] | None) -> bool | None:
    """Deliver one row. True: delivered, False: it must wait, None: nothing is due."""
    # Kinds that we know: the others are for the workers of another version, who need not wait for our failures.
    wanted = [name for name in kinds.names() if only is None or name in only]
    waiting = Outbox.objects.filter(delivered_at=None, due_at__lte=now, kind__in=wanted)
    # Skip what another worker has in hand. (SQLite has one writer at a time and ignores the words.)
    row = waiting.select_for_update(skip_locked=True).order_by("due_at", "id").first()
    if row is None:
        return None
    row.attempts += 1
    try:
        with transaction.atomic():  # what a failed delivery has read or written in SQL must not spoil this row
            _deliver(row, now)
    except Exception as error:
        row.due_at = now + min(timedelta(seconds=2 ** min(row.attempts, 10)), LONGEST_WAIT)
        row.last_error = f"{type(error).__name__}: {error}"[:300]
        log.warning("outbox %s #%s waits: %s", row.kind, row.pk, row.last_error)
        row.save(update_fields=["attempts", "due_at", "last_error"])
        return False
    row.delivered_at = now
    row.last_error = ""
    row.save(update_fields=["attempts", "delivered_at", "last_error"])
    return True


def _deliver(row: Outbox, now: datetime) -> None:
    kind = kinds.find(row.kind)
    assert kind is not None  # _deliver_next asks for known kinds only
    with translation.override(row.language or settings.LANGUAGE_CODE):
        kind.transport(kind.prepare(row.payload, now))


def _note_unknown_kinds(now: datetime) -> None:
    """Write on rows that nobody here can deliver why they wait; they are left as they are otherwise."""
    waiting = Outbox.objects.filter(delivered_at=None, due_at__lte=now, last_error="")
    if noted := waiting.exclude(kind__in=kinds.names()).update(last_error=UNKNOWN_KIND):
        log.warning("%d rows of the outbox wait: %s", noted, UNKNOWN_KIND)
