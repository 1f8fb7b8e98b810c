"""Celery's entrances to nodes. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task
from django.utils.timezone import localdate

from kernel.clock import utc_now
from nodes.services import health, polling, proof, reminders


@shared_task(name="nodes.poll_nodes")
def poll_nodes(**_: Any) -> int:
    """Ask every node how it is; beat offers this each ten seconds."""
    return polling.poll_nodes(now=utc_now())


@shared_task(name="nodes.read_reports")
def read_reports(**_: Any) -> int:
    """Read what the processes of every group report; beat offers this each two seconds."""
    return health.read_all_reports(now=utc_now())


@shared_task(name="nodes.forget_processes")
def forget_processes(**_: Any) -> int:
    """Forget processes that ended long ago; beat offers this each hour."""
    return health.forget_processes(now=utc_now())


@shared_task(name="nodes.forget_days")
def forget_days(**_: Any) -> int:
    """Forget old days of deliveries and of symbols; beat offers this each hour."""
    now = utc_now()
    return proof.forget_days(now=now, today=localdate(now))


@shared_task(name="nodes.warn_of_calendars")
def warn_of_calendars(**_: Any) -> int:
    """Log once a day which markets' known trading days end soon; beat offers this each ten minutes."""
    return reminders.log_calendar_warnings(today=localdate(utc_now()))
