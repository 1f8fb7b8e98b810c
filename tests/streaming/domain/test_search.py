"""Proves that an instrument is found by every way in which people and vendors write it, and that nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.instruments import Instrument
from streaming.domain.search import MOST_HITS, MOST_QUERIES, Found, Index, plain, split
from streaming.reference import directory

LISTED = directory().made(Index)


def symbols(found: Found) -> list[str]:
    return [hit.instrument.symbol for hit in found.hits]


@pytest.mark.parametrize(
    "asked",
    [
        "贵州茅台", "maotai", "gzmt", "600519", "SH600519", "sh600519", "６００５１９", "SSE:600519", "600519.XSHG",
        "600519.SS", "600519.SH", "XSHG:600519", "600519$SH", "guizhoumaotai", "guizhou maotai", "茅台", "moutai",
        "kweichow", "GZMT", "1.600519", " 600519 ", "ｇｚｍｔ", "SH.600519", "sh_600519",
    ],
)  # fmt: skip
def test_moutai_is_the_first_to_be_found_however_it_is_written(asked: str) -> None:
    assert symbols(LISTED.search(asked))[0] == "600519.SH"


@pytest.mark.parametrize("asked", ["700", "0700", "00700", "700$HK", "HK.00700", "0700.HK", "00700.HK", "hk00700",
                                   "腾讯", "tengxun", "Tencent", "116.00700", "00700.XHKG", "txkg"])  # fmt: skip
def test_tencent_is_the_first_to_be_found_however_it_is_written(asked: str) -> None:
    assert symbols(LISTED.search(asked))[0] == "00700.HK"


@pytest.mark.parametrize("asked", ["430047", "430047.BJ", "bj430047", "BJ920047", "920047", "诺思兰德"])
def test_an_old_code_finds_what_it_became(asked: str) -> None:
    found = LISTED.search(asked)

    assert symbols(found) == ["920047.BJ"]
    assert found.hits[0].by == ("former_code" if "430047" in asked else "name" if asked == "诺思兰德" else "code")


def test_a_former_name_finds_what_it_is_called_now() -> None:
    (hit,) = LISTED.search("纳思达").hits

    assert (hit.instrument.name_zh, hit.by) == ("奔图科技", "former_name")


def test_a_code_that_a_stock_and_an_index_share_finds_both_and_says_so() -> None:
    found = LISTED.search("000001")

    assert (found.ambiguous, symbols(found)) == (True, ["000001.SZ", "000001.SH"])
    assert not LISTED.search("000001.SZ").ambiguous
    assert symbols(LISTED.search("sh000001")) == ["000001.SH"]


FEW = Index(
    [
        Instrument("600001.SH", "甲乙", pinyin="jia yi", initials="jy", state="delisted"),
        Instrument("600010.SH", "乙丙", "Yi Bing", pinyin="yi bing", initials="yb"),
        Instrument("600100.SH", "丙甲乙", pinyin="bing jia yi", initials="bjy", former_names="甲乙"),
        Instrument("06001.HK", "甲乙国际", pinyin="jia yi guo ji", initials="jygj"),
        Instrument("300001.SZ", "A+B (C)*", pinyin="a b c", initials="abc"),
    ]
)


def test_the_very_code_comes_before_a_prefix_and_a_name_and_the_delisted_last() -> None:
    assert symbols(FEW.search("600001")) == ["600001.SH"]
    assert symbols(FEW.search("6001")) == ["06001.HK", "600100.SH"]  # its code; then what begins so
    assert symbols(FEW.search("6000")) == ["600010.SH", "600001.SH"]
    assert symbols(FEW.search("甲乙")) == ["600100.SH", "06001.HK", "600001.SH"]  # its name once; begins so; delisted
    assert symbols(FEW.search("jy")) == ["06001.HK", "600100.SH", "600001.SH"]


def test_the_very_code_of_a_delisted_product_is_told_however_few_are_wanted() -> None:
    many = Index(
        [Instrument("600001.SH", "旧", state="delisted")]
        + [Instrument(f"60{n:04d}.SH", f"某600001号{n}") for n in range(100, 130)]
    )

    assert symbols(many.search("600001", limit=2))[-1] == "600001.SH"
    assert len(many.search("600001", limit=2).hits) <= 2


def test_only_a_market_is_searched_where_one_is_said() -> None:
    assert symbols(FEW.search("甲乙", market="HK")) == ["06001.HK"]
    assert symbols(FEW.search("6001", market="CN")) == ["600100.SH"]


def test_at_most_so_many_are_told() -> None:
    assert len(LISTED.search("股份", limit=7).hits) == 7
    assert len(LISTED.search("6", limit=10**9).hits) == MOST_HITS
    assert len(LISTED.search("6", limit=0).hits) == 1


@pytest.mark.parametrize("asked", ["A+B", "(C)", ")*", "b (c)"])
def test_what_means_something_in_a_pattern_means_itself(asked: str) -> None:
    assert symbols(FEW.search(asked)) == ["300001.SZ"]


@pytest.mark.parametrize(
    "asked",
    ["", " ", "\x00\x1b[31m", "😀", "x" * 10_000, "6" * 10_000, ".*", "[", "(?=", "\\", "%", "'; DROP TABLE", "\u202e",
     "\ud800", "ﷺ" * 100, "𝟞𝟘𝟘" * 50, "\n\n", "$", "HK", "SH", ".", "..SH"],
)  # fmt: skip
def test_whatever_is_asked_is_answered(asked: str) -> None:
    assert len(LISTED.search(asked, limit=20).hits) <= 20


@given(st.text(max_size=200))
def test_no_text_can_break_the_search(asked: str) -> None:
    assert len(FEW.search(asked).hits) <= 5
    for part in split(asked):
        FEW.search(part)


def test_control_characters_are_nothing_and_long_texts_are_cut() -> None:
    assert plain("\x00ｇｚ\u200bmt\r") == "GZ MT"
    assert symbols(LISTED.search("600519\x00")) == ["600519.SH"]
    assert len(plain("x" * 10_000)) == 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("600519,00700.HK", ["600519", "00700.HK"]),
        ("600519，00700.HK、腾讯；gzmt\n平安;700", ["600519", "00700.HK", "腾讯", "gzmt", "平安", "700"]),
        ("600519 700  000001", ["600519", "700", "000001"]),
        ("茅台 腾讯 700", ["茅台", "腾讯", "700"]),
        ("Kweichow Moutai", ["Kweichow Moutai"]),  # a name's own space
        ("guizhou maotai、700", ["guizhou maotai", "700"]),
        (" , ;\n", []),
        ("", []),
    ],
)
def test_a_list_is_parted_as_people_part_them(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_a_list_has_an_end() -> None:
    assert len(split("1," * 100_000)) == MOST_QUERIES
    assert len(split(" ".join(["700"] * 1_000))) == MOST_QUERIES


def test_of_a_company_listed_in_both_the_mainland_s_share_comes_first() -> None:
    asked = ("招商银行", "zgpa", "工商银行", "03968")

    assert [symbols(LISTED.search(one))[0] for one in asked] == ["600036.SH", "601318.SH", "601398.SH", "03968.HK"]
