"""The socket's entrance: where a token may stand, whose pages may connect, how a refusal is said before the upgrade."""

import json
from typing import Any

from django.conf import settings

from kernel import credentials
from kernel.errors import PlatformError, Refused, Unavailable
from kernel.tokens import BadToken, Claims
from streaming import metrics
from streaming.runtime import viewers
from streaming.wire.connection import CLOSE_TOKEN
from streaming.wire.dialect import AuthPlacement


class TokenInQuery(BadToken):
    message = "A token in the URL ends in logs; send it as `Authorization: Bearer ...`"
    code = "token_in_query"


class OriginNotAllowed(Refused):
    message = "Pages of this origin may not connect to this node"
    code = "origin_not_allowed"
    http_status = 403


class Draining(Unavailable):
    message = "This node is draining; connect to another one"
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
    for token in (
        credentials.bearer(headers.get(b"authorization")),
        *(credentials.own_header(headers.get(name.encode())) for name in auth.headers),
    ):
        if token:
            return token, None
    if token := credentials.subprotocol_token(scope.get("subprotocols") or []):
        if not origin:
            # Browsers always say where a page is from; a program can set the header.
            raise OriginNotAllowed("a token among the subprotocols needs an Origin; programs use the header instead")
        return token, credentials.SUBPROTOCOL
    query = scope.get("query_string", b"")
    if not auth.query and credentials.looks_like_a_token(query):
        raise TokenInQuery
    return credentials.required(credentials.query_token(query, auth.query)), None


def admitted(scope: Any, claims: Claims, auth: AuthPlacement) -> Claims:
    """Return the claims of a client that may come in with its token; pages' tokens are for some pages alone.

    Raises:
        ViewerElsewhere, ViewerOrigin: 403.
    """
    origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
    address, _ = scope.get("client") or ("", 0)
    return viewers.admitted(claims, taken=auth.viewers, address=address, origin=origin.decode("latin-1"))


async def refuse(scope: Any, send: Any, error: PlatformError, body: dict[str, Any]) -> bool:
    """Answer the upgrade with an error's HTTP status and a JSON; False where this server can only close (403)."""
    metrics.refused.labels(error.code).inc()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": CLOSE_TOKEN})
        return False
    payload = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
    if challenge := credentials.challenge(error):
        headers.append((b"www-authenticate", challenge.encode()))
    elif error.http_status in (429, 503):
        headers.append((b"retry-after", str(error.fields.get("retry_after_s", 2)).encode()))
    await send({"type": "websocket.http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": payload})
    return True
