"""A day's totals by several lines: nothing twice, nothing lost, and no total is believed for its own sake."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_row

from kernel.instruments import InstrumentId
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.ticks import Snapshot, Trade
from streaming.domain.totals import DayTotals, RolledBack

MOUTAI = InstrumentId.parse("600519.SH")
DAY = date(2026, 11, 27)
PRICE_E4 = 100_000


def at(clock: str, day: date = DAY) -> int:
    hours, minutes, seconds = map(int, clock.split(":"))
    return day_start_ms(day) + ((hours * 60 + minutes) * 60 + seconds) * 1000


def row(clock: str, volume: int, *, price_e4: int = PRICE_E4, turnover_e4: int | None = None, day: date = DAY, **more):
    """A snapshot whose turnover fits its total, unless another one is given."""
    turnover_e4 = volume * price_e4 if turnover_e4 is None else turnover_e4
    usual = {
        "prev_close_e4": PRICE_E4,
        "open_e4": price_e4,
        "high_e4": price_e4,
        "low_e4": price_e4,
        "last_e4": price_e4,
    }
    return Snapshot(
        instrument=MOUTAI, at_ms=at(clock, day), cum_volume=volume, cum_turnover_e4=turnover_e4, **usual | more
    )


def totals() -> DayTotals:
    return DayTotals(
        day_of=exchange_day,
        first_trade_ms=lambda day: at("9:25:00", day),
        is_continuous=lambda at_ms: at_ms >= at("9:30:00", exchange_day(at_ms)),
    )


def reasons(*rows, judge=None):
    judge = judge or totals()
    return [judge.judge(one).reason for one in rows]


def test_a_growing_total_counts_and_the_same_row_again_does_not():
    first, second = row("9:31:00", 1000), row("9:31:03", 1500)
    assert reasons(first, first, second, second) == ["", "repeated", "", "repeated"]


def test_the_same_total_with_a_newer_picture_is_a_picture():
    assert reasons(row("9:31:00", 1000), row("9:31:03", 1000)) == ["", ""]


@pytest.mark.parametrize("clock", ["0:00:01", "8:55:00", "9:24:59"])
def test_yesterdays_total_under_todays_date_begins_no_day(clock):
    """It made a bar of the whole of yesterday, and every row of today was refused."""
    judge = totals()
    yesterday = row("15:00:03", 1_000_000, day=date(2026, 11, 26))
    assert reasons(yesterday, row(clock, 1_000_000), row("9:25:03", 5000), row("9:31:00", 50_000), judge=judge) == [
        "", "yesterday", "", "",
    ]  # fmt: skip


def test_nor_does_it_after_the_auction_where_nothing_was_traded_yet():
    yesterday = row("15:00:03", 1_000_000, day=date(2026, 11, 26))
    assert reasons(yesterday, row("9:26:00", 1_000_000), row("9:31:00", 300)) == ["", "yesterday", ""]


def test_the_first_total_of_a_day_may_be_any_after_the_auction():
    yesterday = row("15:00:03", 1_000_000, day=date(2026, 11, 26))
    assert reasons(yesterday, row("9:25:03", 2_000_000)) == ["", ""]


def test_a_row_of_a_day_before_counts_nothing():
    assert reasons(row("9:31:00", 500), row("14:00:00", 9000, day=date(2026, 11, 26))) == ["", "another_day"]


def test_one_bogus_total_waits_and_is_dropped():
    """It made a bar of five million, and the rest of the day was refused."""
    bogus = row("10:10:00", 5_100_000, turnover_e4=50_300 * PRICE_E4)
    assert reasons(row("10:09:57", 50_000), bogus, row("10:10:03", 52_000), row("14:00:00", 900_000)) == [
        "", "held", "", "",
    ]  # fmt: skip


def test_a_large_total_with_its_turnover_counts_at_once():
    """The closing auction brings a third of a day."""
    assert reasons(row("14:56:57", 1_000_000), row("15:00:01", 1_500_000)) == ["", ""]


def test_a_turnover_that_does_not_fit_is_believed_the_second_time():
    """Hong Kong reports trades outside the day's range late; their volume is real."""
    judge = totals()
    odd, next_row = (
        row("10:10:00", 60_000, turnover_e4=50_000 * PRICE_E4),
        row("10:10:03", 60_100, turnover_e4=50_100 * PRICE_E4),
    )
    assert reasons(row("10:09:57", 50_000), odd, next_row, judge=judge) == ["", "held", ""]
    assert judge._days[str(MOUTAI)].volume == 60_100


