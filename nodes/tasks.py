"""Celery's entrances to nodes. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task

from kernel.clock import utc_now
from nodes import services


@shared_task(name="nodes.deliver_outbox")
def deliver_outbox(**_: Any) -> int:
    """Deliver what the outbox holds; beat offers this each second."""
    return services.deliver_outbox(now=utc_now())


@shared_task(name="nodes.purge_outbox")
def purge_outbox(**_: Any) -> int:
    """Forget what was delivered long ago; beat offers this each hour."""
    return services.purge_outbox(now=utc_now())


@shared_task(name="nodes.poll_nodes")
def poll_nodes(**_: Any) -> int:
    """Ask every node how it is; beat offers this each ten seconds."""
    return services.poll_nodes(now=utc_now())
