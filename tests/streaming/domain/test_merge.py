"""What lines of different kinds tell of one market counts once: tape and totals, drained and delayed lines."""

from msgspec.structs import replace

from streaming.domain.calendar import exchange_day
from streaming.domain.lines import LineSetting
from streaming.domain.merge import PICTURE, STANDBY, Merge
from streaming.domain.totals import DayTotals
from tests.streaming.ingest.scripted import MOUTAI, NINE_THIRTY, snapshot, trade

TEN = NINE_THIRTY + 1_800_000


def merge(*settings: LineSetting, begins_at_zero: bool = True) -> Merge:
    totals = DayTotals(
        day_of=exchange_day,
        first_trade_ms=lambda day: NINE_THIRTY,
        is_continuous=lambda at_ms: True,
        starts_at_zero=lambda day: begins_at_zero,
    )
    made = Merge(totals, settings or (LineSetting("tape"), LineSetting("total", rank=2)), is_open=lambda at_ms: True)
    made.look(TEN - 60_000, "today")
    return made


def heard(lines: Merge, name: str, now_ms: int, *, moved: int = 0) -> None:
    symbols = [f"{600000 + nth}.SH" for nth in range(moved)]
    lines.note(name, now_ms, rows=1 + moved, refused=0, moved=symbols, lags_ms=[100])


def total(at_ms: int, volume: int):
    return replace(snapshot(at_ms, 100, volume), cum_turnover_e4=volume * 100)


def test_a_tape_that_leads_counts_and_totals_are_pictures():
    lines = merge()
    assert lines.trade(trade(TEN, volume=1_000), "tape") == ""
    assert lines.total(total(TEN + 500, 1_000), "total", TEN + 600) is PICTURE
    assert lines.look(TEN + 5_000, "today")[0] == []


def test_what_a_tape_lost_is_filled_by_the_total_after_three_seconds_as_one_trade():
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(replace(total(TEN + 500, 1_400), cum_turnover_e4=1_000 * 100 + 400 * 98, low_e4=90), "total", TEN + 600)
    assert lines.look(TEN + 2_000, "today")[0] == [], "the tape may be late"
    (filled,), _ = lines.look(TEN + 3_600, "today")
    assert (filled.instrument, filled.volume, filled.price_e4, filled.turnover_e4) == (MOUTAI, 400, 98, 400 * 98)
    assert lines.notes["tape_filled"] == 400
    assert lines.total(total(TEN + 4_000, 1_400), "total", TEN + 4_000) is PICTURE
    assert lines.look(TEN + 8_000, "today")[0] == []


def test_what_a_tape_tells_within_three_seconds_is_not_missing():
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(total(TEN + 500, 1_400), "total", TEN + 600)
    lines.trade(trade(TEN + 400, volume=400), "tape")
    assert lines.look(TEN + 3_600, "today")[0] == []
    assert lines.notes == {}


def test_a_tape_that_told_more_than_the_total_is_noted_and_nothing_is_taken_back():
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(total(TEN + 2_000, 800), "total", TEN + 2_000)
    assert lines.notes == {}, "the total may be a little behind"
    lines.total(total(TEN + 3_001, 901), "total", TEN + 3_001)
    assert lines.notes == {}, "a lot's rounding"
    lines.total(total(TEN + 3_001, 900), "total", TEN + 3_001)
    assert lines.notes == {"tape_surplus": 1}


def test_a_dead_tape_gives_the_lead_and_totals_go_on_where_it_was():
    lines = merge()
    heard(lines, "tape", TEN, moved=50)
    heard(lines, "total", TEN, moved=50)
    lines.trade(trade(TEN, volume=1_000), "tape")
    heard(lines, "total", TEN + 8_000, moved=50)
    _, switch = lines.look(TEN + 8_000, "today")
    assert switch is not None
    assert (switch.before, switch.after, switch.reason) == ("tape", "total", "mute")
    assert lines.total(total(TEN + 8_000, 1_700), "total", TEN + 8_000).counts
    assert lines.trade(trade(TEN + 7_000, volume=700), "tape") == "standby", "it is in the total"


def test_a_tape_that_comes_back_counts_from_behind_the_last_total():
    lines = merge(LineSetting("tape"), LineSetting("total", rank=2, mode="prefer"))
    heard(lines, "tape", TEN)
    heard(lines, "total", TEN)
    lines.look(TEN, "today")
    assert lines.leader == "total"
    lines.total(total(TEN, 1_000), "total", TEN)
    assert lines.trade(trade(TEN, volume=700), "tape") == "standby"
    lines.arrange([LineSetting("tape", mode="prefer"), LineSetting("total", rank=2)])
    heard(lines, "tape", TEN + 1_500)
    lines.look(TEN + 1_500, "today")
    assert lines.leader == "tape"
    assert lines.trade(trade(TEN - 10, volume=5), "tape") == "late_copy"
    assert lines.trade(trade(TEN + 10, volume=5), "tape") == ""
    assert lines.trade(trade(TEN + 10, volume=5), "tape") == "", "two equal trades"


