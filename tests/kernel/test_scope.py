"""A scope tells what holds at any instant, survives its JSON form, and refuses claims of the wrong type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.scope import NOTHING, BadScope, Policy, Scope, Step, newer, steps_from_claims

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


# -- policies ----------------------------------------------------------------------------------------------------------

RUNNING = Step(1000, 5, 2, frozenset({"CN", "HK"}), frozenset({"L1", "L2"}))
ENDED = Step(9000, 0, 0, frozenset(), frozenset())
SOLD = Scope("alice", "sh", 3, (RUNNING, ENDED))


def test_a_policy_leaves_what_both_have_and_the_lower_quota():
    left = SOLD.under(Policy(revision=7, max_subs=2, markets=frozenset({"CN"}), levels=frozenset({"L1"})))

    assert left.at(2000) == Step(1000, 2, 2, frozenset({"CN"}), frozenset({"L1"}))
    assert left.steps[-1] == ENDED
    assert (left.rev, left.revision, SOLD.revision) == (3, 7, 3)


def test_a_policy_never_adds_anything():
    wide = Policy(max_subs=500, markets=frozenset({"CN", "HK"}), levels=frozenset({"L1", "L2"}))

    assert SOLD.under(wide).steps == SOLD.steps
    assert SOLD.under(Policy(max_subs=0)).steps == SOLD.steps


def test_a_policy_that_is_taken_back_or_replaced_leaves_no_trace():
    narrow = SOLD.under(Policy(max_subs=1, symbols=frozenset({"600519.SH"})))

    assert narrow.under(None) == SOLD
    assert narrow.under(Policy(max_subs=4)).at(2000).max_subs == 4
    assert narrow.allows("600519.SH")
    assert not narrow.allows("000001.SZ")
    assert SOLD.allows("000001.SZ")


@given(
    st.builds(
        Policy,
        revision=st.integers(0, 10**6),
        max_subs=st.integers(0, 1000),
        markets=st.none() | st.frozensets(st.sampled_from(["CN", "HK"])),
        levels=st.none() | st.frozensets(st.sampled_from(["L1", "L2"])),
        symbols=st.none() | st.frozensets(st.sampled_from(["600519.SH", "00700.HK"])),
    )
)
def test_a_policy_is_read_as_it_was_written(policy):
    assert Policy.from_json(policy.as_json()) == policy
    assert SOLD.under(policy).at(2000).max_subs <= 5
    assert SOLD.under(policy).at(2000).markets <= RUNNING.markets
