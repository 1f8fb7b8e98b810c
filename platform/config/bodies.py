"""Request bodies are read whole and counted before anything else happens: what is too long is refused while it comes.

Django writes a body to disk first and looks at its length afterwards, so an anonymous 600 MB would fill /tmp; and a
thread that waits for a slow sender is one less for everybody else.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from kernel import problems
from kernel.credentials import secret

Application = Callable[[Any, Any, Any], Awaitable[None]]
KIB = 1024
PAGE_BYTES = 256 * KIB  # a form of the panel or the admin, or a JSON call of the shop
_PREFIXES = (
    ("/payments/", 64 * KIB),  # a gateway's notice
    ("/api/v1/rt-kline/", KIB * KIB),
    ("/", PAGE_BYTES),
)
PUSH, PUSHED_BYTES = "/api/v1/rt-kline/push", 8 * KIB * KIB


class BodyTooLarge(Exception):
    """More than `limit` bytes came, or were announced."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class PeerGone(Exception):
    """The client left before its body was whole."""


@dataclass(slots=True)
class Body:
    """A body that was read, given to an application as one message; afterwards the connection speaks again."""

    content: bytes
    receive: Callable[[], Awaitable[Any]]
    given: bool = False

    async def __call__(self) -> Any:
        if self.given:
            return await self.receive()
        self.given = True
        return {"type": "http.request", "body": self.content, "more_body": False}


def limit_of(scope: Any) -> int:
    """Return how many bytes the body of this request may have."""
    path = scope["path"]
    if path == PUSH and _may_push(scope):
        return PUSHED_BYTES
    return next(limit for prefix, limit in _PREFIXES if path.startswith(prefix))


def _may_push(scope: Any) -> bool:
    given = secret(next((value for name, value in scope["headers"] if name == b"authorization"), b""))
    return bool(settings.PUSH_TOKEN) and hmac.compare_digest(given.encode(), settings.PUSH_TOKEN.encode())


async def read_body(scope: Any, receive: Callable[[], Awaitable[Any]]) -> Body:
    """Read the whole body of a request.

    Raises:
        BodyTooLarge: by its Content-Length, before a byte is read, or by what came.
        PeerGone: the client left.
    """
    limit = limit_of(scope)
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge(limit)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise PeerGone
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > limit:
            raise BodyTooLarge(limit)
    return Body(b"".join(parts), receive)


def with_whole_bodies(application: Application) -> Application:
    """Return an application that is called once a request's body is there; too long a one is answered with 413."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await read_body(scope, receive)
        except PeerGone:
            return
        except BodyTooLarge as error:
            await refuse(
                send,
                413,
                "body_too_large",
                f"the body of a request to {scope['path'][:80]} has at most {error.limit} bytes; send less",
                # What still comes is of no use: the connection ends with the answer.
                [(b"connection", b"close")],
                path=scope["path"],
            )
            return
        await application(scope, body, send)

    return call


async def refuse(
    send: Any,
    status: int,
    code: str,
    message: str,
    headers: list[tuple[bytes, bytes]],
    *,
    path: str,
    html: bytes | None = None,
) -> None:
    """Answer without an application: JSON, a problem where the address has those, or a page where one is given."""
    if problems.applies_to(path):
        content = json.dumps(problems.of_http(code, base=settings.PANEL_URL, detail=message)).encode()
        kind = problems.MEDIA_TYPE.encode()
    elif html is None:
        content, kind = json.dumps({"code": code, "message": message}).encode(), b"application/json"
    else:
        content, kind = html, b"text/html; charset=utf-8"
    fixed = [(b"content-type", kind), (b"content-length", str(len(content)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": content})