def test_trades_of_what_no_total_tells_count_also_where_totals_lead():
    lines = merge(LineSetting("total"), LineSetting("tape", rank=2))
    assert lines.trade(trade(TEN, volume=1_000), "tape") == ""
    assert lines.total(total(TEN + 500, 1_200), "total", TEN + 500).counts, "two hundred are new"


def test_who_joins_in_the_middle_of_a_day_counts_a_tape_from_the_first_total_on():
    lines = merge(begins_at_zero=False)
    assert lines.trade(trade(TEN, volume=10), "tape") == ""
    assert lines.total(total(TEN + 100, 500_000), "total", TEN + 100) is PICTURE
    assert lines.look(TEN + 5_000, "today")[0] == []
    lines.trade(trade(TEN + 5_000, volume=20), "tape")
    lines.total(total(TEN + 5_100, 500_030), "total", TEN + 5_100)
    (filled,), _ = lines.look(TEN + 9_000, "today")
    assert filled.volume == 10


def test_a_drained_line_is_listened_to_and_counts_nothing():
    lines = merge(LineSetting("a"), LineSetting("b", mode="drain"))
    assert lines.total(total(TEN, 1_000), "b", TEN) is STANDBY
    assert lines.trade(trade(TEN), "b") == "standby"
    assert lines.total(total(TEN, 1_000), "a", TEN).counts
    assert lines.total(total(TEN + 1, 2_000), "b", TEN + 1) is STANDBY


def test_a_line_that_is_a_quarter_of_an_hour_late_is_no_line_while_another_is_healthy():
    lines = merge(LineSetting("a"), LineSetting("hk", rank=2))
    lines.note("hk", TEN, rows=300, refused=0, moved=["600519.SH"], lags_ms=[900_000] * 50)
    heard(lines, "a", TEN, moved=50)
    lines.look(TEN, "today")
    assert lines.standings["hk"].state == "delayed"
    assert lines.total(total(TEN, 1_000), "hk", TEN) is STANDBY
    alone = merge(LineSetting("hk"))
    alone.note("hk", TEN, rows=300, refused=0, moved=["600519.SH"], lags_ms=[900_000] * 50)
    alone.look(TEN, "today")
    assert alone.total(total(TEN, 1_000), "hk", TEN).counts, "late is better than nothing"


def test_lines_that_count_different_things_are_not_mixed():
    lines = merge(LineSetting("a"), LineSetting("b", rank=2))
    for nth in range(200):
        one = replace(total(TEN, 1_000), instrument=MOUTAI.parse(f"{600000 + nth}.SH"))
        for _ in range(2):
            lines.total(one, "a", TEN)
            lines.total(replace(one, cum_volume=5_000, cum_turnover_e4=500_000), "b", TEN)
    heard(lines, "a", TEN, moved=50)
    heard(lines, "b", TEN, moved=50)
    lines.look(TEN, "today")
    assert lines.total(total(TEN + 1_000, 90_000), "b", TEN) is STANDBY
    assert lines.total(total(TEN + 1_000, 6_000), "a", TEN).counts


def test_the_heavier_word_decides_which_of_two_totals_stands():
    for weights, reason in (((1, 1), "late_copy"), ((1, 3), "volume_fell")):
        lines = merge(LineSetting("a", weight=weights[0]), LineSetting("b", rank=2, weight=weights[1]))
        lines.total(total(TEN, 1_000), "a", TEN)
        lines.total(total(TEN + 3_000, 900_000), "a", TEN + 3_000)
        assert lines.total(total(TEN + 5_000, 2_000), "b", TEN + 5_000).reason == reason


def test_another_day_forgets_tapes_and_comparisons():
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(total(TEN, 5_000), "total", TEN)
    assert lines.look(TEN + 86_400_000, "tomorrow")[0] == []
    assert not lines.standings["total"].symbols


def test_a_clock_that_differs_from_the_leaders_is_not_believed():
    lines = merge(LineSetting("a"), LineSetting("b", rank=2))
    for nth in range(2, 60):
        one = total(TEN + nth * 3_000, nth * 1_000)
        lines.total(one, "a", one.at_ms)
        lines.total(replace(one, at_ms=one.at_ms - 2_500), "b", one.at_ms)
    assert lines.clock_is_off("b")
    assert not lines.clock_is_off("a")


# -- each bound ----------------------------------------------------------------------------------------------------


def test_lines_are_looked_at_once_a_second_and_at_once_after_a_change_of_settings():
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.look(TEN, "today")
    lines.total(total(TEN - 3_000, 1_400), "total", TEN - 3_000)
    assert lines.look(TEN + 999, "today")[0] == []
    assert len(lines.look(TEN + 1_000, "today")[0]) == 1
    lines.total(total(TEN - 2_000, 1_500), "total", TEN - 2_500)
    assert lines.look(TEN + 1_001, "today")[0] == []
    lines.arrange([LineSetting("tape"), LineSetting("total", rank=2)])
    assert len(lines.look(TEN + 1_001, "today")[0]) == 1


