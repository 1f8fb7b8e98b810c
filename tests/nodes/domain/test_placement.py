"""Which nodes a buyer is offered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.placement import Candidate, SocketsHeld, Wanted, refusal, room, sockets_sold

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
ALICE, BOB = 1, 2


def node(**changes) -> Candidate:
    usual = {
        "slug": "sh-1",
        "markets": frozenset({"CN", "HK"}),
        "levels": frozenset({"L1"}),
        "realtime": True,
        "active": True,
        "capacity": 4,
        "last_seen_at": NOW,
    }
    return Candidate(**{**usual, **changes})


def wanted(sockets: int = 2, customer: int | None = ALICE) -> Wanted:
    return Wanted(frozenset({"CN", "HK"}), frozenset({"L1"}), sockets, customer)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"active": False}, "not_active"),
        ({"realtime": False}, "not_realtime"),
        ({"markets": frozenset({"CN"})}, "market"),
        ({"levels": frozenset({"L2"})}, "level"),
        ({"last_seen_at": None}, "unseen"),
        ({"last_seen_at": NOW - timedelta(seconds=60)}, None),
        ({"last_seen_at": NOW - timedelta(seconds=61)}, "unseen"),
        ({"capacity": 1}, "full"),
    ],
)
def test_a_node_is_refused_for_its_weightiest_reason(changes, why):
    assert refusal(node(**changes), wanted(), [], NOW) == why


def test_the_last_two_sockets_go_to_one_buyer_only():
    sold = [SocketsHeld("sh-1", BOB, 2)]

    assert refusal(node(), wanted(), sold, NOW) is None
    assert refusal(node(), wanted(), [*sold, SocketsHeld("sh-1", 3, 2)], NOW) == "full"


def test_a_buyer_who_stacks_on_a_full_node_needs_no_more_room():
    sold = [SocketsHeld("sh-1", ALICE, 2), SocketsHeld("sh-1", BOB, 2)]

    assert refusal(node(), wanted(), sold, NOW) is None
    assert refusal(node(), wanted(sockets=3), sold, NOW) == "full"


def test_a_new_buyer_needs_room_for_every_socket():
    sold = [SocketsHeld("sh-1", BOB, 3)]

    assert refusal(node(), wanted(sockets=2), sold, NOW) == "full"
    assert refusal(node(), wanted(sockets=2, customer=None), sold, NOW) == "full"
    assert refusal(node(), wanted(sockets=1), sold, NOW) is None


def test_another_nodes_buyers_take_no_room():
    assert room(node(), [SocketsHeld("hk-1", BOB, 5)]) == 4


@given(st.lists(st.builds(SocketsHeld, st.sampled_from(["a", "b"]), st.integers(1, 3), st.integers(1, 5)), max_size=8))
def test_a_customer_counts_once_a_node_with_the_largest(sold):
    totals = sockets_sold(sold)

    for slug in ("a", "b"):
        largest = {}
        for one in sold:
            if one.node == slug:
                largest[one.customer] = max(largest.get(one.customer, 0), one.sockets)
        assert totals.get(slug, 0) == sum(largest.values())
