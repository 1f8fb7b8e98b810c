"""What a code says of a product, what is wrong with a row, and that a list comes out of its packing as it went in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.instruments import BadSymbol, InstrumentId
from kernel.listing import (
    FIELDS,
    LONGEST_HEAD,
    complete,
    conflicts,
    defaults_of,
    faults,
    head,
    line,
    pack,
    spell,
    unpack,
)


@pytest.mark.parametrize(
    ("symbol", "board", "kind", "currency", "lot", "tick_table"),
    [
        ("600519.SH", "main", "stock", "CNY", 100, "0.01"), ("688981.SH", "star", "stock", "CNY", 200, "0.01"),
        ("689009.SH", "star", "stock", "CNY", 200, "0.01"), ("300750.SZ", "chinext", "stock", "CNY", 100, "0.01"),
        ("301269.SZ", "chinext", "stock", "CNY", 100, "0.01"), ("920047.BJ", "bse", "stock", "CNY", 100, "0.01"),
        ("430047.BJ", "bse", "stock", "CNY", 100, "0.01"), ("510300.SH", "fund", "etf", "CNY", 100, "0.001"),
        ("588000.SH", "fund", "etf", "CNY", 100, "0.001"), ("159915.SZ", "fund", "etf", "CNY", 100, "0.001"),
        ("161725.SZ", "fund", "lof", "CNY", 100, "0.001"), ("501018.SH", "fund", "lof", "CNY", 100, "0.001"),
        ("508000.SH", "fund", "reit", "CNY", 100, "0.001"), ("180101.SZ", "fund", "reit", "CNY", 100, "0.001"),
        ("000001.SH", "index", "index", "CNY", 1, "index"), ("399001.SZ", "index", "index", "CNY", 1, "index"),
        ("899050.BJ", "index", "index", "CNY", 1, "index"), ("000001.SZ", "main", "stock", "CNY", 100, "0.01"),
        ("900901.SH", "b", "stock", "USD", 100, "0.001"), ("200012.SZ", "b", "stock", "HKD", 100, "0.01"),
        ("00700.HK", "hk", "stock", "HKD", 100, "hkex"), ("80700.HK", "hk", "stock", "CNY", 100, "hkex"),
        ("HSI.HK", "index", "index", "HKD", 1, "index"), ("TEST.CN", "test", "stock", "CNY", 100, "0.01"),
    ],
)  # fmt: skip
def test_a_code_says_board_kind_currency_lot_and_step(
    symbol: str, board: str, kind: str, currency: str, lot: int, tick_table: str
) -> None:
    said = {"board": board, "kind": kind, "currency": currency, "lot": lot, "tick_table": tick_table}

    assert defaults_of(InstrumentId.parse(symbol)) == said


def test_a_row_has_what_is_told_and_what_its_code_says_of_the_rest() -> None:
    row = complete({"symbol": "688981.sh", "name_zh": "中芯国际", "lot": "", "sector": None, "colour": "red"})

    assert tuple(sorted(row)) == tuple(sorted(FIELDS))
    assert (row["symbol"], row["lot"], row["board"], row["state"], row["sector"]) == (
        "688981.SH", 200, "star", "trading", "",
    )  # fmt: skip
    with pytest.raises(BadSymbol):
        complete({"name_zh": "无代码"})


GOOD = complete({"symbol": "600519.SH", "name_zh": "贵州茅台", "listed_on": "2001-08-27"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"symbol": "600519.sh"}, "is written 600519.SH"),
        ({"symbol": "1"}, "is not a symbol"),
        ({"name_zh": "", "name_en": ""}, "it has no name"),
        ({"name_zh": "x" * 61}, "61 characters: 60 at most"),
        ({"name_zh": "a\x00b"}, "cannot be shown"),
        ({"board": "moon"}, "board 'moon' is not one of main"),
        ({"kind": "bond"}, "kind 'bond'"),
        ({"state": "gone"}, "state 'gone'"),
        ({"lot": 0}, "lot 0 is no whole number from 1"),
        ({"lot": "100"}, "lot '100'"),
        ({"prev_close_e4": -1}, "prev_close_e4 -1"),
        ({"listed_on": "2001-8-27"}, "is no day: write it like 2001-08-27"),
        ({"delisted_on": "2001-02-30"}, "is no day"),
        ({"former_codes": "600519.SH"}, "is its code today"),
        ({"former_codes": "430047"}, "write it like 430047.BJ"),
    ],
)
def test_what_is_wrong_is_said_with_its_value(changes: dict[str, object], said: str) -> None:
    assert faults(GOOD) == []

    found = faults(GOOD | changes)

    assert len(found) == 1
    assert said in found[0]


def test_a_code_that_two_products_claim_is_a_contradiction() -> None:
    other = complete({"symbol": "600518.SH", "name_zh": "康美", "former_codes": "600519.SH"})
    third = complete({"symbol": "600517.SH", "name_zh": "别", "former_codes": "600001.SH"})
    fourth = complete({"symbol": "600516.SH", "name_zh": "又", "former_codes": "600001.SH"})

    assert conflicts([GOOD, third]) == {}
    assert conflicts([GOOD, other]) == {
        "600518.SH": "600519.SH belongs to 600519.SH already: take it out of one of the two"
    }
    assert list(conflicts([third, fourth])) == ["600516.SH"]


def read(run: str) -> list[str]:
    return [{"贵": "gui", "州": "zhou", "长": "zhang", "安": "an", "科": "ke", "万": "wan"}[one] for one in run]


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [("贵州", "gui zhou", "gz"), ("万科Ａ", "wan ke a", "wka"), ("长安", "chang an", "ca"), ("*ST贵州", "st gui zhou", "stgz"),
     ("TCL-W", "tcl w", "tclw"), ("", "", "")],
)  # fmt: skip
def test_a_name_is_spelled_by_syllables_and_by_initials(name: str, pinyin: str, initials: str) -> None:
    assert spell(name, read) == (pinyin, initials)


def test_a_packed_list_says_its_number_in_its_first_characters() -> None:
    packed = pack(17, [line(GOOD)])

    assert head(packed) == head(packed[:LONGEST_HEAD]) == 17
    assert json.loads(unpack(packed)) == [GOOD[name] for name in FIELDS]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n")), min_size=1))
def test_lines_come_out_as_they_went_in(lines: list[str]) -> None:
    assert unpack(pack(1, lines)).decode().split("\n") == lines


@pytest.mark.parametrize(
    "text", ["", "1", "2 7 abc", "1 x abc", "1 7", "1 7 ~~~", pack(7, ["x" * 1000])[:-9], "1 -7 a"]
)
def test_what_is_no_list_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(ValueError, match="list of instruments"):
        unpack(text)
