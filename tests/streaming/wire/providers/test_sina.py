"""Sina's rows as its servers sent them: units, instants, sides, states; one unknown code shifts nothing."""

from pathlib import Path

import pytest

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.reference import directory
from streaming.wire.providers import sina

RECORDED = (Path(__file__).parents[3] / "samples" / "sina" / "recorded.txt").read_bytes().decode("gb18030")
SYMBOLS = (
    "000001.SZ",
    "600519.SH",
    "510300.SH",
    "002371.SZ",
    "510050.SH",
    "162411.SZ",
    "160922.SZ",
    "160923.SZ",
    "00700.HK",
)
ASKED = {sina.code_of(one): one for one in map(InstrumentId.parse, SYMBOLS)}


def read(text: str, asked=ASKED):
    return sina.read(text, asked, directory())


def by_symbol(text: str):
    return {str(one.instrument): one for one in reversed(read(text).snapshots)}  # the first of each


def row(code: str, **fields: str) -> str:
    """Return a mainland row with some of its fields, by position: f3 is the last price."""
    values = ["name", "10.00", "9.90", "10.10", "10.20", "9.95", "10.09", "10.10", "5000", "50250.00"]
    for price in ("10.09", "10.08", "10.07", "10.06", "10.05", "10.10", "10.11", "10.12", "10.13", "10.14"):
        values += ["100", price]
    values += ["2026-11-27", "10:00:03", "00"]
    for name, value in fields.items():
        values[int(name[1:])] = value
    return f'var hq_str_{code}="{",".join(values)}";\n'


def clock(at_ms: int) -> str:
    seconds = (at_ms - day_start_ms(exchange_day(at_ms))) // 1000
    return f"{exchange_day(at_ms)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def test_every_recorded_row_is_read_and_the_empty_one_is_unknown() -> None:
    answer = read(RECORDED)

    assert (len(answer.snapshots), answer.unknown, dict(answer.faults)) == (9, ["sz160923"], {})


def test_a_mainland_row_is_in_shares_and_yuan() -> None:
    one = by_symbol(RECORDED)["000001.SZ"]

    assert clock(one.at_ms) == "2026-07-23 15:36:00"
    assert (one.prev_close_e4, one.open_e4, one.high_e4, one.low_e4, one.last_e4) == (
        109_800, 109_200, 111_200, 109_000, 110_800,
    )  # fmt: skip
    # The tail `D|21253|235483.240` is not added: nobody has shown that the totals lack it.
    assert (one.cum_volume, one.cum_turnover_e4) == (109_574_268, 12_108_380_243_800)
    assert (one.bids[0], one.asks[4], one.state) == ((110_700, 238_200), (111_200, 2_108_997), "trading")


def test_hong_kong_has_turnover_before_volume_and_sides_without_volumes() -> None:
    one = by_symbol(RECORDED)["00700.HK"]

    assert clock(one.at_ms) == "2026-08-28 14:04:43"
    assert (one.last_e4, one.cum_volume, one.cum_turnover_e4) == (4_558_000, 16_827_718, 76_591_989_346_300)
    assert (one.bids, one.asks, one.state) == (((4_556_000, 0),), ((4_560_000, 0),), "")


def test_every_recorded_turnover_lies_in_the_days_range() -> None:
    for one in read(RECORDED).snapshots:
        if one.cum_volume:
            assert one.low_e4 - 100 <= one.cum_turnover_e4 / one.cum_volume <= one.high_e4 + 100, one


def test_an_unknown_code_between_two_known_ones_leaves_both_their_own_rows() -> None:
    text = row("sh600519", f3="1500.00") + 'var hq_str_sz160923="";\n' + row("sz000001", f3="11.00")

    answer = read(text)

    assert [(str(one.instrument), one.last_e4) for one in answer.snapshots] == [
        ("600519.SH", 15_000_000), ("000001.SZ", 110_000),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "e4"), [("8.29", 82_900), ("16.08", 160_800), ("19.99", 199_900), ("0.491", 4_910)])
