"""Proves that one holder writes a lane, that no window is written twice, and that a new epoch begins clean."""

import uuid
from collections.abc import Iterator

import pytest

from kernel import keyspace
from streaming.errors import Fenced, StoreUnavailable, StreamLost
from streaming.records.checkpoint import Checkpoint
from streaming.records.newest import Newest
from streaming.records.window import MovedBar, Window
from streaming.store.connection import redis_sync
from streaming.store.lanes import LEASE_MS, Commit, LaneStore
from tests.streaming.conftest import wait_for

pytestmark = pytest.mark.whole


@pytest.fixture
def store() -> Iterator[LaneStore]:
    lane = f"T{uuid.uuid4().hex[:8]}"
    client = redis_sync()
    yield LaneStore(client, lane)
    for key in client.scan_iter(f"*{{{lane}}}*"):
        client.delete(key)


def window(seq: int, fence: int, volume: int = 100) -> Commit:
    bar = MovedBar("600519.SH", 10, 12, 9, 11, volume, volume * 11)
    newest = Newest(seq, 10, 12, 9, 11, volume, volume * 11, "trading", 10, "2023-02-01", 10, 12, 9, volume, 1)
    moved = Window(seq=seq, state="open", until_ms=None, feed="replay", fence=fence, bars=[bar])
    return Commit(moved, {"600519.SH": newest}, f'{{"seq": {seq}}}')


def test_a_lane_has_one_holder_until_it_lets_go(store: LaneStore) -> None:
    first = store.take_lease("one")

    assert first is not None
    assert store.take_lease("two") is None
    assert store.renew_lease("one")
    assert not store.renew_lease("two")
    store.release_lease("two")
    assert store.take_lease("two") is None
    store.release_lease("one")
    assert store.take_lease("two") == first + 1


def test_a_dead_holders_lane_is_free_after_the_lease(store: LaneStore) -> None:
    store.take_lease("dead")

    assert store.take_lease("next") is None
    wait_for(lambda: store.take_lease("next") is not None, LEASE_MS / 1000 + 20)


def test_the_dead_cannot_write_over_the_living(store: LaneStore) -> None:
    old = store.take_lease("dead") or 0
    store.begin_epoch(old, "e1")
    store.commit(old, "e1", [window(1, old)])
    store.release_lease("dead")
    new = store.take_lease("living") or 0

    with pytest.raises(Fenced):
        store.commit(old, "e1", [window(2, old)])
    with pytest.raises(Fenced):
        store.begin_epoch(old, "e2")
    with pytest.raises(Fenced):
        store.trim(old, "e1", 10**15)

    assert [w.seq for w in store.read("e1", 0, 10)] == [1]
    assert store.commit(new, "e1", [window(2, new)]) == 0


def test_a_window_written_twice_is_there_once_and_changes_nothing(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")

    duplicates = store.commit(fence, "e1", [window(5, fence), window(6, fence), window(5, fence, volume=999)])

    newest = store.newest()["600519.SH"]
    assert duplicates == 1
    assert [(w.seq, w.bars[0].volume) for w in store.read("e1", 0, 10)] == [(5, 100), (6, 100)]
    assert (newest.seq, newest.volume) == (6, 100)
    assert store.checkpoint().seq == 6


def test_a_new_epoch_begins_without_bars_and_keeps_the_old_stream_for_history(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(5, fence)])

    store.begin_epoch(fence, "e2")

    assert store.epoch() == "e2"
    assert store.epochs() == ["e1", "e2"]
    assert store.newest() == {}
    assert store.checkpoint() == Checkpoint()
    assert store.last_window("e2") is None
    assert [w.seq for w in store.read("e1", 0, 10)] == [5]


def test_a_trim_leaves_what_is_young_enough_by_whole_ten_minutes(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(seq, fence) for seq in range(1, 5001)])

    trimmed = store.trim(fence, "e1", 4001 * 1500)

    assert trimmed == 3999
    assert [w.seq for w in store.read("e1", 0, 2)] == [4000, 4001]


def test_a_trim_notes_how_far_it_went(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(seq, fence) for seq in (5, 390, 700, 900)])

    store.trim(fence, "e1", 850 * 1500)

    assert store.floor("e1") == 700
    assert store.floor("e2") is None, "another epoch's floor is not this one's"


def test_a_stream_that_came_back_shorter_takes_nothing_more(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(5, fence), window(6, fence)])
    redis = store._client
    redis.xdel(keyspace.stream(store.lane, "e1"), f"{6 * 1500}-0")

    with pytest.raises(StreamLost):
        store.commit(fence, "e1", [window(7, fence), window(8, fence)], after=6)

    assert [w.seq for w in store.read("e1", 0, 10)] == [5]


def test_windows_whose_answer_was_lost_may_be_sent_again(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(5, fence), window(6, fence)])

    assert store.commit(fence, "e1", [window(6, fence), window(7, fence)], after=5) == 1
    assert [w.seq for w in store.read("e1", 0, 10)] == [5, 6, 7]


def test_a_redis_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(StoreUnavailable):
        LaneStore(redis_sync("redis://127.0.0.1:9/0"), "CN").take_lease("one")


def foreign(store: LaneStore, epoch: str, seq: int) -> None:
    """Write what a later release might write."""
    store._client.xadd(keyspace.stream(store.lane, epoch), {"w": b"\x02later"}, id=f"{seq * 1500}-0")


def test_windows_of_another_release_are_passed_over_wherever_they_stand(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    for seq in (1, 2, 3):
        foreign(store, "e1", seq)
    store.commit(fence, "e1", [window(4, fence)])
    foreign(store, "e1", 5)
    store.commit(fence, "e1", [window(6, fence)])
    foreign(store, "e1", 7)

    # A page of nothing but foreign windows is not the stream's end.
    assert [w.seq for w in store.read("e1", 0, 2)] == [4]
    assert [w.seq for w in store.read("e1", 4 * 1500, 2)] == [6]
    assert store.read("e1", 6 * 1500, 2) == []
    assert store.last_window("e1") is None, "nobody can go on with it"


def test_newest_bars_and_checkpoints_of_another_release_are_absent(store: LaneStore) -> None:
    fence = store.take_lease("one") or 0
    store.begin_epoch(fence, "e1")
    store.commit(fence, "e1", [window(5, fence)])
    store._client.hset(keyspace.newest(store.lane), "000001.SZ", b"\x02later")
    store._client.set(keyspace.checkpoint(store.lane), '{"v": 2, "seq": {}}')
    store._client.set(keyspace.history_checkpoint(store.lane), '{"v": 2}')

    assert list(store.newest()) == ["600519.SH"]
    assert store.checkpoint() == Checkpoint()
    assert store.history_position() is None


def test_a_checkpoint_of_before_there_were_positions_is_read(store: LaneStore) -> None:
    store._client.set(keyspace.checkpoint(store.lane), '{"choice": {"feed": "push"}, "seq": 7, "position": "5-0"}')

    assert store.checkpoint() == Checkpoint({"feed": "push"}, 7)
