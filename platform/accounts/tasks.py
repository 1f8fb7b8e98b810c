"""Celery's entrance to people. Keywords only, unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task

from accounts.services import sessions
from kernel.clock import utc_now


@shared_task(name="accounts.forget_browsers")
def forget_browsers(**_: Any) -> int:
    """Remove the rows of browsers whose sessions are over; beat offers this each hour."""
    return sessions.forget_ended(now=utc_now())
