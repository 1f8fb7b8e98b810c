"""Commands reach the Redis that a link names, may be repeated, and say what was news."""

import asyncio
import json
import uuid

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer

from kernel import keyspace
from outbox.errors import LinkAway
from outbox.transports.redis import (
    Applied,
    Delete,
    DeleteField,
    RedisLink,
    Set,
    SetField,
    SetNewer,
    Tell,
    Writes,
    _layer_of,
    deliver,
)

pytestmark = pytest.mark.whole
AWAY = RedisLink("redis://127.0.0.1:1/0")


@pytest.fixture
def key(data_redis):
    name = f"test:{uuid.uuid4().hex}"
    yield name
    data_redis.delete(name)


def test_strings_and_fields_are_set_and_taken_back(data_redis, key):
    deliver(Writes(RedisLink(), (Set(key, "1"),)))
    assert (data_redis.get(key), data_redis.ttl(key)) == (b"1", -1)

    deliver(Writes(RedisLink(), (Delete(key), SetField(key, "a", "1"), SetField(key, "b", "2"), DeleteField(key, "a"))))
    assert RedisLink().read_hash(key) == {"b": "2"}


def test_a_string_may_end_by_itself(data_redis, key):
    RedisLink().apply([Set(key, "1", ttl_seconds=100)])

    assert 90 < data_redis.ttl(key) <= 100


def test_the_newer_value_stays_and_only_news_are_told_as_such(data_redis, key):
    def write(rev):
        return RedisLink().apply([SetNewer(key, {"rev": rev})])

    assert [write(rev) for rev in (7, 7, 8, 6)] == [
        [Applied.CHANGED],
        [Applied.SAME],
        [Applied.CHANGED],
        [Applied.OUTDATED],
    ]
    assert json.loads(data_redis.get(key)) == {"rev": 8}


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"rev":"9"}'])
def test_garbage_in_the_place_of_a_value_is_replaced(data_redis, key, garbage):
    data_redis.set(key, garbage)

    assert RedisLink().apply([SetNewer(key, {"rev": 1})]) == [True]
    assert json.loads(data_redis.get(key)) == {"rev": 1}


def test_the_answers_stand_in_the_order_of_the_commands(key):
    changed = RedisLink().apply([Tell({"kind": "nothing"}), SetNewer(key, {"rev": 1}), SetNewer(key, {"rev": 1})])

    assert changed == [True, True, False]


def test_a_link_to_another_server_writes_and_tells_there_alone(data_redis, key, second_redis_url):
    other = RedisLink(second_redis_url)

    heard_there, heard_here = hear(second_redis_url, lambda: other.apply([Set(key, "1"), Tell({"kind": "test"})]))

    assert heard_there == [{"type": "control", "kind": "test"}]
    assert heard_here == []
    assert data_redis.get(key) is None
    assert RedisLink(second_redis_url).url == second_redis_url


def hear(url, act):
    """Listen to the control messages of another server and of our own while acting; ours end with a mark."""

    async def listen():
        layers = [_layer_of(url), get_channel_layer()]
        channels = [await layer.new_channel() for layer in layers]
        for layer, channel in zip(layers, channels, strict=True):
            await layer.group_add(keyspace.CONTROL_GROUP, channel)
        await sync_to_async(act)()
        there = [await asyncio.wait_for(layers[0].receive(channels[0]), 5)]
        # Whatever was said here before this mark has been heard when the mark is.
        await layers[1].group_send(keyspace.CONTROL_GROUP, {"type": "control", "kind": "mark"})
        here = []
        while (message := await asyncio.wait_for(layers[1].receive(channels[1]), 5))["kind"] != "mark":
            here.append(message)
        for layer, channel in zip(layers, channels, strict=True):
            await layer.group_discard(keyspace.CONTROL_GROUP, channel)
        return there, here

    return async_to_sync(listen)()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: AWAY.apply([Set("k", "v")]),
        lambda: AWAY.apply([Tell({"kind": "test"})]),
        lambda: AWAY.read_hash("k"),
        lambda: AWAY.read_stream("k", after="0-0", count=1),
    ],
    ids=["set", "tell", "hash", "stream"],
)
def test_a_server_that_is_away_is_named_with_what_went_wrong(ask):
    with pytest.raises(LinkAway, match="ConnectionError"):
        ask()


def test_a_refused_command_is_no_silence(data_redis, key):
    data_redis.set(key, "a string")

    with pytest.raises(LinkAway, match="WRONGTYPE"):
        RedisLink().apply([SetField(key, "a", "1")])
    with pytest.raises(LinkAway, match="WRONGTYPE"):
        RedisLink().read_stream(key, after="0-0", count=1)


def test_a_stretch_of_a_stream_says_how_the_stream_stands(data_redis, key):
    ids = [data_redis.xadd(key, {"n": number}).decode() for number in range(5)]
    data_redis.xtrim(key, minid=ids[1], approximate=False)

    stretch = RedisLink().read_stream(key, after=ids[1], count=2)

    assert stretch.entries == [(ids[2], {"n": "2"}), (ids[3], {"n": "3"})]
    assert (stretch.exists, stretch.first_id, stretch.added, stretch.length) == (True, ids[1], 5, 4)


def test_a_stream_that_is_not_there_has_nothing():
    stretch = RedisLink().read_stream(f"test:{uuid.uuid4().hex}", after="0-0", count=2)

    assert (stretch.exists, stretch.entries, stretch.added) == (False, [], 0)
