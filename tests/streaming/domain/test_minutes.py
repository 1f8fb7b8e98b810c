"""Bars of windows become bars of minutes, and not a share is lost or counted twice."""

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
