"""Whole frames past ASGI's send(): the extension `tickpack.wire`, our WebSocket protocol class that offers it, and
the slower stand-in for every other ASGI server.

scope["extensions"]["tickpack.wire"] is an object with
    write(frames)   append whole frames to the connection; never awaits; event-loop thread only; ordered with send()
    buffered()      bytes that the kernel has not taken yet; 0 for a healthy client
    abort()         drop the connection now
    watch(full, drained)   call these when more than SOFT_BYTES are unsent, and when nothing is any more
    deflate         True when frames may be sent that were compressed once for all (no context takeover)
    answered        True when the peer has sent anything since it was asked; None where nobody knows
    ask()           put a ping behind the next frames that are written
    insist()        send that ping now if nothing was written since
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11
from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.protocol import State
from websockets.streams import StreamReader

from streaming.fanout.machine import Machine, UpgradedMachine, accepting

EXTENSION = "tickpack.wire"
MAX_MESSAGE_BYTES = 131_072  # DESIGN section 4
SOFT_BYTES = 65_536  # unsent in user space; beyond it a reader is slow (DESIGN section 4)
_WINDOW_BITS = 12
PING = b"\x89\x00"
_BARE_PONG = b"\x8a\x80"  # masked and empty; four bytes of mask follow
_LINGER_SECONDS = 2.0
# A token with a hundred steps is a header line of 12 KiB; websockets reads 8 KiB by default.
http11.MAX_LINE_LENGTH = 32_768
_TOO_LARGE = (
    b'{"code": "token_invalid", "message": "the request cannot be read: a header is longer than any token of ours"}'
)


MOST_HEADS = 1024
HEADS = [bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big") for size in range(MOST_HEADS)]


def text_frame(payload: bytes) -> bytes:
    """Return a whole, unmasked, final text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < MOST_HEADS:
        return HEADS[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def framed(text: str) -> bytes:
    """Return a text as a frame; b"" for "", of which a dialect has no word."""
    return text_frame(text.encode()) if text else b""


def payloads(frames: bytes) -> list[str]:
    """Undo a join of `text_frame`."""
    texts, at = [], 0
    while at < len(frames):
        size, start = frames[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(frames[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(frames[at + 2 : at + 10], "big"), at + 10
        texts.append(frames[start : start + size].decode())
        at = start + size
    return texts


def deflated(frames: bytes) -> bytes:
    """Return whole text frames as permessage-deflate compresses them without any context (RFC 7692)."""
    return b"".join(map(_deflated, payloads(frames)))


def _deflated(payload: str) -> bytes:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -_WINDOW_BITS)
    body = squeeze.compress(payload.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return b"\xc1" + text_frame(body[:-4])[1:]  # FIN and RSV1


def _is_text(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True


class Wire(Protocol):
    """What the hub needs of a connection."""

    answered: bool | None
    deflate: bool  # compressed frames may be sent

    def write(self, frames: bytes) -> None: ...
    def buffered(self) -> int: ...
    def abort(self) -> None: ...
    def watch(self, full: Callable[[], None], drained: Callable[[], None]) -> None: ...
    def ask(self) -> None: ...
    def insist(self) -> None: ...


class TransportWire:
    """Straight onto the server's transport. `detach` makes it silent when the closing handshake has begun.

    The transport itself tells when it holds too much: asking it before every write cost a tenth of a flush.
    """

    __slots__ = ("abort", "answered", "buffered", "deflate", "drained", "full", "to_ask", "transport", "write")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.deflate = self.to_ask = False
        self.transport = transport
        self.write: Callable[[bytes], Any] = transport.write
        self.buffered: Callable[[], int] = transport.get_write_buffer_size
        self.abort: Callable[[], None] = transport.abort
        self.full: Callable[[], None] = _nobody
        self.drained: Callable[[], None] = _nobody
        self.answered: bool | None = True

    def watch(self, full: Callable[[], None], drained: Callable[[], None]) -> None:
        self.full, self.drained = full, drained

    def ask(self) -> None:
        # Behind the next bars: a write of its own costs as much as those of fifty symbols.
        if self.write is not _nothing:
            self.to_ask, self.write = True, self._write_and_ask

    def insist(self) -> None:
        if self.to_ask:
            self.write(b"")

    def _write_and_ask(self, frames: bytes) -> None:
        self.to_ask, self.answered, self.write = False, False, self.transport.write
        self.write(frames + PING)

    def detach(self) -> None:
        self.to_ask, self.write, self.buffered = False, _nothing, _empty
        self.full = self.drained = _nobody


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
        self._full: Callable[[], None] = _nobody
        self._drained: Callable[[], None] = _nobody
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
            self._full()

    def buffered(self) -> int:
        return self._bytes

    def watch(self, full: Callable[[], None], drained: Callable[[], None]) -> None:
        self._full, self._drained = full, drained

    def ask(self) -> None:
        """Such a server asks by itself."""

    def insist(self) -> None:
        """Likewise."""

    def detach(self) -> None:
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
                self._drained()
            await self._wake.wait()


class WireProtocol(WebSocketsSansIOProtocol):
    """uvicorn's sans-I/O WebSocket protocol that also offers the extension."""

    wire: TransportWire | None = None
    _key: bytes | None = None  # of an upgrade that is to be answered
    _lingering = False  # the close frame is out; what still comes is thrown away until the peer goes

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.config.ws_per_message_deflate:
            # Without context takeover one compressed frame fits every connection: 70 times cheaper than each its own.
            shared = ServerPerMessageDeflateFactory(
                server_no_context_takeover=True,
                client_no_context_takeover=True,
                server_max_window_bits=_WINDOW_BITS,
                client_max_window_bits=_WINDOW_BITS,
                compress_settings={"memLevel": 5},
            )
            self.conn = Machine(extensions=[shared], max_size=self.config.ws_max_size, logger=self.logger)
        else:
            self.conn.__class__ = Machine  # uvicorn makes its own and has no place for another

    def upgraded(self, front: HttpToolsProtocol, key: bytes) -> None:
        """Begin behind an upgrade that the HTTP protocol has read, in place of reading it once more."""
        self.transport, self.server, self.client = front.transport, front.server, front.client
        self.scheme = "wss" if front.scheme == "https" else "ws"
        self.connections.add(self)
        self.transport.set_write_buffer_limits(high=SOFT_BYTES, low=0)
        self._key = key
        machine: Any = self.conn
        machine.__class__ = UpgradedMachine
        machine.begin()
        self.handshake_initiated = True
        headers = [(name, value.strip()) for name, value in front.headers]
        path, _, query = front.url.partition(b"?")
        offered = [value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"]
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(path.decode("ascii")),
            "raw_path": self.root_path.encode("ascii") + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": [one.strip() for line in offered for one in line.split(",")],
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def send(self, message: Any) -> None:
        if self._key is None or message["type"] != "websocket.accept" or self.initial_response is not None:
            await super().send(message)
            return
        if self.disconnected:
            raise ClientDisconnected
        key, self._key = self._key, None
        if not self.transport.is_closing():
            headers = [*self.default_headers, *message.get("headers", ())]
            self.transport.write(accepting(key, headers, message.get("subprotocol")))
            self.handshake_complete, self.conn.state = True, State.OPEN
            self.start_keepalive()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=SOFT_BYTES, low=0)

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        if self.wire is not None:
            self.wire.answered = True
            if len(data) == 6 and data[:2] == _BARE_PONG and self._is_between_frames():
                return  # the answer to our ping; parsing 140 of them a second costs as much as a thousand sockets' bars
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            # uvicorn leaves a request that it cannot read without any answer, and the client waits.
            head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n"
            self.transport.write(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(_TOO_LARGE), _TOO_LARGE))
            self.transport.close()

    async def run_asgi(self) -> None:
        self.wire = TransportWire(self.transport)
        self.wire.deflate = bool(self.conn.extensions)
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self.wire
        await super().run_asgi()

    def _is_between_frames(self) -> bool:
        """Tell whether the parser waits for the first byte of a frame; it is a generator that says where it stands."""
        machine: Any = self.conn.parser
        parser = machine.gi_yieldfrom
        waits = parser.gi_yieldfrom if parser is not None else None
        return waits is not None and waits.gi_code is StreamReader.at_eof.__code__

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.wire is not None:
            self.wire.full()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.wire is not None:
            self.wire.drained()

    def _detach(self) -> None:
        if self.wire is not None:
            self.wire.detach()

    def connection_lost(self, exc: Exception | None) -> None:
        self._detach()
        super().connection_lost(exc)

    def handle_ping(self) -> None:
        if self.writable.is_set() or self.conn.state is not State.OPEN:
            super().handle_ping()
        else:
            self.conn.data_to_send()  # it does not read: keeping answers for it would only fill our memory

    def handle_cont(self, event: Frame) -> None:
        if event.data or event.fin:  # fragments of nothing count for no limit of bytes
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message over. uvicorn logs a traceback for a text that is not UTF-8: a peer could fill the disk."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            with suppress(InvalidState):  # the close behind it has been taken already
                self.conn.send_close(1007)
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_close(self, event: Frame) -> None:
        self._detach()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        """Close for a message that breaks the protocol or its limits, and let the close frame arrive.

        uvicorn closes the transport at once; with the rest of a large message unread the kernel then answers with a
        reset, which can overtake the close frame, and the peer sees 1006 instead of 1009.
        """
        self._detach()
        sent = self.conn.close_sent
        assert sent is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()  # so that the peer need not wait for the end of our patience
        self.close_sent = self._lingering = True
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def keepalive_timeout(self) -> None:
        self._detach()
        super().keepalive_timeout()

    def shutdown(self) -> None:
        self._detach()
        super().shutdown()
