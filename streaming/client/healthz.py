"""Which of several nodes answers first. A plain GET: racing connections of a token would push its older ones out."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from streaming.client.routes import health_url

ANSWER_S = 2.0
_MOST = 65_536  # bytes of an answer


async def fastest_first(urls: Sequence[str]) -> list[str]:
    """Return the addresses with the first node that answers healthily in front, the others in their order.

    Waits for the first good answer, 2 s at most; where none comes the order stays.
    """
    asked = {asyncio.create_task(_is_well(url)): url for url in urls}
    first: str | None = None
    waiting = set(asked)
    try:
        while waiting and first is None:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            first = next((asked[task] for task in done if task.result()), None)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return list(urls) if first is None else [first, *(url for url in urls if url != first)]


async def _is_well(url: str) -> bool:
    """Return whether the node of a stream's address says within 2 s that it is up and not draining."""
    parts = urlsplit(health_url(url))
    secure = parts.scheme == "https"
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
            try:
                # HTTP/1.0: the answer ends with the connection, in one piece.
                writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                answer = await reader.read(_MOST)
                while not reader.at_eof() and len(answer) < _MOST:
                    answer += await reader.read(_MOST)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        return head.split(None, 2)[1] == b"200" and not json.loads(body).get("draining")
    except (IndexError, ValueError, AttributeError):
        return False
