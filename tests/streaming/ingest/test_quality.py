"""Days that have ended are looked at once, again where something may have come late, and noted for operators."""

import json
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import redis

from kernel import keyspace
from streaming.domain.minutes import MinuteBar
from streaming.errors import StoreUnavailable
from streaming.history import connection
from streaming.history.minutes import insert_minutes
from streaming.ingest.quality import check_days

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]
SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2024, 5, 17)  # of a year that no other test has bars of
HOUR_MS = 3_600_000


def at(day: date, clock: str) -> int:
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SHANGHAI).timestamp()) * 1000


@pytest.fixture
def client(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        client.delete(keyspace.day_quality("HK"))
        yield client
        client.delete(keyspace.day_quality("HK"))


def noted(client: redis.Redis, day: date) -> dict:
    return json.loads(client.hget(keyspace.day_quality("HK"), day.isoformat()) or b"{}")


def test_what_is_held_of_a_day_is_noted_once_it_has_ended(client) -> None:
    for minute in (9 * 60 + 29, 15 * 60 + 59):
        opened_ms = at(FRIDAY, "00:00") + minute * 60_000
        insert_minutes([MinuteBar("00998.HK", opened_ms, 100, 100, 100, 100, 100, 10_000)], version=1)

    assert FRIDAY not in check_days(client, "HK", at(FRIDAY, "16:00:00"))
    assert FRIDAY in check_days(client, "HK", at(FRIDAY, "16:30:00"))

    told = noted(client, FRIDAY)
    assert (told["instruments"], told["minutes"]) == (1, 2)
    assert (told["first_ms"], told["last_ms"]) == (at(FRIDAY, "09:29"), at(FRIDAY, "15:59"))
    (missing,) = [one for one in told["findings"] if one["kind"] == "minutes_missing"]
    assert missing["count"] == 329  # 330 minutes are open, 15:59 is there
    assert noted(client, FRIDAY + timedelta(days=1)) == {}


def test_a_day_is_looked_at_again_while_something_may_come_late_and_then_no_more(client) -> None:
    evening = at(FRIDAY, "16:30:00")

    assert FRIDAY in check_days(client, "HK", evening)
    assert FRIDAY not in check_days(client, "HK", evening + HOUR_MS)
    assert FRIDAY in check_days(client, "HK", evening + 7 * HOUR_MS)
    assert FRIDAY not in check_days(client, "HK", evening + 14 * HOUR_MS)


def test_what_is_old_or_unreadable_goes(client) -> None:
    key = keyspace.day_quality("HK")
    client.hset(key, mapping={"2023-01-03": "{}", FRIDAY.isoformat(): "nonsense"})

    check_days(client, "HK", at(FRIDAY, "17:00"))

    assert client.hget(key, "2023-01-03") is None
    assert "minutes" in noted(client, FRIDAY)


def test_stores_that_are_away_are_said_to_be_and_nothing_is_noted(client, settings, monkeypatch) -> None:
    from streaming.errors import HistoryUnavailable

    monkeypatch.setattr(connection, "_clients", {})
    settings.CLICKHOUSE_URL = "http://127.0.0.1:9/default"
    with pytest.raises(HistoryUnavailable):
        check_days(client, "HK", at(FRIDAY, "17:00"))
    with pytest.raises(StoreUnavailable):
        check_days(redis.Redis.from_url("redis://127.0.0.1:9/0"), "HK", at(FRIDAY, "17:00"))
    assert client.hgetall(keyspace.day_quality("HK")) == {}
