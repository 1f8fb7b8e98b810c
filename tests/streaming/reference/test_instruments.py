"""Proves that the committed list is whole and that people's ways of writing a symbol lead to one instrument."""

import pytest

from kernel.instruments import BadSymbol, InstrumentId
from streaming.errors import UnknownSymbol
from streaming.reference import directory


def test_the_list_has_at_least_five_hundred_products_of_every_kind() -> None:
    kinds = {(instrument.id.venue.value, instrument.kind) for instrument in directory()}

    assert len(directory()) >= 500
    for venue in ("SH", "SZ", "HK"):
        assert {(venue, "stock"), (venue, "etf"), (venue, "index")} <= kinds
    assert {("BJ", "stock"), ("SH", "reit"), ("SZ", "lof")} <= kinds


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("600519.SH", "600519.SH"),
        ("600519.sh", "600519.SH"),
        ("700.HK", "00700.HK"),
        ("0700.hk", "00700.HK"),
        ("HSI", "HSI.HK"),
        ("hscei", "HSCEI.HK"),
        ("835185.BJ", "920185.BJ"),
        ("430047.bj", "920047.BJ"),
        ("TEST.CN", "TEST.CN"),
    ],
)
def test_every_way_to_write_a_symbol_leads_to_one_instrument(written: str, symbol: str) -> None:
    assert directory().resolve(written).symbol == symbol


def test_a_symbol_that_is_not_listed_is_unknown_by_name() -> None:
    with pytest.raises(UnknownSymbol) as refusal:
        directory().resolve("999999.SH")

    assert refusal.value.fields == {"symbol": "999999.SH"}


@pytest.mark.parametrize("text", ["", "600519", "600519.XX", "＆.HK", "x" * 100])
def test_what_has_no_symbols_form_is_a_bad_symbol(text: str) -> None:
    with pytest.raises(BadSymbol):
        directory().resolve(text)


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [("600519.SH", "CNY"), ("900901.SH", "USD"), ("200012.SZ", "HKD"), ("00700.HK", "HKD"), ("80700.HK", "CNY")],
)
def test_the_trading_currency_is_the_share_classes_own(symbol: str, currency: str) -> None:
    assert directory().resolve(symbol).currency == currency


@pytest.mark.parametrize(
    ("symbol", "price_e4", "tick_e4"),
    [
        ("600519.SH", 18_457_600, 100),
        ("510300.SH", 40_520, 10),
        ("00700.HK", 2_400, 10),
        ("00700.HK", 99_900, 100),
        ("00700.HK", 3_846_000, 2_000),
        ("00700.HK", 9_900_000, 5_000),
        ("02800.HK", 273_500, 200),
    ],
)
def test_the_price_step_depends_on_product_and_price(symbol: str, price_e4: int, tick_e4: int) -> None:
    assert directory().resolve(symbol).tick_e4(price_e4) == tick_e4


def test_every_start_price_stands_on_its_own_price_grid() -> None:
    off_grid = [i.symbol for i in directory() if i.prev_close_e4 <= 0 or i.prev_close_e4 % i.tick_e4(i.prev_close_e4)]

    assert off_grid == []


@pytest.mark.parametrize(
    ("symbol", "board", "currency"),
    [
        ("688999.SH", "star", "CNY"), ("302999.SZ", "chinext", "CNY"), ("920999.BJ", "bse", "CNY"),
        ("609999.SH", "main", "CNY"), ("900999.SH", "main", "USD"), ("200999.SZ", "main", "HKD"),
        ("09997.HK", "hk", "HKD"), ("89997.HK", "hk", "CNY"),
    ],
)  # fmt: skip
def test_a_product_that_the_list_lacks_is_described_by_its_code_and_stands_in_no_list(symbol, board, currency) -> None:
    described = directory().described(InstrumentId.parse(symbol))

    assert (described.symbol, described.board, described.currency) == (symbol, board, currency)
    assert symbol not in directory()
