"""Requests take turns, so that bars never wait for them.

When a thousand clients come back in one second, their requests are a second of work; done as they come, a bar that
arrives in the middle waits for all that are in front of it. So while requests queue, each step of the event loop lets
in as many as fit into a few milliseconds, and the bars get through between the steps.
"""

import asyncio
import time
from collections import deque

_STEP_SECONDS = 0.003
_MOST = 64
_SLICE_SECONDS = 0.002


class AdmissionQueue:
    """One event loop's queue. Nobody waits while there is nobody to wait for."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._stepping = False
        self._at_once = 4.0
        self._began = 0.0
        self._let_in = 0  # in this step

    async def acquire(self) -> None:
        """Wait for a turn."""
        loop = asyncio.get_running_loop()
        self._let_in += 1
        if not self._stepping:
            self._stepping = True
            self._began = time.perf_counter()
            loop.call_soon(self._step)
        if not self._waiting and self._let_in <= self._at_once:
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _step(self) -> None:
        """Runs once in each step of the loop while anybody comes or waits."""
        now = time.perf_counter()
        took, self._began = now - self._began, now
        if took > _STEP_SECONDS:
            self._at_once = max(1.0, self._at_once * _STEP_SECONDS / took)
        else:
            self._at_once = min(_MOST, self._at_once + 1)
        came, self._let_in = self._let_in, 0
        while self._waiting and self._let_in < int(self._at_once):
            turn = self._waiting.popleft()
            if not turn.done():  # its socket may have gone
                turn.set_result(None)
                self._let_in += 1
        if came or self._let_in or self._waiting:
            asyncio.get_running_loop().call_soon(self._step)
        else:
            self._stepping = False


class Timeslice:
    """One task's long work: a few milliseconds of it, then as long for everybody else."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def checkpoint(self) -> None:
        """Call between pieces of the work."""
        if time.perf_counter() - self._began > _SLICE_SECONDS:
            await asyncio.sleep(_SLICE_SECONDS)
            self._began = time.perf_counter()
