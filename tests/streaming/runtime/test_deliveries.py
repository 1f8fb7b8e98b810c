"""What was delivered is reported in pieces, each under an id of its own, and waits where the store is away."""

import json

import pytest
import redis.asyncio
from django.conf import settings

from kernel import clock, keyspace
from streaming.hub.delivery import DeliveryTally, Followed
from streaming.runtime import deliveries as module
from streaming.runtime.deliveries import MOST_BARS, DeliveryReports
from streaming.store.quota import PROCESS

pytestmark = pytest.mark.whole


class Tally(DeliveryTally):
    """Has counted what it is told to."""

    def __init__(self) -> None:
        super().__init__({}, list)

    def count(self, customer: str, bars: dict[str, list[int]]) -> None:
        self._rows[Followed(customer, "CN", "2026-03-10")] = bars


@pytest.fixture
async def store(monkeypatch, redis_url):
    client = redis.asyncio.Redis.from_url(redis_url)
    monkeypatch.setattr(module, "redis_async", lambda: client)
    await client.delete(keyspace.reports(settings.NODE_GROUP))
    yield client
    await client.delete(keyspace.reports(settings.NODE_GROUP))
    await client.aclose()


async def told(store) -> list[dict]:
    rows = await store.xrange(keyspace.reports(settings.NODE_GROUP))
    assert {(fields[b"v"], fields[b"kind"]) for _, fields in rows} <= {(b"1", b"delivery")}
    return [json.loads(fields[b"body"]) for _, fields in rows]


async def test_what_was_counted_is_reported_once(store):
    tally = Tally()
    reports = DeliveryReports(tally)
    tally.count("alice", {"600519.SH": [40, 39, 2]})

    await reports.report()
    await reports.report()

    row = {"customer": "alice", "market": "CN", "day": "2026-03-10", "bars": {"600519.SH": [40, 39, 2]}}
    [report] = await told(store)
    assert abs(report.pop("at_ms") - clock.now_ms()) < 60_000
    assert report == {"id": f"{PROCESS}:1", "node": settings.NODE_ID, "rows": [row]}


async def test_a_report_holds_no_more_than_so_many_symbols_and_nothing_is_left_out(store):
    tally = Tally()
    tally.count("alice", {f"{number:06d}.SH": [1, 1, 0] for number in range(MOST_BARS + 1)})
    tally.count("bob", {"600519.SH": [2, 2, 0]})

    await DeliveryReports(tally).report()

    reports = await told(store)
    assert [sum(len(row["bars"]) for row in one["rows"]) for one in reports] == [MOST_BARS, 2]
    assert len({one["id"] for one in reports}) == 2
    assert sum(counts[0] for one in reports for row in one["rows"] for counts in row["bars"].values()) == MOST_BARS + 3


async def test_a_report_whose_answer_was_lost_goes_out_again_under_its_id_and_what_came_since_under_another(
    store, monkeypatch
):
    class LosesAnAnswer:
        async def execute_command(self, *command):
            await store.execute_command(*command)
            raise redis.ConnectionError

    tally = Tally()
    reports = DeliveryReports(tally)
    tally.count("alice", {"600519.SH": [40, 40, 0]})
    with monkeypatch.context() as lossy:
        lossy.setattr(module, "redis_async", LosesAnAnswer)
        with pytest.raises(redis.ConnectionError):
            await reports.report()
    tally.count("alice", {"600519.SH": [1, 1, 0]})
    await reports.report()
    await reports.report()

    reports = await told(store)
    assert [one["id"] for one in reports] == [f"{PROCESS}:1", f"{PROCESS}:1", f"{PROCESS}:2"]
    assert reports[0] == reports[1] != reports[2]


async def test_a_process_that_stops_tells_what_it_has_and_is_not_kept_by_a_store_that_is_away(store, monkeypatch):
    tally = Tally()
    tally.count("alice", {"600519.SH": [40, 40, 0]})
    reports = DeliveryReports(tally)
    away = redis.asyncio.Redis.from_url("redis://127.0.0.1:9/0")
    with monkeypatch.context() as gone:
        gone.setattr(module, "redis_async", lambda: away)
        await reports.stop()
    await away.aclose()
    tally.count("bob", {"600519.SH": [1, 1, 0]})

    await reports.stop()

    assert [row["customer"] for one in await told(store) for row in one["rows"]] == ["alice", "bob"]
