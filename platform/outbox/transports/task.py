"""Celery tasks, by name."""

from dataclasses import dataclass
from typing import Any

from celery import current_app


@dataclass(frozen=True, slots=True)
class Task:
    """A task to be queued once."""

    name: str
    kwargs: dict[str, Any]


def deliver(task: Task) -> None:
    """Put a task into the queue; raises when the broker is away."""
    current_app.send_task(task.name, kwargs=task.kwargs, retry=False)