def test_a_late_trade_does_not_make_the_tape_older():
    lines = merge()
    lines.trade(trade(TEN + 2_000, volume=1_000), "tape")
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(total(TEN + 4_500, 1_000), "total", TEN + 4_500)
    assert lines.notes == {}, "the newest trade is three seconds old at the least"
    lines.total(total(TEN + 5_001, 1_000), "total", TEN + 5_001)
    assert lines.notes == {"tape_surplus": 1}


def filled(**more) -> tuple[int, int, int]:
    lines = merge()
    lines.trade(trade(TEN, volume=1_000), "tape")
    lines.total(replace(total(TEN + 500, 1_400), **more), "total", TEN + 600)
    (found,), _ = lines.look(TEN + 3_600, "today")
    return found.price_e4, found.volume, found.turnover_e4


def test_what_is_filled_has_its_average_price_within_the_days_range():
    at_120 = 1_000 * 100 + 400 * 120
    assert filled(cum_turnover_e4=at_120, high_e4=110, low_e4=90) == (110, 400, 400 * 120)
    assert filled(cum_turnover_e4=at_120, high_e4=0, low_e4=0) == (120, 400, 400 * 120)
    assert filled(cum_turnover_e4=at_120, high_e4=130, low_e4=125) == (125, 400, 400 * 120)


def test_what_is_filled_without_a_turnover_is_at_the_last_price():
    assert filled(cum_turnover_e4=0, last_e4=105) == (105, 400, 400 * 105)


def of_lines(lines: Merge, first: str, then: str, *, ahead_ms: int) -> None:
    for nth in range(30):
        at_ms = TEN + nth * 3_000
        lines.total(total(at_ms, 1_000 + nth * 100), first, at_ms + 100)
        lines.total(total(at_ms + ahead_ms, 1_000 + nth * 100), then, at_ms + 200)


def test_a_clock_is_off_that_differs_by_more_than_two_seconds_from_the_leaders():
    two, three = (merge(LineSetting("a"), LineSetting("b", rank=2)) for _ in range(2))
    of_lines(two, "a", "b", ahead_ms=2_000)
    of_lines(three, "a", "b", ahead_ms=2_001)
    assert not two.clock_is_off("b")
    assert three.clock_is_off("b")
    assert not three.clock_is_off("a"), "the leader's is the one that the others are held against"


def test_a_line_alone_whose_times_lie_ahead_of_ours_is_off():
    lines = merge(LineSetting("a"), LineSetting("b", rank=2))
    lines.note("a", TEN, rows=20, refused=0, moved=[], lags_ms=[-2_500] * 20)
    assert lines.clock_is_off("a")
    assert not lines.clock_is_off("b")


def test_a_market_of_one_line_compares_nothing():
    alone = merge(LineSetting("a"))
    alone.total(total(TEN, 100), "a", TEN)
    assert alone._agreement._rows == {}
    both = merge(LineSetting("a"), LineSetting("b", rank=2))
    both.total(total(TEN, 100), "a", TEN)
    assert both._agreement._rows != {}


def taking_over(*, tape_counts: bool) -> tuple[Merge, list[int]]:
    """Two tapes and totals that counted up to ten o'clock; the second tape has told three trades when it takes over."""
    lines = merge(LineSetting("first"), LineSetting("second", rank=2), LineSetting("totals", rank=3))
    lines.total(total(TEN, 5_000), "totals", TEN)
    if tape_counts:
        lines.trade(trade(TEN + 1, volume=11), "first")
    else:
        lines._stats["first"].tells_trades = True
    for at_ms, volume in ((TEN, 7), (TEN + 1_000, 8), (TEN + 500, 9)):
        lines.trade(trade(at_ms, volume=volume), "second")
    lines.arrange([LineSetting("second"), LineSetting("totals", rank=3), LineSetting("first", mode="drain")])
    for name in ("second", "totals"):
        heard(lines, name, TEN + 60_000, moved=30)
    lines._stats["second"].tells_trades = True
    trades, _ = lines.look(TEN + 60_000, "today")
    return lines, [one.volume for one in trades]


def test_who_takes_over_brings_only_what_no_total_has():
    lines, volumes = taking_over(tape_counts=False)
    assert lines.leader == "second"
    assert volumes == [8, 9]
    assert lines._taped == {str(MOUTAI): TEN + 1_000}


def test_where_trades_counted_already_all_that_waited_counts():
    lines, volumes = taking_over(tape_counts=True)
    assert volumes == [7, 8, 9]
    assert lines._taped == {str(MOUTAI): TEN + 1_000}
