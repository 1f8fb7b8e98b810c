"""Proves how events stand in Redis: in one order with the windows, under the fence, kept for as long as is set."""

import uuid

import pytest

from kernel import keyspace
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.errors import Fenced, StreamLost
from streaming.records.events import Book, Events, Print, unpack_events
from streaming.records.window import Window
from streaming.store.connection import redis_sync
from streaming.store.events import Batch
from streaming.store.lanes import Commit, LaneStore

pytestmark = pytest.mark.whole
SEQ = seq_of(1_675_215_000_000)


@pytest.fixture
def lane(redis_url):
    client = redis_sync(redis_url.rsplit("/", 1)[0] + "/9")

    def wipe() -> None:
        for key in client.scan_iter("*{HK}*"):
            client.delete(key)

    wipe()
    yield LaneStore(client, "HK")
    wipe()


def taken(lane: LaneStore) -> int:
    lane._client.delete(keyspace.lease("HK"))
    fence = lane.take_lease(uuid.uuid4().hex)
    assert fence is not None
    return fence


def batch(before: int, number: int = 1, mark: str = "") -> Batch:
    told = Print("00700.HK", number, 1_000, 100, 5, 500, "B")
    return Batch(before, Events([told], []), {"00700.HK": (number, 0)}, {"push": mark} if mark else {})


def window(seq: int, events: Batch | None = None) -> Commit:
    return Commit(Window(seq, "open", None, "test", 1, []), {}, "{}", events)


def ids(lane: LaneStore) -> list[str]:
    return [entry_id.decode() for entry_id, _ in lane._client.xrange(keyspace.events("HK", "e"))]


def test_ids_stand_behind_the_window_before_and_before_the_next_one(lane):
    fence = taken(lane)
    lane.begin_epoch(fence, "e")

    lane.events.tell(fence, "e", batch(SEQ), None)
    lane.commit(fence, "e", [window(SEQ, batch(SEQ, 2))])
    lane.events.tell(fence, "e", batch(SEQ + 1, 3), SEQ)
    lane.events.tell(fence, "e", batch(SEQ + 1, 4), SEQ)
    lane.commit(fence, "e", [window(SEQ + 1)], SEQ)

    assert ids(lane) == [f"{start_ms(SEQ)}-{n}" for n in (1, 2)] + [f"{end_ms(SEQ)}-{n}" for n in (1, 2)]
    told = [unpack_events(fields[b"e"]) for _, fields in lane._client.xrange(keyspace.events("HK", "e"))]
    assert [one.prints[0].number for one in told] == [1, 2, 3, 4]


def test_numbers_and_marks_are_written_with_what_they_count(lane):
    fence = taken(lane)
    lane.begin_epoch(fence, "e")

    lane.events.tell(fence, "e", batch(SEQ, 7, "12-0"), None)

    assert lane.events.numbers() == {"00700.HK": (7, 0)}
    assert lane.events.marks("e") == {"push": "12-0"}
    assert lane.events.marks("another") == {}
    lane.begin_epoch(fence, "e2")
    assert (lane.events.numbers(), lane.events.marks("e2")) == ({}, {})
    assert ids(lane) == []


def test_a_holder_that_was_replaced_writes_no_events(lane):
    old = taken(lane)
    lane.begin_epoch(old, "e")
    taken(lane)

    with pytest.raises(Fenced):
        lane.events.tell(old, "e", batch(SEQ), None)

    assert (ids(lane), lane.events.numbers()) == ([], {})


def test_a_store_without_the_last_window_takes_no_events(lane):
    fence = taken(lane)
    lane.begin_epoch(fence, "e")
    lane.commit(fence, "e", [window(SEQ), window(SEQ + 1)])
    lane._client.xdel(keyspace.stream("HK", "e"), f"{end_ms(SEQ + 1)}-0")

    with pytest.raises(StreamLost):
        lane.events.tell(fence, "e", batch(SEQ + 2), SEQ + 1)

    assert ids(lane) == []


def test_an_id_is_never_given_again_though_the_store_has_lost_the_last_ones(lane):
    """Readers go on behind the last id that they saw: what came under it again they would never see."""
    fence = taken(lane)
    lane.begin_epoch(fence, "e")
    for number in (1, 2, 3):
        lane.events.tell(fence, "e", batch(SEQ, number), None)
    lane._client.xdel(keyspace.events("HK", "e"), f"{start_ms(SEQ)}-3", f"{start_ms(SEQ)}-2")

    lane.events.tell(fence, "e", batch(SEQ, 4), None)

    assert ids(lane) == [f"{start_ms(SEQ)}-1", f"{start_ms(SEQ)}-4"]


def test_who_goes_on_knows_which_windows_had_closed_when_something_was_told_last(lane):
    fence = taken(lane)
    lane.begin_epoch(fence, "e")
    assert lane.events.next_window("e") == 0

    lane.events.tell(fence, "e", batch(SEQ + 5), None)
    lane.events.tell(fence, "e", batch(SEQ, 2), None)  # a clock that was set back: ids rise all the same

    assert lane.events.next_window("e") == SEQ + 5
    assert ids(lane) == [f"{start_ms(SEQ + 5)}-{n}" for n in (1, 2)]


def test_the_stream_is_trimmed_by_the_feeds_clock_and_really_is(lane, settings):
    settings.EVENTS_MINUTES = 1
    fence = taken(lane)
    lane.begin_epoch(fence, "e")
    book = Book("00700.HK", 1, 0, 0, 0, 0, 0, 0, 0, 0, [(1, 1)] * 5, [(2, 1)] * 5)

    for nth in range(400):
        lane.events.tell(fence, "e", Batch(SEQ + nth, Events([], [book] * 3), {}, {}), None)

    kept = [int(one.split("-")[0]) for one in ids(lane)]
    oldest = start_ms(SEQ + 399) - 60_000
    assert kept[-1] == start_ms(SEQ + 399)
    # Redis trims whole nodes of its list, of 4 kB: what is beyond the minute is less than one of them.
    assert oldest - 40 * 1500 <= kept[0] <= oldest
