"""WebSocket frames as a client writes and reads them (RFC 6455 section 5.2), the forbidden ones among them."""

import secrets
import struct

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NO_MASK = b""


def frame(
    payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, mask: bytes | None = None,
    length: int | None = None, form: int = 0,
) -> bytes:  # fmt: skip
    """Return one frame.

    Args:
        mask: four bytes; None: any; empty: the frame is not masked, which a server must refuse.
        length: what the header says, where that is not the truth.
        form: 126 or 127: say the length in that longer form although it is not needed.
    """
    size = len(payload) if length is None else length
    mask = secrets.token_bytes(4) if mask is None else mask
    short = size if size < 126 else 126 if size < 65_536 else 127
    short = max(short, form)
    head = bytes((fin << 7 | rsv << 4 | opcode, (0x80 if mask else 0) | short))
    if short == 126:
        head += struct.pack("!H", size)
    elif short == 127:
        head += struct.pack("!Q", size)
    return head + mask + (masked(payload, mask) if mask else payload)


def masked(payload: bytes, mask: bytes) -> bytes:
    if not payload or mask == b"\0\0\0\0":
        return payload
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class Broken(Exception):
    """What the server sent is no WebSocket frame of a server."""


class Frames:
    """Takes bytes of a server, gives (opcode, payload); a server of ours neither masks nor fragments."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that are whole now.

        Raises:
            Broken: masked, fragmented, or with reserved bits.
        """
        data, at, found = self.rest + data, 0, []
        while len(data) - at >= 2:
            first, size, start = data[at], data[at + 1], at + 2
            if size == 126:
                if len(data) - at < 4:
                    break
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                if len(data) - at < 10:
                    break
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            elif size > 127:
                raise Broken("a server must not mask")
            if first & 0xF0 != 0x80:
                raise Broken(f"first byte {first:#x}")
            if start + size > len(data):
                break
            found.append((first & 0x0F, data[start : start + size]))
            at = start + size
        self.rest = data[at:]
        return found


def upgrade(port: int, token: str, more: str = "", path: str = "/ws/stock") -> bytes:
    """Return the request that opens a socket; `more` is further header lines, each ending with CRLF."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n{more}\r\n"
    ).encode()
