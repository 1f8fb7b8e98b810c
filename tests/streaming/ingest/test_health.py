"""What a worker that runs markets says of itself."""

import json

import pytest

from kernel import clock, keyspace
from streaming.ingest import health
from streaming.store.connection import redis_sync


@pytest.fixture
def noted(monkeypatch):
    """Nothing is reported by itself; call it with how a market stands."""
    monkeypatch.setattr(health, "_markets", {})
    monkeypatch.setattr(health, "_thread", object())

    def note(market: str = "CN", *, state: str = "open", behind_ms: int = 800, on_wall_clock: bool = True) -> None:
        health.note(market, state=state, end_ms=clock.now_ms() - behind_ms, on_wall_clock=on_wall_clock, feed="live")

    return note


def test_a_worker_that_runs_no_market_has_nothing_to_say(noted):
    assert health.now() is None
    noted()
    health.forget("CN")
    assert health.now() is None


def test_lag_is_told_of_open_markets_on_the_wall_clock_alone(noted):
    noted("CN")
    noted("HK", state="closed")
    noted("TEST", on_wall_clock=False)

    told = health.now()

    assert (told.role, told.sockets, told.markets) == ("ingest", 0, {"CN": "open", "HK": "closed", "TEST": "open"})
    assert 800 <= told.lag_ms["CN"] < 10_000
    assert (told.lag_ms["HK"], told.lag_ms["TEST"]) == (None, None)


@pytest.mark.whole
def test_a_running_market_is_reported_upwards(noted, monkeypatch, settings):
    settings.NODE_GROUP = "ingest-reports"
    monkeypatch.setattr(health, "_thread", None)
    client, key = redis_sync(), keyspace.reports("ingest-reports")

    noted("HK")
    while not (entries := client.xrange(key)):
        pass
    client.delete(key)

    body = json.loads(entries[0][1][b"body"])
    assert (entries[0][1][b"kind"], body["role"], body["markets"]) == (b"health", "ingest", {"HK": "open"})
    health.forget("HK")
