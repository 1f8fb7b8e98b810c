"""Proves the timetable of both markets, half days, holidays and unknown days, and which minute a bar belongs to."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.trading_days import PublishedDays, TradingDay, minutes
from streaming.domain.calendar import AlwaysOpen, Calendar, OpenHours, day_start_ms, timetable
from streaming.domain.windows import seq_of
from streaming.reference import published_days

SHANGHAI = timezone(timedelta(hours=8))


def calendar(market: str, **overrides: str) -> Calendar:
    changed = {
        date.fromisoformat(day.replace("_", "-").strip("d")): TradingDay(kind) for day, kind in overrides.items()
    }
    return Calendar(market, published_days(market), changed)


def of_hours(market: str, kind: str = "full", opens: str = "", closes: str = "") -> Calendar:
    """2023-02-01 is a day of such hours."""
    times = (minutes(text) if text else None for text in (opens, closes))
    return Calendar(market, published_days(market), {date(2023, 2, 1): TradingDay(kind, *times)})


CN, HK = calendar("CN"), calendar("HK")


def at(day: str, clock: str) -> int:
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SHANGHAI)
    return round(moment.timestamp() * 1000)


def clock_of(at_ms: int | None) -> str:
    return "-" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(SHANGHAI).strftime("%H:%M")


@pytest.mark.parametrize(
    ("clock", "state", "until"),
    [
        ("00:00", "closed", "09:15"),
        ("09:14:59.999", "closed", "09:15"),
        ("09:15", "opening_auction", "09:25"),
        ("09:25", "pre_open", "09:30"),
        ("09:30", "open", "11:30"),
        ("11:29:59.999", "open", "11:30"),
        ("11:30", "lunch_break", "13:00"),
        ("13:00", "open", "14:57"),
        ("14:57", "closing_auction", "15:02"),
        ("15:02", "closed", "15:05"),
        ("15:05", "after_hours", "15:30"),
        ("15:30", "closed", "09:15"),
    ],
)
def test_a_mainland_day(clock: str, state: str, until: str) -> None:
    name, until_ms = CN.state_at(at("2023-02-01", clock))

    assert (name, clock_of(until_ms)) == (state, until)


@pytest.mark.parametrize(
    ("clock", "state", "until"),
    [
        ("08:59", "closed", "09:00"),
        ("09:00", "opening_auction", "09:22"),
        ("09:22", "pre_open", "09:30"),
        ("09:30", "open", "12:00"),
        ("12:00", "lunch_break", "13:00"),
        ("13:00", "open", "16:00"),
        ("16:00", "closing_auction", "16:10"),
        ("16:10", "closed", "09:00"),
    ],
)
def test_a_hong_kong_day(clock: str, state: str, until: str) -> None:
    name, until_ms = HK.state_at(at("2023-02-01", clock))

    assert (name, clock_of(until_ms)) == (state, until)


def phases(sessions: Calendar, day: str) -> list[tuple[str, str]]:
    return [(clock_of(begins_ms), state) for begins_ms, state in sessions.phases_on(date.fromisoformat(day))]


def test_a_hong_kong_day_has_no_trading_after_hours() -> None:
    assert [state for _, state in phases(HK, "2023-02-01")][-2:] == ["closing_auction", "closed"]


def test_a_hong_kong_half_day_ends_at_noon() -> None:
    assert phases(HK, "2020-01-24") == [
        ("09:00", "opening_auction"), ("09:22", "pre_open"), ("09:30", "open"), ("12:00", "closing_auction"),
        ("12:10", "closed"),
    ]  # fmt: skip


def test_a_mainland_half_day_ends_before_lunch_and_has_no_trading_after_hours() -> None:
    assert phases(calendar("CN", d2023_02_01="half"), "2023-02-01") == [
        ("09:15", "opening_auction"), ("09:25", "pre_open"), ("09:30", "open"), ("11:30", "closing_auction"),
        ("11:32", "closed"),
    ]  # fmt: skip


def test_a_day_that_does_not_trade_has_no_phases() -> None:
    assert phases(CN, "2023-02-04") == phases(CN, "2031-02-01") == []


def sessions_of(sessions: Calendar, day: str) -> list[tuple[str, str, str]]:
    return timetable(sessions.phases_on(date.fromisoformat(day)))


def test_a_days_timetable_joins_what_belongs_together_and_leaves_breaks_out() -> None:
    assert sessions_of(CN, "2023-02-01") == [
        ("09:15", "09:30", "pre_market"), ("09:30", "11:30", "regular"), ("13:00", "15:02", "regular"),
        ("15:05", "15:30", "post_market"),
    ]  # fmt: skip
    assert sessions_of(HK, "2023-02-01") == [
        ("09:00", "09:30", "pre_market"), ("09:30", "12:00", "regular"), ("13:00", "16:10", "regular"),
    ]  # fmt: skip
    assert timetable(()) == []


def test_the_first_and_the_last_published_day_are_known() -> None:
    sessions = Calendar("CN", PublishedDays(date(2023, 2, 1), date(2023, 2, 2), frozenset(), frozenset()))

    presumed = [sessions.is_presumed(date(2023, month, day)) for month, day in ((1, 31), (2, 1), (2, 2), (2, 3))]
    assert presumed == [True, False, False, True]


def test_the_next_opening_is_looked_for_on_the_next_29_days() -> None:
    wednesday = date(2023, 2, 1)
    for closed, found in ((28, at("2023-03-02", "09:15")), (29, None)):
        days = [wednesday + timedelta(days=ahead) for ahead in range(1, closed + 1)]
        sessions = Calendar("CN", PublishedDays(wednesday, date(2023, 12, 31), frozenset(days), frozenset()))

        assert sessions.state_at(at("2023-02-01", "16:00")) == ("closed", found)


def test_closed_lasts_until_the_next_trading_day_over_weekends_and_holidays() -> None:
    friday = CN.state_at(at("2023-02-03", "16:00"))
    before_spring_festival = CN.state_at(at("2023-01-20", "16:00"))

    assert CN.state_at(at("2023-02-01", "16:00")) == ("closed", at("2023-02-02", "09:15"))
    assert friday == ("closed", at("2023-02-06", "09:15"))
    assert before_spring_festival == ("closed", at("2023-01-30", "09:15"))


def test_only_boards_with_fixed_price_trading_have_after_hours() -> None:
    moment = at("2023-02-01", "15:10")

    assert CN.state_at(moment, "star")[0] == "after_hours"
    assert CN.state_at(moment, "chinext")[0] == "after_hours"
    assert CN.state_at(moment, "main")[0] == "closed"
    assert CN.state_at(at("2018-09-03", "15:10"))[0] == "closed"


@pytest.mark.parametrize(
    ("board", "last_without", "first_with"),
    [
        ("star", "2019-07-19", "2019-07-22"),
        ("chinext", "2020-08-21", "2020-08-24"),
        ("main", "2026-07-03", "2026-07-06"),
        ("fund", "2026-07-03", "2026-07-06"),
    ],
)
def test_a_board_has_after_hours_from_the_day_that_brought_them(board: str, last_without: str, first_with: str) -> None:
    assert CN.state_at(at(last_without, "15:10"), board)[0] == "closed"
    assert CN.state_at(at(first_with, "15:10"), board)[0] == "after_hours"


def test_a_weekday_beyond_what_is_published_is_presumed_to_be_as_any_other() -> None:
    assert CN.state_at(at("2031-02-03", "10:00")) == ("open", at("2031-02-03", "11:30"))
    assert CN.state_at(at("2026-12-31", "16:00")) == ("closed", at("2027-01-04", "09:15"))
    assert CN.is_presumed(date(2031, 2, 3))
    assert not CN.is_presumed(date(2031, 2, 1))  # a Saturday
    assert not CN.is_presumed(date(2026, 12, 31))


def test_what_an_operator_enters_of_a_new_year_is_no_longer_presumed() -> None:
    closed = {date(2027, 2, 5): TradingDay("closed")}
    known = Calendar("CN", published_days("CN"), closed, horizon=date(2027, 12, 31))

    assert known.day_on(date(2027, 1, 4)) == TradingDay("full")
    assert known.day_on(date(2027, 2, 5)) == TradingDay("closed")
    assert known.day_on(date(2028, 1, 3)) == TradingDay("full", presumed=True)
    assert known.known_until == date(2027, 12, 31)
    assert Calendar("CN", published_days("CN"), {}, horizon=date(2020, 1, 1)).known_until == date(2026, 12, 31)


@pytest.mark.parametrize("day", ["2027-01-01", "2027-01-02", "2031-02-01", "2040-01-01", "2010-05-15"])
def test_at_weekends_and_on_new_years_day_nobody_trades_in_any_year(day: str) -> None:
    for sessions in (CN, HK):
        assert sessions.kind_on(date.fromisoformat(day)) == "closed"
        assert sessions.state_at(at(day, "10:00"))[0] == "closed"


@pytest.mark.parametrize("day", ["2023-09-01", "2023-09-08"])
def test_hong_kong_was_closed_for_two_storms_that_its_calendar_had_missed(day: str) -> None:
    assert HK.kind_on(date.fromisoformat(day)) == "closed"
    assert CN.kind_on(date.fromisoformat(day)) == "full"


def test_an_operators_word_wins_over_the_published_calendar() -> None:
    changed = calendar("HK", d2023_02_01="closed", d2023_02_02="half", d2023_02_04="full")

    assert changed.state_at(at("2023-02-01", "10:00"))[0] == "closed"
    assert changed.state_at(at("2023-02-02", "12:05"))[0] == "closing_auction"
    assert changed.state_at(at("2023-02-04", "10:00"))[0] == "open"


@pytest.mark.parametrize(
    ("market", "hours", "told"),
    [
        ("HK", {"opens": "13:30"}, "13:00 opening_auction 13:22 pre_open 13:30 open 16:00 closing_auction 16:10 closed"),
        ("HK", {"opens": "13:00"}, "12:30 opening_auction 12:52 pre_open 13:00 open 16:00 closing_auction 16:10 closed"),
        ("HK", {"opens": "10:30"}, "10:00 opening_auction 10:22 pre_open 10:30 open 12:00 lunch_break 13:00 open "
                                   "16:00 closing_auction 16:10 closed"),
        ("HK", {"closes": "13:55"}, "09:00 opening_auction 09:22 pre_open 09:30 open 12:00 lunch_break 13:00 open "
                                    "13:55 closing_auction 13:57 closed"),
        ("HK", {"closes": "12:00"}, "09:00 opening_auction 09:22 pre_open 09:30 open 12:00 closing_auction 12:02 closed"),
        ("HK", {"opens": "11:00", "closes": "14:15"}, "10:30 opening_auction 10:52 pre_open 11:00 open "
                                                      "12:00 lunch_break 13:00 open 14:15 closing_auction 14:17 closed"),
        ("HK", {"kind": "half", "opens": "11:00"}, "10:30 opening_auction 10:52 pre_open 11:00 open "
                                                   "12:00 closing_auction 12:10 closed"),
        ("CN", {"opens": "13:30"}, "13:15 opening_auction 13:25 pre_open 13:30 open 14:57 closing_auction 15:02 closed "
                                   "15:05 after_hours 15:30 closed"),
        ("CN", {"closes": "14:00"}, "09:15 opening_auction 09:25 pre_open 09:30 open 11:30 lunch_break 13:00 open "
                                    "14:00 closing_auction 14:02 closed"),
    ],
)  # fmt: skip
def test_a_day_of_special_hours(market: str, hours: dict[str, str], told: str) -> None:
    assert " ".join(f"{begins} {state}" for begins, state in phases(of_hours(market, **hours), "2023-02-01")) == told


@pytest.mark.parametrize(
    ("market", "hours", "clock", "minute"),
    [
        ("HK", {"opens": "13:30"}, "09:20:10", "13:29"),
        ("HK", {"opens": "13:30"}, "13:20:10", "13:29"),
        ("HK", {"opens": "13:30"}, "13:30:00", "13:30"),
        ("HK", {"opens": "13:30"}, "16:08:10", "15:59"),
        ("HK", {"opens": "13:00"}, "12:50:10", "13:00"),
        ("HK", {"opens": "10:30"}, "12:00:01", "11:59"),
        ("HK", {"closes": "13:55"}, "13:54:59", "13:54"),
        ("HK", {"closes": "13:55"}, "13:55:00", "13:54"),
        ("HK", {"closes": "13:55"}, "17:00:00", "13:54"),
        ("HK", {"closes": "13:55"}, "12:30:00", "11:59"),
        ("CN", {"opens": "13:30"}, "13:25:01", "13:30"),
        ("CN", {"opens": "13:30"}, "11:40:00", "13:30"),
        ("CN", {"opens": "13:30"}, "15:00:01", "14:59"),
        ("CN", {"opens": "13:30"}, "15:06:00", "-"),
        ("CN", {"opens": "10:00"}, "09:30:30", "10:00"),
        ("CN", {"closes": "14:00"}, "14:00:01", "13:59"),
        ("CN", {"closes": "14:00"}, "15:06:00", "13:59"),
    ],
)
def test_a_bar_of_a_day_of_special_hours_goes_to_this_minute(
    market: str, hours: dict[str, str], clock: str, minute: str
) -> None:
    assert clock_of(of_hours(market, **hours).minute_of(seq_of(at("2023-02-01", clock)))) == minute


@pytest.mark.parametrize(
    ("market", "opens", "first"),
    [("HK", "13:30", "13:20"), ("CN", "13:30", "13:25"), ("HK", "", "09:20"), ("CN", "", "09:25")],
)
def test_the_first_trade_comes_when_the_opening_auction_prints(market: str, opens: str, first: str) -> None:
    assert clock_of(of_hours(market, opens=opens).first_trade_ms(date(2023, 2, 1))) == first


def test_the_timetable_of_a_day_of_special_hours_has_them() -> None:
    assert sessions_of(of_hours("HK", opens="13:30"), "2023-02-01") == [
        ("13:00", "13:30", "pre_market"), ("13:30", "16:10", "regular"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "before", "from_then_on", "state"),
    [
        ("2020-08-19", "13:29", "13:30", "open"),
        ("2021-06-28", "13:29", "13:30", "open"),
        ("2023-10-09", "13:59", "14:00", "open"),
        ("2022-11-02", "13:54", "13:57", "closed"),
    ],
)
def test_on_these_days_storms_kept_hong_kongs_market_shut(day: str, before: str, from_then_on: str, state: str) -> None:
    assert HK.state_at(at(day, before))[0] == {"open": "pre_open", "closed": "open"}[state]
    assert HK.state_at(at(day, from_then_on))[0] == state


def test_the_middle_of_september_2027_is_a_full_day_in_hong_kong() -> None:
    assert HK.day_on(date(2027, 9, 15)) == TradingDay("full")


@pytest.mark.parametrize(
    ("clock", "minute"),
    [
        ("09:25:00.940", "09:30"),
        ("09:30:00", "09:30"),
        ("09:30:59.999", "09:30"),
        ("09:31:00", "09:31"),
        ("11:29:59", "11:29"),
        ("11:30:00", "11:29"),
        ("11:30:03", "11:29"),
        ("12:59:59", "11:29"),
        ("13:00:00", "13:00"),
        ("14:57:03", "14:57"),
        ("15:00:01.060", "14:59"),
        ("15:04:59", "14:59"),
        ("15:05:00", "-"),
        ("15:29:00", "-"),
    ],
)
def test_a_mainland_bar_goes_to_this_minute(clock: str, minute: str) -> None:
    assert clock_of(CN.minute_of(seq_of(at("2023-02-01", clock)))) == minute


@pytest.mark.parametrize(
    ("clock", "minute"),
    [("11:29:00", "11:29"), ("11:31:00", "11:29"), ("12:59:59", "11:29"), ("13:00:00", "-"), ("14:00:00", "-")],
)
def test_a_bar_of_a_mainland_half_day_goes_to_this_minute(clock: str, minute: str) -> None:
    half = calendar("CN", d2023_02_01="half")

    assert clock_of(half.minute_of(seq_of(at("2023-02-01", clock)))) == minute


@pytest.mark.parametrize(
    ("day", "clock", "minute"),
    [
        ("2023-02-01", "09:20:30", "09:29"),
        ("2023-02-01", "09:30:00", "09:30"),
        ("2023-02-01", "12:00:00", "11:59"),
        ("2023-02-01", "13:00:00", "13:00"),
        ("2023-02-01", "16:00:00", "15:59"),
        ("2023-02-01", "16:09:10", "15:59"),
        ("2020-01-24", "12:08:10", "11:59"),
        ("2020-01-24", "13:00:10", "11:59"),
    ],
)
def test_a_hong_kong_bar_goes_to_this_minute(day: str, clock: str, minute: str) -> None:
    assert clock_of(HK.minute_of(seq_of(at(day, clock)))) == minute


@pytest.mark.parametrize(("market", "day", "minutes"), [("CN", "2023-02-01", 240), ("HK", "2023-02-01", 331),
                                                       ("HK", "2020-01-24", 151)])  # fmt: skip
def test_a_day_has_its_number_of_minutes(market: str, day: str, minutes: int) -> None:
    sessions = {"CN": CN, "HK": HK}[market]

    seqs = range(seq_of(at(day, "09:00")), seq_of(at(day, "16:10")))

    assert len({sessions.minute_of(seq) for seq in seqs} - {None}) == minutes


def test_the_simulated_market_is_open_on_a_sunday_night() -> None:
    sunday = at("2023-02-05", "03:00:30")

    assert AlwaysOpen().state_at(sunday) == ("open", None)
    assert clock_of(AlwaysOpen().minute_of(seq_of(sunday))) == "03:00"


@given(st.lists(st.integers(-3 * 86_400_000, 12 * 86_400_000), min_size=1, max_size=40), st.sampled_from(["CN", "HK"]))
def test_what_is_remembered_of_the_open_hours_is_what_the_calendar_says(offsets: list[int], market: str) -> None:
    calendar = Calendar(market, published_days(market))
    hours = OpenHours(calendar)
    monday = day_start_ms(date(2026, 6, 8))

    for offset in (*offsets, *reversed(offsets)):
        at_ms = monday + offset

        assert hours.at(at_ms) == (calendar.state_at(at_ms)[0] == "open")


def test_open_hours_that_an_operator_changes_are_forgotten() -> None:
    day = date(2026, 6, 10)
    calendar, ten_ms = Calendar("CN", published_days("CN")), day_start_ms(day) + 10 * 3_600_000
    hours = OpenHours(calendar)
    assert hours.at(ten_ms)

    hours.take(Calendar("CN", published_days("CN"), {day: TradingDay("closed")}))

    assert not hours.at(ten_ms)


class Counting:
    """Sessions that note when they were asked: open from 100 to 200, closed before and behind."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def state_at(self, at_ms: int) -> tuple[str, int | None]:
        self.asked.append(at_ms)
        if at_ms < 100:
            return "closed", 100
        return ("open", 200) if at_ms < 200 else ("closed", None)

    def minute_of(self, seq: int) -> int | None:
        return None

    def first_trade_ms(self, day: date) -> int | None:
        return None

    def is_presumed(self, day: date) -> bool:
        return False


def test_an_answer_holds_until_its_state_ends_and_a_state_without_an_end_is_asked_for_each_time() -> None:
    sessions = Counting()
    hours = OpenHours(sessions)

    told = [hours.at(at_ms) for at_ms in (150, 160, 199, 120, 130, 160, 200, 201, 300, 50, 60, 99, 100)]

    assert told == [True] * 6 + [False] * 6 + [True]
    # 120 came late and is asked for; what lies between it and the state's end is known from then on.
    assert sessions.asked == [150, 120, 200, 201, 300, 50, 100]


def test_nothing_is_known_before_anybody_asked() -> None:
    sessions = Counting()

    assert [OpenHours(sessions).at(at_ms) for at_ms in (0, 1)] == [False, False]
    assert sessions.asked == [0, 1]
