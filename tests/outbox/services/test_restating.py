"""What Redis has lost, or has otherwise, is written again; who answers is not kept waiting by who is away."""

import pytest

from outbox import restated
from outbox.errors import LinkAway
from outbox.restated import Piece
from outbox.services.restating import restate
from outbox.transports.redis import Delete, RedisLink, Set
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
AWAY = RedisLink("redis://127.0.0.1:1/0")


@pytest.fixture
def owned(monkeypatch):
    """Register pieces for one test, and nothing else."""
    monkeypatch.setattr(restated, "_known", {})
    return lambda name, *pieces: restated.register(name, pieces=lambda now: pieces)


def test_what_is_missing_or_another_is_written_and_what_is_there_is_left(owned, data_redis, caplog):
    data_redis.mset({"there": "1", "another": "0", "gone": "1"})
    here = RedisLink()
    owned("test", Piece(here, Set("there", "1")), Piece(here, Set("another", "1")), Piece(here, Set("missing", "1")),
          Piece(here, Delete("gone")), Piece(here, Delete("never there")))  # fmt: skip

    assert restate(now=NOW) == {"test": 3}
    assert restate(now=NOW) == {"test": 0}
    assert (data_redis.mget("there", "another", "missing"), data_redis.exists("gone")) == ([b"1"] * 3, 0)
    assert caplog.text.count("written again") == 1
    data_redis.delete("there", "another", "missing")


def test_more_than_one_round_trip_holds(owned, data_redis):
    here = RedisLink()
    owned("test", *(Piece(here, Set(f"many:{number}", "1", ttl_seconds=60)) for number in range(1_201)))
    assert restate(now=NOW) == {"test": 1_201}


def test_a_redis_that_is_away_keeps_no_other_waiting_and_is_asked_once(owned, data_redis, monkeypatch):
    asked = []
    real = RedisLink.apply

    def apply(link, commands):
        asked.append(link)
        return real(link, commands)

    monkeypatch.setattr(RedisLink, "apply", apply)
    owned("one", Piece(AWAY, Set("a", "1")), Piece(RedisLink(), Set("b", "1", ttl_seconds=60)))
    owned("two", Piece(AWAY, Set("a", "1")))

    assert restate(now=NOW) == {"one": 1, "two": 0}
    assert asked.count(AWAY) == 1
    with pytest.raises(LinkAway):
        AWAY.apply([Set("a", "1")])
