"""Limits count in one store for all processes, and in each process by itself while that store is away."""

import pytest
import redis
from django.core.cache.backends.locmem import LocMemCache

from config import shared_cache
from config.embedded.children import free_port
from config.shared_cache import SharedCache

pytestmark = pytest.mark.whole


@pytest.fixture(autouse=True)
def the_store_was_not_away_before(monkeypatch):
    monkeypatch.setattr(SharedCache, "_away_until", 0.0)


@pytest.fixture
def nobody_there():
    return f"redis://127.0.0.1:{free_port()}/0"


def test_what_one_process_counts_another_one_sees(redis_url):
    one, other = SharedCache(redis_url, {}), SharedCache(redis_url, {})

    one.set("failed", [3.5, 1.25], 60)

    assert other.get("failed") == [3.5, 1.25]
    assert not other.add("failed", True, 60)


def test_django_s_own_memory_would_forget_a_limit_after_three_hundred_others():
    djangos = LocMemCache("djangos", {})
    djangos.set("locked", [1.0], 300)
    for number in range(700):
        djangos.set(f"reset-{number}", [1.0], 300)
    assert djangos.get("locked") is None


@pytest.mark.parametrize("away", [False, True], ids=["shared", "by itself"])
def test_seven_hundred_other_limits_push_none_out(redis_url, nobody_there, away):
    cache = SharedCache(nobody_there if away else redis_url, {})
    cache.set("locked", [1.0], 300)

    for number in range(700):
        cache.set(f"reset-{number}", [1.0], 300)

    assert cache.get("locked") == [1.0]


def test_while_the_store_is_away_a_process_counts_by_itself_and_says_so_once(nobody_there, caplog):
    cache = SharedCache(nobody_there, {})

    cache.set("failed", [1.0], 60)
    cache.set("failed", [2.0, 1.0], 60)

    assert cache.get("failed") == [2.0, 1.0]
    assert len([line for line in caplog.records if "does not answer" in line.getMessage()]) == 1


def test_when_the_store_is_back_limits_are_shared_again(redis_url, nobody_there, caplog, monkeypatch):
    monkeypatch.setattr(shared_cache, "_ASK_AGAIN_SECONDS", 0.0)
    SharedCache(nobody_there, {}).set("failed", [1.0], 60)
    SharedCache(redis_url, {}).set("failed", [9.0], 60)

    assert SharedCache(redis_url, {}).get("failed") == [9.0]
    assert "shared again" in caplog.text


def test_nothing_in_the_store_is_run_when_it_is_read(redis_url):
    cache = SharedCache(redis_url, {})
    cache.set("failed", [1.0], 60)

    with redis.Redis.from_url(redis_url) as client:
        [key] = list(client.scan_iter("tickpack:cache:*failed"))
        assert client.get(key) == b"[1.0]"  # Django's own way would be a pickle


def test_clearing_removes_what_is_ours_and_nothing_else(redis_url):
    cache = SharedCache(redis_url, {})
    with redis.Redis.from_url(redis_url) as client:
        client.set("a queue of the broker", 1)
        cache.set("failed", [1.0], 60)

        cache.clear()

        assert cache.get("failed") is None
        assert client.delete("a queue of the broker") == 1
