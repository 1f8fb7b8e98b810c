"""Bars by column: whatever they are they are read back, and a real day's take 25 bytes at most."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.records.columns import Columns, Prices, columns_of, number_of, pairs_of, prices_of, rows_of, symbol_of

SYMBOLS = st.one_of(
    st.sampled_from(["600519.SH", "000001.SZ", "920047.BJ", "00700.HK", "TEST.CN", "000001.SH", "700.HK", "99999.SZ"]),
    st.text(max_size=12),
)
NUMBERS = st.integers(-(2**40), 2**40)
PRICES = st.one_of(NUMBERS, NUMBERS.map(lambda price: price * 100), NUMBERS.map(lambda price: price * 10))


@given(st.lists(st.tuples(SYMBOLS, PRICES, PRICES, PRICES, PRICES, st.integers(-(2**20), 2**20), NUMBERS), max_size=20))
def test_bars_are_read_back_as_they_were(rows) -> None:
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(columns_of(rows)), type=Columns)
    assert rows_of(stored) == rows


@given(st.lists(st.tuples(SYMBOLS, PRICES), max_size=20))
def test_prices_are_read_back_as_they_were(pairs) -> None:
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(prices_of(pairs)), type=Prices)
    assert pairs_of(stored) == pairs


@pytest.mark.parametrize(
    ("symbol", "is_number"),
    [
        ("600519.SH", True),
        ("00700.HK", True),
        ("000001.SZ", True),
        ("700.HK", False),
        ("00700.SH", False),
        ("TEST.CN", False),
        ("600519.HK", False),
        ("６００５１９.SH", False),
        ("", False),
    ],
)
def test_a_symbol_is_a_number_where_that_says_all_of_it(symbol: str, is_number: bool) -> None:
    assert isinstance(number_of(symbol), int) is is_number
    assert symbol_of(number_of(symbol)) == symbol


def test_a_turnover_that_is_far_from_volume_times_price_is_read_back() -> None:
    rows = [("600519.SH", 2**62, 2**62, 2**62, 2**62, 2**53, 2**62), ("000001.SZ", 100, 100, 100, 100, 1, 100)]
    assert rows_of(msgspec.msgpack.decode(msgspec.msgpack.encode(columns_of(rows)), type=Columns)) == rows


def test_the_tick_is_the_coarsest_that_all_prices_are_multiples_of() -> None:
    assert columns_of([("600519.SH", 18_457_600, 18_460_000, 18_450_000, 18_459_900, 1, 1)]).tick == 100
    assert columns_of([("510300.SH", 41_230, 41_240, 41_230, 41_240, 1, 1)]).tick == 10
    assert columns_of([("00700.HK", 4_410_005, 4_410_005, 4_410_005, 4_410_005, 1, 1)]).tick == 1


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        rows_of(Columns(1, [1, 2], [1]))
    with pytest.raises(ValueError, match="zip"):
        pairs_of(Prices(1, [1, 2], [1]))
