"""Stored symbols keep their order and their bound however many change them at once; policies and pushes are written once."""

import asyncio
import json
import uuid

import pytest
import redis.asyncio

from kernel import keyspace
from kernel.scope import Policy
from kernel.tokens import Claims
from streaming.errors import PushesWait
from streaming.records.pushed import PushedTick
from streaming.store import access, policies, pushes, subscriptions
from streaming.store.lanes import LaneStore
from streaming.wire.dialects.rt_receiver.push import Batch, Item
from tests.streaming.conftest import GROUP, make_scope

pytestmark = pytest.mark.whole


@pytest.fixture
async def client(redis_url):
    client = redis.asyncio.Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def customer() -> str:
    return uuid.uuid4().hex


@pytest.mark.parametrize("stored", [["000001.SZ", "430047.BJ", "TEST.CN"], ["000001.SZ", "920047.BJ", "430047.BJ"]])
async def test_a_stored_code_that_became_another_is_stored_under_that_one(client, customer, stored):
    key = keyspace.subscription(customer, GROUP)
    await client.rpush(key, *stored)

    read = await subscriptions.read(client, customer, GROUP)

    assert read == [*dict.fromkeys(one.replace("430047", "920047") for one in stored)]
    assert [one.decode() for one in await client.lrange(key, 0, -1)] == read
    assert int(await client.hget(keyspace.subscribers(GROUP), customer)) == len(read)


async def test_who_forgets_the_new_code_forgets_what_was_stored_under_the_old_one(client, customer):
    await client.rpush(keyspace.subscription(customer, GROUP), "430047.BJ", "000001.SZ")

    done = await subscriptions.sync(client, customer, GROUP, "remove", ["920047.BJ"], 5)

    assert (done[0], done.current) == (["920047.BJ"], ["000001.SZ"])


async def test_twenty_adds_at_once_store_no_more_than_the_bound(client, customer):
    symbols = [f"{600000 + nth}.SH" for nth in range(20)]

    done = await asyncio.gather(*(subscriptions.sync(client, customer, GROUP, "add", [one], 5) for one in symbols))

    stored = await subscriptions.read(client, customer, GROUP)
    assert len(stored) == 5
    assert sorted(one for synced in done for one in synced[0]) == sorted(stored)
    assert int(await client.hget(keyspace.subscribers(GROUP), customer)) == 5


async def test_a_count_that_is_written_late_does_not_stay(client, customer):
    """Of twenty changes at once the one that wrote its count last had seen two of the five symbols."""
    held = asyncio.Event()

    class Late:
        """The client, but for a count that is under way for long."""

        def __getattr__(self, name):
            return getattr(client, name)

        async def hset(self, *args):
            await held.wait()
            return await client.hset(*args)

    late = asyncio.create_task(subscriptions.sync(Late(), customer, GROUP, "add", ["A"], 5))
    while not await subscriptions.read(client, customer, GROUP):
        await asyncio.sleep(0.01)
    await subscriptions.sync(client, customer, GROUP, "add", ["B", "C"], 5)
    held.set()
    await late

    assert int(await client.hget(keyspace.subscribers(GROUP), customer)) == 3


async def test_a_change_says_what_it_did_in_order(client, customer):
    def change(mode, *symbols):
        return subscriptions.sync(client, customer, GROUP, mode, symbols, 2)

    assert await change("replace", "A", "B", "C", "TEST.CN") == (
        ["A", "B", "TEST.CN"],
        ["C"],
        [],
        ["A", "B", "TEST.CN"],
    )
    assert await change("add", "B", "D") == (["B"], ["D"], [], ["A", "B", "TEST.CN"])
    assert await change("remove", "A", "X", "TEST.CN") == (["A", "TEST.CN"], [], ["X"], ["B"])
    assert (await change("replace")).current == []
    assert await client.hget(keyspace.subscribers(GROUP), customer) is None


async def test_an_older_policy_does_not_replace_a_newer_one(client, customer):
    assert await policies.apply(client, customer, GROUP, Policy(revision=5, max_subs=1))
    assert not await policies.apply(client, customer, GROUP, Policy(revision=4, max_subs=9))
    assert await policies.apply(client, customer, GROUP, Policy(revision=5, max_subs=2))

    record = access.Record(policy=await client.get(keyspace.policy(customer, GROUP)))
    assert record.read().policy == Policy(5, 2)


async def test_the_periodic_look_tells_of_a_policy_too(client, customer):
    claims = Claims(scope=make_scope(customer), jti=uuid.uuid4().hex, issued_at_s=0, expires_at_s=2**40)
    await policies.apply(client, customer, GROUP, Policy(revision=1, max_subs=1))

    (record,) = await access.look_up([claims])

    assert (record.entitlement, json.loads(record.policy)["max_subs"], record.revoked_from) == (None, 1, None)
    assert (await access.effective(claims)).steps[0].max_subs == 1


async def test_a_version_counts_once_whoever_pushes_it_and_as_long_as_it_is_among_the_newest(client):
    symbol = "688999.SH"
    await client.delete(keyspace.push_versions("CN"))

    def batch(*versions: str, market: str = "a_stock") -> Batch:
        return Batch(market, 1, tuple(Item(one, PushedTick(symbol, "", 1, 1, 1, 1, 1, 1, 1)) for one in versions))

    assert sum(await asyncio.gather(*(pushes.put(client, batch("1", "2", "2"), "push") for _ in range(10)))) == 2
    assert await pushes.put(client, batch("1", market="etf"), "push") == 1  # another market's version is another one
    assert await pushes.put(client, batch("", ""), "push") == 2  # nobody can tell
    assert await pushes.put(client, batch(*(f"n{nth}" for nth in range(31))), "push") == 31
    assert await pushes.put(client, batch("2"), "push") == 0
    assert await pushes.put(client, batch("1"), "push") == 1  # thirty-two newer ones later
    kept = await client.hget(keyspace.push_versions("CN"), f"a_stock|{symbol}")
    assert len(kept.decode().strip().split("\n")) == 32


def a_push(version: str) -> Batch:
    return Batch("hk", 1, (Item(version, PushedTick("00700.HK", "", 1, 1, 1, 1, 1, 1, 1)),))


async def test_what_was_acknowledged_is_kept_and_the_rest_is_told_to_come_again(client, data_redis):
    """Six hundred pushes while nobody read were all answered 200, and 441 arrived."""
    lane_store = LaneStore(data_redis, "HK")
    data_redis.delete(keyspace.pushed("HK"))
    kept = 0
    with pytest.raises(PushesWait):
        for number in range(600):
            kept += await pushes.put(client, a_push(f"w{number}"), "push")

    assert kept == data_redis.xlen(keyspace.pushed("HK")) == pushes.ENTRIES + 1
    read = lane_store.pushed("push", "0-0", 100)
    lane_store.forget_pushed("push", read[-1][0])
    assert await pushes.put(client, a_push("w600"), "push") == 1
    assert len(lane_store.pushed("push", read[-1][0], 1_000)) == kept - 100 + 1
    data_redis.delete(keyspace.pushed("HK"), keyspace.push_versions("HK"))
