"""What a client says beyond its budget: read later, in its order, so that nothing is lost and nobody else waits."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

MOST_BYTES = 8 * 131_072  # eight of the largest messages (docs/protocol.md "Client messages")
Message = str | bytes


class LateMessages:
    """One socket's messages that wait.

    Args:
        run: begins a task that somebody looks after.
        handle: what is done with a message when its time has come.
    """

    def __init__(
        self, run: Callable[[Coroutine[Any, Any, None]], object], handle: Callable[[Message], Awaitable[None]]
    ) -> None:
        self._run, self._handle = run, handle
        self._waiting: deque[tuple[float, Message]] = deque()  # loop time
        self._bytes = 0
        self._works = False

    def __bool__(self) -> bool:
        """Tell whether any message waits or is being handled: who comes now stands behind it."""
        return self._works

    def add(self, message: Message, wait_ms: int) -> bool:
        """Take a message whose turn comes later; False where so much waits already that it is a flood."""
        if self._bytes + len(message) > MOST_BYTES:
            return False
        self._waiting.append((asyncio.get_running_loop().time() + wait_ms / 1000, message))
        self._bytes += len(message)
        if not self._works:
            self._works = True
            self._run(self._work())
        return True

    def forget(self) -> None:
        """Drop everything: the socket is gone."""
        self._waiting.clear()
        self._bytes = 0

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if (ahead := self._waiting[0][0] - loop.time()) > 0:
                    await asyncio.sleep(ahead)
                    continue  # the socket may have gone meanwhile
                message = self._waiting.popleft()[1]
                self._bytes -= len(message)
                await self._handle(message)
        finally:
            self._works = False
