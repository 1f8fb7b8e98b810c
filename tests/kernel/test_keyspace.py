"""What one script writes together lies on one shard, and no two things share a key."""

import re
from itertools import combinations

from kernel import keyspace

OF_A_LANE = (
    keyspace.lease, keyspace.fence, keyspace.epoch, keyspace.floor, keyspace.epochs, keyspace.newest, keyspace.checkpoint,
    keyspace.history_checkpoint, keyspace.history_lock, keyspace.feed_setting, keyspace.feed_state, keyspace.wanted,
    keyspace.pushed, keyspace.push_versions, keyspace.calendar_overrides,
)  # fmt: skip
OF_A_CUSTOMER = (keyspace.entitlement, keyspace.policy, keyspace.subscription, keyspace.follows)


def lane_keys(lane: str) -> list[str]:
    return [key(lane) for key in OF_A_LANE] + [key(lane, "e1") for key in (keyspace.stream, keyspace.events)]


def customer_keys(customer: str, group: str) -> list[str]:
    return [key(customer, group) for key in OF_A_CUSTOMER]


def tags(keys: list[str]) -> set[str]:
    """What Redis Cluster hashes of each key: what stands in the first braces."""
    return {re.search(r"\{([^}]+)\}", key)[1] for key in keys}


def test_all_keys_of_a_lane_lie_on_one_shard():
    assert tags(lane_keys("CN")) == {"CN"}


def test_all_keys_of_a_customer_on_a_group_lie_on_one_shard_with_the_limiter():
    assert tags([*customer_keys("alice", "sh"), keyspace.rate("connect", "alice@sh")]) == {"alice@sh"}


def test_no_two_things_share_a_key():
    keys = [
        *lane_keys("CN"), *lane_keys("HK"), *customer_keys("alice", "sh"), *customer_keys("alice", "hk"),
        keyspace.rate("connect", "alice@sh"), keyspace.rate("call", "alice@sh"), keyspace.revoked("j1"),
        keyspace.policies("sh"), keyspace.subscribers("sh"), keyspace.siblings("sh"), keyspace.draining("sh"),
        keyspace.PROCESSES, keyspace.CONTROL_GROUP,
    ]  # fmt: skip

    assert [(one, other) for one, other in combinations(keys, 2) if one == other] == []


def test_a_stream_and_its_events_belong_to_one_epoch():
    assert keyspace.stream("CN", "e1") != keyspace.stream("CN", "e2")
    assert keyspace.events("CN", "e1") != keyspace.events("CN", "e2")
