"""uvicorn's WebSocket protocol as a node needs it: offers `tickpack.wire`, takes plain upgrades the short way."""

import asyncio
from contextlib import suppress
from typing import Any
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

from streaming.server.machine import Machine, UpgradedMachine, accepting
from streaming.server.wires import EXTENSION, SOFT_BYTES, TransportWire
from streaming.wire.framing import BARE_PONG, WINDOW_BITS

MAX_MESSAGE_BYTES = 131_072  # docs/protocol.md "Messages"
_LINGER_SECONDS = 2.0
# A token with a hundred steps is a header line of 12 KiB; websockets reads 8 KiB by default.
http11.MAX_LINE_LENGTH = 32_768
_TOO_LARGE = (
    b'{"code": "token_invalid", "message": "the request cannot be read: a header is longer than any token of ours"}'
)


def _is_text(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True


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
                server_max_window_bits=WINDOW_BITS,
                client_max_window_bits=WINDOW_BITS,
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
            if self.close_sent:
                # Refused, and that is all there is to answer. uvicorn takes it for an application that forgot to, logs
                # an error, and answers 500 behind it: a line in the log for whoever asks for a wrong address.
                self.handshake_complete = True
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
            if len(data) == 6 and data[:2] == BARE_PONG and self._is_between_frames():
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
            self.wire.on_high_water()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.wire is not None:
            self.wire.on_low_water()

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
