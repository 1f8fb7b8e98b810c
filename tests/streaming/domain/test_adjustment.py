"""Prices over corporate actions: by hand, and as laws that hold whatever happened to a share."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.adjustment import CorporateAction, adjusted, factors_of, reference_e4
from streaming.domain.minutes import MinuteBar

EX = date(2026, 6, 12)
BEFORE, AFTER = EX - timedelta(days=1), EX + timedelta(days=1)


def action(day: date = EX, *, ratio: str = "1", cash_e8: int = 0, reference: int = 0) -> CorporateAction:
    return CorporateAction("600519.SH", day, Fraction(ratio), Fraction(ratio), cash_e8, reference)


def bar(price_e4: int, volume: int = 300) -> MinuteBar:
    return MinuteBar("600519.SH", 0, price_e4, price_e4, price_e4, price_e4, volume, price_e4 * volume)


def test_five_for_ten_and_two_yuan_for_ten_shares_make_ten_yuan_six_fifty_three() -> None:
    assert reference_e4(action(ratio="3/2", cash_e8=20_000_000), 100_000, 100) == 65_300


def test_a_right_that_is_taken_up_counts_its_price_and_a_fund_has_three_places() -> None:
    # 3 rights for 10 shares at 5.00: (10.00 + 0.3 * 5.00) / 1.3 = 8.846
    assert reference_e4(action(ratio="13/10", cash_e8=-150_000_000), 100_000, 100) == 88_500
    assert reference_e4(action(ratio="13/10", cash_e8=-150_000_000), 100_000, 10) == 88_460


def test_half_of_a_tick_goes_up() -> None:
    assert reference_e4(action(cash_e8=500_000), 100_000, 100) == 100_000  # 9.995 -> 10.00


def test_forward_counts_in_todays_shares_and_backward_in_the_first_days() -> None:
    factors = factors_of([action(ratio="2")], {EX: (BEFORE, 100_000)}, 100)
    bars = [bar(100_000, 300), bar(51_000, 500)]

    forward = adjusted(bars, [BEFORE, EX], factors, "forward")
    backward = adjusted(bars, [BEFORE, EX], factors, "backward")

    assert [(one.close_e4, one.volume) for one in forward] == [(50_000, 600), (51_000, 500)]
    assert [(one.close_e4, one.volume) for one in backward] == [(100_000, 300), (102_000, 250)]
    assert [one.turnover_e4 for one in forward] == [one.turnover_e4 for one in bars]


def test_cash_changes_prices_and_no_volume() -> None:
    factors = factors_of([action(cash_e8=100_000_000)], {EX: (BEFORE, 100_000)}, 100)

    (told,) = adjusted([bar(100_000, 301)], [BEFORE], factors, "forward")

    assert (told.close_e4, told.volume) == (90_000, 301)


def test_the_reference_that_the_exchange_named_wins_over_the_rule() -> None:
    named = factors_of([action(cash_e8=100_000_000, reference=80_000)], {EX: (BEFORE, 100_000)}, 100)

    assert named[0].price == Fraction(100_000, 80_000)


def test_two_first_days_within_one_suspension_compound_on_the_last_close() -> None:
    actions = [action(EX, ratio="2"), action(AFTER, cash_e8=100_000_000)]
    closes = {EX: (BEFORE, 100_000), AFTER: (BEFORE, 100_000)}  # nothing was traded in between

    factors = factors_of(actions, closes, 100)

    # 10.00 -> 5.00 -> 4.00: what was 10.00 is 4.00 now.
    (told,) = adjusted([bar(100_000)], [BEFORE], factors, "forward")
    assert told.close_e4 == 40_000


def test_an_action_before_the_first_stored_day_has_no_factor() -> None:
    assert factors_of([action(ratio="2")], {}, 100) == []


@pytest.mark.parametrize("how", ["none", "forward", "backward"])
def test_without_a_factor_nothing_changes(how: str) -> None:
    assert adjusted([bar(100_000)], [EX], [], how) == [bar(100_000)]


ACTIONS = st.lists(
    st.tuples(st.integers(0, 60), st.fractions(min_value="1/2", max_value=3, max_denominator=10)),
    max_size=5,
    unique_by=lambda one: one[0],
)


@given(ACTIONS, st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True))
def test_the_newest_bar_stays_forward_the_oldest_backward_and_returns_are_the_same(actions, days) -> None:
    first = date(2026, 1, 1)
    told = [action(first + timedelta(days=after), ratio=str(ratio)) for after, ratio in actions]
    closes = {one.ex_date: (one.ex_date - timedelta(days=1), 10_000_000) for one in told}
    factors = factors_of(told, closes, 1)
    on = [first + timedelta(days=day) for day in sorted(days)]
    bars = [bar(10_000_000) for _ in on]

    forward = adjusted(bars, on, factors, "forward")
    backward = adjusted(bars, on, factors, "backward")

    if all(one.ex_date <= on[-1] for one in told):
        assert forward[-1] == bars[-1]
    if all(one.ex_date > on[0] for one in told):
        assert backward[0] == bars[0]
    for nth in range(1, len(on)):
        ratios = [one[nth].close_e4 / one[nth - 1].close_e4 for one in (forward, backward)]
        assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)
    assert all(one.close_e4 > 0 for one in (*forward, *backward))
