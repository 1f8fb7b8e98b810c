"""What tokens are in use is told every minute: those of open sockets, and those that asked over REST since."""

import json

import pytest
import redis.asyncio
from django.conf import settings

from kernel import clock, keyspace
from streaming.runtime import token_uses as module
from streaming.runtime.open_sockets import OpenSockets
from streaming.runtime.token_uses import MOST_USES, UseReports

pytestmark = pytest.mark.whole


class Socket:
    def __init__(self, jti: str) -> None:
        self.jti = jti


@pytest.fixture
async def store(monkeypatch, redis_url):
    client = redis.asyncio.Redis.from_url(redis_url)
    monkeypatch.setattr(module, "redis_async", lambda: client)
    await client.delete(keyspace.reports(settings.NODE_GROUP))
    yield client
    await client.delete(keyspace.reports(settings.NODE_GROUP))
    await client.aclose()


async def told(store) -> list[dict[str, int]]:
    rows = await store.xrange(keyspace.reports(settings.NODE_GROUP))
    assert {(fields[b"v"], fields[b"kind"]) for _, fields in rows} <= {(b"1", b"token_uses")}
    return [json.loads(fields[b"body"])["uses"] for _, fields in rows]


async def test_an_open_socket_uses_its_token_and_a_call_does_once(store):
    sockets = OpenSockets()
    reports = UseReports(sockets)
    sockets.enter("alice", "sh", Socket("open"))
    reports.note("asked", 5)

    await reports.report()
    await reports.report()

    first, second = await told(store)
    assert set(first) == {"open", "asked"}
    assert first["asked"] == 5
    assert abs(first["open"] - clock.now_ms()) < 60_000
    assert set(second) == {"open"}


async def test_where_nothing_was_used_nothing_is_told(store):
    await UseReports(OpenSockets()).report()

    assert await told(store) == []


async def test_many_are_told_in_pieces(store):
    reports = UseReports(OpenSockets())
    for nth in range(MOST_USES + 1):
        reports.note(f"t{nth}", nth + 1)

    await reports.report()

    assert [len(one) for one in await told(store)] == [MOST_USES, 1]


async def test_what_could_not_be_told_is_told_the_next_time(store, monkeypatch):
    reports = UseReports(OpenSockets())
    reports.note("asked", 5)
    away = redis.asyncio.Redis.from_url("redis://127.0.0.1:9/0")
    with monkeypatch.context() as gone:
        gone.setattr(module, "redis_async", lambda: away)
        with pytest.raises(redis.ConnectionError):
            await reports.report()
    await away.aclose()

    await reports.report()

    assert await told(store) == [{"asked": 5}]
