"""Part `bombs`: what a few clients send to fill a server's memory; it may grow by 64 MB at most, whatever they do.

All of them at once would only be more of the same, so each bomb is dropped alone, by `SOCKETS` clients at a time.
"""

import json
import select
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import repeat

from benchmarks.soak.frames import BINARY, CLOSE, CONT, PING, Frames, frame, upgrade
from benchmarks.soak.ground import Ground, Market, Node, mainland, token, wait_for
from benchmarks.soak.report import Figure

SOCKETS, MOST_MB = 30, 64.0
_MASK = b"\0\0\0\0"
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
_LARGEST = 131_072


@cache
def deflated() -> bytes:
    """Return a compressed message (RSV1) of 128 kB that unpacks to 128 MB."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = pack.compress(bytes(128 * 2**20)) + pack.flush(zlib.Z_SYNC_FLUSH)
    return frame(body[:-4], BINARY, rsv=4, mask=_MASK)


def one_byte_fragments() -> Iterator[bytes]:
    """Yield a message of as many bytes as may be, one a frame, that never ends."""
    yield frame(b"x", fin=False, mask=_MASK)
    some = frame(b"x", CONT, fin=False, mask=_MASK) * 1024
    yield from repeat(some, (_LARGEST - 2) // 1024)


def empty_fragments() -> Iterator[bytes]:
    """Yield a message of nothing in frames without end: no limit of bytes is ever reached."""
    yield frame(b"", fin=False, mask=_MASK)
    yield from repeat(frame(b"", CONT, fin=False, mask=_MASK) * 4096, 100)


def pings() -> Iterator[bytes]:
    """Yield pings; their answers are not read."""
    yield from repeat(frame(b"p" * 125, PING, mask=_MASK) * 256, 2000)


def questions() -> Iterator[bytes]:
    """Yield the messages with the longest answers, as many as the budget has; the answers are not read."""
    symbols = ["?" * 64 + str(nth) for nth in range(500)]
    yield from repeat(frame(json.dumps({"action": "subscribe", "symbols": symbols}).encode(), mask=_MASK), 59)


def huge_length() -> Iterator[bytes]:
    """Yield the head of a message of 2^63 - 1 bytes, and some of them."""
    yield frame(b"", BINARY, mask=_MASK, length=2**63 - 1)
    yield from repeat(bytes(65_536), 64)


def largest_unfinished() -> Iterator[bytes]:
    """Yield all but the last byte of the largest message."""
    yield frame(bytes(_LARGEST), BINARY, mask=_MASK)[:-1]


def headers() -> Iterator[bytes]:
    """Yield a request whose headers never end."""
    yield b"GET /ws/stock HTTP/1.1\r\nHost: x\r\n"
    yield from repeat(b"X-Header-Of-Some-Length: and a value that is as short\r\n" * 1024, 800)


_SETTINGS = {"deflate offered": {"TICKPACK_STREAM_DEFLATE": "1"}}  # nodes that are not as they come
BOMBS: dict[str, tuple[Callable[[], Iterable[bytes]], str | None]] = {
    "deflate": (lambda: [deflated()], _DEFLATE),
    "deflate offered": (lambda: [deflated()], _DEFLATE),
    "one byte fragments": (one_byte_fragments, ""),
    "empty fragments": (empty_fragments, ""),
    "pings unread": (pings, ""),
    "answers unread": (questions, ""),
    "huge length": (huge_length, ""),
    "largest unfinished": (largest_unfinished, ""),
    "endless headers": (headers, None),  # before any upgrade
}


class Bomber:
    """One client that sends what it can, and reads nothing behind the upgrade."""

    def __init__(self, node: Node, bomb: Iterable[bytes], more: str | None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", node.port), timeout=30)
        self.head = b""
        if more is not None:
            self.socket.sendall(upgrade(node.port, token(), more))
            while b"\r\n\r\n" not in self.head:
                self.head += self.socket.recv(4096)
        self.socket.setblocking(False)
        self._bomb, self._left = iter(bomb), b""
        self.over = False

    def send(self) -> None:
        """Send a piece, as far as the server takes it."""
        try:
            self._left = self._left or next(self._bomb)
            self._left = self._left[self.socket.send(self._left) :]
        except BlockingIOError:
            pass
        except (StopIteration, OSError):
            self.over = True

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def agreed_to_compress(self) -> bool:
        return b"permessage-deflate" in self.head.partition(b"\r\n\r\n")[0].lower()

    def close_code(self) -> int | None:
        """Return the code of the close frame among what has come; None where there is none."""
        self.socket.setblocking(True)
        self.socket.settimeout(3)
        frames, data = Frames(), self.head.partition(b"\r\n\r\n")[2]
        try:
            while True:
                for opcode, body in frames.feed(data):
                    if opcode == CLOSE:
                        return int.from_bytes(body[:2], "big")
                data = self.socket.recv(65_536)
                if not data:
                    return None
        except OSError:
            pass
        return None


def drop(
    node: Node, bomb: Callable[[], Iterable[bytes]], more: str | None, seconds: float, count: int = SOCKETS
) -> tuple[float, list[Bomber]]:
    """Let clients send a bomb until nobody can send more, or for a time; return the growth in MB at its worst."""
    next(iter(bomb()))  # made before anybody waits for it
    node.forget_peak()
    before = node.rss_kb()
    bombers = [Bomber(node, bomb(), more) for _ in range(count)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (active := [one for one in bombers if not one.over]):
        for one in select.select([], active, [], 0.2)[1]:
            one.send()
    time.sleep(0.5)  # what is in the kernel's buffers still comes
    return max(0, node.peak_kb() - before) / 1024, bombers


def run(ground: Ground, *, short: bool) -> list[Figure]:
    Market(ground.redis, mainland(100))
    figures = []
    for name, (bomb, more) in BOMBS.items():
        # A node of its own each: memory that one bomb took and the allocator kept would hide the next one's.
        with ground.node(**_SETTINGS.get(name, {})) as node:
            warm = drop(node, lambda: [frame(b"{}", mask=_MASK)], "", 0.5)[1]
            for one in warm:
                one.socket.close()
            wait_for(lambda: node.sockets() == 0, 10)
            grown, bombers = drop(node, bomb, more, 4.0 if short else 12.0)
            figures.append(Figure("bombs", f"{name} MB", round(grown, 1), f"<= {MOST_MB:.0f}"))
            if name.startswith("deflate"):
                agreed = sum(one.agreed_to_compress for one in bombers)
                figures.append(Figure("bombs", f"{name} agreed to", agreed, f"= {SOCKETS if name in _SETTINGS else 0}"))
                refused = sum(one.close_code() in (1002, 1009) for one in bombers)
                figures.append(Figure("bombs", f"{name} refused", refused, f"= {SOCKETS}"))
            for one in bombers:
                one.socket.close()
    return figures
