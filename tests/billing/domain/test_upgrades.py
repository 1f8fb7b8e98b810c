"""What an upgrade costs: time left at the new price, less unused cash; never below nothing, and steps add up."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.months import add_months
from billing.domain.pricing import priced
from billing.domain.upgrades import PaidTime, upgrade_cost

BEGAN = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
instants = st.integers(0, 364 * 86_400).map(lambda s: BEGAN + timedelta(seconds=s))


def test_in_the_middle_of_a_month_half_of_it_is_credited():
    """Pack 5 at 10 yuan, 28 February to 31 March; Pack 15 at 20 after half of it: 10 - 5."""
    start, end = add_months(BEGAN, 1), add_months(BEGAN, 2)
    half = start + (end - start) / 2

    cost = upgrade_cost(price_fen=2000, at=half, ends_at=end, day=31, paid=[PaidTime(1000, start, end, 31)])

    assert (cost.months, cost.credit_fen, cost.exact_fen) == (Fraction(1, 2), 500, 500)


def test_what_was_given_away_is_not_credited_and_what_was_paid_for_later_is_credited_in_full():
    end, later = add_months(BEGAN, 1), add_months(BEGAN, 3)

    cost = upgrade_cost(
        price_fen=2000, at=BEGAN, ends_at=later, day=31,
        paid=[PaidTime(0, BEGAN, end, 31), PaidTime(1500, end, later, 31)],
    )  # fmt: skip

    assert (cost.months, cost.credit_fen, cost.exact_fen) == (3, 1500, 4500)


def test_an_upgrade_never_pays_out():
    end = add_months(BEGAN, 12)

    cost = upgrade_cost(price_fen=100, at=BEGAN, ends_at=end, day=31, paid=[PaidTime(99_999, BEGAN, end, 31)])

    assert (cost.exact_fen, cost.credit_fen) == (0, 99_999)


@pytest.mark.parametrize("cash", [-100, 0])
def test_money_that_went_back_is_not_credited(cash):
    assert PaidTime(cash, BEGAN, add_months(BEGAN, 1), 31).unused_fen(BEGAN) == 0


def test_nothing_is_unused_at_the_end_and_all_of_it_before_the_start():
    time = PaidTime(1234, BEGAN, add_months(BEGAN, 1), 31)

    assert time.unused_fen(time.until_at) == time.unused_fen(time.until_at + timedelta(days=9)) == 0
    assert time.unused_fen(BEGAN - timedelta(days=9)) == 1234


@given(
    months=st.integers(1, 12), prices=st.lists(st.integers(1, 10**5), min_size=3, max_size=6).map(sorted),
    cash=st.integers(0, 10**6), at=instants,
)  # fmt: skip
def test_steps_at_one_instant_cost_what_one_step_costs(months, prices, cash, at):
    """5 -> 15 -> 50 = 5 -> 50, within a fen a step; and never is less charged than nothing."""
    end = add_months(BEGAN, months)
    if at >= end:
        return
    paid = [PaidTime(cash, BEGAN, end, 31)]
    direct = priced(upgrade_cost(price_fen=prices[-1], at=at, ends_at=end, day=31, paid=paid).exact_fen).due_fen

    steps = 0
    for price in prices:
        due = priced(upgrade_cost(price_fen=price, at=at, ends_at=end, day=31, paid=paid).exact_fen).due_fen
        paid.append(PaidTime(due, at, end, 31))
        steps += due

    assert abs(steps - direct) <= len(prices)


@given(st.integers(1, 10**5), st.integers(1, 12), instants, instants)
def test_time_that_passes_makes_an_upgrade_cheaper_and_its_credit_smaller(price, months, one, other):
    early, late = sorted((one, other))
    end = add_months(BEGAN, months)
    paid = [PaidTime(price * months, BEGAN, end, 31)]

    before = upgrade_cost(price_fen=2 * price, at=early, ends_at=end, day=31, paid=paid)
    after = upgrade_cost(price_fen=2 * price, at=late, ends_at=end, day=31, paid=paid)

    assert after.exact_fen <= before.exact_fen
    assert after.credit_fen <= before.credit_fen
    assert before.exact_fen == before.credit_fen or early >= end  # twice the price: the other half
