"""Ingest is judged by windows written: what lives and writes nothing ends itself, shows no sign of life, is not ready."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from kernel import clock, keyspace
from kernel.instruments import LANES
from streaming.ingest import lane as lane_module
from streaming.ingest import liveness
from streaming.ingest.liveness import SILENT_MS, LivenessWatch, silent_markets, told

NOW = 1_795_600_000_000
ROOT = Path(__file__).resolve().parents[3]


def state(**changes: Any) -> dict[str, str]:
    said = {"reported_ms": NOW - 500, "written_ms": NOW - 2_000, "state": "open", "speed": 1.0, "finished": 0, "problem": ""}  # fmt: skip
    return {name: str(value) for name, value in (said | changes).items()}


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (state(), ""),
        ({}, "no worker runs it"),
        (state(reported_ms=NOW - SILENT_MS - 1_000), "no worker has reported for 11 s"),
        (state(written_ms=NOW - SILENT_MS - 2_000), "no window was written for 12 s"),
        (state(written_ms=NOW - 3_600_000, state="closed"), ""),
        (state(written_ms=NOW - 3_600_000, finished=1), ""),
        (state(written_ms=NOW - 3_600_000, problem="feed none has nothing for this lane"), ""),
        (state(written_ms=NOW - 3_600_000, speed=0.01), ""),
        (state(written_ms=0), ""),
        (state(reported_ms="what?"), "no worker runs it"),
    ],
)
def test_a_market_is_silent_where_windows_are_due_and_none_comes(said: dict[str, str], wrong: str) -> None:
    assert silent_markets({"CN": said}, NOW) == ({"CN": wrong} if wrong else {})


def test_a_node_is_ready_while_any_market_is_written() -> None:
    well = {name.encode(): value.encode() for name, value in state().items()}
    assert told({"CN": well, "HK": well}, NOW) == (True, {})
    assert told({"CN": {}, "HK": well}, NOW) == (True, {"ingest": {"CN": "no worker runs it"}})
    assert told({"CN": {}, "HK": {}}, NOW)[0] is False


@pytest.fixture
def feed_states(data_redis, monkeypatch):
    """The states that workers report, of a store of the test's own."""
    monkeypatch.setattr(liveness, "redis_sync", lambda: data_redis)

    def say(**changes: Any) -> None:
        now_ms = clock.now_ms()
        for lane in LANES:
            data_redis.delete(keyspace.feed_state(lane))
            data_redis.hset(keyspace.feed_state(lane), mapping=state(reported_ms=now_ms, written_ms=now_ms, **changes))

    yield say
    data_redis.delete(*(keyspace.feed_state(lane) for lane in LANES))


class Ended(Exception):
    """Stands where the process would end."""


def ending(wrong: str) -> None:
    raise Ended(wrong)


@pytest.mark.whole
def test_a_worker_beside_markets_that_are_written_shows_life(feed_states, tmp_path) -> None:
    feed_states()
    watch = LivenessWatch(file=tmp_path / "new" / "alive", end=ending, give_up_seconds=-1)

    watch.look()

    assert (tmp_path / "new" / "alive").exists()


@pytest.mark.whole
def test_a_worker_ends_where_nothing_is_written_and_waits_a_while_first(feed_states, data_redis, tmp_path) -> None:
    feed_states()
    data_redis.delete(keyspace.feed_state("CN"))
    file = tmp_path / "alive"

    LivenessWatch(file=file, end=ending, give_up_seconds=60).look()
    with pytest.raises(Ended, match="CN: no worker runs it"):
        LivenessWatch(file=file, end=ending, give_up_seconds=-1).look()

    assert not file.exists()


@pytest.mark.whole
def test_a_recording_that_is_looked_through_is_no_silence(feed_states, data_redis, tmp_path, monkeypatch) -> None:
    feed_states()
    data_redis.delete(keyspace.feed_state("CN"))
    monkeypatch.setitem(lane_module._begins_at, "CN", time.monotonic())
    LivenessWatch(file=tmp_path / "alive", end=ending, give_up_seconds=-1).look()
    monkeypatch.setitem(lane_module._begins_at, "CN", time.monotonic() - 601)
    with pytest.raises(Ended):
        LivenessWatch(file=tmp_path / "alive", end=ending, give_up_seconds=-1).look()


def test_a_store_that_is_away_is_no_fault_of_the_worker(tmp_path, monkeypatch) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    monkeypatch.setattr(liveness, "redis_sync", lambda: away)
    LivenessWatch(file=tmp_path / "alive", end=ending, give_up_seconds=-1).look()
    assert (tmp_path / "alive").exists()


def test_a_folder_that_cannot_be_written_is_said_and_ends_nothing(tmp_path, monkeypatch, caplog) -> None:
    (tmp_path / "file").write_text("")
    away = redis.Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    monkeypatch.setattr(liveness, "redis_sync", lambda: away)
    LivenessWatch(file=tmp_path / "file" / "alive", end=ending).look()
    assert "liveness cannot be shown" in caplog.text


# A worker whose consumer of tasks has ended: Celery logs "unrecoverable error", no signal is sent, and threads live on.
DEAD_CONSUMER = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django; django.setup()
from celery.signals import worker_ready
from celery.worker.consumer import Consumer
from config.celery import app
from streaming import tasks
from streaming.ingest import liveness

patient = liveness.LivenessWatch
tasks.liveness.LivenessWatch = lambda *, file: patient(file=file, give_up_seconds=2, look_seconds=0.2)

def broken(self):
    worker_ready.send(sender=self)
    raise RuntimeError("unrecoverable")

Consumer.start = broken
try:
    app.worker_main(["worker", "-P", "threads", "-Q", "ingest", "-c", "2", "-l", "ERROR"])
finally:
    time.sleep(60)  # as the threads of markets keep the process
"""


@pytest.mark.whole
def test_a_worker_whose_consumer_has_died_is_ended_and_its_exit_says_so(tmp_path, second_redis_url) -> None:
    env = os.environ | {
        "REDIS_URL": second_redis_url, "CELERY_BROKER_URL": second_redis_url,
        "TICKPACK_INGEST_ALIVE_FILE": str(tmp_path / "alive"), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }  # fmt: skip
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen([sys.executable, "-c", DEAD_CONSUMER], cwd=ROOT, env=env, stdout=out, stderr=out)
        try:
            assert worker.wait(40) == 75, log.read_text()[-2000:]
        finally:
            worker.kill()
            worker.wait()
    assert "this worker lives and markets are not written" in log.read_text()
