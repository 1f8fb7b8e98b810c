"""Numbers are read as they are written, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.decimals import tenthousandths, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8.29", 82_900),
        ("16.08", 160_800),
        ("19.99", 199_900),
        ("10", 100_000),
        ("10.", 100_000),
        ("-0.5", -5_000),
        ("1e3", 10_000_000),
        ("0.00005", 1),
        ("0.00004", 0),
        ("1.23450000", 12_345),
        (" 7.5 ", 75_000),
        ("+1", 10_000),
        ("1000000000000.0001", 10_000_000_000_000_001),
    ],
)
def test_a_price_keeps_each_of_its_digits(text: str, value: int) -> None:
    assert tenthousandths(text) == value


@pytest.mark.parametrize("text", ["", "-", "nan", "inf", "1,000", "0x10", "1" * 41, "1e99", "ten", "１０", "1.2.3"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        tenthousandths(text)


@pytest.mark.parametrize(("text", "value"), [("100", 100), ("100.0", 100), ("-3", -3), ("18446744073709551616", 2**64)])
def test_a_volume_is_whole(text: str, value: int) -> None:
    assert whole(text) == value


@pytest.mark.parametrize("text", ["", "1.5", "x", "1" * 41, "1e50"])
def test_half_a_share_is_no_volume(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        whole(text)


@given(st.decimals(-(10**12), 10**12, places=4))
def test_it_is_what_decimal_arithmetic_says(number: Decimal) -> None:
    assert tenthousandths(str(number)) == int(number * 10_000)
