"""Work for one socket in a task of its own, and jobs that must never end: what a process's tasks have in common."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import redis

log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0


class Errands:
    """Tasks that nobody awaits: a peer that is stuck must not keep the others waiting."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def run(self, errand: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Begin an errand; what it raises is logged."""
        task = asyncio.create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a socket could not be looked after", exc_info=error)

    async def stop(self) -> None:
        """Cancel what runs and wait for it."""
        await end_tasks(list(self._tasks))


async def run_for_ever(name: str, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a job again whenever it fails: a node without its ear or its heartbeat must not look healthy for long."""
    while True:
        try:
            await job()
        except (redis.RedisError, OSError) as error:
            log.warning("%s: the store is away (%s); trying again", name, type(error).__name__)
        except Exception:
            log.exception("%s failed; starting it again", name)
        await asyncio.sleep(_AGAIN_SECONDS)


async def end_tasks(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel tasks until they are done.

    Once is not always enough: a cancellation that arrives while redis-py gives up waiting for an answer is taken for
    that time-out, and the task goes on (a stop that waited for it hung for ever).
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