def test_without_turnovers_a_leap_waits_and_an_ordinary_step_does_not():
    rows = [
        row("9:31:00", 1000, turnover_e4=0),
        row("9:31:03", 1100, turnover_e4=0),
        row("9:31:06", 1200, turnover_e4=0),
    ]
    leap, confirmed = row("9:31:09", 4000, turnover_e4=0), row("9:31:12", 4100, turnover_e4=0)
    assert reasons(*rows, leap, confirmed) == ["", "", "", "held", ""]


def test_a_total_that_was_believed_is_taken_back_after_three_rows_that_agree():
    judge = totals()
    bogus = row("10:10:00", 5_000_000)  # with a turnover as wrong as itself
    judge.judge(row("10:09:57", 50_000))
    judge.judge(bogus)

    said = [judge.judge(row(f"10:10:0{second}", 50_000 + 100 * second)) for second in (3, 6, 9)]

    assert [one.reason for one in said] == ["volume_fell", "volume_fell", ""]
    assert said[2].rolled_back == RolledBack(
        str(MOUTAI), bogus.at_ms, 5_000_000 - 50_900, (5_000_000 - 50_900) * PRICE_E4
    )
    assert judge.judge(row("10:10:12", 51_000)).counts


def test_a_cancelled_trade_is_taken_back_where_it_was_counted():
    judge = totals()
    for clock, volume in (("10:00:00", 1000), ("10:00:03", 1300), ("10:00:06", 1400)):
        judge.judge(row(clock, volume))
    said = [
        judge.judge(row(clock, volume))
        for clock, volume in (("10:00:09", 1100), ("10:00:12", 1150), ("10:00:15", 1150))
    ]
    assert said[2].rolled_back == RolledBack(str(MOUTAI), at("10:00:03"), 250, 250 * PRICE_E4)


def test_rows_that_contradict_each_other_take_nothing_back():
    judge = totals()
    judge.judge(row("10:00:00", 5000))
    assert [
        judge.judge(row(f"10:00:0{second}", volume)).reason
        for second, volume in ((1, 900), (2, 800), (3, 700), (4, 600))
    ] == ["volume_fell"] * 4


def test_an_older_row_is_a_late_copy():
    judge = totals()
    judge.judge(row("10:00:03", 1500))
    assert judge.judge(row("10:00:00", 1000)).reason == "late_copy"


def test_an_index_is_judged_by_its_total_alone():
    judge = replace(totals(), is_index=lambda symbol: True)
    assert reasons(row("10:00:00", 1000, turnover_e4=1), row("10:00:03", 1_000_000, turnover_e4=2), judge=judge) == [
        "",
        "",
    ]


# -- two lines ---------------------------------------------------------------------------------------------------------


def test_the_first_copy_counts_whoever_tells_it():
    judge = totals()
    said = [
        judge.judge(row("10:00:00", 1000), "a").reason,
        judge.judge(row("10:00:00", 1000), "b").reason,
        judge.judge(row("10:00:03", 1200), "b").reason,
        judge.judge(row("10:00:03", 1200), "a").reason,
    ]
    assert said == ["", "repeated", "", "repeated"]
    assert judge.first_copies == {"a": 1, "b": 1}


def test_a_picture_of_another_line_must_be_a_second_newer():
    judge = totals()
    judge.judge(row("10:00:00", 1000), "a")
    almost = replace_row(row("10:00:00", 1000), at_ms=at("10:00:00") + 999)
    assert judge.judge(almost, "b").reason == "repeated"
    assert judge.judge(row("10:00:01", 1000), "b").counts


def test_a_line_that_counts_less_takes_nothing_back_while_the_other_stands():
    """One line leaves out what the other has: after-hours trading, odd lots."""
    judge = totals()
    for second in range(9):
        judge.judge(row(f"10:00:{second:02d}", 10_000 + 10 * second), "a")
        assert (
            judge.judge(
                replace_row(row(f"10:00:{second:02d}", 8_000 + 10 * second), at_ms=at(f"10:00:{second:02d}") + 500), "b"
            ).reason
            == "late_copy"
        )
    assert judge._days[str(MOUTAI)].volume == 10_080


