"""What a few clients send to fill a server's memory or its time: each is ended early, and little is kept of it.

`./dev soak bombs` drops them at full length.
"""

import time

import pytest

from benchmarks.soak import bombs
from benchmarks.soak.frames import frame
from benchmarks.soak.ground import wait_for

pytestmark = [pytest.mark.whole, pytest.mark.alone]
CLIENTS, SECONDS = 10, 1.5


@pytest.fixture
def drop(running):
    clients: list[bombs.Bomber] = []

    def one(name: str) -> tuple[float, list[bombs.Bomber]]:
        bomb, more = bombs.BOMBS[name]
        grown, dropped = bombs.drop(running, bomb, more, SECONDS, CLIENTS)
        clients.extend(dropped)
        return grown, dropped

    yield one
    for client in clients:
        client.socket.close()
    assert wait_for(lambda: running.sockets() == 0, 15)


def test_compression_is_declined_and_a_compressed_message_refused(drop):
    grown, clients = drop("deflate")

    assert grown < 64
    assert not any(client.agreed_to_compress for client in clients)
    assert [client.close_code() for client in clients] == [1002] * CLIENTS


def test_headers_without_end_are_cut_off(drop):
    grown, clients = drop("endless headers")

    assert grown < 64
    assert all(client.over for client in clients)


@pytest.mark.parametrize("name", ["pings unread", "empty fragments", "one byte fragments"])
def test_a_flood_of_frames_is_too_many_messages(drop, name):
    grown, clients = drop(name)

    assert grown < 64
    assert [client.close_code() for client in clients] == [4429] * CLIENTS


@pytest.mark.parametrize("name", ["huge length", "largest unfinished", "answers unread"])
def test_other_bombs_take_little_memory(drop, name):
    grown, _ = drop(name)

    assert grown < 64


def test_an_ordinary_number_of_pings_and_fragments_is_none_of_that(running):
    client = bombs.Bomber(running, [], "")
    client.socket.setblocking(True)
    for _ in range(100):
        client.socket.sendall(frame(b"still there?", bombs.PING))
    client.socket.sendall(frame(b'{"action":', fin=False))
    for piece in (b'"ping",', b'"id":', b'"9"', b"}"):
        client.socket.sendall(frame(piece, bombs.CONT, fin=piece == b"}"))
    client.socket.settimeout(5)
    answers, began = b"", time.monotonic()
    while b'"id":"9"' not in answers and time.monotonic() - began < 5:
        answers += client.socket.recv(65_536)

    assert answers.count(b"\x8a\x0cstill there?") == 100
    client.socket.close()
