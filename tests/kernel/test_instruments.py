"""Symbols are read as people write them and have one canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Malformed
from kernel.instruments import BadSymbol, InstrumentId, Market, Venue


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("600519.SH", "600519.SH"), ("600519.sh", "600519.SH"), (" 000001.SZ ", "000001.SZ"), ("700.HK", "00700.HK"),
        ("0700.HK", "00700.HK"), ("00700.HK", "00700.HK"), ("HSI", "HSI.HK"), ("hstech", "HSTECH.HK"), ("TEST.CN", "TEST.CN"),
        ("920186.BJ", "920186.BJ"),
    ],
)  # fmt: skip
def test_one_product_has_one_name_however_it_is_written(written, canonical):
    assert str(InstrumentId.parse(written)) == canonical


@pytest.mark.parametrize(
    "text", ["", "600519", "60051.SH", "600519.US", "700.HKX", "TEST.HK2", "x" * 50, "٦٠٠٥١٩.SH", "123456.HK"]
)
def test_what_is_no_symbol_is_refused_by_name(text):
    with pytest.raises(BadSymbol) as caught:
        InstrumentId.parse(text)
    assert text[:40] in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"600519.SH", ["600519.SH"]])
def test_what_is_no_text_is_no_symbol(value):
    with pytest.raises(BadSymbol, match=type(value).__name__):
        InstrumentId.parse(value)


def test_a_symbol_may_be_written_with_blanks_up_to_32_letters():
    assert str(InstrumentId.parse("700.HK".ljust(32))) == "00700.HK"
    with pytest.raises(BadSymbol):
        InstrumentId.parse("700.HK".ljust(33))


def test_a_refusal_repeats_forty_letters_of_what_was_asked_and_no_more():
    with pytest.raises(BadSymbol) as caught:
        InstrumentId.parse("x" * 60)
    assert caught.value.fields == {"symbol": "x" * 40}


@given(st.text(max_size=40))
def test_nothing_but_bad_symbol_is_ever_raised(text):
    try:
        parsed = InstrumentId.parse(text)
    except Malformed:
        return
    assert InstrumentId.parse(str(parsed)) == parsed


def test_market_and_lane_follow_the_venue():
    assert InstrumentId("600519", Venue.SH).market is Market.CN
    assert InstrumentId("00700", Venue.HK).market is Market.HK
    assert InstrumentId("TEST", Venue.TEST).market is None
    assert [InstrumentId.parse(s).lane for s in ("920186.BJ", "HSI", "TEST.CN")] == ["CN", "HK", "TEST"]
