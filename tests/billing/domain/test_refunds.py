"""What is left of a term: pro rata where the shop is at fault, used months at list price where the buyer wishes it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.months import add_months
from billing.domain.refunds import by_wish_fen, pro_rata_fen

START = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "left"),
    [(-1, 3000), (0, 3000), (1, 2900), (29, 100), (30, 0), (31, 0)],
)
def test_pro_rata_by_time(days, left):
    end = START + timedelta(days=30)
    assert pro_rata_fen(paid_fen=3000, starts_at=START, ends_at=end, now=START + timedelta(days=days)) == left


def test_pro_rata_is_rounded_in_the_buyers_favour():
    end = START + timedelta(days=30)
    almost = START + timedelta(microseconds=1)
    assert pro_rata_fen(paid_fen=1000, starts_at=START, ends_at=end, now=almost) == 1000
    assert pro_rata_fen(paid_fen=1000, starts_at=START, ends_at=end, now=end - timedelta(microseconds=1)) == 1


@given(st.integers(0, 10**8), st.integers(1, 10**7), st.integers(0, 10**7))
def test_pro_rata_is_between_nothing_and_all(paid, length_s, passed_s):
    end = START + timedelta(seconds=length_s)
    left = pro_rata_fen(paid_fen=paid, starts_at=START, ends_at=end, now=START + timedelta(seconds=passed_s))
    assert 0 <= left <= paid


@pytest.mark.parametrize(("paid", "length"), [(-1, 1), (1, 0), (1, -1)])
def test_what_is_no_term_is_refused(paid, length):
    with pytest.raises(ValueError, match="is no term"):
        pro_rata_fen(paid_fen=paid, starts_at=START, ends_at=START + timedelta(days=length), now=START)


@pytest.mark.parametrize(
    ("months_passed", "left"),
    [(-0.1, 10_000), (0, 9_000), (0.9, 9_000), (1, 8_000), (11.5, 0), (12, 0), (13, 0)],
)
def test_a_buyer_who_wishes_it_pays_used_months_at_list_price(months_passed, left):
    """Twelve months for the price of ten: what was used counts 10 CNY a month, and nobody pays on."""
    whole, part = divmod(months_passed, 1)
    now = add_months(START, int(whole)) + timedelta(days=27 * part)
    assert by_wish_fen(paid_fen=10_000, price_fen=1_000, starts_at=START, months=12, now=now) == left


def test_months_of_a_chain_end_where_its_months_end():
    """From 31 January the second month begins on the last of February."""
    args = {"paid_fen": 3_000, "price_fen": 1_000, "starts_at": START, "months": 3}
    assert by_wish_fen(**args, now=datetime(2026, 2, 28, 3, 59, tzinfo=UTC)) == 2_000
    assert by_wish_fen(**args, now=datetime(2026, 2, 28, 4, 0, tzinfo=UTC)) == 1_000
