"""A TCP proxy that breaks connections as networks do: cut, half cut, stalled, slow, refused, or cut at a random byte.

    async with FaultProxy(target_port, seed=1, cut_between=(1, 4000)) as proxy:
        ... connect to proxy.port ...

`UP` is from the client to the server, `DOWN` the other way. From a test without a loop: `Background`.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Coroutine
from typing import Any, Self, TypeVar

UP, DOWN = "up", "down"
_CHUNK = 65_536
T = TypeVar("T")


class _Link:
    """One client's connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, cut_after: int | None) -> None:
        self.client, self.server = client, server
        self.left = cut_after  # bytes down until the cut
        self.gone = False

    def reset(self) -> None:
        """RST to both sides: what is on the way is lost."""
        self.gone = True
        for writer in (self.client, self.server):
            sock = writer.get_extra_info("socket")
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # it is closed already
            writer.transport.abort()


class FaultProxy:
    """Forwards to 127.0.0.1:`target_port`; `port` is where clients connect.

    Args:
        cut_between: each connection is reset after a number of bytes down drawn from this range, headers included.
        cuts: how many such cuts are made; later connections live.
    """

    def __init__(
        self, target_port: int, *, seed: int = 0, cut_between: tuple[int, int] | None = None, cuts: int = 0
    ) -> None:
        self.target_port, self.port = target_port, 0
        self.accepted = self.cut = 0
        self.bytes = {UP: 0, DOWN: 0}
        self._chance = random.Random(seed)
        self._cut_between, self._cuts = cut_between, cuts
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._delay_s = 0.0
        self._refusing = False
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        for flow in self._flows.values():
            flow.set()
        await self._listen()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stop_listening()
        self.cut_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- faults --------------------------------------------------------------------------------------------------

    @property
    def open(self) -> int:
        return len(self._links)

    def cut_all(self) -> int:
        """Reset every connection; return how many."""
        links = list(self._links)
        for link in links:
            link.reset()
        self.cut += len(links)
        return len(links)

    def cut_one_way(self, direction: str) -> None:
        """End one direction of every connection with a FIN; the other one goes on."""
        for link in self._links:
            writer = link.server if direction == UP else link.client
            if writer.can_write_eof() and not writer.transport.is_closing():
                writer.write_eof()

    def stall(self, *directions: str) -> None:
        """Hold what comes, in both directions if none is named; connections stay open."""
        for direction in directions or (UP, DOWN):
            self._flows[direction].clear()

    def flow(self) -> None:
        for one in self._flows.values():
            one.set()

    def delay(self, seconds: float) -> None:
        """Hold every piece that long, each way."""
        self._delay_s = seconds

    async def refuse(self) -> None:
        """Refuse new connections (nobody listens); the open ones live."""
        await self._stop_listening()

    async def accept(self) -> None:
        if self._server is None:
            await self._listen()

    # -- the inside ----------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        # Not wait_closed(): from Python 3.12 it waits for the open connections, which are to live on.
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        cut_after = self._chance.randint(*self._cut_between) if self._cut_between and self._cuts > 0 else None
        self._cuts -= cut_after is not None
        link = _Link(writer, up_writer, cut_after)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, UP, reader, up_writer), self._pump(link, DOWN, up_reader, writer))
        except asyncio.CancelledError:
            pass  # the proxy ends; asyncio's own callback would take a cancelled task for a failure
        finally:
            self._links.discard(link)
            for one in (writer, up_writer):
                one.transport.abort()

    async def _pump(
        self, link: _Link, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._flows[direction].wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if link.gone or sink.transport.is_closing():
                    return
                self.bytes[direction] += len(data)
                if direction == DOWN and link.left is not None:
                    data, link.left = data[: link.left], link.left - len(data)
                sink.write(data)
                await sink.drain()
                if direction == DOWN and link.left is not None and link.left <= 0:
                    await self._let_it_arrive(link)
                    return
            if sink.can_write_eof() and not sink.transport.is_closing():
                sink.write_eof()
        except (OSError, RuntimeError):  # asyncio's word for writing on after `cut_one_way`
            link.reset()

    async def _let_it_arrive(self, link: _Link) -> None:
        """Cut where it was meant: a reset overtakes bytes that its receiver has not read yet."""
        await asyncio.sleep(0.005)
        self.cut += 1
        link.reset()


class Background:
    """An event loop in a thread of its own, for tests whose own thread a browser's loop has."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="background-loop")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.run(self._end_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 30.0) -> T:
        """Run a coroutine there; return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def call(self, function: Any, *arguments: Any) -> Any:
        """Call a plain function there."""

        async def there() -> Any:
            return function(*arguments)

        return self.run(there())

    async def _end_tasks(self) -> None:
        others: list[Awaitable[Any]] = []
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
                others.append(task)
        await asyncio.gather(*others, return_exceptions=True)
