"""An instrument's day: what a bar, a previous close and a new day change in it, whoever keeps it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot
from streaming.records.newest import Newest, Running, with_bar, with_day, with_reference
from streaming.records.window import MovedBar

DAYS = ("2023-02-01", "2023-02-02", "2023-02-03")
PRICES = st.integers(1, 10**6)


def bar(price: int, volume: int) -> MovedBar:
    return MovedBar("600519.SH", price, price + 3, price - 3, price + 1, volume, price * volume)


STEPS = st.lists(
    st.tuples(st.sampled_from(range(3)), st.one_of(PRICES, st.builds(bar, PRICES, st.integers(0, 1000)))), max_size=12
)


@given(STEPS)
def test_changing_in_place_and_making_anew_come_to_the_same(steps):
    running, newest = Running(), None
    for seq, (day, step) in enumerate(sorted(steps, key=lambda one: one[0]), 1):
        if isinstance(step, int):
            running.refer(step, DAYS[day])
            newest = with_reference(newest, step, DAYS[day])
        else:
            running.add(step, seq, DAYS[day])
            newest = with_bar(newest, step, seq, DAYS[day])
        assert running.newest() == newest


@given(st.lists(st.builds(bar, PRICES, st.integers(1, 1000)), min_size=1, max_size=10))
def test_a_day_is_the_sum_of_its_bars(bars):
    day = Running(with_reference(None, 500, DAYS[0]))
    for seq, one in enumerate(bars, 1):
        day.add(one, seq, DAYS[0])

    told = day.newest()
    assert (told.day_open_e4, told.close_e4, told.prev_close_e4) == (bars[0].open_e4, bars[-1].close_e4, 500)
    assert told.day_high_e4 == max(one.high_e4 for one in bars)
    assert told.day_low_e4 == min(one.low_e4 for one in bars)
    assert (told.day_volume, told.day_turnover_e4) == (sum(b.volume for b in bars), sum(b.turnover_e4 for b in bars))


def test_a_new_day_without_a_previous_close_of_its_own_takes_the_last_price():
    day = Running(with_reference(None, 500, DAYS[0]))
    day.add(bar(510, 10), 1, DAYS[0])
    day.add(bar(520, 20), 2, DAYS[1])

    assert (day.newest().prev_close_e4, day.newest().day_volume) == (511, 20)


@pytest.mark.parametrize(("volume", "turnover_e4", "kept_e4"), [(150, 0, 1_100), (150, 1_650, 1_650), (90, 0, 0)])
def test_a_day_without_a_turnover_keeps_what_its_bars_add_up_to(volume, turnover_e4, kept_e4):
    known = Newest(7, 10, 12, 9, 11, 100, 1_100, "trading", 10, "2023-02-01", 10, 12, 9, 100, 1_100)
    day = Snapshot(InstrumentId.parse("600519.SH"), 1, 10, 10, 12, 9, 11, volume, turnover_e4)
    running = Running(known)

    running.take_day(day)

    assert (running.newest().day_volume, running.newest().day_turnover_e4) == (volume, kept_e4)
    assert with_day(known, day).day_turnover_e4 == kept_e4
