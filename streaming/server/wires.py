"""Whole frames past ASGI's send(): the extension `tickpack.wire`, and the slower stand-in for every other ASGI server.

scope["extensions"]["tickpack.wire"] is an object with
    write(frames)   append whole frames to the connection; never awaits; event-loop thread only; ordered with send()
    buffered()      bytes that the kernel has not taken yet; 0 for a healthy client
    abort()         drop the connection now
    set_watermarks(on_high, on_low)   call these when more than SOFT_BYTES are unsent, and when nothing is any more
    deflate         True when frames may be sent that were compressed once for all (no context takeover)
    answered        True when the peer has sent anything since it was asked; None where nobody knows
    request_ping()  put a ping behind the next frames that are written
    flush_ping()    send that ping now if nothing was written since
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from streaming.wire.framing import PING, payloads

EXTENSION = "tickpack.wire"
SOFT_BYTES = 65_536  # unsent in user space; beyond it a reader is slow (docs/protocol.md "Slow readers")


class TransportWire:
    """Straight onto the server's transport. `detach` makes it silent when the closing handshake has begun.

    The transport itself tells when it holds too much: asking it before every write cost a tenth of a flush.
    """

    __slots__ = (
        "abort",
        "answered",
        "buffered",
        "deflate",
        "on_high_water",
        "on_low_water",
        "ping_due",
        "transport",
        "write",
    )

    def __init__(self, transport: asyncio.Transport) -> None:
        self.deflate = self.ping_due = False
        self.transport = transport
        self.write: Callable[[bytes], Any] = transport.write
        self.buffered: Callable[[], int] = transport.get_write_buffer_size
        self.abort: Callable[[], None] = transport.abort
        self.on_high_water: Callable[[], None] = _nobody
        self.on_low_water: Callable[[], None] = _nobody
        self.answered: bool | None = True

    def set_watermarks(self, on_high: Callable[[], None], on_low: Callable[[], None]) -> None:
        self.on_high_water, self.on_low_water = on_high, on_low

    def request_ping(self) -> None:
        # Behind the next bars: a write of its own costs as much as those of fifty symbols.
        if self.write is not _nothing:
            self.ping_due, self.write = True, self._write_and_ping

    def flush_ping(self) -> None:
        if self.ping_due:
            self.write(b"")

    def _write_and_ping(self, frames: bytes) -> None:
        self.ping_due, self.answered, self.write = False, False, self.transport.write
        self.write(frames + PING)

    def detach(self) -> None:
        """Write nothing from now on: the closing handshake has begun."""
        self.ping_due, self.write, self.buffered = False, _nothing, _empty
        self.on_high_water = self.on_low_water = _nobody


def _nothing(frames: bytes) -> None:
    """A frame after the close frame would be a protocol error."""


def _nobody() -> None:
    """Nobody watches."""


def _empty() -> int:
    return 0


class AsgiWire:
    """The same by send(), one message a frame, for servers without the extension; a task of its own sends."""

    deflate = False
    answered: bool | None = None  # such a server asks its peers for signs of life by itself

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]], abort: Callable[[], None]) -> None:
        self._send, self.abort = send, abort
        self._on_high_water: Callable[[], None] = _nobody
        self._on_low_water: Callable[[], None] = _nobody
        self._is_full = False
        self._queue: deque[str] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def write(self, frames: bytes) -> None:
        texts = payloads(frames)
        self._queue.extend(texts)
        self._bytes += sum(map(len, texts))
        self._wake.set()
        if self._bytes > SOFT_BYTES and not self._is_full:
            self._is_full = True
            self._on_high_water()

    def buffered(self) -> int:
        return self._bytes

    def set_watermarks(self, on_high: Callable[[], None], on_low: Callable[[], None]) -> None:
        self._on_high_water, self._on_low_water = on_high, on_low

    def request_ping(self) -> None:
        """Such a server asks by itself."""

    def flush_ping(self) -> None:
        """Likewise."""

    def detach(self) -> None:
        """Write nothing from now on: the closing handshake has begun."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            while self._queue:
                text = self._queue.popleft()
                # Any failure means that the peer is gone; the consumer hears of it by its own disconnect event.
                try:
                    await self._send({"type": "websocket.send", "text": text})
                except Exception:
                    return
                self._bytes -= len(text)
            self._wake.clear()
            if self._is_full:
                self._is_full = False
                self._on_low_water()
            await self._wake.wait()
