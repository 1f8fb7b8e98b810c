"""What providers leave open and is found out at run time: units, what a tick's volume is, whose a bare code is."""

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot, Trade
from streaming.reference import directory
from streaming.wire.providers import tickdb
from streaming.wire.providers.itick import ENOUGH, TickMeaning
from streaming.wire.providers.units import LearnedUnits, told_unit

MOUTAI, TENCENT = InstrumentId.parse("600519.SH"), InstrumentId.parse("00700.HK")
TEN = 100_000
AT = 1_795_600_000_000


def tick(volume: int, *, at_ms: int = AT) -> Trade:
    return Trade(MOUTAI, at_ms, TEN, volume, 0)


def quote(volume: int) -> Snapshot:
    return Snapshot(MOUTAI, AT, TEN, TEN, TEN, TEN, TEN, volume, volume * TEN)


@pytest.mark.parametrize(
    ("volume", "turnover", "unit"),
    [(500, 5_000, 1), (5, 5_000, 100), (50, 5_000, None), (500, 0, None), (0, 5_000, None)],
)
def test_a_turnover_shows_the_unit_of_its_volume_or_neither(volume, turnover, unit):
    assert told_unit(volume, turnover * 10_000, TEN, TEN) == unit


def test_what_was_learned_of_a_board_holds_for_rows_that_show_nothing():
    units, listed = LearnedUnits(), directory().described(MOUTAI)

    assert units.take(listed, 5, 0, TEN, TEN) is None
    assert units.take(listed, 5_000, 5_000 * 100 * TEN, TEN, TEN) == 100
    assert units.take(listed, 5, 0, TEN, TEN) == 100
    assert units.take(listed, 5_000, 17 * TEN, TEN, TEN) is None  # its turnover speaks against the row
    assert units.take(directory().described(TENCENT), 5, 0, TEN, TEN) is None  # another exchange


def test_a_volume_that_falls_is_of_one_trade():
    meaning = TickMeaning()

    assert [meaning.tick(tick(volume)) for volume in (300, 500, 200, 900)] == ["", "", "trade", "trade"]


def test_a_volume_that_falls_with_the_day_says_nothing():
    meaning = TickMeaning()

    assert [meaning.tick(tick(900)), meaning.tick(tick(100, at_ms=AT + 86_400_000))] == ["", ""]


def test_volumes_that_rise_and_were_the_quotes_are_totals_and_not_before_twenty():
    meaning = TickMeaning()
    found = []
    for nth in range(ENOUGH + 1):
        meaning.quote(quote(1_000 + nth))
        found.append(meaning.tick(tick(1_000 + nth)))

    assert found == [""] * (ENOUGH - 1) + ["total"] * 2


def test_volumes_that_rise_and_never_were_the_quotes_stay_undecided():
    meaning = TickMeaning()
    for nth in range(3 * ENOUGH):
        meaning.quote(quote(1_000_000))
        assert meaning.tick(tick(100 + nth)) == ""


def test_a_code_that_two_subscriptions_share_is_neithers():
    names, shared = tickdb.names_of(map(InstrumentId.parse, ("000001.SZ", "000001.SH", "700.HK")))

    assert shared == ["000001"]
    assert {name: str(one) for name, one in names.items()} == {
        "000001.SZ": "000001.SZ", "000001.SH": "000001.SH", "700.HK": "00700.HK", "00700.HK": "00700.HK",
        "700": "00700.HK", "00700": "00700.HK",
    }  # fmt: skip
