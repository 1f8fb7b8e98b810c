"""What a file of instruments changes: new, changed, renamed, gone and refused, each with what it was before."""

import pytest

from kernel.listing import MOST_ROWS, complete
from nodes.domain.listings import compare, read_listed

MOUTAI = complete({"symbol": "600519.SH", "name_zh": "贵州茅台", "pinyin": "g", "prev_close_e4": 5, "lot": 100})
PUFA = complete({"symbol": "600000.SH", "name_zh": "浦发银行", "pinyin": "p"})
ETF = complete({"symbol": "510300.SH", "name_zh": "沪深300ETF", "pinyin": "e"})
OLD = complete(
    {"symbol": "430047.BJ", "name_zh": "诺思兰德", "pinyin": "n", "prev_close_e4": 7, "listed_on": "2020-11-24"}
)
IN_FORCE = {row["symbol"]: row for row in (MOUTAI, PUFA, ETF, OLD)}


def syllables(run):
    return ["yi"] * len(run)


def compared(*rows, whole=False, in_force=IN_FORCE):
    return compare(read_listed(enumerate(rows, start=2)), in_force, whole=whole, syllables=syllables)


def test_a_product_that_is_not_there_is_new_with_what_its_code_says():
    (new,) = compared({"symbol": "688981.SH", "name_zh": "中芯国际"}).new

    assert (new.before, new.after["board"], new.after["lot"], new.after["pinyin"]) == (None, "star", 200, "yi yi yi yi")


def test_a_changed_row_has_before_and_after_and_keeps_what_is_not_said():
    difference = compared({"symbol": "600519.SH", "name_zh": "茅台", "sector": "制造业"})

    (change,) = difference.changed
    assert (change.before["name_zh"], change.after["name_zh"]) == ("贵州茅台", "茅台")
    assert set(change.fields) == {"name_zh", "sector", "pinyin", "initials", "former_names"}
    assert (change.after["former_names"], change.after["prev_close_e4"]) == ("贵州茅台", 5)
    assert (difference.new, difference.gone, difference.same) == ([], [], 0)


def test_a_mark_of_trouble_before_a_name_is_no_former_name():
    (change,) = compared({"symbol": "600519.SH", "name_zh": "*ST贵州茅台"}).changed

    assert change.after["former_names"] == ""


def test_what_a_whole_file_lacks_is_delisted_of_its_own_family_alone():
    (gone,) = compared({"symbol": "600519.SH", "name_zh": "贵州茅台"}, whole=True).gone

    assert (gone.symbol, gone.before["state"], gone.after["state"]) == ("600000.SH", "trading", "delisted")
    assert compared({"symbol": "600519.SH", "name_zh": "贵州茅台"}, whole=False).is_empty


def test_a_new_code_takes_over_what_the_old_one_had_and_the_old_row_goes():
    difference = compared({"symbol": "920047.BJ", "former_codes": "430047.BJ"}, whole=True)

    (new,) = difference.new
    assert (new.after["name_zh"], new.after["prev_close_e4"], new.after["listed_on"]) == ("诺思兰德", 7, "2020-11-24")
    assert [(one.symbol, one.after["symbol"]) for one in difference.renamed] == [("430047.BJ", "920047.BJ")]
    assert difference.gone == []  # it did not leave, it has another code


def test_an_old_code_that_a_file_still_writes_is_refused_with_the_new_one():
    in_force = {"920047.BJ": complete({"symbol": "920047.BJ", "name_zh": "诺思兰德", "former_codes": "430047.BJ"})}

    (reject,) = compared({"symbol": "430047.BJ", "name_zh": "诺思兰德"}, in_force=in_force).rejects

    assert (reject.line, reject.reason) == (2, "it is 920047.BJ today: write that code")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"symbol": "999", "name_zh": "甲"}, "is not a symbol"),
        ({"symbol": "", "name_zh": "甲"}, "is not a symbol"),
        ({"symbol": "600001.SH"}, "it has no name"),
        ({"symbol": "600001.SH", "name_zh": "甲", "lot": "1e3"}, "lot '1e3' is no whole number"),
        ({"symbol": "600001.SH", "name_zh": "甲", "prev_close": "-1"}, "is no price"),
        ({"symbol": "600001.SH", "name_zh": "甲", "board": "x"}, "board 'x' is not one of"),
        ({"symbol": "600001.SH", "name_zh": "甲", "listed_on": "gestern"}, "is no day"),
        ({"symbol": "600001.SH", "name_zh": "甲", "former_codes": "600000.SH 600519.SH"}, ""),
    ],
)
def test_a_bad_line_is_named_with_its_reason_and_spoils_no_other(row, said):
    difference = compared(row, {"symbol": "600002.SH", "name_zh": "乙"})

    if said:
        (reject,) = difference.rejects
        assert (reject.line, said in reject.reason) == (2, True)
        assert [one.symbol for one in difference.new] == ["600002.SH"]
    else:  # it swallows two that trade: told, and for the operator to judge
        assert [one.symbol for one in difference.renamed] == ["600000.SH", "600519.SH"]


def test_a_former_code_that_two_claim_is_refused():
    difference = compared(
        {"symbol": "920001.BJ", "name_zh": "甲", "former_codes": "830001.BJ"},
        {"symbol": "920002.BJ", "name_zh": "乙", "former_codes": "830001.BJ"},
    )

    assert [one.symbol for one in difference.new] == ["920001.BJ"]
    assert [(one.symbol, "belongs to 920001.BJ" in one.reason) for one in difference.rejects] == [("920002.BJ", True)]


def test_a_symbol_that_stands_twice_counts_once():
    (reject,) = compared({"symbol": "600519.SH"}, {"symbol": "600519.sh"}).rejects

    assert reject.reason == "it stands in line 2 already"


def test_prices_days_and_states_are_read_as_lists_write_them():
    (new,) = compared(
        {"symbol": "600001.SH", "name_zh": "甲", "prev_close": "12.3", "listed_on": "20010827", "state": "L"}
    ).new

    assert [new.after[name] for name in ("prev_close_e4", "listed_on", "state")] == [123_000, "2001-08-27", "trading"]


def test_a_file_has_an_end():
    with pytest.raises(ValueError, match=f"more than {MOST_ROWS} rows"):
        read_listed((n, {"symbol": "x"}) for n in range(MOST_ROWS + 1))
