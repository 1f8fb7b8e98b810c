"""Tencent's rows as its servers sent them: lots and shares by board, rows found by their names, absent numbers absent."""

from pathlib import Path

import pytest

from kernel.instruments import BadSymbol, InstrumentId
from streaming.reference import directory
from streaming.wire.providers import tencent

RECORDED = (Path(__file__).parents[3] / "samples" / "tencent" / "recorded.txt").read_bytes().decode("gb18030")
SYMBOLS = ("600519.SH", "000001.SZ", "510300.SH", "000001.SH", "00700.HK")
ASKED = {tencent.code_of(one): one for one in map(InstrumentId.parse, SYMBOLS)}


def read(text: str, asked=ASKED):
    return tencent.read(text, asked, directory())


def one_of(symbol: str):
    return next(one for one in read(RECORDED).snapshots if str(one.instrument) == symbol)


def row(code: str, *, board: str = "GP-A", **fields: str) -> str:
    """Return a row of 88 fields with some of its own, by position: f3 is the last price."""
    values = [""] * 88
    said = {0: "1", 1: "name", 2: code[2:], 3: "10.10", 4: "9.90", 5: "10.00", 6: "1234567", 30: "20261127100003",
            33: "10.20", 34: "9.95", 35: "10.10/1234567/12463955.5", 36: "1234567", 37: "1246", 61: board}  # fmt: skip
    said |= dict.fromkeys(range(9, 19, 2), "10.09") | dict.fromkeys(range(19, 29, 2), "10.10")
    said |= {at: "3" for at in range(10, 30, 2) if at not in said}
    for at, value in (said | {int(name[1:]): value for name, value in fields.items()}).items():
        values[at] = value
    return f'v_{code}="{"~".join(values)}";\n'


def test_lots_become_shares_and_the_exact_turnover_is_taken() -> None:
    one = one_of("600519.SH")

    assert (one.cum_volume, one.cum_turnover_e4) == (2_106_400, 30_718_098_460_000)
    assert (one.last_e4, one.prev_close_e4, one.open_e4, one.high_e4, one.low_e4) == (
        14_598_800, 14_594_400, 14_594_400, 14_648_800, 14_521_000,
    )  # fmt: skip
    assert (one.bids[0], one.asks[4]) == ((14_594_400, 100), (14_600_200, 100))


def test_hong_kong_is_in_shares_with_an_empty_fraction() -> None:
    one = one_of("00700.HK")

    assert (one.cum_volume, one.cum_turnover_e4) == (41_115_421, 168_994_655_783_000)


def test_rows_of_every_age_are_read_and_those_nobody_asked_for_are_counted() -> None:
    answer = read(RECORDED)

    assert [str(one.instrument) for one in answer.snapshots] == list(SYMBOLS)
    assert (dict(answer.faults), answer.unknown) == (
        {"not_asked": 2},
        [],
    )  # delayed rows of Hong Kong are never asked for


def test_every_recorded_turnover_lies_in_the_days_range() -> None:
    for one in read(RECORDED).snapshots:
        if str(one.instrument) != "000001.SH":
            assert one.low_e4 - 100 <= one.cum_turnover_e4 / one.cum_volume <= one.high_e4 + 100, one


@pytest.mark.parametrize(
    ("symbol", "word", "shares"),
    [("688981.SH", "GP-A-KCB", 1_234_567), ("688981.SH", "", 1_234_567), ("600519.SH", "GP-A", 123_456_700),
     ("300750.SZ", "GP-A-CYB", 123_456_700), ("510300.SH", "ETF", 123_456_700), ("000001.SH", "ZS", 123_456_700),
     ("399001.SZ", "ZS", 123_456_700)],
)  # fmt: skip
def test_star_counts_in_shares_and_all_other_boards_in_lots(symbol: str, word: str, shares: int) -> None:
    instrument = InstrumentId.parse(symbol)
    code = tencent.code_of(instrument)

    one = read(row(code, board=word), {code: instrument}).snapshots[0]

    assert one.cum_volume == shares
    assert one.bids[0] == (100_900, 300)  # orders are in lots everywhere


def test_a_missing_row_is_known_by_its_name_and_no_other_row_takes_its_place() -> None:
    answer = read(row("sh600519", f3="1500.00") + row("sz000001", f3="11.00"))

    assert [(str(one.instrument), one.last_e4) for one in answer.snapshots] == [
        ("600519.SH", 15_000_000), ("000001.SZ", 110_000),
    ]  # fmt: skip
    assert answer.unknown == ["sh510300", "sh000001", "r_hk00700"]


def test_nothing_known_at_all_is_said_in_one_statement() -> None:
    answer = read('v_pv_none_match="1";\n')

    assert (answer.snapshots, answer.unknown, dict(answer.faults)) == ([], list(ASKED), {})


def test_a_cut_answer_makes_nobody_unknown() -> None:
    answer = read(row("sh600519") + row("sz000001")[:200])

    assert (len(answer.snapshots), answer.unknown, dict(answer.faults)) == (1, [], {"cut": 1})


def test_absent_numbers_are_absent() -> None:
    one = read(row("sh600519", f3="0.00", f4="-1", f33="", f19="0.00", f20="0", f35="")).snapshots[0]

    assert (one.last_e4, one.prev_close_e4, one.high_e4, one.cum_turnover_e4) == (0, 0, 0, 0)
    assert one.asks[0] == (101_000, 300)
    assert len(one.asks) == 4


def test_a_fund_tells_its_indicative_value() -> None:
    assert read(row("sh510300", board="ETF", f78="4.5812")).snapshots[0].iopv_e4 == 45_812
    assert read(row("sh600519", board="GP-A", f78="4.5812")).snapshots[0].iopv_e4 == 0


@pytest.mark.parametrize("fields", [{"f30": "2026112710"}, {"f30": "20261327100003"}, {"f3": "abc"}])
def test_what_is_no_row_is_counted(fields) -> None:
    assert dict(read(row("sh600519", **fields)).faults) == {"row": 1}


def test_a_beijing_code_under_shanghais_name_is_an_error_and_no_silence() -> None:
    with pytest.raises(BadSymbol, match=r"920001\.BJ"):
        tencent.code_of(InstrumentId.parse("920001.SH"))
