"""That the short ways are really taken with the installed uvicorn and websockets, and that the long ways work.

Our protocol classes reach into both libraries; a new version may change what they reach for, and everything would still
work, a third as fast. So both are pinned to what was tried, and these tests say whether a newer one may be let in.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.frames import Opcode
from websockets.protocol import State

from config.embedded.children import free_port
from streaming.server.machine import Machine, UpgradedMachine
from streaming.server.serving import DrainingServer, listening_socket, server_config
from streaming.server.websocket import WireProtocol
from streaming.server.wires import EXTENSION, TransportWire
from streaming.wire.framing import text_frame

pytestmark = pytest.mark.whole


class Echo:
    """An application that keeps what its server gave it and sends back what it hears."""

    def __init__(self) -> None:
        self.scope: dict = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    @property
    def wire(self) -> TransportWire:
        return self.scope["extensions"][EXTENSION]

    @property
    def protocol(self) -> WireProtocol:
        return self.wire.transport.get_protocol()


async def nobody_to_send_away() -> None:
    """The echo has no clients of its own to move."""


@pytest.fixture
async def served(request, settings) -> AsyncIterator[tuple[Echo, str]]:
    settings.STREAM_DEFLATE = getattr(request, "param", False)
    echo, port = Echo(), free_port()
    config = server_config(graceful_seconds=1)
    config.app = echo
    server = DrainingServer(config, nobody_to_send_away)
    running = asyncio.create_task(server.serve(sockets=[listening_socket("127.0.0.1", port)]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield echo, f"ws://127.0.0.1:{port}/ws"
    server.should_exit = True
    await running


async def test_a_plain_upgrade_takes_the_short_way_and_its_frames_the_transport(served):
    echo, url = served
    async with connect(url, ping_interval=None) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"

        assert type(echo.wire) is TransportWire
        assert type(echo.protocol) is WireProtocol
        assert type(echo.protocol.conn) is UpgradedMachine
        assert echo.protocol.conn.state is State.OPEN
        echo.wire.write(text_frame(b"one") + text_frame(b"two"))
        assert [await socket.recv(), await socket.recv()] == ["one", "two"]


async def test_the_answer_to_our_ping_never_reaches_the_parser(served, monkeypatch):
    echo, url = served
    async with connect(url, ping_interval=None) as socket:
        await socket.send("hello")
        await socket.recv()
        parsed: list[bytes] = []
        frames = Machine.recv_frame
        monkeypatch.setattr(
            Machine, "recv_frame", lambda self, frame: (parsed.append(frame.opcode), frames(self, frame))
        )

        assert echo.protocol._is_between_frames()
        echo.wire.request_ping()
        echo.wire.flush_ping()
        assert echo.wire.answered is False
        while not echo.wire.answered:
            await asyncio.sleep(0.01)
        await socket.send("after")
        assert await socket.recv() == "after"

        assert parsed == [Opcode.TEXT]


async def test_a_reader_in_the_middle_of_a_frame_is_known(served):
    echo, url = served
    async with connect(url, ping_interval=None) as socket:
        await socket.send("hello")
        await socket.recv()
        socket.transport.write(b"\x81")  # the first byte of a frame

        while echo.protocol._is_between_frames():
            await asyncio.sleep(0.01)


async def test_an_upgrade_that_is_not_plain_goes_the_long_way_and_works(served):
    echo, url = served
    async with connect(url, ping_interval=None, additional_headers={"X-Padding": "x" * 20_000}) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        assert type(echo.protocol.conn) is Machine
        assert type(echo.wire) is TransportWire


@pytest.mark.parametrize("served", [True], indirect=True)
async def test_with_compression_the_long_way_is_taken_and_works(served):
    echo, url = served
    async with connect(url, ping_interval=None) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        assert type(echo.protocol.conn) is Machine
        assert echo.wire.deflate


async def test_a_server_without_our_protocol_classes_offers_no_wire_and_still_serves():
    echo, port = Echo(), free_port()
    server = uvicorn.Server(uvicorn.Config(echo, log_level="warning", ws="websockets-sansio"))
    running = asyncio.create_task(server.serve(sockets=[listening_socket("127.0.0.1", port)]))
    while not server.started:
        await asyncio.sleep(0.01)
    async with connect(f"ws://127.0.0.1:{port}/ws") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        assert EXTENSION not in echo.scope["extensions"]
    server.should_exit = True
    await running


@pytest.mark.parametrize("library", ["uvicorn", "websockets", "httptools"])
def test_what_our_protocol_classes_reach_into_is_pinned_from_above(library):
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]

    (wanted,) = [one for one in project["dependencies"] if one.startswith(library)]

    assert ">=" in wanted
    assert ",<" in wanted
