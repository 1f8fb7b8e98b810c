"""A scope tells what holds at any instant, survives its JSON form, and refuses claims of the wrong type."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.scope import (
    INTERVALS,
    LEVELS,
    MARKETS,
    MAX_SUBS_CAP,
    NOTHING,
    TYPES,
    BadScope,
    Policy,
    Scope,
    Step,
    newer,
    steps_from_claims,
    symbols_from,
)

L1 = frozenset({"L1"})
FIVE = Step(100, 5, 2, frozenset({"CN"}), L1)
TWENTY = Step(200, 20, 3, frozenset({"CN", "HK"}), L1)
OVER = Step(300, 0, 0, frozenset(), frozenset())
SCOPE = Scope("alice", "cn-east", 7, (FIVE, TWENTY, OVER))


def test_the_step_that_holds_is_the_last_one_begun():
    assert [SCOPE.at(t) for t in (-201, -200, 99, 100, 199.9, 200, 299, 300, 10**9)] == [
        NOTHING,
        FIVE,  # a node whose clock is behind by up to 300 s
        FIVE,
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


@pytest.mark.parametrize(
    ("name", "most"), [("from", 9_007_199_254_740_992), ("max_subs", 100_000), ("max_conns", 10_000)]
)
def test_a_number_of_a_step_has_a_most(name, most):
    [step] = steps_from_claims([GOOD | {name: most}])

    assert most in (step.from_s, step.max_subs, step.max_conns)
    with pytest.raises(BadScope, match=f"{name} must be a whole number"):
        steps_from_claims([GOOD | {name: most + 1}])


def test_a_scope_may_have_a_thousand_steps():
    assert len(steps_from_claims([GOOD | {"from": at} for at in range(1000)])) == 1000
    with pytest.raises(BadScope):
        steps_from_claims([GOOD | {"from": at} for at in range(1001)])


@pytest.mark.parametrize(
    "change", [{"sub": ""}, {"sub": 5}, {"aud": None}, {"rev": -1}, {"rev": 2**53 + 1}, {"steps": []}]
)
def test_a_stored_scope_of_the_wrong_shape_is_refused(change):
    assert Scope.from_json(SCOPE.as_json() | {"rev": 2**53}).rev == 9_007_199_254_740_992
    with pytest.raises(BadScope):
        Scope.from_json(SCOPE.as_json() | change)


def test_nothing_allows_nothing():
    assert Step(0, 0, 0, frozenset(), frozenset()) == NOTHING


def test_who_never_had_a_grant_has_an_end_that_lies_at_the_beginning_of_time():
    never = Scope("alice", "cn-east", 0, ())

    assert (never.ends_at_s, never.revision, never.at(10**9)) == (0, 0, NOTHING)


def test_a_list_of_symbols_is_read_into_canonical_forms():
    assert symbols_from(["700.hk", "HSI", "600519.SH"]) == {"00700.HK", "HSI.HK", "600519.SH"}
    assert symbols_from([]) == frozenset()


@pytest.mark.parametrize("value", [None, "600519.SH", {"600519.SH": 1}, ["?"], [5]])
def test_what_is_no_list_of_symbols_is_refused(value):
    with pytest.raises(BadScope):
        symbols_from(value)


def test_a_list_of_symbols_has_at_most_a_hundred_thousand():
    with pytest.raises(BadScope, match="is not a symbol"):  # it is read, so the first wrong one is told
        symbols_from(["?"] * 100_000)
    with pytest.raises(BadScope, match="must be a list"):
        symbols_from(["?"] * 100_001)


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


def test_a_policy_that_says_nothing_restricts_nothing():
    assert Policy() == Policy(0, 0, None, None, None)
    assert SOLD.under(Policy()).steps == SOLD.steps


@pytest.mark.parametrize(
    "change", [{"revision": 2**53 + 1}, {"revision": "1"}, {"max_subs": 100_001}, {"markets": None}]
)
def test_a_stored_policy_of_the_wrong_shape_is_refused(change):
    good = {"revision": 9_007_199_254_740_992, "max_subs": 100_000}

    assert Policy.from_json(good) == Policy(9_007_199_254_740_992, 100_000)
    with pytest.raises(BadScope):
        Policy.from_json(good | change)


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


# -- a scope that is shortened for a token ------------------------------------------------------------------------------


def of_quotas(*quotas: int) -> Scope:
    """One step a second from second 0 on, and the end behind them."""
    steps = [Step(at, subs, 2, frozenset({"CN"}), frozenset({"L1"})) for at, subs in enumerate(quotas)]
    return Scope("c", "g", 1, (*steps, replace(NOTHING, from_s=len(quotas))))


def test_a_scope_of_few_steps_is_left_as_it_is():
    assert of_quotas(5, 15, 10).shortened(4) == of_quotas(5, 15, 10)


def test_beyond_the_next_steps_the_lowest_that_is_still_to_come_holds_until_the_end():
    short = of_quotas(5, 15, 30, 10, 20).shortened(4)

    assert [(step.from_s, step.max_subs) for step in short.steps] == [(0, 5), (1, 15), (2, 10), (5, 0)]


def test_a_pause_among_the_steps_left_out_is_no_end():
    short = of_quotas(5, 15, 0, 20).shortened(3)

    assert short.at(2).max_subs == 0
    assert short.next_change_s(2) == 4


steps_of_many = st.lists(
    st.builds(
        Step,
        from_s=st.integers(0, 2**33),
        max_subs=st.integers(0, MAX_SUBS_CAP),
        max_conns=st.integers(0, 20),
        markets=st.frozensets(st.sampled_from(MARKETS)),
        levels=st.frozensets(st.sampled_from(LEVELS)),
        types=st.none() | st.frozensets(st.sampled_from(TYPES)),
        intervals=st.none() | st.frozensets(st.sampled_from(INTERVALS)),
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda step: step.from_s,
)


@given(steps_of_many, st.integers(3, 12), st.integers(0, 2**33))
def test_a_shortened_scope_never_allows_more_and_ends_at_the_same_second(steps, most, at):
    whole = Scope("c", "g", 1, tuple(sorted(steps, key=lambda step: step.from_s)))
    short = whole.shortened(most)

    assert len(short.steps) <= most
    assert (short.ends_at_s, short.steps[0]) == (whole.ends_at_s, whole.steps[0])
    told, real = short.at(at), whole.at(at)
    assert told.max_subs <= real.max_subs
    assert told.max_conns <= real.max_conns
    assert told.markets <= real.markets
    assert told.levels <= real.levels
    assert all(real.has_type(one) for one in TYPES if told.has_type(one))
    assert all(real.has_interval(one) for one in INTERVALS if told.has_interval(one))


def test_what_the_store_carries_may_have_more_steps_than_any_token():
    many = of_quotas(*range(1, 3000))

    assert Scope.from_json(many.as_json()) == many


BARS_ALONE = replace(FIVE, types=frozenset({"kline"}), intervals=frozenset({"1.5s", "1m"}))


def test_types_and_intervals_stand_in_a_step_only_where_they_restrict():
    free, bound = (Scope("alice", "cn-east", 7, (step, OVER)) for step in (FIVE, BARS_ALONE))

    assert "types" not in free.as_json()["steps"][0]
    assert "intervals" not in free.as_json()["steps"][0]
    assert (
        bound.as_json()["steps"][0] | {"types": ["kline"], "intervals": ["1.5s", "1m"]} == bound.as_json()["steps"][0]
    )
    assert Scope.from_json(bound.as_json()) == bound
    assert Scope.from_json(free.as_json()) == free


def test_a_step_without_a_restriction_has_every_type_and_interval():
    assert FIVE.has_type("depth")
    assert FIVE.has_interval("1M")
    assert [BARS_ALONE.has_type(one) for one in ("kline", "quote")] == [True, False]
    assert [BARS_ALONE.has_interval(one) for one in ("1m", "5m")] == [True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"types": None}, {"types": "kline"}, {"types": ["candles"]}, {"types": [True]}, {"types": {"kline": 1}},
        {"intervals": ["60m"]}, {"intervals": ["1M", 1]}, {"intervals": None},
    ],
)  # fmt: skip
def test_types_and_intervals_are_read_as_strictly_as_markets(change):
    with pytest.raises(BadScope):
        steps_from_claims([GOOD | change])


def test_a_policy_leaves_types_and_intervals_as_they_were():
    narrowed = Scope("alice", "cn-east", 7, (BARS_ALONE, OVER)).under(Policy(markets=frozenset({"CN"})))

    assert (narrowed.steps[0].types, narrowed.steps[0].intervals) == (BARS_ALONE.types, BARS_ALONE.intervals)
