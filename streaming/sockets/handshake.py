"""The socket's entrance: where a token may stand, whose pages may connect, how a refusal is said before the upgrade."""

import json
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from kernel.errors import PlatformError, Refused, Unavailable
from kernel.tokens import BadToken, TokenMissing
from streaming import metrics
from streaming.wire.connection import CLOSE_TOKEN
from streaming.wire.dialect import AuthPlacement


class TokenInQuery(BadToken):
    """A token in the URL ends in logs; send it as `Authorization: Bearer ...`"""

    code = "token_in_query"


class OriginNotAllowed(Refused):
    """Pages of this origin may not connect to this node"""

    code = "origin_not_allowed"
    http_status = 403


class Draining(Unavailable):
    """This node is draining; connect to another one"""

    code = "draining"


def find_token(scope: Any, auth: AuthPlacement) -> tuple[str, str | None]:
    """Return a connection's token and the subprotocol to select. Cookies have no say.

    Args:
        auth: where a client of the language puts it.

    Raises:
        TokenMissing, TokenInQuery: 401.
        OriginNotAllowed: 403; a page of a foreign origin, or a subprotocol's token without any origin.
    """
    headers = dict(reversed(scope["headers"]))  # the first one counts
    origin = headers.get(b"origin", b"").decode("latin-1")
    allowed = settings.STREAM_ORIGINS
    if origin and not auth.any_origin and "*" not in allowed and origin not in allowed:
        raise OriginNotAllowed(f"pages of {origin[:80]!r} may not connect to this node", origin=origin[:80])
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip(), None
    for name in auth.headers:
        if own := headers.get(name.encode(), b"").decode("latin-1").strip():
            return own, None
    offered = scope.get("subprotocols") or []
    if len(offered) == 2 and offered[0] == "bearer":
        if not origin:
            # Browsers always say where a page is from; a program can set the header.
            raise OriginNotAllowed("a token among the subprotocols needs an Origin; programs use the header instead")
        return offered[1], "bearer"
    query = scope.get("query_string", b"")
    if auth.query and query:
        asked = parse_qs(query.decode("latin-1"))
        for name in auth.query:
            if own := asked.get(name, [""])[0].strip():
                return own, None
    elif b"token=" in query:
        raise TokenInQuery
    raise TokenMissing


async def refuse(scope: Any, send: Any, error: PlatformError, body: dict[str, Any]) -> bool:
    """Answer the upgrade with an error's HTTP status and a JSON; False where this server can only close (403)."""
    metrics.refused.labels(error.code).inc()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": CLOSE_TOKEN})
        return False
    payload = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
    if error.http_status == 401:
        challenge = f'Bearer error="invalid_token", error_description="{error.code}"'
        headers.append((b"www-authenticate", challenge.encode()))
    elif error.http_status in (429, 503):
        headers.append((b"retry-after", str(error.fields.get("retry_after_s", 2)).encode()))
    await send({"type": "websocket.http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": payload})
    return True
