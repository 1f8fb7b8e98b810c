"""A program that reads a stream and remembers everything, for tests."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from streaming.client.events import Bar
from streaming.client.stream import Ended, Stream

FAST = {"first_wait_s": 0.01, "longest_wait_s": 0.1}


class Reader:
    """Reads a stream in the background and keeps all that came, in order."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.things = stream, []
        self.ended: Ended | None = None

    async def __aenter__(self) -> "Reader":
        await self.stream.__aenter__()
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *error) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.stream.__aexit__(None, None, None)

    async def _read(self) -> None:
        try:
            async for thing in self.stream.everything():
                self.things.append(thing)
        except Ended as ended:
            self.ended = ended

    def of(self, kind: type) -> list:
        return [thing for thing in self.things if isinstance(thing, kind)]

    @property
    def bars(self) -> list[tuple[str, int]]:
        return [(bar.symbol, bar.seq) for bar in self.of(Bar)]

    async def until(self, true: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.things[-5:]
            await asyncio.sleep(0.005)

    async def more_bars(self, count: int = 30) -> None:
        had = len(self.bars)
        await self.until(lambda: len(self.bars) >= had + count)
