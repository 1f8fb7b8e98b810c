"""Counted days go up once they have ended, whole, again where more has come, and old ones are forgotten."""

import json
from datetime import date, timedelta

import pytest
import redis
from django.conf import settings

from kernel import keyspace
from streaming.ingest.day_reports import report_days
from streaming.records.day_counts import DayCounts
from streaming.store.day_counts import KEPT_MS, MOST_SYMBOLS, DayCountStore
from tests.streaming.ingest.test_day_counts import DAY, at

pytestmark = pytest.mark.whole


@pytest.fixture
def client(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        days = (DAY, DAY - timedelta(days=1))
        keys = [keyspace.symbol_days("HK", str(day)) for day in days]
        keys += [keyspace.counted_days("HK"), keyspace.fence("HK"), keyspace.reports(settings.NODE_GROUP)]
        client.delete(*keys)
        client.set(keyspace.fence("HK"), 7)
        yield client
        client.delete(*keys)


def write(client, at_ms: int, *symbols: str, day: date = DAY, rows: int = 1) -> None:
    counts = {symbol: DayCounts(rows=rows, refused={"price": 1}) for symbol in symbols or ("00700.HK",)}
    DayCountStore(client, "HK").write(7, day, counts, at_ms)


def reports(client) -> list[dict]:
    rows = client.xrange(keyspace.reports(settings.NODE_GROUP))
    assert {fields[b"kind"] for _, fields in rows} <= {b"symbol_days"}
    return [json.loads(fields[b"body"]) for _, fields in rows]


def test_a_day_goes_up_when_it_has_ended_and_once(client):
    write(client, at("16:29:30"))

    assert report_days(client, "HK", at("16:00:00")) == []
    assert report_days(client, "HK", at("16:31:00")) == [str(DAY)]
    assert report_days(client, "HK", at("16:41:00")) == []

    (body,) = reports(client)
    assert (body["market"], body["day"]) == ("HK", str(DAY))
    assert body["symbols"]["00700.HK"]["refused"] == {"price": 1}


def test_what_comes_later_goes_up_when_it_is_quiet_or_hours_have_passed(client):
    write(client, at("16:29:30"))
    report_days(client, "HK", at("16:31:00"))
    write(client, at("16:50:30"), rows=2)

    assert report_days(client, "HK", at("16:51:00")) == []  # it is being written
    assert report_days(client, "HK", at("16:52:00")) == [str(DAY)]
    write(client, at("22:53:00"), rows=3)
    assert report_days(client, "HK", at("22:53:10")) == [str(DAY)]
    assert [body["symbols"]["00700.HK"]["rows"] for body in reports(client)] == [1, 2, 3]


def test_a_large_day_goes_up_in_pieces_with_nothing_left_out(client):
    symbols = [f"{number:05d}.HK" for number in range(1, 2 * MOST_SYMBOLS + 2)]
    write(client, at("16:20:00"), *symbols)

    report_days(client, "HK", at("16:31:00"))

    sent = reports(client)
    assert [len(body["symbols"]) for body in sent] == [MOST_SYMBOLS, MOST_SYMBOLS, 1]
    assert sorted(symbol for body in sent for symbol in body["symbols"]) == symbols


def test_a_recording_of_another_day_goes_up_and_old_days_are_forgotten(client):
    yesterday = DAY - timedelta(days=1)
    write(client, at("10:00:00"), day=yesterday)

    assert report_days(client, "HK", at("10:02:00")) == [str(yesterday)]
    assert report_days(client, "HK", at("10:02:00") + KEPT_MS) == []
    assert client.hgetall(keyspace.counted_days("HK")) == {}
