"""Sina and Tencent as lines of a market, each through a real server that speaks its page, with the page's faults."""

from dataclasses import replace

import pytest

from streaming.reference import directory
from tests.streaming.ingest.sources.live.emulators.pages import Pages, SinaPages, TencentPages, serving
from tests.streaming.ingest.sources.live.emulators.rows import (
    Moment,
    sina_hong_kong_row,
    sina_row,
    tencent_hong_kong_row,
    tencent_row,
)
from tests.streaming.ingest.sources.live.playing import Day, Playing

SYMBOLS = ("600519.SH", "000001.SZ", "688981.SH")
CODES = ("sh600519", "sz000001", "sh688981")
BOARDS = {"sh688981": "GP-A-KCB"}
PAGES = {"sina": (SinaPages, sina_row), "tencent": (TencentPages, tencent_row)}


def put(pages: Pages, provider: str, day: Day, volumes: dict[str, int], /, **more: str) -> None:
    write = PAGES[provider][1]
    for code, volume in volumes.items():
        more_of = {"board": BOARDS.get(code, "GP-A"), **more}
        pages.rows[code] = write(Moment(volume, clock=day.clock(), **more_of))


@pytest.fixture(params=["sina", "tencent"])
def provider(request) -> str:
    return request.param


@pytest.fixture
def pages(provider):
    return PAGES[provider][0]()


def test_bars_are_in_shares_and_yuan_on_every_board(provider, pages):
    day = Day()
    put(pages, provider, day, dict.fromkeys(CODES, 100_000))
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: len(playing.references()) == 3)
        put(pages, provider, day, {"sh600519": 100_300, "sz000001": 101_000, "sh688981": 100_217})
        playing.until(lambda: sum(playing.volumes().values()) >= 1_517)

    assert playing.volumes() == {"600519.SH": 300, "000001.SZ": 1_000, "688981.SH": 217}
    assert playing.turnovers() == {
        "600519.SH": 3_000 * 10_000,
        "000001.SZ": 10_000 * 10_000,
        "688981.SH": 2_170 * 10_000,
    }
    assert playing.closes() == dict.fromkeys(SYMBOLS, 100_000)
    assert playing.references() == dict.fromkeys(SYMBOLS, 99_000)
    assert playing.market.lines.conditions()[provider].problem == ""


def test_orders_are_in_shares_also_where_the_volume_is_in_lots(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.pictures("600519.SH"))

    picture = playing.pictures("600519.SH")[0]
    assert (picture.bids, picture.asks) == (((99_900, 300),), ((100_100, 300),))


def test_a_page_that_is_asked_again_tells_nothing_twice(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: len(pages.asked) >= 8)

    assert len(playing.pictures("600519.SH")) == 1
    assert playing.market.counters()["told_again"] >= 5


def test_an_unknown_code_between_known_ones_shifts_nothing_and_is_named(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000, "sh688981": 500}, last="11.00")
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: len(playing.pictures("688981.SH")) >= 1)
        condition = playing.market.lines.conditions()[provider]

    days = {symbol: playing.pictures(symbol)[0].day for symbol in ("600519.SH", "688981.SH")}
    assert {symbol: one.last_e4 for symbol, one in days.items()} == {"600519.SH": 100_000, "688981.SH": 110_000}
    assert condition.remark == "It knows nothing of sz000001."


def test_nothing_known_at_all_is_said(provider, pages):
    day = Day()
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.market.lines.conditions()[provider].remark)

        assert "sh600519" in playing.market.lines.conditions()[provider].remark
    assert playing.windows == [] or playing.volumes() == {}


def test_half_an_answer_loses_nothing_for_good(provider, pages):
    day = Day()
    put(pages, provider, day, dict.fromkeys(CODES, 100_000))
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: len(playing.references()) == 3)
        pages.half = True
        put(pages, provider, day, dict.fromkeys(CODES, 100_500))
        playing.until(lambda: playing.market.counters()["cut"])
        pages.half = False
        playing.until(lambda: sum(playing.volumes().values()) == 1_500)

    assert playing.market.lines.conditions()[provider].problem == ""


@pytest.mark.parametrize("fault", ["cut", "status"])
def test_after_a_lost_connection_and_an_error_of_theirs_it_goes_on(provider, pages, fault):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.references())
        if fault == "cut":
            pages.cut = True
        else:
            pages.status = 502
        playing.until(lambda: playing.market.lines.conditions()[provider].problem)
        problem = playing.market.lines.conditions()[provider].problem
        put(pages, provider, day, {"sh600519": 100_700})
        pages.cut, pages.status = False, 200
        playing.until(lambda: playing.volumes() == {"600519.SH": 700})

    assert playing.market.lines.conditions()[provider].problem == "" or playing.volumes()
    assert ("cannot be reached" in problem) if fault == "cut" else ("502" in problem)


def test_too_often_is_one_sentence_and_the_page_is_left_alone(provider, pages):
    day = Day()
    pages.status, pages.retry_after = 429, "1"
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.market.lines.conditions()[provider].state == "refused")
        condition = playing.market.lines.conditions()[provider]
        asked = len(pages.asked)
        playing.play(0.8)

        assert len(pages.asked) == asked
    assert "asked too often" in condition.problem
    assert f"TICKPACK_{provider.upper()}_PER_MINUTE" in condition.problem


