"""Both markets, minute by minute from 2026-12-24 to 2027-01-10, against a table that people have written.

The mainland's year 2027 is not published, Hong Kong's is. Christmas Eve and New Year's Eve are half days in Hong Kong,
Christmas Day and New Year's Day holidays; the mainland works on Christmas and not on New Year's Day.
"""

from datetime import date, datetime, timedelta, timezone

import pytest

from streaming.domain.calendar import Calendar, day_start_ms
from streaming.domain.windows import seq_of
from streaming.reference import published_days

FIRST, LAST = date(2026, 12, 24), date(2027, 1, 10)
SHANGHAI = timezone(timedelta(hours=8))
# f full, h half, p presumed to be full, - closed; from Thursday the 24th to Sunday the 10th
#             24  25  26  27  28  29  30  31   1   2   3   4   5   6   7   8   9  10
DAYS = {
    "CN": ["f", "f", "-", "-", "f", "f", "f", "f", "-", "-", "-", "p", "p", "p", "p", "p", "-", "-"],
    "HK": ["h", "-", "-", "-", "f", "f", "f", "h", "-", "-", "-", "f", "f", "f", "f", "f", "-", "-"],
}
# What each minute is: from this time on.
STATES = {
    "CN full": "00:00 closed 09:15 opening_auction 09:25 pre_open 09:30 open 11:30 lunch_break 13:00 open "
               "14:57 closing_auction 15:02 closed 15:05 after_hours 15:30 closed",
    "HK full": "00:00 closed 09:00 opening_auction 09:22 pre_open 09:30 open 12:00 lunch_break 13:00 open "
               "16:00 closing_auction 16:10 closed",
    "HK half": "00:00 closed 09:00 opening_auction 09:22 pre_open 09:30 open 12:00 closing_auction 12:10 closed",
}  # fmt: skip
# Which minute a trade of each minute belongs to: from this time on; "same" is its own, "-" none.
MINUTES = {
    "CN full": "00:00 09:30 09:30 same 11:30 11:29 13:00 same 15:00 14:59 15:05 -",
    "HK full": "00:00 09:29 09:30 same 12:00 11:59 13:00 same 16:00 15:59",
    "HK half": "00:00 09:29 09:30 same 12:00 11:59",
}
FIRST_TRADES = {"CN": "09:25", "HK": "09:20"}


def days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def table(row: str) -> dict[str, str]:
    """Return what the row says for each minute of a day."""
    words = row.split()
    steps = list(zip(words[::2], words[1::2], strict=True))
    told = {}
    for minute in range(1440):
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        told[clock] = [what for begins, what in steps if begins <= clock][-1]
    return told


def at_ms(day: date, clock: str) -> int:
    return round(datetime.fromisoformat(f"{day}T{clock}:00+08:00").timestamp() * 1000)


@pytest.mark.parametrize("market", ["CN", "HK"])
def test_every_minute_around_new_year_is_as_the_table_says(market: str) -> None:
    calendar = Calendar(market, published_days(market))
    assert len(DAYS[market]) == len(days()) == 18

    for day, letter in zip(days(), DAYS[market], strict=True):
        kind = {"f": "full", "p": "full", "h": "half", "-": "closed"}[letter]
        states = table(STATES.get(f"{market} {kind}", "00:00 closed"))
        minutes = table(MINUTES.get(f"{market} {kind}", "00:00 any"))
        assert (day, calendar.kind_on(day), calendar.is_presumed(day)) == (day, kind, letter == "p")
        for clock, state in states.items():
            assert (day, clock, calendar.state_at(at_ms(day, clock))[0]) == (day, clock, state)
            if minutes[clock] == "any":
                continue  # nothing trades
            found = calendar.minute_of(seq_of(at_ms(day, clock)))
            wanted = {"same": clock, "-": None}.get(minutes[clock], minutes[clock])
            assert (day, clock, found) == (day, clock, None if wanted is None else at_ms(day, wanted))


@pytest.mark.parametrize("market", ["CN", "HK"])
def test_a_state_lasts_until_the_next_one_begins(market: str) -> None:
    calendar = Calendar(market, published_days(market))
    minutes = [day_start_ms(day) + nth * 60_000 for day in days()[:-1] for nth in range(1440)]
    told = [calendar.state_at(at) for at in minutes]

    for (now, until), later, at in zip(told, told[1:], minutes[1:], strict=False):
        assert until is not None
        assert (until == at) == (now != later[0]), datetime.fromtimestamp(at / 1000, SHANGHAI)


@pytest.mark.parametrize("market", ["CN", "HK"])
def test_the_first_trade_of_each_day_that_trades(market: str) -> None:
    calendar = Calendar(market, published_days(market))

    for day, letter in zip(days(), DAYS[market], strict=True):
        wanted = None if letter == "-" else at_ms(day, FIRST_TRADES[market])
        assert (day, calendar.first_trade_ms(day)) == (day, wanted)


def test_who_waits_on_new_years_eve_is_told_of_the_first_weekday_of_january() -> None:
    for market, opens in (("CN", "09:15"), ("HK", "09:00")):
        calendar = Calendar(market, published_days(market))

        for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 3)):
            assert calendar.state_at(at_ms(day, "23:00")) == ("closed", at_ms(date(2027, 1, 4), opens))
