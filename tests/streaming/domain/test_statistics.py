"""Several lines tell statistics of one instrument: of each value the best line that tells it has the word."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kernel.instruments import InstrumentId
from streaming.domain.lines import LineSetting
from streaming.domain.statistics import VALUES, DayStatistics, Statistics

MOUTAI = InstrumentId.parse("600519.SH")
FRIDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 30)
LINES = (LineSetting("first", rank=1), LineSetting("second", rank=2))
OF_FRIDAY = Statistics(MOUTAI, FRIDAY)


def the_only(merged: DayStatistics) -> Statistics:
    ((symbol, one),) = merged.changed().items()
    assert symbol == "600519.SH"
    return one


def test_of_each_value_the_line_with_the_better_rank_has_the_word_that_tells_it():
    merged = DayStatistics(LINES)

    merged.take(replace(OF_FRIDAY, limit_up_e4=110, total_shares=7), "second")
    merged.take(replace(OF_FRIDAY, limit_up_e4=111), "first")

    assert the_only(merged) == replace(OF_FRIDAY, limit_up_e4=111, total_shares=7)


def test_of_one_line_the_newest_word_counts_and_what_it_does_not_repeat_stays():
    merged = DayStatistics(LINES)

    merged.take(replace(OF_FRIDAY, turnover_rate_e4=10, pb_e4=80_500), "first")
    merged.take(replace(OF_FRIDAY, turnover_rate_e4=12), "first")

    assert the_only(merged) == replace(OF_FRIDAY, turnover_rate_e4=12, pb_e4=80_500)


def test_a_new_day_begins_with_nothing_and_no_line_goes_back_to_the_old_one():
    merged = DayStatistics(LINES)
    merged.take(replace(OF_FRIDAY, limit_up_e4=110, eps_e4=5), "first")

    merged.take(Statistics(MOUTAI, MONDAY, limit_down_e4=90), "second")

    assert the_only(merged) == Statistics(MOUTAI, MONDAY, limit_down_e4=90)
    merged.take(replace(OF_FRIDAY, limit_up_e4=112), "second")
    assert merged.changed() == {}


def test_what_is_told_again_is_no_news():
    merged = DayStatistics(LINES)
    merged.take(replace(OF_FRIDAY, lot=100), "first")
    merged.changed()

    merged.take(replace(OF_FRIDAY, lot=100), "first")
    merged.take(replace(OF_FRIDAY, lot=200), "second")

    assert merged.changed() == {}


def test_an_operator_changes_whose_word_counts():
    merged = DayStatistics(LINES)
    merged.take(replace(OF_FRIDAY, lot=100, pb_e4=3), "first")
    merged.take(replace(OF_FRIDAY, lot=200), "second")
    merged.changed()

    merged.arrange([LineSetting("first", rank=1), LineSetting("second", rank=2, mode="prefer")])
    assert the_only(merged) == replace(OF_FRIDAY, lot=200, pb_e4=3)

    merged.arrange([LineSetting("first", rank=1, mode="drain"), LineSetting("second", rank=2)])
    assert the_only(merged) == replace(OF_FRIDAY, lot=200)


def test_a_line_that_is_not_there_tells_nothing():
    merged = DayStatistics(LINES)

    merged.take(replace(OF_FRIDAY, lot=100), "third")

    assert merged.changed() == {}


SOME = st.builds(
    Statistics, st.just(MOUTAI), st.just(FRIDAY), **dict.fromkeys(VALUES, st.none() | st.integers(1, 9))
)  # fmt: skip


@given(st.lists(st.tuples(SOME, st.sampled_from(["first", "second"])), min_size=1, max_size=6))
def test_whatever_is_told_a_value_is_the_last_of_the_best_line_that_told_it(told):
    merged = DayStatistics(LINES)
    for one, line in told:
        merged.take(one, line)
    found = merged.changed().get("600519.SH", OF_FRIDAY)

    for name in VALUES:
        by_line = {line: getattr(one, name) for one, line in told if getattr(one, name) is not None}
        assert getattr(found, name) == by_line.get("first", by_line.get("second"))


def test_nothing_told_is_empty():
    assert OF_FRIDAY.is_empty()
    assert not replace(OF_FRIDAY, bps_e4=1).is_empty()