def test_sina_bars_this_address_in_its_own_words():
    day, pages = Day(), SinaPages()
    pages.body = "Kinsoku jikou desu!"
    with serving(pages) as url, Playing(day, {"sina": day.source("sina", url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.market.lines.conditions()["sina"].state == "refused")

        assert "barred" in playing.market.lines.conditions()["sina"].problem


def test_yesterdays_row_before_the_open_makes_neither_a_bar_nor_a_baseline(provider, pages):
    day = Day("09:24:58")
    put(pages, provider, day, {"sh600519": 1_000_000}, day="2026-11-26")
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.market.counters()["another_day"])
        playing.until(lambda: day.clock() >= "09:25:02")
        put(pages, provider, day, {"sh600519": 5_000})
        playing.until(lambda: playing.volumes())

    assert playing.volumes() == {"600519.SH": 5_000}
    assert playing.market.counters()["another_day"] == 1  # though it was asked for again and again


def test_a_suspended_instrument_is_said_to_be_and_has_no_bar():
    day, pages = Day(), SinaPages()
    put(
        pages,
        "sina",
        day,
        {"sh600519": 0},
        last="0.000",
        high="0.000",
        low="0.000",
        bid="0.000",
        ask="0.000",
        word="03",
    )
    with serving(pages) as url, Playing(day, {"sina": day.source("sina", url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.states())

    assert (playing.states(), playing.volumes()) == ({"600519.SH": "suspended"}, {})
    assert playing.references() == {"600519.SH": 99_000}


def test_at_the_upper_limit_a_row_counts_and_has_no_asks(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.references())
        put(pages, provider, day, {"sh600519": 100_200}, ask="0.000", bid="10.50", last="10.50")
        playing.until(lambda: playing.volumes())

    assert playing.volumes() == {"600519.SH": 200}
    assert playing.pictures("600519.SH")[-1].asks == ()
    assert playing.market.counters()["crossed_book"] == 0


@pytest.mark.parametrize(
    ("provider", "code", "write"),
    [("sina", "rt_hk00700", sina_hong_kong_row), ("tencent", "r_hk00700", tencent_hong_kong_row)],
)
def test_hong_kong_is_asked_for_in_real_time_and_in_shares(provider, code, write):
    day, pages = Day(), PAGES[provider][0]()
    pages.rows[code] = write(Moment(100_000, clock=day.clock()))
    source = day.source(provider, "", lane="HK", symbols=("700.HK",))
    assert source.carries("00700.HK")
    with serving(pages) as url:
        source = day.source(provider, url, lane="HK", symbols=("700.HK",))
        with Playing(day, {provider: source}, lane="HK") as playing:
            playing.until(lambda: playing.references())
            pages.rows[code] = write(Moment(100_400, clock=day.clock()))
            playing.until(lambda: playing.volumes())

    assert (playing.volumes(), playing.turnovers()) == ({"00700.HK": 400}, {"00700.HK": 4_000 * 10_000})


def test_what_is_over_the_limit_is_told_and_not_asked_for(provider, pages):
    day = Day()
    with serving(pages) as url:
        source = day.source(provider, url, most=150, batch=60)
        with Playing(day, {provider: source}) as playing:
            playing.until(lambda: len(pages.asked) >= 3)
            remark = source.condition.remark
            playing.market.close()

    asked = [codes for _, codes in pages.asked[:3]]
    assert [len(codes) for codes in asked] == [60, 60, 30]
    assert f"150 of {len(directory().in_lane('CN'))} instruments are asked for" in remark
    assert f"TICKPACK_{provider.upper()}_MOST" in remark


def test_a_row_that_is_older_than_the_one_before_is_counted_and_does_not_count(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    newest = pages.rows["sh600519"]
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.references())
        pages.rows["sh600519"] = PAGES[provider][1](Moment(99_000, clock="09:59:50"))
        playing.until(lambda: playing.market.counters()["older"])
        pages.rows["sh600519"] = newest
        playing.until(lambda: len(pages.asked) > 10)

    assert playing.volumes() == {}
    assert playing.market.counters()["volume_fell"] == 0


def test_a_closed_market_is_asked_once_a_minute(provider, pages):
    day = Day("18:00:00")
    pages.rows["sh600519"] = PAGES[provider][1](Moment(100_000, clock="15:34:59"))
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.play(1.0)

        assert len(pages.asked) == 1


def test_a_row_is_replaced_by_the_next_ones_previous_close():
    """On an ex-day the exchange's reference replaces what was said before the open."""
    day, pages = Day("09:24:00"), SinaPages()
    put(pages, "sina", day, {"sh600519": 0}, prev="10.00", last="0.000", high="0.000", low="0.000")
    with serving(pages) as url, Playing(day, {"sina": day.source("sina", url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.references() == {"600519.SH": 100_000})
        put(pages, "sina", day, {"sh600519": 0}, prev="6.53", last="0.000", high="0.000", low="0.000")
        playing.until(lambda: playing.references() == {"600519.SH": 65_300})


def test_an_unchanged_row_keeps_the_line_connected(provider, pages):
    day = Day()
    put(pages, provider, day, {"sh600519": 100_000})
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.play(2.5)

        line = next(iter(playing.market.lines))
        assert day.now_ms() - line.heard_ms < 1_500


def test_replacing_a_row_by_another_of_the_same_second_is_news(provider, pages):
    day = Day()
    one = Moment(100_000, clock="10:00:00")
    pages.rows["sh600519"] = PAGES[provider][1](one)
    with serving(pages) as url, Playing(day, {provider: day.source(provider, url, symbols=SYMBOLS)}) as playing:
        playing.until(lambda: playing.references())
        pages.rows["sh600519"] = PAGES[provider][1](replace(one, volume=100_100))
        playing.until(lambda: playing.volumes())

    assert playing.volumes() == {"600519.SH": 100}
