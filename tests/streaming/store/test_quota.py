"""The books of who follows what: exact under fifty claims at once, and right again after whatever went wrong."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from kernel import clock, keyspace
from kernel.instruments import InstrumentId
from streaming.store import quota
from streaming.store.connection import new_redis_async
from streaming.store.quota import PROCESS, ConnectionKey, QuotaRegistry, Use, usage

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("unsigned")]
NOW = clock.now_ms() + 7_200_000  # the suite may come here an hour after it was collected
HOUR = 3_600_000
FIFTY = [InstrumentId.parse(f"{600_000 + n}.SH") for n in range(50)]
ONE, TWO, THREE = FIFTY[:3]


@pytest.fixture
async def client() -> AsyncIterator:
    async with new_redis_async() as made:
        yield made
        await made.zrem(keyspace.PROCESSES, "gone-1-aa", "other-1-bb")


@pytest.fixture
async def registry(client) -> QuotaRegistry:
    return QuotaRegistry(client)


def sockets(count: int, process: str = PROCESS) -> list[ConnectionKey]:
    customer = uuid.uuid4().hex
    return [ConnectionKey(customer, "local", f"{process}:{n}") for n in range(count)]


_WRITE, _ANSWER = "redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(mine))", "return {granted, used, concerned}"


class ReadThenWrite(QuotaRegistry):
    """The twin: the product's own script, but what it would write is written by a second command."""

    def __init__(self, client) -> None:
        super().__init__(client)
        claim = self._scripts["claim"].script
        assert (claim.count(_WRITE), claim.count(_ANSWER)) == (1, 1)
        only_read = claim.replace(_WRITE, "").replace(_ANSWER, "return {granted, used, concerned, cjson.encode(mine)}")
        self._scripts["claim"] = client.register_script(only_read)

    async def _run(self, name, socket, now_ms, *more):
        answer = await super()._run(name, socket, now_ms, *more)
        if name == "claim":
            *answer, mine = answer
            await self._redis.hset(socket.key, socket.field, mine)
        return answer


async def granted_of_fifty_at_once(registry: QuotaRegistry, max_subs: int) -> int:
    ten = sockets(10)
    answers = await asyncio.gather(
        *(registry.claim(ten[n % 10], [symbol], max_subs, NOW) for n, symbol in enumerate(FIFTY))
    )
    return sum(len(granted) for granted, _ in answers)


async def test_fifty_claims_at_once_on_ten_sockets_take_exactly_the_quota(registry):
    for _ in range(5):
        assert await granted_of_fifty_at_once(registry, 15) == 15


async def test_the_twin_that_reads_and_then_writes_takes_more_than_the_quota(client):
    assert await granted_of_fifty_at_once(ReadThenWrite(client), 15) > 15


async def test_the_twin_is_right_as_long_as_nobody_comes_between(client):
    twin, ten = ReadThenWrite(client), sockets(10)

    granted = [await twin.claim(ten[nth % 10], [symbol], 15, NOW) for nth, symbol in enumerate(FIFTY)]

    assert sum(len(symbols) for symbols, _ in granted) == 15


async def test_a_process_that_died_long_ago_holds_no_quota(registry, client):
    (mine,) = sockets(1)
    dead = ConnectionKey(mine.customer, mine.group, "gone-1-aa:1")
    await registry.claim(dead, [ONE, TWO], 5, NOW - 3 * HOUR)
    await client.zadd(keyspace.PROCESSES, {"gone-1-aa": NOW - 3 * HOUR})

    await registry.sign(NOW)

    assert await registry.register(mine, 1, NOW) == (0, [])
    assert await client.hkeys(mine.key) == [mine.field.encode()]


async def test_after_an_outage_of_the_store_the_living_get_time_to_sign_again(registry, client):
    (mine,) = sockets(1)
    theirs = ConnectionKey(mine.customer, mine.group, "other-1-bb:1")
    await registry.claim(theirs, [ONE], 5, NOW)
    for at in (NOW, NOW + 60_000):  # nobody could sign for a minute, and we are the first who can
        await registry.sign(at)
        await client.zadd(keyspace.PROCESSES, {"other-1-bb": NOW})

    assert (await registry.register(mine, 5, NOW + 60_000))[0] == 1

    await registry.sign(NOW + 65_000)  # still silent five seconds later: dead
    assert (await registry.register(mine, 5, NOW + 65_000))[0] == 0


async def test_a_release_that_the_store_never_heard_of_is_made_up_by_the_re_check(registry):
    one, two = sockets(2)
    await registry.claim(one, [ONE, TWO], 5, NOW)
    await registry.claim(two, [TWO, THREE], 5, NOW)

    assert await registry.reconcile(one, [ONE], NOW) == 3
    assert await registry.reconcile(one, [], NOW) == 2


async def test_what_the_store_has_lost_is_written_again(registry, client):
    (one,) = sockets(1)
    await registry.claim(one, [ONE, TWO], 5, NOW)
    await client.delete(one.key)
    assert await registry.reconcile(one, [ONE, TWO], NOW) == 2


async def test_giving_back_counts_only_what_living_sockets_follow(registry, client):
    one, two = sockets(2)
    dead = ConnectionKey(one.customer, one.group, "gone-1-aa:1")
    for socket in (one, dead):
        await registry.claim(socket, [ONE], 5, NOW)
    await registry.claim(two, [TWO], 5, NOW)
    await client.zadd(keyspace.PROCESSES, {"gone-1-aa": NOW - 60_000})
    await registry.sign(NOW)

    assert await registry.release(one, [ONE], NOW) == 1


async def test_what_rest_tells_of_the_use_leaves_out_dead_processes(registry, client):
    (mine,) = sockets(1)
    dead = ConnectionKey(mine.customer, mine.group, "gone-1-aa:1")
    await registry.claim(mine, [ONE], 5, NOW)
    await registry.claim(dead, [TWO], 5, NOW)
    await client.zadd(keyspace.PROCESSES, {"gone-1-aa": NOW - quota.DEAD_AFTER_MS})

    assert await usage(client, mine.customer, mine.group, NOW) == Use([str(ONE)], [], 1, 0)


async def test_a_smaller_quota_drops_the_newest_followed(registry):
    one, two = sockets(2)
    await registry.claim(one, [ONE, TWO], 5, NOW)
    await registry.claim(two, [THREE], 5, NOW + 1)

    assert await registry.shrink(one, 1, NOW) == ([str(TWO)], 1)
    assert await registry.shrink(two, 1, NOW) == ([str(THREE)], 1)
