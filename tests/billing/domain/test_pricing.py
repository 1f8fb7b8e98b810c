"""Money is whole fen; what is written for people reads back to the same fen."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.pricing import due_fen, priced, yuan


def test_three_months_of_pack_5_cost_30_yuan():
    assert due_fen(price_fen=1000, months=3) == 3000


@pytest.mark.parametrize("months", [0, -1, 13])
def test_months_outside_1_to_12_are_refused(months):
    with pytest.raises(ValueError, match="months"):
        due_fen(price_fen=1000, months=months)


@pytest.mark.parametrize("price_fen", [0, -1000])
def test_a_price_is_positive(price_fen):
    with pytest.raises(ValueError, match="positive"):
        due_fen(price_fen=price_fen, months=1)


@pytest.mark.parametrize(("fen", "text"), [(1000, "10"), (1050, "10.50"), (1, "0.01"), (0, "0"), (123456, "1234.56")])
def test_amounts_are_written_as_people_write_them(fen, text):
    assert yuan(fen) == text


def test_the_lowest_price_is_one_fen_and_the_longest_order_a_year():
    assert due_fen(price_fen=1, months=1) == 1
    assert due_fen(price_fen=1, months=12) == 12


@given(st.integers(0, 10**12))
def test_what_is_written_reads_back(fen):
    whole, _, rest = yuan(fen).partition(".")

    assert int(whole) * 100 + int(rest or 0) == fen


@pytest.mark.parametrize(("fen", "text"), [(-1050, "-10.50"), (-1000, "-10"), (-5, "-0.05"), (0, "0"), (5, "0.05")])
def test_what_is_owed_is_written_with_its_sign(fen, text):
    assert yuan(fen) == text


@pytest.mark.parametrize(
    ("exact", "percents", "off", "parts"),
    [
        (1000, [], 0, (1000, 0, 0, 1000)),
        (999, [15], 0, (999, 149, 1, 849)),  # 849.15: the buyer is given the rest
        (1000, [20], 300, (1000, 500, 0, 500)),
        (1000, [10, 10], 0, (1000, 190, 0, 810)),
        (1000, [], 5000, (1000, 1000, 0, 0)),
        (1000, [100], 0, (1000, 1000, 0, 0)),
        (Fraction(2001, 2), [], 0, (1001, 0, 1, 1000)),
        (0, [], 0, (0, 0, 0, 0)),
    ],
)
def test_a_price_is_rounded_once_in_the_buyers_favour(exact, percents, off, parts):
    found = priced(exact, percents=percents, off_fen=off)

    assert (found.list_fen, found.discount_fen, found.rounding_fen, found.due_fen) == parts


@given(st.fractions(0, 10**7), st.lists(st.integers(0, 100), max_size=3), st.integers(0, 10**6))
def test_parts_of_a_price_add_up_and_less_than_a_fen_is_given_away(exact, percents, off):
    found = priced(exact, percents=percents, off_fen=off)

    net = exact
    for percent in percents:
        net -= net * percent / 100
    net = max(0, net - off)
    assert found.list_fen == found.discount_fen + found.rounding_fen + found.due_fen
    assert found.rounding_fen in (0, 1)
    assert 0 <= net - found.due_fen < 1
    assert found.discount_fen >= 0
    assert exact <= found.list_fen < exact + 1


@pytest.mark.parametrize(("exact", "percents", "off"), [(-1, [], 0), (1, [101], 0), (1, [-1], 0), (1, [], -1)])
def test_what_is_no_price_is_refused(exact, percents, off):
    with pytest.raises(ValueError, match=r"no price|percent"):
        priced(exact, percents=percents, off_fen=off)
