"""A whole week is found whole; each fault that can be is found on its day and by its name."""

import secrets
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from streaming.domain.calendar import Calendar
from streaming.domain.days import DayBar
from streaming.domain.minutes import MinuteBar
from streaming.history import connection
from streaming.history.checks import Finding, check
from streaming.history.days import add_up, insert_days
from streaming.history.minutes import insert_minutes
from streaming.reference.calendars import published_days

pytestmark = pytest.mark.whole
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar("CN", published_days("CN"))
MONDAY = date(2026, 11, 23)
WEEK = [MONDAY + timedelta(days=after) for after in range(5)]
SYMBOLS = ("600519.SH", "000001.SZ", "600036.SH", "601398.SH")


def at(day: date, clock: str) -> int:
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SHANGHAI).timestamp()) * 1000


def whole(day: date, symbol: str) -> list[MinuteBar]:
    minutes = [*range(570, 690), *range(780, 900)]
    midnight = at(day, "00:00")
    return [
        MinuteBar(symbol, midnight + m * 60_000, 100_000, 100_100, 99_900, 100_000, 100, 10_000_000) for m in minutes
    ]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    from config.embedded import servers

    folder: Path = tmp_path_factory.mktemp("checks")
    (folder / "log").mkdir()
    child, url = servers.clickhouse(folder, secrets.token_hex(16))
    child.start()
    child.wait_ready()
    yield url
    child.make_sure_stopped(0)


@pytest.fixture(autouse=True)
def a_week(engine: str, settings):
    settings.CLICKHOUSE_URL = engine
    connection.bring_up()
    for table in ("bars_1m", "bars_1d"):
        connection.command(f"TRUNCATE TABLE {table}")
    insert_minutes([bar for day in WEEK for symbol in SYMBOLS for bar in whole(day, symbol)], version=1)
    add_up(WEEK, 1)


def found(first: date = MONDAY, last: date = WEEK[-1]) -> list[Finding]:
    return list(check("CN", CALENDAR, first, last + timedelta(days=1)))


def test_a_whole_week_and_its_weekend_are_found_whole() -> None:
    assert found(MONDAY - timedelta(days=2), WEEK[-1] + timedelta(days=2)) == []


def test_a_day_without_a_bar_and_one_with_few_instruments_are_told() -> None:
    connection.command(f"ALTER TABLE bars_1m DELETE WHERE toDate(opened_at) = '{WEEK[1]}' SETTINGS mutations_sync = 1")
    connection.command(
        f"ALTER TABLE bars_1m DELETE WHERE toDate(opened_at) = '{WEEK[2]}' AND symbol != '600519.SH'"
        " SETTINGS mutations_sync = 1"
    )

    assert found() == [Finding("day_missing", WEEK[1], 4), Finding("day_thin", WEEK[2], 3)]


def test_minutes_in_which_nobody_traded_are_a_hole() -> None:
    for clock in ("10:00", "10:01"):
        connection.command(
            f"ALTER TABLE bars_1m DELETE WHERE opened_at = toDateTime({at(MONDAY, clock) // 1000})"
            " SETTINGS mutations_sync = 1"
        )

    assert found() == [Finding("minutes_missing", MONDAY, 2, ("10:00", "10:01"))]


def test_bars_at_lunch_are_outside_the_session() -> None:
    insert_minutes(
        [MinuteBar("600519.SH", at(MONDAY, "12:15"), 100_000, 100_000, 100_000, 100_000, 1, 100_000)], version=1
    )

    kinds = {(one.kind, one.count, one.examples) for one in found()}
    assert ("outside_session", 1, ("600519.SH",)) in kinds


def test_lots_are_found_by_their_average_price() -> None:
    insert_minutes(
        [MinuteBar("600036.SH", at(MONDAY, "10:00"), 100_000, 100_000, 100_000, 100_000, 1, 10_000_000)], version=2
    )

    assert found() == [Finding("unit", MONDAY, 1, ("600036.SH",))]


def test_a_day_that_is_less_than_its_minutes_is_told() -> None:
    insert_days([DayBar("601398.SH", MONDAY, 1, 100_100, 99_900, 1, 5, 5)], source="live", version=1)

    assert found() == [Finding("day_differs", MONDAY, 1, ("601398.SH",))]


def test_two_truths_of_one_source_at_one_time_are_told() -> None:
    insert_minutes(
        [MinuteBar("600519.SH", at(MONDAY, "10:00"), 100_000, 100_100, 99_900, 100_050, 100, 10_000_000)], version=1
    )

    assert [(one.kind, one.count) for one in found()] == [("double", 1)]


def test_the_command_ends_with_an_error_where_something_is_wrong(redis_url) -> None:
    out = StringIO()
    call_command("check_history", "CN", "--from", str(MONDAY), "--to", str(WEEK[-1]), stdout=out)
    assert "CN from 2026-11-23 to 2026-11-27: nothing is wrong." in out.getvalue()

    insert_days([DayBar("601398.SH", MONDAY, 1, 100_100, 99_900, 1, 5, 5)], source="live", version=1)
    with pytest.raises(CommandError, match="1 findings"):
        call_command("check_history", "CN", "--from", str(MONDAY), "--to", str(WEEK[-1]), stdout=out)
    assert "2026-11-23 day_differs: 1 days that are less than their minutes (601398.SH)" in out.getvalue()
    with pytest.raises(CommandError, match="'yesterday' is no day"):
        call_command("check_history", "CN", "--from", "yesterday")
    with pytest.raises(CommandError, match="is behind"):
        call_command("check_history", "CN", "--from", "2026-11-28", "--to", "2026-11-27")
