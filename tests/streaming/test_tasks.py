"""Proves ingest as it is deployed: beat offers, a real Celery worker runs, and its violent death costs seconds."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from celery import Celery
from kombu import Queue

from config.embedded.parts import PARTS
from kernel import clock, keyspace
from streaming import tasks
from streaming.records.window import Window, seq_of
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
from tests.streaming.ingest.conftest import wait_for

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(redis_url: str) -> Iterator[dict[str, str]]:
    # Databases of their own: other tests have lanes and queues in the first two.
    data = redis_url.rsplit("/", 1)[0] + "/9"
    broker = os.environ["CELERY_BROKER_URL"].rsplit("/", 1)[0] + "/10"
    for url in (data, broker):
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    yield os.environ | {
        "REDIS_URL": data,
        "CELERY_BROKER_URL": broker,
        "TICKPACK_FEED": "simulated",
        "TICKPACK_EMBEDDED": "1",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    for url in (data, broker):
        with redis.Redis.from_url(url) as client:
            client.flushdb()


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def run(part: str) -> subprocess.Popen[bytes]:
        schedule = ["-s", str(tmp_path / "schedule")] if part == "beat" else []
        argv = [sys.executable, *PARTS[part], *schedule]
        with (tmp_path / f"{part}.log").open("ab") as log:
            running.append(subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=log, stderr=log))
        return running[-1]

    yield run
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        process.wait(timeout=15)


def windows_of(store: LaneStore) -> list[Window]:
    epoch = store.epoch()
    return store.read(epoch, 0, 10_000) if epoch else []


@pytest.mark.alone  # its seconds are those of a machine that has time
def test_a_worker_killed_with_sigkill_is_replaced_and_nothing_is_doubled(
    environment: dict[str, str], start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    store = LaneStore(redis_sync(environment["REDIS_URL"]), "CN")
    start("beat")
    worker = start("ingest")
    wait_for(lambda: len(windows_of(store)) >= 3, 40)

    worker.send_signal(signal.SIGKILL)
    worker.wait()
    before = len(windows_of(store))
    start("ingest")  # the supervisor's, or the container's, part
    wait_for(lambda: len(windows_of(store)) > before, 60)
    wait_for(lambda: abs(windows_of(store)[-1].seq - seq_of(clock.now_ms())) <= 2)

    seqs = [window.seq for window in windows_of(store)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(store.epochs()) == 1


def test_a_worker_that_is_asked_to_stop_gives_its_lanes_back_at_once(
    environment: dict[str, str], start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    client = redis_sync(environment["REDIS_URL"])
    start("beat")
    worker = start("ingest")
    leases = [keyspace.lease(lane) for lane in ("CN", "HK", "TEST")]
    wait_for(lambda: client.exists(*leases) == 3, 40)

    worker.terminate()
    worker.wait(timeout=30)

    assert client.exists(*leases) == 0


def test_the_ingest_command_has_a_thread_for_every_lane_and_two_more() -> None:
    words = shlex.split(shlex.join(PARTS["ingest"]))

    assert words[words.index("-P") + 1] == "threads"
    assert int(words[words.index("-c") + 1]) >= 5


@pytest.mark.parametrize(
    ("queues", "watched"), [(["ingest"], True), (["control"], False), (["control", "ingest"], True)]
)
def test_only_workers_that_write_markets_are_judged_by_them(monkeypatch, queues, watched):
    """A worker of the shop ended itself every half minute while no market was written, and took its work with it."""
    begun, offered = [], []
    monkeypatch.setattr(tasks.liveness.LivenessWatch, "start", lambda self: begun.append(self))
    lane_task = SimpleNamespace(apply_async=lambda **asked: offered.append(asked["kwargs"]["lane"]))
    monkeypatch.setattr(tasks, "run_lane", lane_task)
    app = Celery("asked", set_as_current=False)
    app.conf.task_queues = [Queue("control"), Queue("ingest")]
    app.amqp.queues.select(queues)

    tasks._offer_lanes(sender=SimpleNamespace(app=app))

    assert (bool(begun), bool(offered)) == (watched, watched)
