"""Our WebSocket protocol class around an application that sends back what it gets: what the Autobahn suite talks to.

python -m benchmarks.soak.echo PORT
"""

import sys
from typing import Any

from streaming.server.machine import Machine
from streaming.server.serving import DrainingServer, listening_socket, server_config

# The suite's cases 9.* send that much, in that many frames; the product takes 131,072 bytes, and 1,000 frames in 10 s.
LARGEST, MOST_FRAMES = 16 * 2**20, 10**9


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Echo text as text and bytes as bytes."""
    if scope["type"] == "lifespan":
        for said in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{said}.complete"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        kind = "text" if message.get("text") is not None else "bytes"
        await send({"type": "websocket.send", kind: message[kind]})


async def nobody_to_send_away() -> None:
    """An echo has no other node."""


def main(port: int) -> None:
    config = server_config(graceful_seconds=1)
    config.app, config.ws_max_size = application, LARGEST
    Machine.most_frames = MOST_FRAMES
    DrainingServer(config, nobody_to_send_away).run(sockets=[listening_socket("127.0.0.1", port)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
