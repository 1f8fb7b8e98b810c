"""Proves that people's ways of writing a symbol lead to one instrument, and that one which no list has is still told."""

from collections.abc import Iterable

import pytest

from kernel.instruments import BadSymbol, InstrumentId
from kernel.listing import FIELDS
from streaming.domain.instruments import Directory, Instrument
from streaming.errors import UnknownSymbol


def listed(symbol: str, tick_table: str = "0.01", **more: str) -> Instrument:
    return Instrument(symbol, symbol, symbol, tick_table=tick_table, prev_close_e4=100_000, **more)


TENCENT, TRACKER, MOUTAI, MOVED, INDEX = (
    listed("00700.HK", "hkex"), listed("02800.HK", "hkex-etf"), listed("600519.SH"),
    listed("920185.BJ", former_codes="835185.BJ"), listed("HSI.HK", "index", aliases="HSI"),
)  # fmt: skip
FEW = Directory([TENCENT, TRACKER, MOUTAI, MOVED, INDEX])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("600519.SH", MOUTAI), ("600519.sh", MOUTAI), (" 600519.SH ", MOUTAI), ("700.HK", TENCENT), ("0700.hk", TENCENT),
        ("HSI", INDEX), ("hsi", INDEX), ("835185.BJ", MOVED), ("835185.bj", MOVED),
    ],
)  # fmt: skip
def test_every_way_to_write_a_symbol_leads_to_one_instrument(written: str, meant: Instrument) -> None:
    assert FEW.resolve(written) is meant


def test_a_symbol_that_is_not_listed_is_unknown_by_name() -> None:
    with pytest.raises(UnknownSymbol) as refusal:
        FEW.resolve("999999.SH")

    assert refusal.value.fields == {"symbol": "999999.SH"}


@pytest.mark.parametrize("text", ["", "600519", "600519.XX", "＆.HK", "x" * 100])
def test_what_has_no_symbols_form_is_a_bad_symbol(text: str) -> None:
    for read in (FEW.resolve, FEW.identify):
        with pytest.raises(BadSymbol):
            read(text)


def test_what_the_list_lacks_is_identified_all_the_same() -> None:
    assert FEW.identify("9988.hk") == InstrumentId.parse("09988.HK")
    assert FEW.identify("835185.BJ") == MOVED.id


def test_a_symbol_is_remembered_by_the_list_that_was_asked() -> None:
    other = Directory([listed("HSCEI.HK", aliases="HSI")])

    for _ in range(2):  # read, then remembered
        assert FEW.canonical("HSI") == INDEX.id
        assert other.canonical("HSI") == InstrumentId.parse("HSCEI.HK")
    with pytest.raises(BadSymbol):
        FEW.canonical("x" * 100)


def test_a_lane_has_its_instruments_in_the_order_of_the_list() -> None:
    assert FEW.in_lane("HK") == [TENCENT, TRACKER, INDEX]
    assert FEW.in_lane("CN") == [MOUTAI, MOVED]


@pytest.mark.parametrize(
    ("instrument", "price_e4", "tick_e4"),
    [
        (MOUTAI, 18_457_600, 100),
        (TENCENT, 2_400, 10),
        (TENCENT, 2_500, 50),  # a step begins at its own price
        (TENCENT, 99_900, 100),
        (TENCENT, 3_846_000, 2_000),
        (TENCENT, 9_900_000, 5_000),
        (TRACKER, 273_500, 200),
    ],
)
def test_the_price_step_depends_on_product_and_price(instrument: Instrument, price_e4: int, tick_e4: int) -> None:
    assert instrument.tick_e4(price_e4) == tick_e4


def test_what_is_listed_is_described_by_its_row() -> None:
    assert FEW.described(TENCENT.id) is TENCENT


@pytest.mark.parametrize(
    ("symbol", "board", "currency"),
    [
        ("688999.SH", "star", "CNY"), ("302999.SZ", "chinext", "CNY"), ("920999.BJ", "bse", "CNY"),
        ("609999.SH", "main", "CNY"), ("900999.SH", "b", "USD"), ("200999.SZ", "b", "HKD"),
        ("09997.HK", "hk", "HKD"), ("89997.HK", "hk", "CNY"),
    ],
)  # fmt: skip
def test_a_product_that_the_list_lacks_is_described_by_its_code_and_stands_in_no_list(
    symbol: str, board: str, currency: str
) -> None:
    described = FEW.described(InstrumentId.parse(symbol))

    assert (described.symbol, described.board, described.currency) == (symbol, board, currency)
    assert symbol not in FEW


def test_a_row_is_read_in_the_order_in_which_the_list_travels() -> None:
    assert Instrument.__struct_fields__ == FIELDS


def test_a_directory_that_takes_another_list_says_whose_code_has_changed() -> None:
    directory = Directory([listed("835185.BJ"), MOUTAI])
    held = directory.canonical
    assert directory.canonical("835185.BJ") == InstrumentId.parse("835185.BJ")

    moved = directory.take([MOVED, MOUTAI])

    assert moved == {InstrumentId.parse("835185.BJ"): MOVED.id}
    assert directory.canonical("835185.BJ") == MOVED.id
    assert held("835185.BJ") == InstrumentId.parse("835185.BJ")  # who kept the old memory would be wrong
    assert directory.codes_of(MOVED.id) == ("920185.BJ", "835185.BJ")
    assert directory.take([MOVED, MOUTAI]) == {}  # told once


def test_a_former_code_that_trades_again_is_not_taken_away() -> None:
    directory = Directory([MOUTAI])

    assert directory.take([MOUTAI, MOVED, listed("835185.BJ")]) == {}


def test_what_is_made_of_a_list_is_made_once_and_anew_for_another() -> None:
    directory, made = Directory([MOUTAI]), []

    def count(instruments: Iterable[Instrument]) -> int:
        made.append(1)
        return len(list(instruments))

    assert (directory.made(count), directory.made(count)) == (1, 1)
    directory.take([MOUTAI, TENCENT])

    assert (directory.made(count), len(made)) == (2, 2)
