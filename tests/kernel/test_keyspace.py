"""What one script writes together lies on one shard, and no two things share a key."""

import inspect
import re
from collections import Counter

from kernel import keyspace

VALUES = {
    "lane": "CN", "epoch_name": "e1", "customer": "alice", "group": "sh", "jti": "j1", "kind": "connect", "who": "alice@sh",
    "node": "sh-1", "line": "other", "day": "2026-03-10", "asked": "q1",
}  # fmt: skip


def keys(first: str | None = None, **values: str) -> list[str]:
    """Every key of the key space, or those that are named by `first` first."""
    names = {function: list(inspect.signature(function).parameters) for _, function in functions()}
    values = VALUES | values
    return [
        function(*(values[name] for name in wanted))
        for function, wanted in names.items()
        if first is None or wanted[0] == first
    ]


def functions():
    return inspect.getmembers(keyspace, inspect.isfunction)


def shards(some: list[str]) -> set[str]:
    """What Redis Cluster hashes of each key: what stands in its braces, else the whole."""
    tags = [re.search(r"\{([^}]+)\}", key) for key in some]
    return {tag[1] if tag else key for tag, key in zip(tags, some, strict=True)}


def test_all_keys_of_a_lane_lie_on_one_shard():
    assert keyspace.stream("CN", "e1") in keys("lane")
    assert shards(keys("lane")) == {"CN"}


def test_all_keys_of_a_customer_on_a_group_lie_on_one_shard_with_the_limiter():
    assert keyspace.follows("alice", "sh") in keys("customer")
    assert shards([*keys("customer"), keyspace.rate("connect", "alice@sh")]) == {"alice@sh"}


def test_no_two_things_share_a_key():
    names = [*keys(), keyspace.PROCESSES, keyspace.CONTROL_GROUP]

    assert [key for key, times in Counter(names).items() if times > 1] == []


def test_nothing_of_two_lanes_epochs_customers_or_groups_shares_a_key():
    for first, change in (
        ("lane", {"lane": "HK"}), ("customer", {"customer": "bob"}), ("customer", {"group": "hk"}), ("jti", {"jti": "j2"}),
        ("group", {"group": "hk"}), ("node", {"node": "hk-1"}),
    ):  # fmt: skip
        assert set(keys(first)) & set(keys(first, **change)) == set()
    assert keyspace.stream("CN", "e1") != keyspace.stream("CN", "e2")
    assert keyspace.events("CN", "e1") != keyspace.events("CN", "e2")
