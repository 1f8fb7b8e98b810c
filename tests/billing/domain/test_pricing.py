"""Money is whole fen; what is written for people reads back to the same fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.pricing import due_fen, yuan


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
