"""A provider is never asked more often than it suffers, and tried again later and later."""

import asyncio
import threading

import pytest

from streaming.ingest.sources.live.pacing import Backoff, TokenBucket, bucket_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_places_so_far_apart_that_the_minute_is_kept():
    clock = Clock()
    bucket = TokenBucket(60, burst=2, clock=clock)

    assert [bucket.reserve() for _ in range(5)] == [0, 0, 1, 2, 3]
    clock.now += 10
    assert [bucket.reserve() for _ in range(3)] == [0, 0, 1]  # a long pause gives a burst, not ten


def test_a_pause_moves_every_place_behind_it():
    clock = Clock()
    bucket = TokenBucket(60, burst=3, clock=clock)
    bucket.pause(30)

    assert [bucket.reserve() for _ in range(2)] == [31, 32]
    clock.now += 40
    assert bucket.reserve() == 0


def test_many_threads_get_as_many_places_as_there_are():
    clock, found, lock = Clock(), [], threading.Lock()
    bucket = TokenBucket(60, burst=1, clock=clock)

    def ask() -> None:
        for _ in range(50):
            seconds = bucket.reserve()
            with lock:
                found.append(seconds)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == pytest.approx(list(range(200)))


def test_one_endpoint_has_one_bucket_whoever_asks():
    assert bucket_of("itick", "http://a", 5, 1) is bucket_of("itick", "http://a", 5, 1)
    assert bucket_of("itick", "http://a", 5, 1) is not bucket_of("itick", "http://b", 5, 1)


def test_waiting_for_a_place_takes_the_time():
    async def ask() -> float:
        bucket, loop = TokenBucket(1_200, burst=1), asyncio.get_running_loop()
        began_at = loop.time()
        for _ in range(4):
            await bucket.take()
        return loop.time() - began_at

    assert asyncio.run(ask()) >= 0.14  # three places of 50 ms


def test_waits_double_up_to_a_most_with_half_of_them_by_chance():
    low, high = Backoff(1, 30, lambda: 0.0), Backoff(1, 30, lambda: 1.0)

    assert [low.next() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert [high.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    high.reset()
    assert high.next() == 1
    assert [high.next() for _ in range(2_000)][-1] == 30
