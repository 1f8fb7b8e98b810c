"""Grants add up: the laws of the shop, as a reader can check them by hand and as hypothesis can not break them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.stacking import (
    NO_ENTITLEMENT,
    Grant,
    entitlement_at,
    last_end,
    scope_steps,
    timeline,
)
from kernel.scope import NOTHING, Scope

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CN, HK = frozenset({"CN"}), frozenset({"HK"})
BOTH = CN | HK
L1 = frozenset({"L1"})


def grant(
    start: int, end: int, symbols: int = 5, *, markets=BOTH, max_connections: int = 2, closed: int | None = None
) -> Grant:
    """A grant over [NOW + start days, NOW + end days)."""
    closed_at = None if closed is None else NOW + closed * DAY
    return Grant(NOW + start * DAY, NOW + end * DAY, symbols, max_connections, markets, L1, closed_at)


GRANTS = st.builds(
    lambda start, length, symbols, sockets, markets, closed: grant(
        start, start + length, symbols, markets=markets, max_connections=sockets, closed=closed
    ),
    st.integers(-40, 40),
    st.integers(1, 40),
    st.integers(1, 50),
    st.integers(1, 5),
    st.sampled_from([CN, HK, BOTH]),
    st.none() | st.integers(-50, 50),
)
INSTANTS = st.integers(-45 * 24, 90 * 24).map(lambda hours: NOW + timedelta(hours=hours))


def test_two_packs_of_five_follow_ten():
    assert entitlement_at([grant(0, 30), grant(10, 40)], NOW + 15 * DAY).max_subs == 10


def test_a_grant_holds_from_its_first_instant():
    assert entitlement_at([grant(0, 30)], NOW).max_subs == 5


def test_a_grant_ends_the_instant_its_period_ends():
    just_before = NOW + 30 * DAY - timedelta(microseconds=1)

    assert entitlement_at([grant(0, 30)], just_before).max_subs == 5
    assert entitlement_at([grant(0, 30)], NOW + 30 * DAY) == NO_ENTITLEMENT


def test_a_pack_and_its_extension_never_add_up():
    chain = [grant(0, 30), grant(30, 60)]

    assert [entitlement_at(chain, NOW + day * DAY).max_subs for day in (0, 29, 30, 59, 60)] == [5, 5, 5, 5, 0]
    assert len(timeline(chain, NOW)) == 2


def test_the_largest_number_of_sockets_counts_and_markets_unite():
    both = entitlement_at(
        [grant(0, 30, max_connections=2, markets=CN), grant(0, 30, max_connections=3, markets=HK)], NOW
    )

    assert (both.max_connections, both.markets) == (3, BOTH)


def test_a_closed_grant_ends_early():
    assert entitlement_at([grant(0, 30, closed=3)], NOW + 2 * DAY).max_subs == 5
    assert entitlement_at([grant(0, 30, closed=3)], NOW + 3 * DAY).max_subs == 0


def test_a_grant_closed_before_it_began_never_was():
    assert timeline([grant(5, 30, closed=3)], NOW) == timeline([], NOW)
    assert last_end([grant(5, 30, closed=3)]) is None


def test_a_grant_closed_the_instant_it_began_never_was():
    closed_at_once = [grant(5, 30, closed=5)]

    assert last_end(closed_at_once) is None
    assert timeline(closed_at_once, NOW) == timeline([], NOW)
    assert scope_steps(closed_at_once, NOW) == (NOTHING,)


def test_the_timeline_reads_as_the_page_says_it():
    segments = timeline([grant(0, 30, 5), grant(0, 60, 15)], NOW)

    read = [(segment.entitlement.max_subs, segment.until_at) for segment in segments]
    assert read == [(20, NOW + 30 * DAY), (15, NOW + 60 * DAY), (0, None)]


def test_steps_carry_the_whole_future_and_end_with_nothing():
    steps = scope_steps([grant(-5, 30, 5), grant(10, 60, 15)], NOW)

    assert [(step.from_s, step.max_subs) for step in steps] == [
        (int((NOW - 5 * DAY).timestamp()), 5),
        (int((NOW + 10 * DAY).timestamp()), 20),
        (int((NOW + 30 * DAY).timestamp()), 15),
        (int((NOW + 60 * DAY).timestamp()), 0),
    ]


def test_the_instant_a_step_begins_it_is_the_present_one():
    steps = scope_steps([grant(-5, 0, 5), grant(0, 30, 15)], NOW)

    assert [step.max_subs for step in steps] == [15, 0]


def test_before_the_first_grant_all_steps_are_still_to_come():
    steps = scope_steps([grant(1, 30)], NOW)

    assert [(step.from_s, step.max_subs) for step in steps] == [
        (int((NOW + DAY).timestamp()), 5),
        (int((NOW + 30 * DAY).timestamp()), 0),
    ]


def test_no_grant_gives_one_step_of_nothing():
    assert scope_steps([], NOW) == (NOTHING,)


def test_after_the_last_grant_only_its_end_is_left():
    steps = scope_steps([grant(-30, -1)], NOW)

    assert [(step.from_s, step.max_subs) for step in steps] == [(int((NOW - DAY).timestamp()), 0)]


@given(st.lists(GRANTS, max_size=6), INSTANTS, st.randoms())
def test_the_order_of_grants_does_not_matter(grants, at, random):
    shuffled = random.sample(grants, len(grants))

    assert entitlement_at(shuffled, at) == entitlement_at(grants, at)
    assert timeline(shuffled, at) == timeline(grants, at)
    assert scope_steps(shuffled, at) == scope_steps(grants, at)


@given(st.lists(GRANTS, max_size=5), st.lists(GRANTS, max_size=5), INSTANTS)
def test_symbols_of_two_sets_of_grants_add_up(some, others, at):
    together = entitlement_at([*some, *others], at)

    assert together.max_subs == entitlement_at(some, at).max_subs + entitlement_at(others, at).max_subs


@given(st.lists(GRANTS, max_size=5), GRANTS, INSTANTS)
def test_adding_a_grant_never_lowers_anything(grants, more, at):
    before, after = entitlement_at(grants, at), entitlement_at([*grants, more], at)

    assert after.max_subs >= before.max_subs
    assert after.max_connections >= before.max_connections
    assert after.markets >= before.markets
    assert after.levels >= before.levels


@given(st.lists(GRANTS, max_size=6), INSTANTS, INSTANTS)
def test_the_timeline_says_at_each_instant_what_the_grants_say(grants, since, at):
    segments = timeline(grants, since)

    assert segments[0].from_at == since
    assert segments[-1].until_at is None
    assert segments[-1].entitlement == NO_ENTITLEMENT
    for earlier, later in pairwise(segments):
        assert earlier.until_at == later.from_at
        assert earlier.entitlement != later.entitlement
    if at >= since:
        [found] = [one for one in segments if one.from_at <= at and (one.until_at is None or at < one.until_at)]
        assert found.entitlement == entitlement_at(grants, at)


@given(st.lists(GRANTS, max_size=6), INSTANTS, INSTANTS)
def test_a_token_signed_at_one_instant_is_right_at_every_later_one(grants, signed, at):
    scope = Scope(customer="c", group="g", rev=1, steps=scope_steps(grants, signed))
    says, holds = scope.at(at.timestamp()), entitlement_at(grants, at)

    if at >= signed:
        assert (says.max_subs, says.max_conns, says.markets) == (holds.max_subs, holds.max_connections, holds.markets)
    assert scope.steps[-1].max_subs == 0
    assert Scope.from_json(scope.as_json()) == scope


@given(st.lists(GRANTS, min_size=1, max_size=6))
def test_nothing_holds_after_the_last_end(grants):
    end = last_end(grants)

    if end is not None:
        assert entitlement_at(grants, end) == NO_ENTITLEMENT
        assert entitlement_at(grants, end - timedelta(microseconds=1)) != NO_ENTITLEMENT


def restricted(start: int, end: int, types=None, intervals=None) -> Grant:
    return replace(grant(start, end), types=types and frozenset(types), intervals=intervals and frozenset(intervals))


def test_types_and_intervals_unite_and_one_grant_with_all_of_them_restricts_nothing():
    bars, quotes = restricted(0, 30, {"kline"}, {"1m"}), restricted(0, 30, {"quote"}, {"1d"})

    together = entitlement_at([bars, quotes], NOW)
    with_all = entitlement_at([bars, quotes, grant(0, 30)], NOW)

    assert (together.types, together.intervals) == ({"kline", "quote"}, {"1m", "1d"})
    assert (with_all.types, with_all.intervals) == (None, None)


def test_a_step_begins_where_types_or_intervals_change():
    steps = scope_steps([restricted(0, 30, {"kline"}), restricted(30, 60, {"kline", "quote"})], NOW)

    assert [(step.max_subs, step.types) for step in steps] == [
        (5, {"kline"}), (5, {"kline", "quote"}), (0, None),
    ]  # fmt: skip


RESTRICTIONS = st.none() | st.frozensets(st.sampled_from(["kline", "quote", "tick", "depth"]))


@given(st.lists(st.builds(lambda one, types: replace(one, types=types), GRANTS, RESTRICTIONS), max_size=6), GRANTS,
       RESTRICTIONS, INSTANTS)  # fmt: skip
def test_adding_a_grant_never_takes_a_type_away(grants, more, types, at):
    before, after = (entitlement_at(some, at) for some in (grants, [*grants, replace(more, types=types)]))

    if before.max_subs:
        assert after.types is None or (before.types is not None and before.types <= after.types)
