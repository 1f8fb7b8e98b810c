"""HTTP and WebSocket of one process: the panel, a node, or both (TICKPACK_ROLE)."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from config.admission import Admission  # noqa: E402
from config.bodies import with_whole_bodies  # noqa: E402
from config.straight import Straight  # noqa: E402
from streaming.routing import SOCKETS  # noqa: E402
from streaming.runtime.process import current_process, stop_process  # noqa: E402

_STREAMS = settings.ROLE in ("all", "node")
_SELLS = settings.ROLE in ("all", "panel")
_straight = Straight([*(["streaming.urls"] if _STREAMS else []), *(["billing.urls"] if _SELLS else [])])
_pages = Admission(_http) if _SELLS else _http


@with_whole_bodies
async def _page_or_data(scope: Any, receive: Any, send: Any) -> None:
    """Answer what needs neither session nor database without what pages need."""
    answer = _straight if scope["path"] in _straight.views else _pages
    await answer(scope, receive, send)


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket on a path that we do not have, with 404 where the server can say so."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4404})
        return
    body = b'{"code": "not_found", "message": "no stream here; the native one is at /ws/stock"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _websocket(scope: Any, receive: Any, send: Any) -> None:
    stream = SOCKETS.get(scope["path"].strip("/"), _not_found) if _STREAMS else _not_found
    await stream(scope, receive, send)


async def _lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Start reading the stream with the server, so that the first client finds the newest prices known."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if _STREAMS:
                current_process()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            if _STREAMS:
                await stop_process()
            await send({"type": "lifespan.shutdown.complete"})
            return


application = ProtocolTypeRouter({"http": _page_or_data, "websocket": _websocket, "lifespan": _lifespan})
