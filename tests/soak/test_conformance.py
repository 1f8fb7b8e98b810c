"""What the Autobahn suite found, and how a broken connection ends, without the suite: bytes in, bytes out."""

import json
import socket
import struct
from urllib.parse import urlsplit

import pytest

from benchmarks.soak.frames import CLOSE, CONT, PING, PONG, TEXT, Frames, frame, upgrade
from tests.streaming.conftest import make_token, node  # noqa: F401  a fixture

pytestmark = [pytest.mark.whole, pytest.mark.alone]


class Raw:
    """A socket behind the upgrade; `frames` is what came."""

    def __init__(self, served, more: str = "") -> None:
        port = urlsplit(served.base).port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.sendall(upgrade(port, make_token(), more))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65_536)
        self.head, _, rest = data.partition(b"\r\n\r\n")
        self._reader = Frames()
        self.frames = self._reader.feed(rest)

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def until_end(self) -> None:
        while data := self.socket.recv(65_536):
            self.frames += self._reader.feed(data)

    def until(self, true) -> None:
        while not true():
            self.frames += self._reader.feed(self.socket.recv(65_536))

    def close_code(self) -> int:
        opcode, body = self.frames[-1]
        assert opcode == CLOSE
        return struct.unpack("!H", body[:2])[0] if body else 1005

    def of(self, wanted: int) -> list[bytes]:
        return [body for opcode, body in self.frames if opcode == wanted]


@pytest.fixture
def raw(node):  # noqa: F811
    opened: list[Raw] = []

    def one(more: str = "") -> Raw:
        opened.append(Raw(node, more))
        return opened[-1]

    yield one
    for each in opened:
        each.socket.close()


def test_a_close_between_the_fragments_of_a_message_is_an_ordinary_close(raw):
    client = raw()
    client.send(frame(b'{"action":', fin=False), frame(struct.pack("!H", 1000) + b"bye", CLOSE), frame(b"x", CONT))

    client.until_end()

    assert client.close_code() == 1000


def test_who_breaks_the_protocol_gets_the_close_frame_and_the_end(raw):
    client = raw()
    client.send(frame(b"fin is missing", PING, fin=False))

    client.until_end()

    assert client.close_code() == 1002


def test_the_close_frame_arrives_although_much_is_still_on_the_way(raw):
    client = raw()
    client.send(frame(b"x" * 200_000))
    client.send(b"y" * 2_000_000)

    client.until_end()

    assert client.close_code() == 1009


def test_a_ping_between_fragments_is_answered_and_the_message_too(raw):
    client = raw()
    client.send(frame(b'{"action":"ping",', fin=False), frame(b"?", PING), frame(b'"id":"7"}', CONT))

    client.until(lambda: "7" in [json.loads(body).get("id") for body in client.of(TEXT)])

    assert client.of(PONG) == [b"?"]


def test_a_text_that_is_not_utf_8_with_a_close_behind_it_ends_in_order(raw):
    client = raw()
    client.send(frame(b"\xff"), frame(struct.pack("!H", 1000), CLOSE))

    client.until_end()

    assert client.close_code() in (1000, 1007)
