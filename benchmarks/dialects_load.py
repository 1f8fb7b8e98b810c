"""The driver of benchmarks.dialects: connects the clients of a plan, writes rounds, counts what arrives.

Frames are counted by a mark that each has once; a read that cuts a mark in two is mended by the end of the one before.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import redis.asyncio

from benchmarks.dialects import first_id
from benchmarks.soak.frames import PONG, frame
from streaming.records.window import WINDOW_MS, pack, unpack_window

_PATIENCE_S = 20.0
_SIGN_S = 3.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Client(asyncio.Protocol):
    """One socket: says its first message when it is let in, then counts."""

    def __init__(self, plan: dict[str, str]) -> None:
        self._upgrade, self._first = plan["upgrade"].encode(), frame(plan["first"].encode())
        self._mark, self._answer = plan["mark"].encode(), plan["answer"].encode()
        self._tail, self._upgraded = b"", False
        self.followed, self.count = False, 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._upgrade)

    def give_a_sign(self) -> None:
        """Send a pong that nobody asked for: reading our pings out of the bytes would cost more than counting."""
        self._transport.write(frame(b"", PONG))

    def data_received(self, data: bytes) -> None:
        if not self._upgraded:
            if not data.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"not let in: {data[:200]!r}")
            self._upgraded = True
            self._transport.write(self._first)
            self.followed = not self._answer
        data = self._tail + data
        self.followed = self.followed or self._answer in data
        self.count += data.count(self._mark)
        # A mark that ends in this read is counted; what is kept is shorter than one.
        self._tail = data[-(len(self._mark) - 1) :]


def server_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def drive(plan: dict[str, Any], folder: Path) -> dict[str, float]:
    loop, clients = asyncio.get_running_loop(), []
    for one in plan["clients"]:
        _, client = await loop.create_connection(lambda one=one: Client(one), "127.0.0.1", plan["port"])
        clients.append(client)
    await _until(lambda: all(client.followed for client in clients))
    await asyncio.sleep(0.5)
    store = redis.asyncio.Redis.from_url(plan["redis"])
    prints = (folder / "prints").read_bytes()
    window = unpack_window((folder / "window").read_bytes())
    last = await store.xrevrange(plan["stream"], count=1)
    at_ms = int(last[0][0].split(b"-")[0]) if last else first_id()
    before, began = server_cpu_s(plan["pid"]), time.monotonic()
    sign = round(_SIGN_S / plan["period_s"])
    for nth in range(plan["rounds"]):
        if nth % sign == 0:
            for client in clients:
                client.give_a_sign()
        at_ms += WINDOW_MS
        pipe = store.pipeline(transaction=False)
        pipe.xadd(plan["events"], {"e": prints}, id=f"{at_ms}-0", maxlen=400, approximate=True)
        pipe.xadd(plan["stream"], {"w": pack(msgspec.structs.replace(window, seq=at_ms // WINDOW_MS))}, id=f"{at_ms}-0")
        await pipe.execute()
        await asyncio.sleep(max(0.0, began + (nth + 1) * plan["period_s"] - time.monotonic()))
    wanted = plan["rounds"] * plan["each"]
    await _until(lambda: all(client.count >= wanted for client in clients))
    spent = server_cpu_s(plan["pid"]) - before
    await store.aclose()
    return {"deliveries": sum(client.count for client in clients), "server_cpu_s": spent}


async def _until(true: Any) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not true() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    print(json.dumps(asyncio.run(drive(json.loads(path.read_text()), path.parent))))