def test_prices_are_moved_by_their_point(text: str, e4: int) -> None:
    assert read(row("sz000001", f3=text)).snapshots[0].last_e4 == e4


@pytest.mark.parametrize(
    ("word", "state"),
    [("00", "trading"), ("01", "halted"), ("02", "suspended"), ("03", "suspended"), ("04", "halted"), ("05", ""),
     ("07", "suspended"), ("-1", ""), ("-2", "delisted"), ("-3", "delisted")],
)  # fmt: skip
def test_a_state_is_believed_where_nobody_orders(word: str, state: str) -> None:
    empty = {f"f{at}": "0" for at in (3, 4, 5, 6, 7, 8, 9, *range(10, 30))}

    quiet = read(row("sz000001", f32=word, **empty)).snapshots[0]
    ordered = read(row("sz000001", f32=word)).snapshots[0]

    assert (quiet.state, quiet.last_e4, quiet.cum_volume, quiet.prev_close_e4) == (state, 0, 0, 99_000)
    assert ordered.state == ("trading" if word == "00" else "")


def test_at_the_upper_limit_the_empty_side_has_no_orders() -> None:
    one = read(row("sz000001", **{f"f{at}": "0.000" if at % 2 else "0" for at in range(20, 30)})).snapshots[0]

    assert (len(one.bids), one.asks) == (5, ())


def test_shanghais_indices_are_in_lots_and_shenzhens_in_shares() -> None:
    symbols = ("000001.SH", "399001.SZ")
    asked = {sina.code_of(one): one for one in map(InstrumentId.parse, symbols)}

    shanghai, shenzhen = read(row("sh000001") + row("sz399001"), asked).snapshots

    assert (shanghai.cum_volume, shenzhen.cum_volume) == (500_000, 5_000)


def test_hong_kongs_indices_tell_their_turnover_in_thousands() -> None:
    index = InstrumentId.parse("HSI.HK")
    fields = (
        "HSI,恒生指数,25000.1,24900,25100,24800,25050.5,150.5,0.6,0,0,123456,987654,0,0,26000,20000,2026/08/28,14:04:43"
    )

    one = read(f'var hq_str_rt_hkHSI="{fields}";', {sina.code_of(index): index}).snapshots[0]

    assert (one.cum_turnover_e4, one.cum_volume, one.bids) == (123_456_000 * 10_000, 987_654, ())


def test_messages_of_the_socket_have_no_quotes_and_lines_about_the_connection() -> None:
    quoted = row("sh600519")
    text = "sys_nxkey=abc\n" + quoted.removeprefix("var hq_str_").replace('"', "").replace(";", "")

    answer = read(text)

    assert ([str(one.instrument) for one in answer.snapshots], dict(answer.faults)) == (["600519.SH"], {})
    assert answer.snapshots == read(quoted).snapshots


def test_half_an_answer_gives_its_whole_rows_and_counts_the_rest() -> None:
    whole, cut = row("sh600519"), row("sz000001")[:90]

    answer = read(whole + cut)

    assert ([str(one.instrument) for one in answer.snapshots], dict(answer.faults)) == (["600519.SH"], {"cut": 1})


@pytest.mark.parametrize("fields", [{"f30": "2026-13-01"}, {"f31": "25:00:00"}, {"f3": "abc"}, {"f8": "1.5"}])
def test_what_is_no_row_is_counted_and_the_next_one_is_read(fields) -> None:
    answer = read(row("sh600519", **fields) + row("sz000001"))

    assert ([str(one.instrument) for one in answer.snapshots], dict(answer.faults)) == (["000001.SZ"], {"row": 1})


def test_a_row_that_is_too_short_is_no_row() -> None:
    assert dict(read('var hq_str_sh600519="name,1,2,3";').faults) == {"row": 1}


def test_a_beijing_code_under_shanghais_name_is_an_error_and_no_silence() -> None:
    with pytest.raises(BadSymbol, match=r"920001\.BJ"):
        sina.code_of(InstrumentId.parse("920001.SH"))

    assert sina.code_of(InstrumentId.parse("920001.BJ")) == "bj920001"
