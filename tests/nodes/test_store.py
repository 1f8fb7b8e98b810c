"""What the control plane writes for nodes, as commands."""

import pytest

from kernel import keyspace
from nodes import store
from outbox.transports.redis import RedisLink, Set


def test_a_revocation_is_kept_500_days_at_most():
    now = 1_800_000_000

    [write] = store.revocation(jti="j", works_until_s=now, expires_at_s=now + 10**9, now_s=now)

    assert write == Set(keyspace.revoked("j"), str(now), 500 * 86_400)


def test_one_of_an_expired_token_is_nothing_to_write():
    assert store.revocation(jti="j", works_until_s=1, expires_at_s=5, now_s=5) == ()


@pytest.mark.whole
def test_a_redis_that_is_away_is_a_lanes_problem_and_no_error():
    assert "ConnectionError" in store.feed_state(RedisLink("redis://127.0.0.1:1/0"), lane="CN")["problem"]


@pytest.mark.whole
def test_what_a_line_told_that_did_not_count_is_read_newest_first(data_redis):
    data_redis.hset(keyspace.refusals("CN"), "push|unit", 3)
    for number in range(2):
        data_redis.xadd(keyspace.refused_rows("CN"), {"line": "push", "reason": "unit", "row": f"row {number}"})
    try:
        counts, rows = store.refused_rows(RedisLink(), lane="CN")
        assert counts == {"push|unit": 3}
        assert [row["row"] for row in rows] == ["row 1", "row 0"]
    finally:
        data_redis.delete(keyspace.refusals("CN"), keyspace.refused_rows("CN"))
