"""Signs of life: asked behind the next bars, alone where none come, and who stays silent is ended."""

import asyncio
import socket

import pytest

from streaming.hub.keepalive import ASK_TICKS, Keepalive
from streaming.hub.subscribers import Subscriber
from streaming.server.wires import TransportWire
from streaming.wire.framing import PING, text_frame
from tests.streaming.spoken import NATIVE

BAR = text_frame(b"a bar")


class Peer:
    """Both ends of a real connection, and why the hub ended it."""

    def __init__(self, wire: TransportWire, far: socket.socket) -> None:
        self.wire, self.far, self.ended = wire, far, ""
        self.member = Subscriber(wire, self._end, frozenset(), NATIVE)

    def _end(self, reason: str) -> None:
        self.ended = reason

    def heard(self) -> bytes:
        try:
            return self.far.recv(65_536)
        except BlockingIOError:
            return b""


@pytest.fixture
async def peer():
    near, far = socket.socketpair()
    far.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    yield Peer(TransportWire(transport), far)
    transport.abort()
    far.close()


@pytest.fixture
def keepalive(peer):
    made = Keepalive()
    made.add(peer.member)
    return made


async def test_the_question_rides_behind_the_next_bars_and_is_asked_once(peer, keepalive):
    keepalive.request_pings(0)
    assert peer.heard() == b""

    peer.wire.write(BAR)
    peer.wire.write(BAR)

    assert peer.heard() == BAR + PING + BAR
    keepalive.request_pings(3)
    assert peer.heard() == b""


async def test_where_no_bar_comes_it_is_asked_alone(peer, keepalive):
    for tick in range(3):
        keepalive.request_pings(tick)
    assert peer.heard() == b""

    keepalive.request_pings(3)

    assert peer.heard() == PING


async def test_who_does_not_answer_is_ended_at_the_next_asking_and_who_does_is_not(peer, keepalive):
    keepalive.request_pings(0)
    peer.wire.write(BAR)
    peer.wire.answered = True
    keepalive.request_pings(ASK_TICKS)
    assert not peer.ended

    peer.wire.write(BAR)
    keepalive.request_pings(2 * ASK_TICKS)

    assert peer.ended == "silent"


async def test_nothing_follows_the_close_frame(peer, keepalive):
    keepalive.request_pings(0)

    peer.wire.detach()
    peer.wire.write(BAR)
    keepalive.request_pings(3)
    keepalive.request_pings(ASK_TICKS)
    keepalive.request_pings(ASK_TICKS + 3)

    assert peer.heard() == b""
    assert not peer.ended