def test_it_does_where_both_say_so():
    judge = totals()
    judge.judge(row("10:00:00", 1000), "a")
    judge.judge(row("10:00:03", 90_000), "a")
    said = [
        judge.judge(row(f"10:00:0{second}", 1000 + second), line) for second, line in ((6, "b"), (7, "a"), (8, "b"))
    ]
    assert [one.reason for one in said] == ["late_copy", "volume_fell", ""]
    assert said[2].rolled_back is not None


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
    st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.integers(0, 2)), min_size=1, max_size=120),
)
def test_whatever_two_lines_drop_repeat_and_delay_no_share_is_twice_and_the_last_total_stands(steps, plan):
    """Each row may be dropped by a line, told by both, and come up to two rows late."""
    day, total = [], 0
    for index, step in enumerate(steps):
        total += step * 100
        day.append(replace_row(row("10:00:00", total), at_ms=at("10:00:00") + 3000 * index))
    arrivals = []
    for index, one in enumerate(day):
        for line in "ab":
            _, dropped, late = plan[(2 * index + (line == "b")) % len(plan)]
            if not dropped:
                arrivals.append((index + late, line, one))
    arrivals.append((len(day) + 3, "a", day[-1]))
    judge, counted, before = totals(), 0, 0
    for _, line, one in sorted(arrivals, key=lambda arrival: arrival[:2]):
        verdict = judge.judge(one, line)
        assert verdict.rolled_back is None
        if verdict.counts:
            assert one.cum_volume >= before
            counted, before = counted + one.cum_volume - before, one.cum_volume
    assert counted == day[-1].cum_volume


# -- trades beside totals ------------------------------------------------------------------------------------------


def traded(clock: str, volume: int, *, day: date = DAY, price_e4: int = PRICE_E4) -> Trade:
    return Trade(MOUTAI, at(clock, day), price_e4, volume, price_e4 * volume)


NEXT = date(2026, 11, 30)


def test_a_trade_is_in_the_totals_that_come_after_it():
    judge = totals()
    judge.traded(traded("9:31:00", 300), "tape")
    judge.traded(traded("9:31:01", 200), "")
    assert judge.volume_of("600519.SH") == 500
    assert judge.missing(row("9:31:02", 500)) is None
    assert judge.missing(row("9:31:02", 501)) == (1, PRICE_E4)
    assert judge.missing(row("9:31:02", 700, turnover_e4=1)) == (200, 0)
    assert judge.missing(row("9:31:02", 700, day=NEXT)) is None
    assert judge.first_copies == {"tape": 1}


def test_nobody_knows_the_day_of_an_instrument_of_which_nothing_was_told():
    judge = totals()
    assert judge.volume_of("600519.SH") is None
    assert judge.missing(row("9:31:02", 500)) is None
    assert judge.told_until_ms("600519.SH") == 0
    assert not judge.tells("600519.SH", at("9:31:00"))


def test_who_joins_in_the_middle_of_a_day_begins_with_a_total_and_the_next_day_with_a_trade():
    judge = totals()
    judge.starts_at_zero = lambda day: day == NEXT
    judge.traded(traded("10:31:00", 300), "tape")
    assert judge.volume_of("600519.SH") is None
    judge.judge(row("10:31:01", 9_000))
    judge.traded(traded("10:31:02", 300), "tape")
    assert judge.volume_of("600519.SH") == 9_300
    judge.starts_at_zero = lambda day: False
    judge.traded(traded("9:31:00", 100, day=NEXT), "tape")
    assert judge.volume_of("600519.SH") == 100


def test_totals_tell_on_the_day_on_which_they_came_and_up_to_the_last_one_that_counted():
    judge = totals()
    judge.traded(traded("9:31:00", 300), "tape")
    assert not judge.tells("600519.SH", at("9:31:00"))
    assert judge.told_until_ms("600519.SH") == 0
    judge.judge(row("9:31:03", 500))
    assert judge.tells("600519.SH", at("9:40:00"))
    assert not judge.tells("600519.SH", at("9:40:00", NEXT))
    assert judge.told_until_ms("600519.SH") == at("9:31:03")


def test_a_line_that_is_only_heard_is_complete_where_it_is_not_behind():
    judge = totals()
    judge.hear(row("9:31:00", 100), "b")  # of a day that nobody has begun
    judge.judge(row("9:31:03", 500), "a")
    assert judge.is_complete("b", 1.0), "it has told nothing that could be behind"
    judge.hear(row("9:31:03", 499), "b")
    assert not judge.is_complete("b")
    judge.hear(row("9:31:03", 800, day=NEXT), "b")
    assert not judge.is_complete("b"), "another day's row says nothing"
    judge.hear(row("9:31:04", 500), "b")
    assert judge.is_complete("b")


