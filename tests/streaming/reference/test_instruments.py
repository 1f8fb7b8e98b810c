"""Proves that the committed list is whole and right where a wrong row would cost: currencies, aliases, price grids."""

import pytest

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
        ("HSI", "HSI.HK"),
        ("hscei", "HSCEI.HK"),
        ("835185.BJ", "920185.BJ"),
        ("430047.bj", "920047.BJ"),
        ("TEST.CN", "TEST.CN"),
    ],
)
def test_bare_indices_and_former_codes_lead_to_what_is_listed_now(written: str, symbol: str) -> None:
    assert directory().resolve(written).symbol == symbol


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
        ("00700.HK", 3_846_000, 2_000),
        ("02800.HK", 273_500, 200),
    ],
)
def test_every_product_has_the_price_grid_of_its_kind(symbol: str, price_e4: int, tick_e4: int) -> None:
    assert directory().resolve(symbol).tick_e4(price_e4) == tick_e4


def test_every_start_price_stands_on_its_own_price_grid() -> None:
    off_grid = [i.symbol for i in directory() if i.prev_close_e4 <= 0 or i.prev_close_e4 % i.tick_e4(i.prev_close_e4)]

    assert off_grid == []
