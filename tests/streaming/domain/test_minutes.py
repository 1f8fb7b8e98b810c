"""Bars of windows become bars of minutes, and not a share is lost or counted twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.bars import Bar
from streaming.domain.minutes import MinuteBar, MinuteFold, grown

NINE_THIRTY, MINUTE = 1_675_215_000_000, 60_000


def bar(price: int, volume: int = 100, symbol: str = "600519.SH") -> Bar:
    return Bar(symbol, price, price + 2, price - 2, price + 1, volume, price * volume)


def test_the_first_bar_of_a_longer_one_is_it():
    assert grown(None, Bar("600519.SH", 10, 12, 9, 11, 100, 1000)) == (10, 12, 9, 11, 100, 1000)


def test_a_longer_bar_keeps_its_open_takes_the_newest_close_and_adds_up():
    before = Bar("600519.SH", 10, 12, 9, 11, 100, 1000)

    assert grown(before, Bar("600519.SH", 11, 15, 10, 14, 200, 2600)) == (10, 15, 9, 14, 300, 3600)
    assert grown(before, Bar("600519.SH", 11, 11, 5, 6, 200, 1600)) == (10, 12, 5, 6, 300, 2600)


def test_bars_of_one_minute_make_one_bar_for_each_symbol():
    fold = MinuteFold()
    for one in (bar(10), bar(20), bar(7, symbol="000001.SZ")):
        fold.add(NINE_THIRTY, one)

    assert fold.close_all() == [
        MinuteBar("600519.SH", NINE_THIRTY, 10, 22, 8, 21, 200, 3000),
        MinuteBar("000001.SZ", NINE_THIRTY, 7, 9, 5, 8, 100, 700),
    ]
    assert fold.close_all() == []


def test_a_minute_closes_when_a_later_one_begins_oldest_first():
    fold = MinuteFold()
    for minute in (1, 0, 2):
        fold.add(NINE_THIRTY + minute * MINUTE, bar(10 + minute))

    assert [one.open_e4 for one in fold.close_before(NINE_THIRTY + 2 * MINUTE)] == [10, 11]
    assert fold.close_before(NINE_THIRTY + 2 * MINUTE) == []
    assert [one.open_e4 for one in fold.close_all()] == [12]


def test_a_bar_without_volume_or_without_a_minute_counts_nowhere():
    fold = MinuteFold()
    fold.add(NINE_THIRTY, bar(10, volume=0))
    fold.add(None, bar(10))

    assert fold.close_all() == []


def test_one_share_counts():
    fold = MinuteFold()
    fold.add(NINE_THIRTY, bar(10, volume=1))

    assert [one.volume for one in fold.close_all()] == [1]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 1000), st.integers(0, 1000)), max_size=40), st.integers(0, 6)
)
def test_no_share_is_lost_or_doubled(rows, closing):
    fold = MinuteFold()
    for minute, price, volume in rows:
        fold.add(NINE_THIRTY + minute * MINUTE, bar(price, volume))

    told = [*fold.close_before(NINE_THIRTY + closing * MINUTE), *fold.close_all()]

    assert sum(one.volume for one in told) == sum(volume for _, _, volume in rows)
    assert [one.opened_ms for one in told] == sorted({one.opened_ms for one in told})


# -- late prices -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "prices"),
    [
        (("a", 5, 120, 80, 90), (100, 120, 80, 110)),  # in between: the range alone
        (("a", 3, 120, 80, 90), (90, 120, 80, 110)),  # before the first: it opened the minute
        (("a", 9, 120, 80, 90), (100, 120, 80, 90)),  # behind the last: it closed it
        (("a", 4, 105, 105, 105), (100, 110, 100, 110)),
        (("b", 9, 120, 80, 90), (100, 110, 100, 110)),
    ],
)
def test_a_late_price_belongs_to_its_minute(late, prices):
    fold = MinuteFold()
    for seq, price in ((4, 100), (8, 110)):
        fold.add(0, MinuteBar("a", 0, price, price, price, price, 10, 1_000), seq)
    fold.widen(0, late)
    (minute,) = fold.close_all()
    assert (minute.open_e4, minute.high_e4, minute.low_e4, minute.close_e4) == prices
    assert minute.volume == 20


def test_of_two_late_prices_the_later_one_closes_the_minute():
    fold = MinuteFold()
    fold.add(0, MinuteBar("a", 0, 100, 100, 100, 100, 10, 1_000), 4)
    fold.widen(0, ("a", 9, 90, 90, 90))
    fold.widen(0, ("a", 7, 95, 95, 95))
    fold.widen(60_000, ("a", 50, 1, 1, 1))
    assert [minute.close_e4 for minute in fold.close_before(60_000)] == [90]


def corrected(volume: int, turnover_e4: int, *, symbol: str = "600519.SH", opened_ms: int = NINE_THIRTY) -> MinuteBar:
    fold = MinuteFold()
    fold.add(NINE_THIRTY, bar(10))
    fold.correct(opened_ms, symbol, volume, turnover_e4)
    (minute,) = fold.close_all()
    return minute


def test_a_correction_changes_the_sums_of_its_minute_and_no_price():
    assert corrected(-30, -299) == MinuteBar("600519.SH", NINE_THIRTY, 10, 12, 8, 11, 70, 701)
    assert corrected(30, 299) == MinuteBar("600519.SH", NINE_THIRTY, 10, 12, 8, 11, 130, 1299)


def test_a_minute_of_which_more_is_taken_than_it_has_is_empty():
    assert corrected(-101, -1_001) == MinuteBar("600519.SH", NINE_THIRTY, 10, 12, 8, 11, 0, 0)


def test_a_correction_of_what_is_not_there_changes_nothing():
    untouched = MinuteBar("600519.SH", NINE_THIRTY, 10, 12, 8, 11, 100, 1000)
    assert corrected(-30, -300, symbol="000001.SZ") == untouched
    assert corrected(-30, -300, opened_ms=NINE_THIRTY + MINUTE) == untouched


def widened(*late: tuple[int, int], seqs: tuple[int, ...] = (4, 8, 12)) -> tuple[int, int]:
    """Open and close of a minute whose bars are at 100 and that got late prices: (window, price)."""
    fold = MinuteFold()
    for seq in seqs:
        fold.add(0, MinuteBar("a", 0, 100, 100, 100, 100, 10, 1_000), seq)
    for seq, price in late:
        fold.widen(0, ("a", seq, price, price, price))
    (minute,) = fold.close_all()
    return minute.open_e4, minute.close_e4


def test_a_late_price_between_or_in_the_windows_that_moved_is_neither_open_nor_close():
    assert widened((6, 90)) == widened((10, 90)) == widened((4, 90)) == widened((12, 90)) == (100, 100)


def test_of_two_late_prices_the_earlier_window_opens_and_the_later_one_closes():
    assert widened((2, 90), (3, 95)) == widened((3, 95), (2, 90)) == (90, 100)
    assert widened((14, 90), (13, 95)) == widened((13, 95), (14, 90)) == (100, 90)
