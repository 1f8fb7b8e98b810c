"""Proves a lane's life: one holder, a successor without gap or double, another feed in another epoch, waiting."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel import clock, keyspace
from streaming.ingest import lane as lane_module
from streaming.records.window import Window, end_ms, seq_of
from streaming.store.lanes import LaneStore
from tests.streaming.ingest.conftest import Worker, wait_for

pytestmark = pytest.mark.whole
CleanLane = Callable[[str], LaneStore]
StartWorker = Callable[[LaneStore], Worker]
ROOT = Path(__file__).resolve().parents[3]


def windows_of(store: LaneStore) -> list[Window]:
    epoch = store.epoch()
    return store.read(epoch, 0, 100_000) if epoch else []


def count_of(store: LaneStore) -> int:
    epoch = store.epoch()
    return store._client.xlen(keyspace.stream(store.lane, epoch)) if epoch else 0


def is_finished(store: LaneStore) -> bool:
    last = store.last_window(store.epoch() or "")
    return last is not None and last.finished


def test_test_cn_moves_in_every_window(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("TEST")

    worker(store)
    wait_for(lambda: len(windows_of(store)) >= 3)

    windows = windows_of(store)
    assert [window.seq for window in windows] == list(range(windows[0].seq, windows[0].seq + len(windows)))
    assert {tuple(bar.symbol for bar in window.bars) for window in windows} == {("TEST.CN",)}
    assert abs(windows[-1].seq - seq_of(clock.now_ms())) <= 2
    assert windows[0].references == [("TEST.CN", 100_000)]


def test_a_second_worker_returns_at_once_and_takes_over_when_the_first_stops(
    clean_lane: CleanLane, worker: StartWorker
) -> None:
    store = clean_lane("TEST")
    first = worker(store)
    wait_for(lambda: windows_of(store))

    second = worker(store)
    wait_for(lambda: second.took_it is False)
    first.end()
    worker(store)
    count = len(windows_of(store))
    wait_for(lambda: len(windows_of(store)) >= count + 2)

    seqs = [window.seq for window in windows_of(store)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(store.epochs()) == 1


def test_a_successor_makes_up_for_the_windows_of_the_pause(
    clean_lane: CleanLane, worker: StartWorker, settings
) -> None:
    settings.FEED = "simulated"
    store = clean_lane("HK")
    first = worker(store)
    wait_for(lambda: len(windows_of(store)) >= 2)
    first.end()
    paused_at = windows_of(store)[-1].seq

    wait_for(lambda: clock.now_ms() > (paused_at + 3) * 1500)
    worker(store)
    wait_for(lambda: windows_of(store)[-1].seq >= paused_at + 4)

    seqs = [window.seq for window in windows_of(store)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_another_choice_begins_another_epoch(clean_lane: CleanLane, worker: StartWorker, settings) -> None:
    settings.FEED = "simulated"
    store = clean_lane("CN")
    worker(store)
    wait_for(lambda: windows_of(store))
    epoch = store.epoch()

    store._client.set(keyspace.feed_setting("CN"), json.dumps({"feed": "simulated", "seed": 8, "run": 1}))
    wait_for(lambda: store.epoch() != epoch and windows_of(store))

    assert store.checkpoint().choice["seed"] == 8


def test_a_lost_stream_begins_another_epoch(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("TEST")
    first = worker(store)
    wait_for(lambda: windows_of(store))
    first.end()
    epoch = store.epoch() or ""
    store._client.delete(keyspace.stream("TEST", epoch))

    worker(store)

    wait_for(lambda: store.epoch() != epoch and windows_of(store))


def test_a_stream_that_another_release_has_written_on_is_left_for_another_epoch(
    clean_lane: CleanLane, worker: StartWorker
) -> None:
    store = clean_lane("TEST")
    first = worker(store)
    wait_for(lambda: windows_of(store))
    first.end()
    lane_module._written.pop("TEST")  # as in another process, which knows only what the store says
    epoch, last = store.epoch() or "", windows_of(store)[-1]
    store._client.xadd(keyspace.stream("TEST", epoch), {"w": b"\x7flater"}, id=f"{end_ms(last.seq + 1)}-0")

    worker(store)

    wait_for(lambda: store.epoch() != epoch and windows_of(store))


def test_a_folder_that_cannot_be_replayed_is_said_in_the_lanes_state(
    clean_lane: CleanLane, worker: StartWorker, settings, tmp_path: Path
) -> None:
    settings.FEED, settings.REPLAY_DATA = "replay", str(tmp_path)
    store = clean_lane("CN")

    worker(store)

    wait_for(lambda: b"has no ticks_" in (store._client.hget(keyspace.feed_state("CN"), "problem") or b""))


@pytest.mark.data
def test_a_paced_replay_waits_for_somebody_and_then_brings_the_morning_at_once(
    clean_lane: CleanLane, worker: StartWorker, settings, market_data: Path
) -> None:
    settings.FEED, settings.REPLAY_DATA = "replay", str(market_data / "replay-l2-20230201")
    settings.REPLAY_SPEED = "1"
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: len(windows_of(store)) >= 3)
    waiting = windows_of(store)
    store._client.set(keyspace.wanted("CN"), "1", ex=30)
    wait_for(lambda: count_of(store) > 500)

    assert {(window.state, len(window.bars)) for window in waiting} == {("pre_open", 0)}
    morning = [window for window in windows_of(store) if window.seq * 1500 > 1_675_214_100_000]  # from 09:15 on
    half_past_nine = 1_675_215_000_000
    assert morning[0].state == "opening_auction"
    assert [w.seq for w in morning] == list(range(morning[0].seq, morning[0].seq + len(morning)))
    assert [w.seq for w in waiting] == list(range(waiting[0].seq, waiting[0].seq + len(waiting)))
    assert morning[-1].seq * 1500 < half_past_nine
    auction = sum(bar.volume for window in morning for bar in window.bars if bar.symbol == "600519.SH")
    assert auction == 32_800


@pytest.mark.data
def test_a_killed_worker_process_is_followed_without_a_gap_or_a_double(
    clean_lane: CleanLane, market_data: Path, redis_url: str
) -> None:
    store = clean_lane("CN")
    environment = os.environ | {
        "TICKPACK_FEED": "replay",
        "TICKPACK_REPLAY_DATA": str(market_data / "replay-l2-20230201"),
        "TICKPACK_REPLAY_SPEED": "1200",
        "TICKPACK_REPLAY_WAIT_SECONDS": "0",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LANE_REDIS": redis_url.rsplit("/", 1)[0] + "/9",
    }
    program = """
