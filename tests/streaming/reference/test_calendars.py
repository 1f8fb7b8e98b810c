"""Holds the committed trading days against the package that they come from, and against a second source.

Each difference stands here with its reason.
"""

import json
import warnings
from datetime import date, timedelta
from pathlib import Path

import pytest

from kernel.trading_days import TradingDay, day_on, minutes
from streaming.reference import generate_calendars, published_days

# The first import of pandas and of hundreds of calendars takes seconds.
pytestmark = pytest.mark.whole

# Days on which the second source has trading and there was none, or none of these hours.
STORMS_OF_2023 = {date(2023, 9, 1), date(2023, 9, 8)}  # a typhoon and black rain; it copies the first source here
KEPT_SHUT = {
    date(2020, 8, 19): TradingDay("full", opens=minutes("13:30")),
    date(2021, 6, 28): TradingDay("full", opens=minutes("13:30")),
    date(2022, 11, 2): TradingDay("full", closes=minutes("13:55")),
    date(2023, 10, 9): TradingDay("full", opens=minutes("14:00")),
}
# What its own list of Hong Kong has wrong: three typhoons, and the day after Ching Ming of 2021, a holiday.
WRONG_IN_HKEX = {date(2020, 10, 13), date(2021, 4, 6), date(2021, 10, 13), date(2024, 9, 6)}


def trading_days(market: str) -> set[date]:
    days = published_days(market)
    every = (days.first + timedelta(days=n) for n in range((days.last - days.first).days + 1))
    return {day for day in every if day_on(day, days, {}).trades}


def second_source(name: str, first: date, last: date):
    import pandas_market_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = pandas_market_calendars.get_calendar(name)
        return calendar, calendar.schedule(first.isoformat(), last.isoformat())


def days_of(schedule) -> set[date]:
    return {stamp.date() for stamp in schedule.index}


@pytest.mark.parametrize("market", ["CN", "HK"])
def test_the_committed_files_are_what_the_generator_writes(market: str) -> None:
    name, last = generate_calendars.MARKETS[market]
    committed = Path(generate_calendars.__file__).parent / "calendars" / f"{market}.json"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert json.loads(committed.read_text()) == generate_calendars.published(name, last)


def test_the_mainlands_days_are_those_of_the_second_source() -> None:
    days = published_days("CN")

    _, schedule = second_source("SSE", days.first, days.last)

    assert days_of(schedule) == trading_days("CN")
    assert len(trading_days("CN")) == 2916


def test_hong_kongs_days_are_those_of_the_second_source_but_for_two_storms() -> None:
    days = published_days("HK")

    calendar, schedule = second_source("XHKG", days.first, days.last)

    assert days_of(schedule) ^ trading_days("HK") == STORMS_OF_2023
    assert {stamp.date() for stamp in calendar.early_closes(schedule).index} == set(days.half_days)


def test_hong_kongs_days_are_those_that_the_second_source_has_listed_itself_but_for_four() -> None:
    days = published_days("HK")

    _, schedule = second_source("HKEX", days.first, days.last)

    assert days_of(schedule) ^ trading_days("HK") == WRONG_IN_HKEX


def test_neither_source_knows_the_days_on_which_storms_kept_the_market_shut() -> None:
    days = published_days("HK")

    calendar, schedule = second_source("XHKG", days.first, days.last)

    assert days.special == KEPT_SHUT
    assert calendar.late_opens(schedule).empty
    assert set(KEPT_SHUT) <= days_of(schedule)


@pytest.mark.parametrize(
    ("market", "year", "sessions"),
    [("CN", 2024, 242), ("CN", 2025, 243), ("CN", 2026, 242), ("HK", 2024, 246), ("HK", 2025, 246), ("HK", 2026, 247), ("HK", 2027, 248)],
)  # fmt: skip
def test_a_year_has_so_many_trading_days(market: str, year: int, sessions: int) -> None:
    assert len([day for day in trading_days(market) if day.year == year]) == sessions
