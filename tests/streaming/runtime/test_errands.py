"""The node's own tasks: they end when they are told to, also one that takes a cancellation for something else."""

import asyncio

from streaming.runtime.errands import end_tasks


async def test_a_task_that_swallows_its_first_cancellation_ends_all_the_same():
    async def deaf() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass  # what redis-py does when its own time-out falls into the same moment
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)

    await asyncio.wait_for(end_tasks([task]), timeout=5)

    assert task.cancelled()
