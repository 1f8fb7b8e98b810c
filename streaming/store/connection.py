"""Connections to the data Redis, with the time limits that make a dead link show itself within seconds.

redis-py's defaults retry in silence: a black-holed link was noticed after 59 s, with these after 3 (measured). So what
times out is not tried again; whoever calls decides what a RedisError means.

A connection that lay in the pool while the store was started again is dead, and shows it at once: the pool looks before
it hands one out (redis-py leaves that out while it listens for maintenance notes, which no server of ours sends), and
an event loop's clients ask a second time on a new connection. What they ask may be asked twice: reads, and scripts that
say how things shall be.
"""

import asyncio
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

SOCKET_SECONDS = 3.0
_CONNECTIONS = 16  # of one event loop
_of_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis]" = WeakKeyDictionary()


@cache
def redis_sync(url: str = "") -> redis.Redis:
    """Return this process's client for blocking code; safe to share between threads."""
    return redis.Redis.from_url(
        url or settings.REDIS_URL,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def redis_async() -> Any:
    """Return the client of the running event loop."""
    loop = asyncio.get_running_loop()
    client = _of_loop.get(loop)
    if client is None:
        client = _of_loop[loop] = new_redis_async()
    return client


def new_redis_async() -> Any:  # redis-py types every answer as bytes, text or None at once
    """Return a client of its own, for a reader that blocks in XREAD.

    Its connections are few, and who finds none free waits: redis-py's own pool raises an error at the hundred-first,
    and when a thousand clients come back at once they are better served some at a time.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=_CONNECTIONS,
        timeout=SOCKET_SECONDS,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=AsyncRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return redis.asyncio.Redis.from_pool(pool)
