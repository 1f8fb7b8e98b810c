"""Requests take queue: what else the loop has to do gets through between them."""

import asyncio
import time

from streaming.hub.fairness import AdmissionQueue


def work(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def most_in_one_step(queue: AdmissionQueue | None, requests: int = 300, cost: float = 0.001) -> tuple[int, int]:
    """Return how many requests were worked off between two looks of somebody else, at most, and in all."""
    done = 0

    async def request() -> None:
        nonlocal done
        if queue is not None:
            await queue.acquire()
        work(cost)
        done += 1

    tasks = [asyncio.create_task(request()) for _ in range(requests)]
    most = before = 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        most, before = max(most, done - before), done
    return most, done


async def test_a_crowd_of_requests_keeps_nothing_else_waiting():
    assert await most_in_one_step(None) == (300, 300), "the twin without queue: everything at once"
    most, done = await most_in_one_step(AdmissionQueue())
    assert done == 300
    assert most <= 10, "requests of a millisecond, in steps of three"


async def test_a_request_alone_does_not_wait():
    queue = AdmissionQueue()
    for _ in range(3):
        await asyncio.wait_for(queue.acquire(), timeout=0.5)
        await asyncio.sleep(0.02)
    assert not queue._stepping, "nothing goes on when nobody comes"


async def test_who_has_gone_while_waiting_holds_nobody_up():
    queue = AdmissionQueue()
    tasks = [asyncio.create_task(queue.acquire()) for _ in range(200)]
    await asyncio.sleep(0)
    for task in tasks[50:150]:
        task.cancel()
    await asyncio.wait(tasks, timeout=2)
    assert all(task.done() for task in tasks)
