"""Proves how an exchange's notice is read: as people type it, and with every mistake named at once."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.trading_days import TradingDay
from nodes.domain.notices import MOST_LINES, BadNotice, Notice, read_notice

TODAY = date(2026, 12, 22)


def read(text: str) -> Notice:
    return read_notice(text, today=TODAY)


def days(text: str, market: str = "CN") -> dict[str, str]:
    return {str(on): str(entry.day) for on, entry in read(text).days[market].items()}


def faults(text: str) -> list[str]:
    with pytest.raises(BadNotice) as refused:
        read(text)
    return refused.value.faults


def test_a_festival_is_every_day_of_it_with_its_note() -> None:
    notice = read("CN 2027-02-05..2027-02-11 closed Spring Festival")

    assert [str(on) for on in notice.days["CN"]] == [f"2027-02-{day:02d}" for day in range(5, 12)]
    assert {(entry.day, entry.note) for entry in notice.days["CN"].values()} == {
        (TradingDay("closed"), "Spring Festival")
    }


@pytest.mark.parametrize(
    "line",
    [
        "CN 2027-02-05..2027-02-07 closed",
        "cn 2027/2/5 .. 2027/2/7 closed",
        "SSE 2027.02.05 to 2027.02.07 holiday",
        "CN 2027-02-05..02-07 closed",
        "CN 2027-02-05..07 closed",
        "CN 2027年2月5日至7日 休市",
        "CN　2027年2月5日至2月7日　休市 # 春节",
        "\ufeffSZSE 2027-02-05–2027-02-07 CLOSED",
    ],
)
def test_people_write_days_in_many_ways(line: str) -> None:
    assert days(line) == {"2027-02-05": "closed", "2027-02-06": "closed", "2027-02-07": "closed"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("half Christmas Eve", "half"),
        ("opens 13:30 typhoon", "opens 13:30"),
        ("late 1330", "opens 13:30"),
        ("full opens 13：30", "opens 13:30"),
        ("closes 13:55", "closes 13:55"),
        ("opens 10:00 closes 14:00", "opens 10:00 closes 14:00"),
        ("half opens 11:00", "half opens 11:00"),
        ("full", "full"),
        ("as-published", "None"),
    ],
)
def test_a_day_is_what_its_words_say(words: str, told: str) -> None:
    assert days(f"HK 2027-07-20 {words}", "HK") == {"2027-07-20": told}


def test_comments_and_empty_lines_say_nothing() -> None:
    assert days("# the notice\n\nCN 2027-10-01 closed # National Day\n") == {"2027-10-01": "closed"}


def test_a_full_period_leaves_its_weekend_out() -> None:
    assert list(days("CN 2027-03-05..2027-03-08 full")) == ["2027-03-05", "2027-03-08"]


def test_a_year_or_a_part_of_it_is_complete() -> None:
    notice = read("CN 2027 published\nHK published until 2028-06-30")

    assert notice.complete == {
        "CN": (date(2027, 1, 1), date(2027, 12, 31)), "HK": (None, date(2028, 6, 30)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("US 2027-01-01 closed", "'US' is no market: begin with CN or HK"),
        ("CN", "'' does not begin with a day: write 2027-02-05, 2027-02-05..2027-02-11, or: CN 2027 published"),
        ("CN Feb 5 closed", "'Feb 5 closed' does not begin with a day"),
        ("CN 2027-02-30 closed", "2027-02-30 is no day: write it like 2027-02-05"),
        ("CN 2072-02-05 closed", "2072-02-05 is not between 2015 and 2029: look at the year"),
        ("CN 2027-02-11..2027-02-05 closed", "2027-02-11..2027-02-05 ends before it begins"),
        ("CN 2027-01-04..2027-12-30 closed", "has 361 days: 62 at most, so write it in parts"),
        ("CN 2027-02-05", "'' does not say what the day is: closed, full, half, opens HH:MM"),
        ("CN 2027-02-05 clsoed", "'clsoed' does not say what the day is"),
        ("CN 2027-02-05 closed full", "'full' and 'closed' contradict each other"),
        ("CN 2027-02-05 opens", "'opens' needs a time: write opens 13:30"),
        ("CN 2027-02-05 opens late", "'opens' needs a time: write opens 13:30"),
        ("CN 2027-02-05 opens 25:00", "is no time of a day: write it like 13:30"),
        ("CN 2027-02-05 closed opens 13:30", "a closed day has no times: leave opens out"),
        ("HK 2027-02-05 opens 12:30", "opens is inside trading, 09:30-12:00 or 13:00-16:00 on a day of HK"),
        ("HK 2027-02-05 half opens 13:30", "09:30-12:00 on a half day of HK"),
        ("HK 2027-02-05 opens 14:00 closes 13:30", "closes before it opens"),
        ("HK 2027-02-05 closed until 13:30", "'until 13:30' reads like hours: write opens 13:30 or closes 13:55"),
        ("CN 2027-02-20 full", "2027-02-20 is a Saturday: exchanges do not trade at weekends, make-up workdays included"),
        ("CN 2027-02-05 as-published half", "a day that is as published has no words of its own"),
        ("CN 2027-02-05 closed " + "x" * 201, "the note has 201 characters: 200 at most"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_its_value_and_what_to_write(line: str, said: str) -> None:
    (fault,) = faults(f"HK 2027-12-24 half\n{line}")

    assert fault.startswith("line 2: ")
    assert said in fault


def test_all_mistakes_are_told_at_once() -> None:
    assert [fault.partition(":")[0] for fault in faults("US x\nCN 2027-10-01 closed\nCN y\n")] == ["line 1", "line 3"]


def test_a_day_that_is_said_twice_must_be_said_alike() -> None:
    assert days("CN 2027-10-01 closed\nCN 2027-10-01 closed again") == {"2027-10-01": "closed"}
    assert faults("CN 2027-10-01 closed\nCN 2027-10-01 half") == [
        "line 2: 2027-10-01 is closed in line 1: say one of the two"
    ]
    assert "already: one such line a market" in faults("CN 2027 published\nCN 2028 published")[0]


@pytest.mark.parametrize("text", ["CN 2027-10-01 closed\n" * (MOST_LINES + 1), "#" * 65_537])
def test_a_notice_has_bounds(text: str) -> None:
    assert "a notice has 1000 and 65536 at most" in faults(text)[0]


def test_a_notice_that_says_nothing_is_a_mistake() -> None:
    assert "the notice says nothing" in faults("# all comments\n")[0]


@given(st.text(alphabet="CNHK 0123456789-./:年月日至休市closedhalfpn\n#", max_size=200))
def test_nothing_that_can_be_typed_breaks_the_reader(text: str) -> None:
    with suppress(BadNotice):
        read(text)
