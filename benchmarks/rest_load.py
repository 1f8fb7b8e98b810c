"""Asks one address over kept-alive connections, one request at a time on each: `python -m benchmarks.rest_load`.

Prints one line of JSON: requests, seconds, p50_ms, p99_ms, bytes of an answer, own CPU seconds.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Asker(asyncio.Protocol):
    """One connection; `times` has the seconds of each answered request."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request, self.until = request, until
        self.times: list[float] = []
        self.bytes = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received, self._asked_at = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(RuntimeError(f"not an answer: {self._received[:300]!r}"))
            return
        length = _LENGTH.search(head)
        if len(body) < int(length[1]) if length else not body.endswith(b"0\r\n\r\n"):
            return
        now = time.perf_counter()
        self.times.append(now - self._asked_at)
        self.bytes, self._received = len(body), b""
        if now < self.until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RuntimeError("the server has closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self._transport.close()
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)


async def measure(port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    until = began + seconds
    pairs = [await loop.create_connection(lambda: Asker(request, until), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(asker.done for _, asker in pairs))
    took = time.perf_counter() - began
    times = sorted(one for _, asker in pairs for one in asker.times)
    return {
        "requests": len(times), "seconds": took, "p50_ms": statistics.median(times) * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000, "bytes": pairs[0][1].bytes, "own_cpu_s": time.process_time(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    asked = parser.parse_args()
    lines = [f"GET {asked.path} HTTP/1.1", f"Host: 127.0.0.1:{asked.port}", *asked.header]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    sys.stdout.write(json.dumps(asyncio.run(measure(asked.port, request, asked.connections, asked.seconds))) + "\n")


if __name__ == "__main__":
    main()
