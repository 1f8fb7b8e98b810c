"""How this node is, and what a customer uses of it. No SQL, no cookies: a token says who asks."""

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.instruments import LANES
from kernel.scope import MARKETS
from kernel.trading_days import horizon_warning
from streaming import metrics
from streaming.api import bars
from streaming.api.operators import operators_only
from streaming.api.rest import Call, RestDialect, answered, json_answer, looked_at, straight
from streaming.domain.calendar import exchange_day
from streaming.errors import StoreUnavailable
from streaming.ingest import liveness
from streaming.runtime.health import is_realtime, lag_ms
from streaming.runtime.process import running_process
from streaming.store import quota
from streaming.store.connection import redis_async
from streaming.store.reports import program_version

_STARTED_AT = time.monotonic()
NATIVE = RestDialect("native", "X-API-Key", "", lambda call, error: (error.http_status, error.as_json()), viewers=True)


@straight
@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; what it knows of its store and markets is told, but does not make it unhealthy.

    `realtime` is what this very process sees of its markets: each that has a stream runs or is closed.
    """
    process = running_process()
    latest = process.hub.latest if process is not None else {}
    now_ms = clock.now_ms()
    body: dict[str, Any] = {
        "status": "ok",
        "node": settings.NODE_ID,
        "group": settings.NODE_GROUP,
        "version": program_version(),
        "realtime": is_realtime(latest),
        "markets": {
            name: {"state": one.state, "presumed": one.presumed, "feed": one.feed, "lag_ms": lag_ms(one, now_ms)}
            for name, one in latest.items()
        },
        "server_time_ms": now_ms,
        "up_seconds": int(time.monotonic() - _STARTED_AT),
    }
    try:
        body |= await _from_the_store()
    except (RedisError, OSError):
        body |= {"status": "degraded", "connections": 0, "draining": False, "lanes": {}}
    return json_answer(body)


async def _from_the_store() -> dict[str, Any]:
    pipe = redis_async().pipeline(transaction=False)
    for lane in LANES:
        pipe.hgetall(keyspace.feed_state(lane))
    pipe.exists(keyspace.draining(settings.NODE_ID))
    *states, draining = await pipe.execute()
    return {
        "connections": metrics.open_connections(),
        "draining": bool(draining),
        "lanes": {
            lane: {key.decode(): value.decode() for key, value in state.items()}
            for lane, state in zip(LANES, states, strict=True)
        },
    }


@straight
@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """Ready for new sockets: the store answers, nobody drains the node, and some market is written.

    What is wrong with single markets is told under `ingest` and leaves the node ready: the others are worth following.
    `warnings` say of which markets the known trading days end soon.
    """
    try:
        pipe = redis_async().pipeline(transaction=False)
        pipe.exists(keyspace.draining(settings.NODE_ID))
        for lane in LANES:
            pipe.hgetall(keyspace.feed_state(lane))
        draining, *states = await pipe.execute()
    except (RedisError, OSError):
        return json_answer({"ready": False, "reason": "the real-time store is away"}, 503)
    written, details = liveness.told(dict(zip(LANES, states, strict=True)), clock.now_ms())
    reason = "draining" if draining else "" if written else "no market is written"
    body = {"ready": not reason, **({"reason": reason} if reason else {}), **details}
    if warnings := _calendar_warnings():
        body["warnings"] = warnings
    return json_answer(body, 503 if reason else 200)


def _calendar_warnings() -> list[str]:
    """Say of which markets the published trading days end soon."""
    process, today = running_process(), exchange_day(clock.now_ms())
    known = {market: bars.calendar(process, market).known_until for market in MARKETS}
    found = (horizon_warning(market, until, today) for market, until in known.items())
    return [warning for warning in found if warning]


@operators_only
@require_safe
async def metrics_page(request: HttpRequest) -> HttpResponse:
    told = generate_latest(metrics.registry())
    try:
        pipe = redis_async().pipeline(transaction=False)
        for lane in LANES:
            pipe.hgetall(keyspace.refusals(lane))
        counted = {
            lane: {name.decode(): int(number) for name, number in counts.items()}
            for lane, counts in zip(LANES, await pipe.execute(), strict=True)
        }
        told += generate_latest(metrics.of_the_store(counted))
    except (RedisError, OSError):
        metrics.store_errors.inc()  # what this process knows by itself is told all the same
    return HttpResponse(told, content_type=CONTENT_TYPE_LATEST)


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A path of the API that does not exist, for scripts."""
    return json_answer(
        {"code": "not_found", "message": f"no such address: {request.path}; docs/protocol.md has them"}, 404
    )


@csrf_exempt
def upgrade_required(request: HttpRequest) -> HttpResponse:
    """The stream's address asked over plain HTTP."""
    response = json_answer(
        {"code": "upgrade_required", "message": "this is a WebSocket address; connect with a WebSocket client"}, 426
    )
    response["Upgrade"] = "websocket"
    return response


@answered(NATIVE)
@looked_at
async def usage(call: Call) -> dict[str, Any]:
    """What a token's customer uses of the quota right now, over all sockets and nodes of the group."""
    assert call.scope is not None
    assert call.step is not None
    try:
        use = await quota.usage(redis_async(), call.scope.customer, call.scope.group, call.now_ms)
    except (RedisError, OSError):
        raise StoreUnavailable from None
    return {
        "used": len(use.symbols),
        "max_subs": call.step.max_subs,
        "symbols": use.symbols,
        "connections": use.connections,
        "max_conns": call.step.max_conns,
        "markets": sorted(call.step.markets),
        "viewers": {
            "used": len(use.viewers_only),
            "symbols": use.viewers_only,
            "connections": use.viewers,
            "max_conns": quota.MOST_VIEWERS,
        },
    }