def test_a_line_is_complete_where_a_share_of_its_instruments_is():
    judge = totals()
    for nth in range(100):
        one = InstrumentId.parse(f"{600000 + nth}.SH")
        judge.judge(replace_row(row("9:31:03", 500), instrument=one), "a")
        judge.hear(replace_row(row("9:31:03", 500 if nth else 400), instrument=one), "b")
    assert judge.is_complete("b", 0.99)
    assert not judge.is_complete("b", 0.991)


# -- each bound ----------------------------------------------------------------------------------------------------


def step(price_e4: int, *, volume: int = 100_000, low_e4: int = 0, high_e4: int = 0) -> str:
    """A day of 1,000 shares, then so many more at an average price; what becomes of that."""
    judge = totals()
    judge.judge(row("9:31:00", 1_000))
    more = {"low_e4": low_e4, "high_e4": high_e4}
    turnover_e4 = 1_000 * PRICE_E4 + volume * price_e4
    return judge.judge(row("9:31:03", 1_000 + volume, turnover_e4=turnover_e4, **more)).reason


def test_an_average_price_lies_in_the_days_range_to_a_tick():
    assert step(PRICE_E4 + 100) == step(PRICE_E4 - 100) == ""
    assert step(PRICE_E4 + 101) == step(PRICE_E4 - 101) == "held"
    assert step(90_000 - 100, low_e4=90_000) == step(120_100, high_e4=120_000) == ""
    assert step(90_000 - 101, low_e4=90_000) == step(120_101, high_e4=120_000) == "held"


def test_a_turnover_may_be_rounded_by_a_yuan():
    assert step(PRICE_E4 + 100 + 5_000, volume=2) == ""
    assert step(PRICE_E4 + 100 + 5_001, volume=2) == "held"


def test_one_unit_of_turnover_is_a_turnover():
    judge = totals()
    assert judge.judge(row("9:31:00", 1_000_000, turnover_e4=1)).reason == "held"


def leap(volume: int, *, clock: str = "9:31:06", begins: int = 1_000) -> str:
    """Totals without a turnover, whose largest step was 100 shares."""
    judge = totals()
    for one in (row("9:31:00", begins, turnover_e4=0), row("9:31:03", begins + 100, turnover_e4=0)):
        judge.judge(one)
    return judge.judge(row(clock, begins + 100 + volume, turnover_e4=0)).reason


def test_without_a_turnover_twenty_times_the_largest_step_is_believed():
    assert leap(2_000) == ""
    assert leap(2_001) == "held"


def test_a_held_total_is_confirmed_by_one_that_says_as_much_and_is_as_new():
    def second(clock: str, volume: int) -> str:
        judge = totals()
        judge.judge(row("9:31:00", 1_000))
        wrong = row("9:31:03", 50_000, turnover_e4=1)
        return judge.judge(wrong).reason + " " + judge.judge(row(clock, volume, turnover_e4=1)).reason

    assert second("9:31:03", 50_000) == "held "
    assert second("9:31:06", 60_000) == "held "
    assert second("9:31:06", 49_999) == "held held"
    assert second("9:31:02", 50_000) == "held held"


def test_a_picture_of_another_line_is_newer_by_a_second():
    def picture(line: str, later_ms: int) -> str:
        judge = totals()
        judge.judge(row("9:31:00", 1_000), "a")
        one = row("9:31:00", 1_000)
        return judge.judge(replace_row(one, at_ms=one.at_ms + later_ms), line).reason

    assert [picture("a", 1), picture("b", 999), picture("b", 1_000)] == ["", "repeated", ""]


def test_a_line_without_turnover_is_estimated_so_that_the_next_one_fits():
    judge = totals()
    judge.judge(row("9:31:00", 1_000))
    judge.judge(row("9:31:03", 3_000, turnover_e4=0))
    assert judge.judge(row("9:31:06", 3_500)).reason == ""
    judge.judge(row("9:31:09", 3_500, turnover_e4=0))
    assert judge.judge(row("9:31:12", 4_000)).reason == "", "a total that stands adds nothing to the estimate"


