"""Celery's entrances to nodes. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

from celery import shared_task

from kernel.clock import utc_now
from nodes.services import polling


@shared_task(name="nodes.poll_nodes")
def poll_nodes(**_: Any) -> int:
    """Ask every node how it is; beat offers this each ten seconds."""
    return polling.poll_nodes(now=utc_now())
