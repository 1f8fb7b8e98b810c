"""Proves how a trading day is read, written and checked, and when an operator is warned that the known days end."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.trading_days import (
    PublishedDays,
    TradingDay,
    allowed,
    clock,
    day_on,
    fault_of,
    horizon_warning,
    minutes,
    read_day,
)

HALF_PAST_ONE = 13 * 60 + 30


def test_what_was_written_before_there_were_times_is_read() -> None:
    assert read_day({"kind": "half", "note": "typhoon"}) == TradingDay("half")


@given(
    st.builds(
        TradingDay,
        st.sampled_from(["closed", "full", "half"]),
        st.none() | st.integers(0, 1439),
        st.none() | st.integers(0, 1439),
    )
)
def test_a_day_is_read_as_it_was_written(day: TradingDay) -> None:
    assert read_day(day.as_json()) == day


@pytest.mark.parametrize("value", [None, [], {}, {"kind": "open"}, {"kind": "full", "opens": "25:00"}, {"kind": []}])
def test_what_is_no_day_is_refused_by_name(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_day(value)


@pytest.mark.parametrize("text", ["1330", "13:3", "13:60", "24:00", "-1:30", "13:30:00", "١٣:٣٠", "", ":", "1 :30"])
def test_what_is_no_time_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 13:30"):
        minutes(text)


def test_times_are_read_and_written() -> None:
    assert (minutes("9:05"), clock(545), clock(HALF_PAST_ONE)) == (545, "09:05", "13:30")


def test_a_day_reads_as_people_say_it() -> None:
    said = [
        TradingDay("closed"),
        TradingDay("full", HALF_PAST_ONE),
        TradingDay("half", closes=660),
        TradingDay("full", presumed=True),
    ]
    assert [str(day) for day in said] == ["closed", "opens 13:30", "half closes 11:00", "full (presumed)"]


@pytest.mark.parametrize(
    ("market", "kind", "opens", "closes", "fault"),
    [
        ("HK", "full", "13:30", "", None),
        ("HK", "full", "13:00", "", None),
        ("HK", "full", "12:00", "", ("opens", "outside")),
        ("HK", "full", "12:30", "", ("opens", "outside")),
        ("HK", "full", "09:30", "", ("opens", "outside")),
        ("HK", "full", "16:00", "", ("opens", "outside")),
        ("HK", "full", "", "13:55", None),
        ("HK", "full", "", "12:00", None),
        ("HK", "full", "", "13:00", ("closes", "outside")),
        ("HK", "full", "", "16:00", ("closes", "outside")),
        ("HK", "full", "", "09:30", ("closes", "outside")),
        ("HK", "full", "10:00", "14:00", None),
        ("HK", "full", "14:00", "14:00", ("closes", "order")),
        ("HK", "half", "11:00", "", None),
        ("HK", "half", "13:30", "", ("opens", "outside")),
        ("HK", "half", "", "12:00", ("closes", "outside")),
        ("CN", "full", "14:57", "", ("opens", "outside")),
        ("CN", "full", "", "14:57", ("closes", "outside")),
        ("CN", "full", "14:56", "", None),
        ("CN", "full", "11:30", "", ("opens", "outside")),
        ("CN", "closed", "10:00", "", ("opens", "closed")),
        ("CN", "closed", "", "10:00", ("closes", "closed")),
        ("CN", "closed", "", "", None),
    ],
)
def test_a_days_times_lie_inside_its_trading(
    market: str, kind: str, opens: str, closes: str, fault: tuple[str, str] | None
) -> None:
    times = (minutes(text) if text else None for text in (opens, closes))

    assert fault_of(market, TradingDay(kind, *times)) == fault


def test_which_times_are_allowed_is_said() -> None:
    assert allowed("HK", "full") == "09:30-12:00 or 13:00-16:00"
    assert allowed("CN", "half") == "09:30-11:30"


def test_a_day_of_special_hours_is_published_and_an_operator_may_change_it() -> None:
    day, late = date(2021, 6, 28), TradingDay("full", opens=HALF_PAST_ONE)
    days = PublishedDays(date(2021, 1, 1), date(2021, 12, 31), frozenset(), frozenset(), {day: late})

    assert day_on(day, days, {}) == late
    assert day_on(day, days, {day: TradingDay("closed")}) == TradingDay("closed")


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2026, 10, 31), None),
        (date(2026, 11, 1), "60 days from now"),
        (date(2026, 11, 29), "32 days from now"),
        (date(2026, 12, 31), "which is today"),
        (date(2027, 1, 1), "which is past"),
    ],
)
def test_from_sixty_days_before_the_end_somebody_is_told_what_to_do(today: date, said: str | None) -> None:
    warning = horizon_warning("CN", date(2026, 12, 31), today)

    if said is None:
        assert warning is None
    else:
        assert warning is not None
        assert f"CN are known until 2026-12-31, {said};" in warning
        assert "manage.py import_calendar" in warning
