"""Proves a lane's life: one holder, a successor without gap or double, another feed in another epoch, waiting."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from kernel import clock, keyspace
from streaming.domain.calendar import exchange_day
from streaming.ingest import lane as lane_module
from streaming.records.checkpoint import pack_text
from streaming.records.events import Events, unpack_events
from streaming.records.pushed import PushedTick
from streaming.records.versions import pack
from streaming.records.window import Window, end_ms, seq_of
from streaming.store.lanes import LaneStore
from tests.streaming.conftest import close_the_days
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


def test_what_came_in_of_a_day_is_counted_and_a_successor_counts_on(clean_lane: CleanLane, worker: StartWorker) -> None:
    store, today = clean_lane("TEST"), exchange_day(clock.now_ms())
    store._client.delete(keyspace.symbol_days("TEST", today.isoformat()))
    first = worker(store)
    wait_for(lambda: len(windows_of(store)) >= 3)
    first.end()
    wait_for(lambda: store.day_counts.read(today))
    before = store.day_counts.read(today)["TEST.CN"]
    assert before.bars == len(windows_of(store))
    assert (before.lines, before.refused, before.gaps) == ({"test": before.rows}, {}, 0)

    second = worker(store)
    wait_for(lambda: len(windows_of(store)) >= before.bars + 2)
    second.end()

    wait_for(lambda: store.day_counts.read(today)["TEST.CN"].bars == len(windows_of(store)))


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


def process_of(redis_url: str, **settings: str) -> Callable[[], "subprocess.Popen[bytes]"]:
    """Return what starts a process that runs the lane CN."""
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LANE_REDIS": redis_url.rsplit("/", 1)[0] + "/9",
        **settings,
    }
    program = """
import os, threading, time, django
django.setup()
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
store = LaneStore(redis_sync(os.environ["LANE_REDIS"]), "CN")
while True:
    run_lane(store, threading.Event())
    time.sleep(0.1)
