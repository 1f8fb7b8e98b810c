"""Prices and instants as the wires write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.wire.texts import PRICES, _Prices, iso


@pytest.mark.parametrize(
    ("price_e4", "text"),
    [(105_000, "10.5"), (18_000_000, "1800.0"), (1, "0.0001"), (0, "0.0"), (40_045, "4.0045"), (-100, "-0.01")],
)
def test_a_price_is_a_json_number(price_e4, text):
    assert PRICES[price_e4] == text


@given(st.integers(-(10**11), 10**11))
def test_a_price_reads_back_as_it_was(price_e4):
    assert round(float(PRICES[price_e4]) * 10_000) == price_e4


def test_a_price_is_written_once_and_memory_does_not_grow_without_end():
    prices = _Prices()
    assert prices[105_000] is prices[105_000]

    prices.update((-number, "") for number in range(1, 200_001))
    assert prices[7] == "0.0007"

    assert dict(prices) == {7: "0.0007"}


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_772_951_401_500, "2026-03-08T06:30:01.500Z"),
        (1_772_951_401_999, "2026-03-08T06:30:01.999Z"),
    ],
)
def test_an_instant_is_utc_with_milliseconds(at_ms, text):
    assert iso(at_ms) == text
