"""A month of a plan is a calendar month in Asia/Shanghai, at the same time of day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.months import SHANGHAI, add_months, grant_period

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

    start, end = grant_period(settled_at=settled, months=1, chain_end_at=None)

    assert start == datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
    assert end == datetime(2026, 12, 21, 1, 2, 3, tzinfo=UTC)


def test_an_extension_begins_where_its_chain_ends():
    settled = datetime(2026, 11, 21, tzinfo=UTC)
    chain_end = datetime(2026, 12, 5, tzinfo=UTC)

    assert grant_period(settled_at=settled, months=1, chain_end_at=chain_end)[0] == chain_end


def test_an_extension_of_a_chain_that_has_run_out_begins_at_once():
    settled = datetime(2026, 11, 21, tzinfo=UTC)
    chain_end = datetime(2026, 10, 5, tzinfo=UTC)

    assert grant_period(settled_at=settled, months=1, chain_end_at=chain_end)[0] == settled
