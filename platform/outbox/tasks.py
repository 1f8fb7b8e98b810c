"""Celery's entrances to the outbox. Keywords only, unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task

from kernel.clock import utc_now
from outbox.services import restating, sending


@shared_task(name=sending.DELIVER)
def deliver_outbox(**_: Any) -> int:
    """Deliver what the outbox holds; beat offers this each second."""
    return sending.deliver_outbox(now=utc_now())


@shared_task(name="outbox.purge")
def purge_outbox(**_: Any) -> int:
    """Forget what was delivered long ago; beat offers this each hour."""
    return sending.purge_outbox(now=utc_now())


@shared_task(name="outbox.restate")
def restate(**_: Any) -> dict[str, int]:
    """Write again what a group's Redis has lost or has otherwise; beat offers this each half minute."""
    return restating.restate(now=utc_now())
