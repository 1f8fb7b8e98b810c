"""Each dialect's way to write an instrument: reading undoes writing, people's forms count, what is unclear is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import PlatformError
from kernel.instruments import BadSymbol
from streaming.errors import AmbiguousSymbol, TypeConflict, UnknownSymbol
from streaming.reference import directory
from streaming.wire.dialects.alltick import symbols as alltick_symbols
from streaming.wire.dialects.itick import symbols as itick_symbols
from streaming.wire.dialects.tickdb import symbols as tickdb_symbols

LISTED = directory()
DIALECTS = [itick_symbols, tickdb_symbols, alltick_symbols]


@pytest.mark.parametrize("symbols", DIALECTS, ids=["itick", "tickdb", "alltick"])
def test_reading_undoes_writing_for_every_listed_instrument(symbols):
    for one in LISTED:
        assert symbols.read(symbols.write(one.id), LISTED) == one.id


@pytest.mark.parametrize(
    ("text", "asset", "symbol"),
    [
        ("700$HK", "stock", "00700.HK"),
        ("00700$hk", "stock", "00700.HK"),
        ("600519$SH", "stock", "600519.SH"),
        ("000001$SZ", "stock", "000001.SZ"),
        ("000001$SH", "stock", "000001.SH"),  # a region names one thing, whatever the asset
        ("000001", "stock", "000001.SZ"),
        ("000001", "indices", "000001.SH"),
        ("000001$GB", "indices", "000001.SH"),
        ("HSI$GB", "indices", "HSI.HK"),
        ("HSI", "indices", "HSI.HK"),
        ("700", "stock", "00700.HK"),
        ("159915$SZ", "fund", "159915.SZ"),
        ("159915", "fund", "159915.SZ"),
        ("430047$BJ", "stock", "920047.BJ"),
        ("430047", "stock", "920047.BJ"),
        ("601999", "stock", "601999.SH"),  # not in the list, but no other exchange has such codes
        ("TEST$CN", "stock", "TEST.CN"),
        ("700.HK", "stock", "00700.HK"),
        ("700.HK$hk", "stock", "00700.HK"),  # its own first sample: region=hk&code=700.HK
        ("600519.SH$SH", "stock", "600519.SH"),
        ("700$HKEX", "stock", "00700.HK"),  # its chart demo names the exchange that the list of symbols tells
        ("600519$SSE", "stock", "600519.SH"),
        ("000001$SZSE", "stock", "000001.SZ"),
        ("920047$BSE", "stock", "920047.BJ"),
        ("TEST$TEST", "stock", "TEST.CN"),
    ],
)
def test_itick_codes_mean_what_their_writers_mean(text, asset, symbol):
    assert str(itick_symbols.read(text, LISTED, asset)) == symbol


@pytest.mark.parametrize(
    ("text", "asset"),
    [("EURUSD$GB", "forex"), ("AAPL$US", "stock"), ("RELIANCE$NSE$IN", "stock"), ("", "stock"), ("$HK", "stock"),
     ("XAUUSD", "stock"), ("1234567$SH", "stock"), ("700.HK$SH", "stock"), ("HSI$GBP", "indices")],
)  # fmt: skip
def test_itick_codes_of_nothing_that_is_carried_are_refused(text, asset):
    with pytest.raises((BadSymbol, UnknownSymbol)):
        itick_symbols.read(text, LISTED, asset)


def test_itick_writes_hong_kong_without_leading_zeros():
    assert itick_symbols.write(LISTED.resolve("00005.HK").id) == "5$HK"
    assert itick_symbols.write(LISTED.resolve("HSI").id) == "HSI$HK"


@pytest.mark.parametrize(
    ("text", "wanted", "symbol"),
    [
        ("00700.HK", "", "00700.HK"),
        ("700.HK", "stock", "00700.HK"),
        ("HSI", "", "HSI.HK"),
        ("HSI", "indices", "HSI.HK"),
        ("000001", "stock", "000001.SZ"),
        ("000001", "indices", "000001.SH"),
        ("000001.SH", "indices", "000001.SH"),
        ("600519", "", "600519.SH"),
        ("920186.BJ", "", "920186.BJ"),
        ("test.cn", "", "TEST.CN"),
    ],
)
def test_tickdb_symbols_mean_what_their_writers_mean(text, wanted, symbol):
    assert str(tickdb_symbols.read(text, LISTED, wanted)) == symbol


def test_a_bare_code_of_a_stock_and_an_index_names_the_types_to_choose_from():
    with pytest.raises(AmbiguousSymbol) as refused:
        tickdb_symbols.read("000001", LISTED)

    assert refused.value.fields == {"available_types": ["indices", "stock"]}


def test_a_type_that_a_symbol_does_not_have_is_refused():
    with pytest.raises(TypeConflict):
        tickdb_symbols.read("600519.SH", LISTED, "indices")
    with pytest.raises(TypeConflict):
        tickdb_symbols.read("600519", LISTED, "indices")
    with pytest.raises(UnknownSymbol):
        tickdb_symbols.read("BTCUSDT", LISTED, "crypto")


def test_alltick_takes_codes_with_their_exchange_and_refuses_what_has_two_meanings():
    assert str(alltick_symbols.read("700.HK", LISTED)) == "00700.HK"
    assert str(alltick_symbols.read("HSI", LISTED)) == "HSI.HK"
    with pytest.raises(BadSymbol, match=r"000001\.SH, 000001\.SZ"):
        alltick_symbols.read("000001", LISTED)


@given(st.text(max_size=40), st.sampled_from(["", *tickdb_symbols.TYPES]), st.sampled_from(itick_symbols.ASSETS))
def test_no_text_is_answered_by_anything_but_an_instrument_or_a_refusal(text, wanted, asset):
    for read in (
        lambda: itick_symbols.read(text, LISTED, asset),
        lambda: tickdb_symbols.read(text, LISTED, wanted),
        lambda: alltick_symbols.read(text, LISTED),
    ):
        try:
            assert str(read())
        except PlatformError:
            continue
