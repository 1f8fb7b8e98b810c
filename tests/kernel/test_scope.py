"""A scope tells what holds at any instant, survives its JSON form, and refuses claims of the wrong type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.scope import NOTHING, BadScope, Scope, Step, newer, steps_from_claims

L1 = frozenset({"L1"})
FIVE = Step(100, 5, 2, frozenset({"CN"}), L1)
TWENTY = Step(200, 20, 3, frozenset({"CN", "HK"}), L1)
OVER = Step(300, 0, 0, frozenset(), frozenset())
SCOPE = Scope("alice", "cn-east", 7, (FIVE, TWENTY, OVER))


def test_the_step_that_holds_is_the_last_one_begun():
    assert [SCOPE.at(t) for t in (99, 100, 199.9, 200, 299, 300, 10**9)] == [
        NOTHING,
        FIVE,
        FIVE,
        TWENTY,
        TWENTY,
        OVER,
        OVER,
    ]
    assert SCOPE.next_change_s(150) == 200
    assert SCOPE.next_change_s(300) is None
    assert SCOPE.ends_at_s == 300


def test_json_brings_the_same_scope_back():
    assert Scope.from_json(SCOPE.as_json()) == SCOPE


def test_the_higher_rev_wins_and_the_stored_one_at_a_tie():
    older, same = Scope("alice", "cn-east", 6, (OVER,)), Scope("alice", "cn-east", 7, (OVER,))
    assert newer(SCOPE, None) is SCOPE
    assert newer(SCOPE, older) is SCOPE
    assert newer(SCOPE, same) is same


GOOD = {"from": 1, "max_subs": 5, "max_conns": 2, "markets": ["CN"], "levels": ["L1"]}


@pytest.mark.parametrize(
    "change",
    [
        {"max_subs": "999999"}, {"max_subs": True}, {"max_subs": -1}, {"max_subs": 10**9}, {"max_subs": 5.0}, {"markets": "CN"},
        {"markets": ["US"]}, {"levels": [["L1"]]}, {"from": None},
    ],
)  # fmt: skip
def test_a_claim_of_the_wrong_type_is_refused(change):
    with pytest.raises(BadScope):
        steps_from_claims([GOOD | change])


@pytest.mark.parametrize("claims", [None, [], {}, [1], [GOOD, GOOD], [GOOD] * 1001])
def test_steps_must_be_a_list_that_ascends(claims):
    with pytest.raises(BadScope):
        steps_from_claims(claims)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_value_makes_reading_a_scope_raise_anything_else(value):
    try:
        Scope.from_json(value)
    except BadScope:
        pass
