"""websockets' state machine as our servers use it, and the upgrades that need nothing of its handshake.

The HTTP protocol in front has read and checked the request already. uvicorn writes it out again for websockets to read,
a ninth of a connect; nearly every client asks in a plain way, and what is not plain goes the long way round.
"""

import base64
import hashlib
import re
import time
from collections.abc import Generator, Sequence

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

from streaming.wire.connection import CLOSE_TOO_MANY

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 4.2.2
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_CONNECTIONS = (b"upgrade", b"keep-alive, upgrade")
_PLAIN_HEADERS, _PLAIN_BYTES = 64, 16_384


class Machine(ServerProtocol):
    """websockets' state machine, for peers that close in the middle of a message, and for those that flood us.

    RFC 6455 section 5.4 lets control frames come between fragments, close among them; websockets answers with 1002
    (Autobahn 7.1.5). And the budget of messages does not count pings and fragments: at 40,000 of them a read, thirty
    peers held up everybody else's bars for ten seconds.
    """

    most_frames = 1000  # in ten seconds; a client that keeps to its budget of messages has 260
    _frames, _since, _flooded = 0, 0.0, False

    def recv_frame(self, frame: Frame) -> None:
        self._frames += 1
        if self._frames > self.most_frames:
            self._flooded = time.monotonic() - self._since < 10
            if self._flooded:
                raise ProtocolError("too many frames; at most 1000 in 10 s")
            self._frames, self._since = 1, time.monotonic()
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)

    def fail(self, code: int, reason: str = "") -> None:
        super().fail(CLOSE_TOO_MANY if self._flooded else code, reason)


class UpgradedMachine(Machine):
    """The same, whose request somebody else has read: the first byte is a frame's."""

    def begin(self) -> None:
        """Start anew, behind the request."""
        self.parser = self.parse()
        next(self.parser)

    def parse(self) -> Generator[None]:
        yield from Protocol.parse(self)


def plain_key(method: str, version: str, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """Return the key of an upgrade that asks for a WebSocket plainly and by all the rules; None for any other request.

    Args:
        headers: as the HTTP parser has read them, names in lower case.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in (b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"):
            return None
        if len(value) > _PLAIN_BYTES:
            return None
        found[name] = value
    if (
        method == "GET"
        and version == "1.1"
        and url.isascii()
        and len(headers) <= _PLAIN_HEADERS
        and found.get(b"upgrade", b"").lower() == b"websocket"
        and found.get(b"connection", b"").lower() in _CONNECTIONS
        and found.get(b"sec-websocket-version") == b"13"
        and _KEY.fullmatch(key := found.get(b"sec-websocket-key", b""))
    ):
        return key
    return None


def accepting(key: bytes, headers: Sequence[tuple[bytes, bytes]], subprotocol: str | None) -> bytes:
    """Return the answer that opens a WebSocket."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(hashlib.sha1(key + _GUID).digest()),  # noqa: S324  (the RFC's)
        *(name + b": " + value for name, value in headers),
    ]
    if subprotocol:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode())
    return b"\r\n".join([*lines, b"", b""])
