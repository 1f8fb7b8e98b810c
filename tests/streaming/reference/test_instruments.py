"""Proves that the committed list is whole and right where a wrong row would cost: currencies, aliases, price grids."""

import csv
from pathlib import Path

import pytest

from kernel.listing import complete, conflicts, faults, line
from streaming.reference import directory, instruments

FOLDER = Path(instruments.__file__).parent


def test_the_list_has_at_least_five_thousand_a_shares_and_products_of_every_kind() -> None:
    kinds = {(instrument.id.venue.value, instrument.kind) for instrument in directory()}

    assert sum(one.market == "CN" and one.kind == "stock" and one.state == "trading" for one in directory()) >= 5_000
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
    off_grid = [i.symbol for i in directory() if i.prev_close_e4 % i.tick_e4(i.prev_close_e4)]

    assert off_grid == []


def test_rows_by_hand_are_in_the_list_as_they_were_written() -> None:
    with (FOLDER / "instruments.csv").open(encoding="utf-8", newline="") as file:
        by_hand = list(csv.DictReader(file))

    assert len(by_hand) >= 831
    for told in by_hand:
        one = directory().resolve(told["symbol"])
        assert one.prev_close_e4 == round(float(told["prev_close"]) * 10_000), told
        assert (str(one.lot), one.board, one.kind) == (told["lot"], told["board"], told["kind"]), told
        assert told["name_zh"] in (one.name_zh, *one.former_names.split()), told


def test_every_row_of_the_list_can_stand_in_a_list() -> None:
    rows = instruments.committed_rows()

    assert {row["symbol"]: found for row in rows if (found := faults(row))} == {}
    assert conflicts(rows) == {}
    assert len({row["symbol"] for row in rows}) == len(rows)
    assert all(row["pinyin"] and row["initials"] for row in rows)


@pytest.mark.parametrize(
    ("symbol", "name", "pinyin", "initials"),
    [
        ("600519.SH", "贵州茅台", "gui zhou mao tai", "gzmt"),
        ("000001.SZ", "平安银行", "ping an yin hang", "payh"),
        ("600132.SH", "重庆啤酒", "chong qing pi jiu", "cqpj"),
        ("000625.SZ", "长安汽车", "chang an qi che", "caqc"),
        ("000100.SZ", "TCL科技", "tcl ke ji", "tclkj"),
    ],
)  # fmt: skip
def test_names_are_spelled_as_people_spell_them(symbol: str, name: str, pinyin: str, initials: str) -> None:
    one = directory().resolve(symbol)

    assert (one.name_zh, one.pinyin, one.initials) == (name, pinyin, initials)


def test_a_published_list_counts_until_there_is_none_and_what_was_remembered_is_forgotten() -> None:
    @instruments.remembered(10)
    def name(symbol: str) -> str:
        return directory().resolve(symbol).name_zh

    same, before = directory(), name("600519.SH")
    try:
        row = complete({"symbol": "600519.SH", "name_zh": "新名"})
        moved = instruments.take(7, line(row).encode())

        assert (directory() is same, instruments.rev(), len(directory()), moved) == (True, 7, 1, {})
        assert name("600519.SH") == "新名"
        with pytest.raises(ValueError, match="cannot be read"):
            instruments.take(8, b'["600519.SH"]')
        assert (instruments.rev(), name("600519.SH")) == (7, "新名")
    finally:
        instruments.take(0, None)
    assert (name("600519.SH"), instruments.rev()) == (before, 0)
    assert len(directory()) > 5_000
