"""A customer's sockets now, over all processes and nodes of the group, and ending one: `/v1/sockets`.

The store's books say which there are; what only a process knows of its sockets it is asked by a control message, and
it answers into the store. Who does not answer in time is listed without that.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.exceptions import RedisError

from streaming.api.node import NATIVE
from streaming.api.rest import Call, answered, looked_at
from streaming.errors import NoSuchSocket, StoreUnavailable
from streaming.store import quota, socket_list
from streaming.store.connection import redis_async
from streaming.wire.texts import iso

_ANSWER_SECONDS, _END_SECONDS, _PAUSE_SECONDS = 1.0, 2.0, 0.02
_UNTOLD: dict[str, Any] = {"node": None, "address": None, "language": None, "unsent_bytes": None}
_Found = TypeVar("_Found")


@answered(NATIVE)
@looked_at
async def listed(call: Call) -> dict[str, Any]:
    """What is connected for the token's customer."""
    assert call.step is not None
    try:
        rows = await _rows(call)
        told = await _described(call, {row.field for row in rows})
    except (RedisError, OSError):
        raise StoreUnavailable from None
    viewers = sum(row.viewer for row in rows)
    return {
        "sockets": [
            {
                "id": row.id,
                "since": iso(row.at_ms),
                "viewer": row.viewer,
                "symbols": row.symbols,
                **_UNTOLD,
                **told.get(row.field, {}),
            }
            for row in rows
        ],
        "connections": len(rows) - viewers,
        "max_conns": call.step.max_conns,
        "viewers": viewers,
        "max_viewers": quota.MOST_VIEWERS,
    }


@answered(NATIVE, "DELETE")
@looked_at
async def ended(call: Call) -> dict[str, Any]:
    """End one, wherever it is connected."""
    customer, group = _owner(call)
    match = call.request.resolver_match
    named = match.kwargs["id"] if match is not None else ""
    try:
        row = next((one for one in await _rows(call) if one.id == named), None)
        if row is None:
            raise NoSuchSocket
        await call.node.control.tell({"kind": "ended", "customer": customer, "group": group, "fields": [row.field]})
        gone = await _until(lambda: _is_gone(call, row.field), lambda is_gone: is_gone, _END_SECONDS)
    except (RedisError, OSError):
        raise StoreUnavailable from None
    return {"id": row.id, "ended": gone}


def _owner(call: Call) -> tuple[str, str]:
    assert call.scope is not None
    return call.scope.customer, call.scope.group


async def _rows(call: Call) -> list[socket_list.Row]:
    return await socket_list.rows(redis_async(), *_owner(call), call.now_ms)


async def _is_gone(call: Call, field: str) -> bool:
    return all(row.field != field for row in await _rows(call))


async def _described(call: Call, fields: set[str]) -> dict[str, dict[str, Any]]:
    """Ask every process what it knows of these, and wait a moment for the answers."""
    if not fields:
        return {}
    customer, group = _owner(call)
    asked = secrets.token_hex(8)
    await call.node.control.tell({"kind": "describe", "customer": customer, "group": group, "asked": asked})
    return await _until(
        lambda: socket_list.hear(redis_async(), customer, group, asked),
        lambda told: told.keys() >= fields,
        _ANSWER_SECONDS,
    )


async def _until(look: Callable[[], Awaitable[_Found]], enough: Callable[[_Found], bool], seconds: float) -> _Found:
    """Look again and again until it is enough or the time is over; return what was seen last."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not enough(found := await look()) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_PAUSE_SECONDS)
    return found