import os, threading, time, django
django.setup()
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
store = LaneStore(redis_sync(os.environ["LANE_REDIS"]), "CN")
while not run_lane(store, threading.Event()):
    time.sleep(0.1)
"""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=ROOT)

    kills = 0
    process = start()
    try:
        for share in (2_000, 6_000, 10_000):
            wait_for(lambda share=share: count_of(store) >= share, 120)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            process = start()
        wait_for(lambda: is_finished(store), 120)
    finally:
        process.kill()
        process.wait()

    windows = windows_of(store)
    seqs = [window.seq for window in windows]
    assert kills == 3
    assert len(store.epochs()) == 1
    assert seqs == sorted(set(seqs))
    two_past_three = 1_675_234_920_000 // 1500
    assert [seq for seq in seqs if seq <= two_past_three] == list(range(seqs[0], two_past_three + 1))
    for symbol, volume in (("600519.SH", 3_397_389), ("000333.SZ", 26_724_709)):
        assert sum(bar.volume for window in windows for bar in window.bars if bar.symbol == symbol) == volume
    assert store.newest()["600519.SH"].day_volume == 3_397_389


def test_a_lost_stream_goes_on_in_a_new_epoch_without_a_missing_window(
    clean_lane: CleanLane, worker: StartWorker
) -> None:
    store = clean_lane("TEST")
    worker(store)
    wait_for(lambda: len(windows_of(store)) >= 2)
    before = windows_of(store)

    for key in store._client.scan_iter("*{TEST}*"):
        if b"bars" in key or b"epoch" in key or b"newest" in key or b"checkpoint" in key:
            store._client.delete(key)
    wait_for(lambda: len(windows_of(store)) >= 2)

    after = windows_of(store)
    assert after[0].seq <= before[-1].seq + 2, "at most one window was on its way"
    assert after[0].keyframe
    assert store.newest()["TEST.CN"].day_volume > 0


def test_a_stream_without_its_last_windows_is_not_written_on(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("TEST")
    worker(store)
    wait_for(lambda: len(windows_of(store)) >= 2)
    epoch, last = store.epoch(), windows_of(store)[-1]

    store._client.xdel(keyspace.stream("TEST", epoch or ""), f"{last.seq * 1500}-0")
    wait_for(lambda: store.epoch() != epoch)

    wait_for(lambda: windows_of(store))
    assert windows_of(store)[0].seq > last.seq, "what was sent to clients is not sent again as something else"
