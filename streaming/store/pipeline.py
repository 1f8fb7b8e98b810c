"""Many callers' commands in one round trip: what is asked while the store answers goes out together.

A command by itself takes a connection out of the pool, sets a timer and wakes a task or two; when a thousand clients
come back at once that was a third of their cost.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

_MOST = 100  # callers in one round trip, so that the store's other users get through in between

Command = tuple[Any, ...]


class CommandPipeline:
    """One event loop's queue of commands.

    Args:
        client: the client to use; asked each time.
    """

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._waiting: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def run(self, *commands: Command) -> list[Any]:
        """Return the answers; one that is an error stands among them as the exception.

        Raises:
            redis.RedisError, OSError: the store is away.
        """
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, answers))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await answers

    async def _work(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._send(some)
        finally:
            self._task = None

    async def _send(self, some: list[tuple[Sequence[Command], "asyncio.Future[list[Any]]"]]) -> None:
        try:
            pipe = self._client().pipeline(transaction=False)
            for commands, _ in some:
                for command in commands:
                    pipe.execute_command(*command)
            answers = await pipe.execute(raise_on_error=False)
        except BaseException as error:
            for _, waiting in some:
                if not waiting.done():
                    # Each its own: a traceback grows with everybody who raises it.
                    waiting.set_exception(_copy(error))
            if not isinstance(error, Exception):
                raise
            return
        at = 0
        for commands, waiting in some:
            if not waiting.done():
                waiting.set_result(answers[at : at + len(commands)])
            at += len(commands)


def _copy(error: BaseException) -> BaseException:
    if not isinstance(error, Exception):
        return ConnectionError("the process is stopping")
    try:
        copied: Exception = type(error)(*error.args)
    except TypeError:  # it is made of more than it keeps; whoever waits must hear something, or waits for ever
        copied = ConnectionError(f"{type(error).__name__}: {error}")
    copied.__cause__ = error
    return copied
