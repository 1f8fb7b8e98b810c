"""The control plane's writes into the data Redis, each to be repeated without harm, and what it reads for people."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from kernel import keyspace

MAX_REVOCATION_S = 500 * 86_400  # a token outlives its last grant by 400 days at most; beyond this a key is litter

# Writes the scope unless a newer one is there. Answers 1 when what nodes know has changed, so that they are told.
_WRITE_SCOPE = """
local old = redis.call('GET', KEYS[1])
if old then
  local ok, known = pcall(cjson.decode, old)
  if ok and type(known) == 'table' and type(known.rev) == 'number' then
    if known.rev > tonumber(ARGV[2]) then return 0 end
    redis.call('SET', KEYS[1], ARGV[1])
    if known.rev == tonumber(ARGV[2]) then return 0 end
    return 1
  end
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


@cache
def client() -> "redis.Redis":
    """Return this process's connection pool. Short timeouts, no silent retry: the outbox is the retry."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )


def write_entitlements(scopes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write scopes (Scope.as_json) that are not older than what is there; return those that changed something."""
    scopes = list(scopes)
    pipe = client().pipeline(transaction=False)
    for scope in scopes:
        key = keyspace.entitlement(scope["sub"], scope["aud"])
        pipe.eval(_WRITE_SCOPE, 1, key, json.dumps(scope), scope["rev"])
    changed = pipe.execute()
    return [scope for scope, answer in zip(scopes, changed, strict=True) if answer]


def write_revocation(*, jti: str, works_until_s: int, expires_at_s: int, now_s: int) -> None:
    """Note from when on a token no longer works, for as long as it could be shown."""
    ttl = min(expires_at_s - now_s, MAX_REVOCATION_S)
    if ttl > 0:
        client().set(keyspace.revoked(jti), str(works_until_s), ex=ttl)


def write_drain(*, node: str, draining: bool) -> None:
    """Set or take back a node's drain order."""
    if draining:
        client().set(keyspace.draining(node), "1")
    else:
        client().delete(keyspace.draining(node))


def write_siblings(siblings: dict[str, list[dict[str, str]]]) -> None:
    """Note for each group which of its nodes take connections; forgotten when nobody polls them any more."""
    pipe = client().pipeline(transaction=False)
    for group, nodes in siblings.items():
        pipe.set(keyspace.siblings(group), json.dumps(nodes), ex=120)
    pipe.execute()


def write_feed_setting(*, lane: str, setting: dict[str, Any] | None) -> None:
    """Set a lane's feed, or give the choice back to the ingest process."""
    if setting is None:
        client().delete(keyspace.feed_setting(lane))
    else:
        client().set(keyspace.feed_setting(lane), json.dumps(setting))


def write_calendar_override(*, lane: str, day: str, override: dict[str, str] | None) -> None:
    """Set a changed trading day, or give it back to the published calendar."""
    if override is None:
        client().hdel(keyspace.calendar_overrides(lane), day)
    else:
        client().hset(keyspace.calendar_overrides(lane), day, json.dumps(override))


def feed_state(*, lane: str) -> dict[str, str]:
    """Return what a lane's worker last said of itself; nothing where none runs or Redis is away."""
    try:
        said: Any = client().hgetall(keyspace.feed_state(lane))
    except redis.RedisError as error:
        return {"problem": f"the real-time store is away ({type(error).__name__})"}
    return {key.decode(): value.decode() for key, value in said.items()}


def tell(message: dict[str, Any]) -> None:
    """Send a control message to every streaming process; their periodic re-check makes up for a lost one."""
    async_to_sync(_tell)({"type": "control", **message})


async def _tell(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(keyspace.CONTROL_GROUP, message)