def test_what_is_taken_back_is_all_above_the_lower_total_and_the_day_forgets_its_steps():
    judge = totals()
    for nth, volume in enumerate((1_000, 1_500, 2_000, 9_000)):
        judge.judge(row(f"9:31:{nth * 3:02d}", volume), "a")
    lower = [row(f"9:32:{nth:02d}", 1_500) for nth in (30, 31, 32)]
    verdicts = [judge.judge(one, "a") for one in lower]
    assert [one.reason for one in verdicts] == ["volume_fell", "volume_fell", ""]
    assert verdicts[-1].rolled_back == RolledBack("600519.SH", at("9:31:06"), 7_500, 7_500 * PRICE_E4)
    assert judge.volume_of("600519.SH") == 1_500


def test_a_total_that_waits_counts_after_six_seconds_where_nothing_says_otherwise():
    judge = totals()
    judge.judge(row("10:00:00", 1_000), "a")
    stale = replace_row(row("10:00:03", 1_200), cum_turnover_e4=row("10:00:00", 1_000).cum_turnover_e4)
    assert judge.judge(stale, "a").reason == "held"
    assert judge.released(stale.at_ms + 5_999) == []
    assert judge.released(stale.at_ms + 6_000) == [stale]
    assert judge.released(stale.at_ms + 60_000) == []
    assert judge.volume_of("600519.SH") == 1_200
    assert judge.judge(row("10:00:12", 1_200), "b").counts, "a picture, and nothing more"


def test_a_total_that_was_overtaken_is_not_released():
    judge = totals()
    judge.judge(row("10:00:00", 1_000), "a")
    stale = replace_row(row("10:00:03", 1_200), cum_turnover_e4=row("10:00:00", 1_000).cum_turnover_e4)
    judge.judge(stale, "a")
    assert judge.judge(row("10:00:06", 1_500), "a").counts
    assert judge.released(stale.at_ms + 60_000) == []


def test_the_auctions_print_counts_at_the_instant_at_which_it_may_come():
    assert reasons(row("9:24:59", 5_000), row("9:25:00", 5_000)) == ["yesterday", ""]


def test_of_two_totals_of_one_instant_the_lower_one_is_a_late_copy():
    """Three of them took back what was counted, where the line had only told it out of order."""
    lower = [row("9:31:03", volume) for volume in (1_400, 1_400, 1_400)]
    assert reasons(row("9:31:00", 1_000), row("9:31:03", 1_500), *lower) == ["", "", *["late_copy"] * 3]


def test_an_auctions_step_and_the_days_first_total_are_no_measure_of_a_leap():
    """Without a turnover: 20 times the largest ordinary step is believed, and these are larger than any."""
    told = [
        row("9:25:03", 90_000, turnover_e4=0),  # the auction
        row("9:31:00", 90_100, turnover_e4=0),  # the largest step: 100
        row("9:31:03", 90_150, turnover_e4=0),
        row("9:31:06", 92_151, turnover_e4=0),
    ]
    assert reasons(*told) == ["", "", "", "held"]


def test_one_row_told_three_times_is_one_contradiction():
    assert reasons(row("9:31:00", 1000), *[row("9:31:03", 500)] * 4) == ["", *["volume_fell"] * 4]


def test_a_held_total_that_trades_have_reached_is_not_released():
    judge = totals()
    judge.judge(row("10:00:00", 1_000), "a")
    stale = replace_row(row("10:00:03", 1_200), cum_turnover_e4=row("10:00:00", 1_000).cum_turnover_e4)
    assert judge.judge(stale, "a").reason == "held"
    judge.traded(traded("10:00:04", 200), "tape")
    assert judge.released(stale.at_ms + 60_000) == []


def test_a_trade_told_late_does_not_set_the_day_back():
    judge = totals()
    judge.traded(traded("9:31:10", 300), "tape")
    judge.traded(traded("9:31:05", 200), "tape")
    assert judge.judge(row("9:31:08", 400), "a").reason == "late_copy"


def test_what_is_taken_back_is_never_less_than_no_turnover():
    judge, money_e4 = totals(), 1000 * PRICE_E4
    judge.judge(row("9:31:00", 1000))
    lower = [row(clock, 900, turnover_e4=money_e4) for clock in ("9:31:03", "9:31:06", "9:31:09")]
    assert [judge.judge(one) for one in lower][2].rolled_back == RolledBack(str(MOUTAI), at("9:31:00"), 100, 0)
