"""A month of a plan is a calendar month in Asia/Shanghai, at the same time of day."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.months import SHANGHAI, Chain, add_months, grant_period, months_left
from billing.domain.stacking import Grant

STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (shanghai(2026, 3, 8, 14, 30), 1, shanghai(2026, 4, 8, 14, 30)),
        (shanghai(2026, 1, 31, 9, 0), 1, shanghai(2026, 2, 28, 9, 0)),
        (shanghai(2028, 1, 31, 9, 0), 1, shanghai(2028, 2, 29, 9, 0)),
        (shanghai(2026, 1, 31, 9, 0), 2, shanghai(2026, 3, 31, 9, 0)),
        (shanghai(2026, 11, 30, 23, 59), 3, shanghai(2027, 2, 28, 23, 59)),
        (shanghai(2026, 12, 1, 0, 0), 12, shanghai(2027, 12, 1, 0, 0)),
    ],
)
def test_months_are_counted_on_shanghais_calendar(start, months, end):
    assert add_months(start, months) == end


def test_the_day_is_shanghais_and_not_utcs():
    # 31 January 17:00 UTC is 1 February 01:00 in Shanghai, so a month later it is 1 March there.
    start = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)

    assert add_months(start, 1) == datetime(2026, 2, 28, 17, 0, tzinfo=UTC)


@given(STARTS, st.integers(1, 12))
def test_more_months_end_later_and_each_has_28_to_31_days(start, months):
    ends = [start, *(add_months(start, n) for n in range(1, months + 1))]

    assert ends == sorted(set(ends))
    assert timedelta(days=28 * months) <= ends[-1] - start <= timedelta(days=31 * months)


def test_a_stacked_period_begins_when_the_payment_arrives_cut_to_the_second():
    settled = datetime(2026, 11, 21, 1, 2, 3, 456789, tzinfo=UTC)

    start, end = grant_period(settled_at=settled, months=1, chain=None)

    assert start == datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
    assert end == datetime(2026, 12, 21, 1, 2, 3, tzinfo=UTC)


def test_an_extension_begins_where_its_chain_ends():
    settled = datetime(2026, 11, 21, tzinfo=UTC)
    chain = Chain(datetime(2026, 12, 5, tzinfo=UTC), 5)

    assert grant_period(settled_at=settled, months=1, chain=chain)[0] == chain.end_at


def test_an_extension_of_a_chain_that_has_run_out_begins_at_once():
    settled = datetime(2026, 11, 21, tzinfo=UTC)
    chain = Chain(datetime(2026, 10, 5, tzinfo=UTC), 5)

    assert grant_period(settled_at=settled, months=1, chain=chain)[0] == settled


def grant(starts_at: datetime, ends_at: datetime, closed_at: datetime | None = None) -> Grant:
    return Grant(starts_at, ends_at, 5, 2, frozenset({"CN"}), frozenset({"L1"}), closed_at=closed_at)


def bought(first: datetime, *months: int) -> list[Grant]:
    """Return a chain whose months were bought one after the other, at its first instant."""
    chain: list[Grant] = []
    for number in months:
        chain.append(grant(*grant_period(settled_at=first, months=number, chain=Chain.of(chain))))
    return chain


def test_a_chain_keeps_the_day_of_its_first_grant():
    """It drifted to the 28th: who bought twelve single months had three days less than who bought a year."""
    chain = bought(shanghai(2026, 1, 31, 9, 0), 1, 1, 1, 1)

    assert [one.ends_at for one in chain] == [
        shanghai(2026, 2, 28, 9, 0), shanghai(2026, 3, 31, 9, 0), shanghai(2026, 4, 30, 9, 0), shanghai(2026, 5, 31, 9, 0),
    ]  # fmt: skip


@given(STARTS, st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_however_months_are_bought_they_end_on_one_day(start, months):
    start = start.replace(microsecond=0)

    chain = bought(start, *months)

    assert chain[-1].ends_at == add_months(start, sum(months))
    assert all(one.starts_at == before.ends_at for before, one in pairwise(chain))


def test_a_part_that_was_closed_before_it_began_leaves_what_is_paid_for():
    """An extension began at once, over 29 days that were paid for already."""
    now = shanghai(2026, 1, 1, 9, 0)
    january, february = bought(now, 1, 1)

    chain = Chain.of([january, grant(february.starts_at, february.ends_at, closed_at=now)])

    assert chain == Chain(january.ends_at, 1)


def test_a_chain_that_was_ended_is_none_and_one_that_was_paused_begins_anew():
    first = grant(shanghai(2026, 1, 31), shanghai(2026, 2, 28), closed_at=shanghai(2026, 1, 31))
    later = grant(shanghai(2026, 5, 7), shanghai(2026, 6, 7))

    assert Chain.of([]) is None
    assert Chain.of([first]) is None
    assert Chain.of([grant(shanghai(2026, 1, 31), shanghai(2026, 2, 28)), later]) == Chain(later.ends_at, 7)


def test_a_chain_that_was_cut_short_goes_on_from_where_it_was_cut():
    start, end = grant_period(settled_at=shanghai(2026, 2, 1), months=1, chain=Chain(shanghai(2026, 2, 12, 9, 0), 31))

    assert (start, end) == (shanghai(2026, 2, 12, 9, 0), shanghai(2026, 3, 12, 9, 0))


@pytest.mark.parametrize(
    ("start", "months", "day"), [((2026, 1, 31), 1, 31), ((2026, 1, 31), 3, 31), ((2026, 2, 28), 1, 31),
                                 ((2026, 2, 28), 12, None), ((2028, 2, 29), 12, 29), ((2026, 5, 9), 7, None)],
)  # fmt: skip
def test_a_whole_term_has_as_many_months_left_as_it_was_bought_for(start, months, day):
    begins = shanghai(*start, 10)

    assert months_left(begins, add_months(begins, months, day), day) == months


def test_of_a_month_that_has_begun_the_part_by_its_own_length_is_left():
    end = datetime(2026, 3, 31, 10, tzinfo=SHANGHAI)

    assert months_left(end - timedelta(days=31) / 4, end, 31) == Fraction(1, 4)
    assert months_left(end - timedelta(days=31 + 14), end, 31) == 1 + Fraction(14, 28)  # the month before has 28 days
    assert months_left(end, end) == months_left(end + timedelta(days=1), end) == 0
