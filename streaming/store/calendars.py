"""A market's trading days in Redis: what operators have changed, beside what is published with the code."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import redis

from kernel import keyspace
from kernel.trading_days import read_day
from streaming.domain.calendar import Calendar
from streaming.reference import published_days
from streaming.store.readable import say_once


def calendar_of(lane: str, changed: Mapping[bytes, bytes], horizon: bytes | None = None) -> Calendar:
    """Return a market's published calendar with what operators have changed; what cannot be read is passed over.

    Args:
        changed, horizon: keyspace.calendar_overrides and keyspace.calendar_horizon.
    """
    overrides = {}
    for day, raw in changed.items():
        try:
            overrides[date.fromisoformat(day.decode())] = read_day(json.loads(raw))
        except ValueError as error:
            say_once(f"changed trading days of {lane}", error)
    return Calendar(lane, published_days(lane), overrides, _horizon_of(lane, horizon))


def _horizon_of(lane: str, horizon: bytes | None) -> date | None:
    try:
        return date.fromisoformat(horizon.decode()) if horizon else None
    except ValueError as error:
        say_once(f"last published trading day of {lane}", error)
        return None


def read_calendar(client: redis.Redis, lane: str) -> Calendar:
    """Return a market's trading days as they are now, in one round trip; raises redis.RedisError."""
    return calendar_of(lane, *cast("Any", _asked(client, lane).execute()))


async def read_calendar_async(client: Any, lane: str) -> Calendar:
    """Return a market's trading days as they are now, in one round trip; raises redis.RedisError."""
    return calendar_of(lane, *await _asked(client, lane).execute())


def _asked(client: Any, lane: str) -> Any:
    pipe = client.pipeline(transaction=False)
    pipe.hgetall(keyspace.calendar_overrides(lane))
    pipe.get(keyspace.calendar_horizon(lane))
    return pipe
