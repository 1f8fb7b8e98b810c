"""Proves that a bar of a real stream takes 25 bytes of a real Redis at most, what it is stored in included."""

import random
from collections.abc import Iterator

import pytest
import redis

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.domain.bars import WindowFold
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Trade
from streaming.domain.windows import end_ms, seq_of
from streaming.records.versions import pack
from streaming.records.window import Window
from streaming.store.connection import redis_sync

NINE_THIRTY = 1_675_215_000_000
SYMBOLS = [InstrumentId.parse(f"{600_000 + nth}.SH") for nth in range(2_000)]
KEY = keyspace.stream("CN", "bytes-a-bar")


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    client = redis_sync(redis_url.rsplit("/", 1)[0] + "/9")
    client.delete(KEY)
    yield client
    client.delete(KEY)


def test_a_bar_takes_25_bytes_at_most_where_a_sixth_of_the_market_moves_in_a_window(store: redis.Redis) -> None:
    rng, fold, bars = random.Random(1), WindowFold(exchange_day), 0
    prices = {one: rng.randint(200, 200_000) * 100 for one in SYMBOLS}
    first = seq_of(NINE_THIRTY)
    for seq in range(first, first + 200):
        for one in rng.sample(SYMBOLS, len(SYMBOLS) // 6):
            prices[one] += rng.choice((-100, 0, 100))
            volume = rng.randint(1, 5_000) * 100
            fold.add(Trade(one, end_ms(seq) - rng.randint(1, 1_499), prices[one], volume, prices[one] * volume))
        closed = fold.close(seq)
        begins = seq % 100 == first % 100
        references = [(one.symbol, price) for one, price in prices.items()] if begins else []
        window = Window(seq, "open", None, "live", 1, closed.bars, references=references, keyframe=begins)
        store.xadd(KEY, {"w": pack(window)}, id=f"{end_ms(seq)}-0")
        bars += len(closed.bars)

    assert bars == 200 * 333
    assert store.memory_usage(KEY, samples=0) / bars <= 25
