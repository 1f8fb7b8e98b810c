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
