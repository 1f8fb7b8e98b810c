"""Statistics in the real Redis: only the holder writes, a new epoch begins without them, a strange record is passed over."""

import asyncio
from collections.abc import Iterator
from datetime import date

import pytest

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.domain.statistics import Statistics
from streaming.errors import Fenced, StoreUnavailable
from streaming.store.connection import new_redis_async, redis_sync
from streaming.store.lanes import LaneStore
from streaming.store.statistics import KEPT_MS, StatisticsStore, read_statistics

pytestmark = pytest.mark.whole
MOUTAI, PING_AN = map(InstrumentId.parse, ("600519.SH", "000001.SZ"))
DAY = date(2026, 11, 27)
TOLD = Statistics(MOUTAI, DAY, limit_up_e4=16_053_800, total_shares=1_252_270_215)


@pytest.fixture
def store(redis_url, settings) -> Iterator[LaneStore]:
    # Lane CN, as the instruments say, in a database of its own.
    settings.REDIS_URL = redis_url.rsplit("/", 1)[0] + "/10"
    client = redis_sync(settings.REDIS_URL)
    client.flushdb()
    yield LaneStore(client, "CN")
    client.flushdb()


def read(*instruments: InstrumentId) -> dict[str, Statistics]:
    async def asked() -> dict[str, Statistics]:
        client = new_redis_async()
        try:
            return await read_statistics(client, instruments)
        finally:
            await client.aclose()

    return asyncio.run(asked())


def test_what_the_holder_writes_is_read_and_the_rest_is_absent(store):
    fence = store.take_lease("one")

    store.statistics.write(fence, {"600519.SH": TOLD})

    assert read(MOUTAI, PING_AN) == {"600519.SH": TOLD}
    assert 0 < store._client.pttl(keyspace.statistics("CN")) <= KEPT_MS


def test_the_dead_write_nothing(store):
    old = store.take_lease("dead")
    store.release_lease("dead")
    store.take_lease("living")

    with pytest.raises(Fenced):
        store.statistics.write(old, {"600519.SH": TOLD})

    assert read(MOUTAI) == {}


def test_others_stay_when_some_are_written(store):
    fence = store.take_lease("one")
    store.statistics.write(fence, {"600519.SH": TOLD})

    store.statistics.write(fence, {"000001.SZ": Statistics(PING_AN, DAY, lot=100)})
    store.statistics.write(fence, {})

    assert set(read(MOUTAI, PING_AN)) == {"600519.SH", "000001.SZ"}


def test_a_new_epoch_begins_without_those_of_another_feed(store):
    fence = store.take_lease("one")
    store.begin_epoch(fence, "e1")
    store.statistics.write(fence, {"600519.SH": TOLD})

    store.begin_epoch(fence, "e2")

    assert read(MOUTAI) == {}


def test_a_record_of_another_release_is_passed_over(store):
    fence = store.take_lease("one")
    store.statistics.write(fence, {"600519.SH": TOLD})
    store._client.hset(keyspace.statistics("CN"), "000001.SZ", b"\x7fnothing")

    assert read(MOUTAI, PING_AN) == {"600519.SH": TOLD}


def test_a_store_that_is_away_is_said(store):
    away = StatisticsStore(redis_sync("redis://127.0.0.1:9/0"), "CN")

    with pytest.raises(StoreUnavailable):
        away.write(1, {"600519.SH": TOLD})
