"""What providers tell of a day's statistics, in our units: Tencent's recorded rows, and the vendors' pages as published."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Malformed
from kernel.instruments import InstrumentId
from streaming.domain.calendar import day_start_ms
from streaming.domain.statistics import Statistics
from streaming.reference import directory
from streaming.wire.providers import alltick, itick, tencent, tickdb

SAMPLES = Path(__file__).parents[3] / "samples" / "tencent"
DAY = date(2026, 11, 27)
NOW_MS = day_start_ms(DAY) + 36_000_000
MOUTAI, PING_AN, FUND, SSE, TENCENT, SUSPENDED = map(
    InstrumentId.parse, ("600519.SH", "000001.SZ", "510300.SH", "000001.SH", "00700.HK", "002731.SZ")
)


def read(text: str, *instruments: InstrumentId, codes: tuple[str, ...] = ()):
    asked = {tencent.code_of(one): one for one in instruments} | dict(zip(codes, instruments, strict=False))
    return tencent.read(text, asked, directory())


def told(statistics: Statistics) -> dict[str, object]:
    return {name: value for name, value in asdict(statistics).items() if value is not None and name != "instrument"}


def recorded(instrument: InstrumentId, file: str = "recorded.txt", code: str = "") -> dict[str, object]:
    text = (SAMPLES / file).read_bytes().decode("gb18030")
    if code:
        text = "\n".join(line for line in text.split("\n") if line.startswith(f"v_{code}="))
        return told(tencent.read(text, {code: instrument}, directory()).statistics[0])
    (found,) = read(text, instrument).statistics
    return told(found)


def test_a_row_of_shanghai_has_limits_ratios_shares_and_capitalisations_in_yuan():
    assert recorded(MOUTAI) == {
        "day": date(2026, 4, 2),
        "limit_up_e4": 16_053_800, "limit_down_e4": 13_135_000,  # 1605.38 and 1313.50
        "turnover_rate_e4": 1_700,  # 0.17 %: 2,106,400 of 1,252,270,215 shares
        "volume_ratio_e4": 6_100,
        "pe_ttm_e4": 203_100, "pe_dynamic_e4": 212_200, "pe_static_e4": 212_000, "pb_e4": 80_500,
        "total_shares": 1_252_270_215, "circulating_shares": 1_252_270_215,
        "market_cap": 1_828_164_000_000, "circulating_market_cap": 1_828_164_000_000,  # 18281.64 times 10^8
    }  # fmt: skip


def test_its_numbers_fit_each_other():
    one = recorded(MOUTAI)

    assert abs(one["total_shares"] * 1459.88 / one["market_cap"] - 1) < 1e-6
    assert round(100 * 2_106_400 / one["circulating_shares"], 2) == one["turnover_rate_e4"] / 10_000


def test_a_row_of_before_there_were_shares_has_none():
    one = recorded(PING_AN)

    assert (one["limit_up_e4"], one["limit_down_e4"], one["market_cap"]) == (174_900, 143_100, 302_538_000_000)
    assert not {"total_shares", "circulating_shares", "hk_shares", "lot"} & set(one)


def test_a_row_that_was_cut_has_what_stands_in_it():
    assert recorded(FUND) == {"day": date(2026, 9, 18), "turnover_rate_e4": 26_600}


def test_an_index_has_no_limits_and_no_book_value():
    one = recorded(SSE)  # -1 for limits, 0.00 for what it has not

    assert not {"limit_up_e4", "limit_down_e4", "pb_e4", "pe_static_e4", "total_shares"} & set(one)
    assert (one["turnover_rate_e4"], one["market_cap"]) == (8_500, 68_224_582_000_000)


def test_hong_kong_has_other_positions_and_no_limits():
    one = recorded(TENCENT, code="hk00700")  # the delayed row has the newest form

    assert one == {
        "day": date(2026, 9, 30), "lot": 100, "volume_ratio_e4": 14_300, "pe_ttm_e4": 144_500, "pb_e4": 30_100,
        "total_shares": 9_092_605_595, "circulating_shares": 9_092_605_595,
        "market_cap": 3_918_913_010_000, "circulating_market_cap": 3_918_913_010_000,
    }  # fmt: skip
    assert abs(one["total_shares"] * 431 / one["market_cap"] - 1) < 1e-6


def test_of_hong_kongs_pairs_the_larger_is_all_of_them_whichever_place_it_has():
    text = (SAMPLES / "recorded.txt").read_bytes().decode("gb18030")
    row = next(line for line in text.split("\n") if line.startswith("v_hk00700"))
    fields = row.split("~")
    fields[69], fields[70], fields[44], fields[45] = "300.00", "100.00", "0.5", "0.2"

    one = told(read("~".join(fields), TENCENT, codes=("hk00700",)).statistics[0])

    assert (one["total_shares"], one["circulating_shares"]) == (300, 100)
    assert (one["market_cap"], one["circulating_market_cap"]) == (50_000_000, 20_000_000)


def test_a_suspended_row_says_so_and_keeps_its_shares():
    text = (SAMPLES / "suspended.txt").read_bytes().decode("gb18030")
    answer = read(text, SUSPENDED, InstrumentId.parse("300413.SZ"))

    assert [(one.state, one.cum_volume, one.bids) for one in answer.snapshots] == [("suspended", 0, ())] * 2
    assert [one.last_e4 for one in answer.snapshots] == [7_700, 0]
    one = told(answer.statistics[0])
    assert (one["circulating_shares"], one["total_shares"]) == (229_656_400, 256_156_000)
    assert (one["circulating_market_cap"], one["market_cap"]) == (177_000_000, 197_000_000)
    assert "turnover_rate_e4" not in one  # 0.00 is what a page writes for nothing


@pytest.mark.parametrize(
    ("word", "bid", "volume", "state"),
    [("S", "0.00", "0", "suspended"), ("S", "10.09", "0", ""), ("S", "0.00", "7", ""), ("", "10.09", "0", "trading"),
     ("", "0.00", "7", "trading"), ("", "0.00", "0", ""), ("D", "0.00", "0", ""), ("X", "10.09", "7", "")],
)  # fmt: skip
def test_a_word_is_believed_where_nobody_orders_and_none_is_trading_where_somebody_does(word, bid, volume, state):
    text = (SAMPLES / "suspended.txt").read_bytes().decode("gb18030").split("\n")[0]
    fields = text.split("~")
    fields[40], fields[9], fields[6] = word, bid, volume

    (one,) = read("~".join(fields), SUSPENDED).snapshots

    assert one.state == state


def test_a_statistic_that_cannot_be_read_loses_no_price():
    text = (SAMPLES / "recorded.txt").read_bytes().decode("gb18030").replace("~1605.38~", "~what~")
    text = "\n".join(line for line in text.split("\n") if line.startswith("v_sh600519"))

    answer = read(text, MOUTAI)

    assert (len(answer.snapshots), answer.statistics, dict(answer.faults)) == (1, [], {"statistics": 1})


@pytest.mark.parametrize("text", ["9" * 30, "-" + "9" * 30])
def test_a_number_that_no_record_takes_is_refused(text):
    row = (SAMPLES / "recorded.txt").read_bytes().decode("gb18030").split("\n")[0]

    answer = read(row.replace("~20.31~", f"~{text}~"), MOUTAI)

    assert (len(answer.snapshots), answer.statistics) == (1, [])


@given(st.lists(st.sampled_from(["", "0", "0.00", "-1", "-", "1.5", "7", " "]), min_size=88, max_size=88))
def test_nothing_that_is_told_is_ever_zero(values):
    fixed = {3: "10.10", 4: "9.90", 5: "10.00", 6: "100", 30: "20261127100003", 33: "10.20", 34: "9.95", 37: "1"}
    fields = [fixed.get(at, value) for at, value in enumerate(values)]
    fields[9:29], fields[35], fields[61] = ["0"] * 20, "10.10/100/100000", "GP-A"

    answer = read(f'v_sh600519="{"~".join(fields)}";\n', MOUTAI)

    assert 0 not in [value for one in answer.statistics for value in told(one).values()]


# -- the vendors' pages ------------------------------------------------------------------------------------------------

REPORTED = {
    "lot_size": 100, "total_shares": 9_092_605_595, "circulating_shares": "9092605595", "hk_shares": "9092605595",
    "eps": "27.38", "eps_ttm": "29.83", "bps": "143.19", "dividend_yield": "4.5",
}  # fmt: skip
WANTED = Statistics(
    TENCENT, DAY, lot=100, total_shares=9_092_605_595, circulating_shares=9_092_605_595, hk_shares=9_092_605_595,
    eps_e4=273_800, eps_ttm_e4=298_300, bps_e4=1_431_900,
)  # fmt: skip


def test_alltick_tells_what_companies_report():
    text = json.dumps({"ret": 200, "msg": "ok", "data": {"static_info_list": [{"symbol": "700.HK", **REPORTED}]}})

    assert alltick.read_static_info(text, directory(), NOW_MS) == [WANTED]
    assert json.loads(alltick.static_info([TENCENT]))["data"] == {"symbol_list": [{"code": "700.HK"}]}


def test_tickdb_tells_what_companies_report_and_leaves_out_what_it_does_not_know():
    rows = [{"symbol": "700.HK", **REPORTED}, {"symbol": "600519.SH", "lot_size": 100, "eps": ""}, {"symbol": "5.HK"}]
    text = json.dumps({"code": 0, "message": "success", "data": rows})

    found = tickdb.read_stock_info(text, {"700.HK": TENCENT, "600519.SH": MOUTAI}, NOW_MS)

    assert found == [WANTED, Statistics(MOUTAI, DAY, lot=100)]


def test_tickdbs_ratios_are_read_without_the_rate_whose_unit_it_does_not_publish():
    row = {"symbol": "700.HK", "turnover_rate": "0.25", "total_market_value": "3918913012345.67",
           "volume_ratio": "1.43", "pe_ttm_ratio": "14.45", "pb_ratio": "3.01"}  # fmt: skip
    text = json.dumps({"code": 0, "message": "success", "data": [row]})

    (one,) = tickdb.read_indicators(text, {"700.HK": TENCENT}, NOW_MS)

    assert told(one) == {"day": DAY, "market_cap": 3_918_913_012_345, "volume_ratio_e4": 14_300,
                         "pe_ttm_e4": 144_500, "pb_e4": 30_100}  # fmt: skip


def test_itick_tells_them_in_its_older_form():
    data = {"s": "700", "c": "HKD", "l": 100, "t": 9_092_605_595, "cs": 9_092_605_595, "hs": 9_092_605_595,
            "ep": 27.38, "ept": 29.83, "bps": 143.19, "dy": 4.5}  # fmt: skip
    text = json.dumps({"code": 0, "msg": None, "data": data})

    assert itick.read_info(text, directory().described(TENCENT), NOW_MS) == WANTED


@pytest.mark.parametrize(("currency", "capital"), [("HKD", 3_918_913_010_000), ("CNY", None)])
def test_itick_tells_them_in_its_newer_form_where_letters_mean_other_things(currency, capital):
    data = {"c": "700", "n": "Tencent", "t": "stock", "e": "HKEX", "l": "https://logo", "r": "HK",
            "mcb": 3_918_913_010_000, "tso": 9_092_605_595, "pet": 14.45, "fcc": currency}  # fmt: skip
    text = json.dumps({"code": 0, "msg": "ok", "data": data})

    one = itick.read_info(text, directory().described(TENCENT), NOW_MS)

    assert one == Statistics(TENCENT, DAY, total_shares=9_092_605_595, market_cap=capital)


@pytest.mark.parametrize("value", [True, [], {}, "x", "1e99"])
def test_garbage_in_a_page_is_said_to_be_none_of_theirs(value):
    alltick_page = json.dumps({"ret": 200, "data": {"static_info_list": [{"symbol": "700.HK", "eps": value}]}})
    tickdb_page = json.dumps({"code": 0, "data": [{"symbol": "700.HK", "total_shares": value}]})
    itick_page = json.dumps({"code": 0, "data": {"bps": value}})

    for read_page in (
        lambda: alltick.read_static_info(alltick_page, directory(), NOW_MS),
        lambda: tickdb.read_stock_info(tickdb_page, {"700.HK": TENCENT}, NOW_MS),
        lambda: itick.read_info(itick_page, directory().described(TENCENT), NOW_MS),
    ):
        with pytest.raises(Malformed):
            read_page()


@pytest.mark.parametrize("text", ["", "[", '{"ret": 401}', '{"code": 1001}', '{"code": 0}', "[" * 100_000])
def test_a_page_that_refuses_or_is_none_is_malformed(text):
    for read_page in (
        lambda: alltick.read_static_info(text, directory(), NOW_MS),
        lambda: tickdb.read_indicators(text, {}, NOW_MS),
        lambda: itick.read_info(text, directory().described(TENCENT), NOW_MS),
    ):
        with pytest.raises(Malformed):
            read_page()