"""
    return lambda: subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=ROOT)


def events_of(store: LaneStore) -> list[Events]:
    rows = store._client.xrange(keyspace.events(store.lane, store.epoch() or ""))
    return [unpack_events(fields[b"e"]) for _, fields in rows]


def test_killed_between_what_it_told_and_its_window_it_is_followed_without_a_number_twice_or_left_out(
    clean_lane: CleanLane, redis_url: str
) -> None:
    store, start = clean_lane("CN"), process_of(redis_url, TICKPACK_FEED="push")
    close_the_days(store._client, "CN")
    pushed = [100]

    def push(more: int = 0) -> None:
        pushed[0] += more
        total = pushed[0]
        tick = PushedTick("600519.SH", "", 90_000, 95_000, 120_000, 90_000, 100_000, total, total * 100_000)
        store._client.xadd(keyspace.pushed("CN", keyspace.PUSH_LINE), {"0": pack(tick)})

    def told() -> int:
        return sum(one.volume for events in events_of(store) for one in events.prints)

    def in_bars() -> int:
        return sum(bar.volume for window in windows_of(store) for bar in window.bars)

    process = start()
    try:
        wait_for(lambda: count_of(store) >= 1)
        push()  # what was traded before anybody listened is where counting begins
        wait_for(lambda: any(events.books for events in events_of(store)))
        wait_for(lambda: store.newest().get("600519.SH") is not None)
        base = pushed[0] - told()
        for _ in range(4):
            for _ in range(8):
                push(10)
            wait_for(lambda: told() == pushed[0] - base, 30)
            process.send_signal(signal.SIGKILL)  # its windows are not written yet, or just now
            process.wait()
            push(10)
            process = start()
            wait_for(lambda: told() >= pushed[0] - base, 30)
        wait_for(lambda: in_bars() >= pushed[0] - base, 30)
    finally:
        process.kill()
        process.wait()

    prints = [one for events in events_of(store) for one in events.prints]
    books = [one for events in events_of(store) for one in events.books]
    assert [one.number for one in prints] == list(range(1, len(prints) + 1))
    assert [one.number for one in books] == list(range(1, len(books) + 1)), "each push is a picture"
    assert (told(), in_bars()) == (pushed[0] - base, pushed[0] - base)
    assert len(books) == 1 + 4 * 9
    assert len(store.epochs()) == 1


@pytest.mark.data
def test_a_killed_worker_process_is_followed_without_a_gap_or_a_double(
    clean_lane: CleanLane, market_data: Path, redis_url: str
) -> None:
    store = clean_lane("CN")
    start = process_of(
        redis_url,
        TICKPACK_FEED="replay",
        TICKPACK_REPLAY_DATA=str(market_data / "replay-l2-20230201"),
        TICKPACK_REPLAY_SPEED="1200",
        TICKPACK_REPLAY_WAIT_SECONDS="0",
    )
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


# -- what is lost is told, and the day goes on -------------------------------------------------------------------------


def pushed(store: LaneStore, *volumes: int) -> None:
    """Push totals of one instrument as the push door writes them."""
    for volume in volumes:
        tick = PushedTick("600519.SH", "", 100_000, 100_000, 100_000, 100_000, 100_000, volume, volume * 100_000)
        store._client.xadd(keyspace.pushed(store.lane), {"0": pack(tick)})


def volume_of(store: LaneStore) -> int:
    """All that the epochs of the lane told, in their order, with what was taken back."""
    windows = [window for epoch in store.epochs() for window in store.read(epoch, 0, 100_000)]
    return sum(bar.volume for window in windows for bar in window.bars) + sum(
        volume for window in windows for _, _, volume, _ in window.corrections
    )


@pytest.fixture
def live_lane(clean_lane: CleanLane, worker: StartWorker, settings) -> tuple[LaneStore, Worker]:
    """A live market of which one total was told and has become a bar."""
    settings.FEED = "live"
    store = clean_lane("CN")
    close_the_days(store._client, "CN")
    running = worker(store)
    wait_for(lambda: windows_of(store) or store.epoch())
    pushed(store, 1_000)
    wait_for(lambda: store.newest().get("600519.SH"))
    pushed(store, 1_500)
    wait_for(lambda: volume_of(store) == 500)
    return store, running


def as_in_another_process(store: LaneStore) -> None:
    lane_module._written.pop(store.lane)


def test_a_machine_that_lost_its_last_second_goes_on_in_another_epoch(live_lane, worker: StartWorker) -> None:
    """Clients have seen windows that are gone: told again under the same numbers, they would count twice."""
    store, first = live_lane
    first.end()
    as_in_another_process(store)
    epoch = store.epoch()
    checkpoint = store.checkpoint()
    store._client.set(
        keyspace.checkpoint("CN"), pack_text(msgspec.structs.replace(checkpoint, store="of before the machine went"))
    )
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: store.epoch() != epoch and volume_of(store) == 1_200)
    assert store.read(store.epoch() or "", 0, 10)[0].chain == "live"


def test_the_same_run_of_the_store_goes_on_in_its_epoch(live_lane, worker: StartWorker) -> None:
    store, first = live_lane
    first.end()
    as_in_another_process(store)
    epoch = store.epoch()
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: volume_of(store) == 1_200)
    assert store.epoch() == epoch


def test_who_dies_between_an_epochs_beginning_and_its_first_window_loses_no_day(live_lane, worker: StartWorker) -> None:
    store, first = live_lane
    first.end()
    as_in_another_process(store)
    fence = store.take_lease("who dies")
    assert fence is not None
    store.begin_epoch(fence, "ffff-9", goes_on=True)
    store.release_lease("who dies")
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: volume_of(store) == 1_200)
    assert store.epoch() != "ffff-9"


def test_who_wrote_before_and_finds_anothers_epoch_without_a_window_loses_no_day(
    live_lane, worker: StartWorker
) -> None:
    store, first = live_lane
    first.end()
    fence = store.take_lease("who dies")
    assert fence is not None
    store.begin_epoch(fence, "ffff-9", goes_on=True)
    store.release_lease("who dies")
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: volume_of(store) == 1_200)
    assert store.epoch() != "ffff-9"


def test_who_wrote_before_others_did_does_not_know_what_a_store_has_lost(live_lane, worker: StartWorker) -> None:
    """Another worker's windows of the lost second were seen by clients, though ours are all there."""
    store, first = live_lane
    first.end()
    epoch = store.epoch()
    written = lane_module._written[store.lane]
    lane_module._written[store.lane] = replace(written, seq=written.seq - 1)
    checkpoint = msgspec.structs.replace(store.checkpoint(), store="of before the store was started again")
    store._client.set(keyspace.checkpoint("CN"), pack_text(checkpoint))
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: store.epoch() != epoch and volume_of(store) == 1_200)


def test_what_a_store_has_lost_of_a_living_workers_windows_comes_with_the_next_totals(
    live_lane, worker: StartWorker
) -> None:
    store, first = live_lane
    newest, checkpoint = store._client.hgetall(keyspace.newest("CN")), store.checkpoint()
    pushed(store, 1_900)
    wait_for(lambda: volume_of(store) == 900)
    first.end()
    epoch = store.epoch() or ""
    for window in windows_of(store):
        if window.seq > checkpoint.seq:
            store._client.xdel(keyspace.stream("CN", epoch), f"{end_ms(window.seq)}-0")
    store._client.hset(keyspace.newest("CN"), mapping=newest)
    store._client.set(keyspace.checkpoint("CN"), pack_text(checkpoint))
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: store.epoch() != epoch and volume_of(store) == 1_200)


def test_a_store_that_came_back_without_its_newest_windows_goes_on_with_what_was_not_read(
    live_lane, worker: StartWorker
) -> None:
    store, first = live_lane
    first.end()
    epoch, before = store.epoch() or "", windows_of(store)
    store._client.xdel(keyspace.stream("CN", epoch), f"{end_ms(before[-1].seq)}-0")
    left = volume_of(store)
    pushed(store, 2_200)

    worker(store)

    wait_for(lambda: store.epoch() != epoch and volume_of(store) == left + 700)
