"""Clients of the store: a crowd is no outage, and a store that was started again costs nobody an error."""

import asyncio
import os
import secrets
import signal
import time
from urllib.parse import urlsplit

import pytest
import redis

from config.embedded import servers
from outbox.transports.redis import _client as outbox_client
from streaming.store.connection import new_redis_async, redis_sync
from streaming.store.pipeline import CommandPipeline
from tests.journeys.fault_proxy import FaultProxy

pytestmark = pytest.mark.whole


async def test_a_thousand_questions_at_once_are_all_answered():
    client = new_redis_async()
    try:
        answers = await asyncio.gather(*(client.ping() for _ in range(1000)), return_exceptions=True)
    finally:
        await client.aclose()

    assert answers == [True] * 1000


# -- connections that died while they lay in the pool ------------------------------------------------------------------

IDLE = 10


@pytest.fixture
def own_store(tmp_path):
    """A server that can be killed and started again at the same address."""
    (tmp_path / "log").mkdir()
    child, url, _ = servers.valkey(tmp_path, secrets.token_hex(8), keep=True)
    child.start()
    child.wait_ready()
    yield child, url
    child.ask_to_stop()
    child.make_sure_stopped(time.monotonic() + 4)


def start_again(child) -> None:
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait(10)
    child.start()
    child.wait_ready()


async def in_the_pool(client, count: int = IDLE) -> None:
    """Use so many connections at once that they lie in the pool afterwards."""
    await asyncio.gather(*(client.blpop(f"nothing:{nth}", 0.2) for nth in range(count)))


async def test_a_store_that_was_started_again_costs_nobody_an_error(own_store, settings):
    child, settings.REDIS_URL = own_store
    client = new_redis_async()
    await in_the_pool(client)

    await asyncio.to_thread(start_again, child)
    answers = await asyncio.gather(*(client.ping() for _ in range(IDLE)), return_exceptions=True)

    assert answers == [True] * IDLE
    await client.aclose()


async def test_connections_that_were_reset_are_asked_again_on_new_ones(own_store, settings):
    _, url = own_store
    target = urlsplit(url).port
    async with FaultProxy(target) as proxy:
        settings.REDIS_URL = url.replace(f":{target}", f":{proxy.port}")
        client = new_redis_async()
        await in_the_pool(client)

        proxy.cut_all()
        pipeline = CommandPipeline(lambda: client)
        answers = await asyncio.gather(*(client.ping() for _ in range(IDLE - 1)), pipeline.run(("PING",)))

        assert answers == [True] * (IDLE - 1) + [[True]]
        await client.aclose()


async def test_a_store_that_is_gone_is_said_and_not_asked_for_ever(own_store, settings):
    child, settings.REDIS_URL = own_store
    client = new_redis_async()
    await client.ping()
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait(10)

    with pytest.raises(redis.ConnectionError):
        await client.ping()
    await client.aclose()


@pytest.mark.parametrize("made", [redis_sync, outbox_client])
def test_blocking_clients_look_before_they_take_one_too(own_store, made):
    child, url = own_store
    client = made(url)
    assert client.ping()

    start_again(child)

    assert client.ping()
