"""The reader: where a lane's stream is joined, and that nothing is lost, doubled or told before its time."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.domain.windows import end_ms, seq_of
from streaming.records.window import Events, MovedBar, Newest, Print, Window
from streaming.runtime import reader as reader_module
from streaming.runtime.errands import end_tasks
from streaming.runtime.reader import MarketReader
from streaming.store.connection import new_redis_async
from streaming.store.events import Batch
from streaming.store.lanes import Commit, LaneStore
from streaming.wire.channels import Channel
from tests.streaming.hub.conftest import Peer, make_hub, make_subscriber

pytestmark = pytest.mark.whole
MOUTAI, PINGAN = InstrumentId.parse("600519.SH"), InstrumentId.parse("000001.SZ")


@pytest.fixture
async def client(settings, monkeypatch) -> AsyncIterator:
    # A database of its own: the nodes of other tests read the lanes of database 0 for the whole run.
    settings.REDIS_URL = settings.REDIS_URL.rsplit("/", 1)[0] + "/9"
    monkeypatch.setattr(reader_module, "_BLOCK_MS", 50)
    async with new_redis_async() as made:
        await made.delete(*[key async for key in made.scan_iter("*{CN}*")] or ["none"])
        yield made
        await made.delete(*[key async for key in made.scan_iter("*{CN}*")] or ["none"])


class Ingest:
    """Writes a lane as its worker does: each window with the newest bars, atomically, under a fence."""

    def __init__(self, store: LaneStore) -> None:
        self.store, self.epoch = store, ""
        self.fence = store.take_lease(uuid.uuid4().hex)

    async def begin(self, epoch: str) -> None:
        self.epoch = epoch
        await asyncio.to_thread(self.store.begin_epoch, self.fence, epoch)

    async def write(self, *seqs: int, symbol: str = "600519.SH", price_e4: int = 100, state: str = "open") -> None:
        commits = []
        for seq in seqs:
            bar = MovedBar(symbol, price_e4, price_e4, price_e4, price_e4, seq, 1)
            newest = Newest(seq, *[price_e4] * 4, seq, 1, "trading", price_e4, "2026-03-09", 0, 0, 0, 0, 0)
            commits.append(Commit(Window(seq, state, None, "test", self.fence, [bar]), {symbol: newest}, "{}"))
        await asyncio.to_thread(self.store.commit, self.fence, self.epoch, commits)


@pytest.fixture
def ingest(client, settings) -> Ingest:
    from streaming.store.connection import redis_sync

    return Ingest(LaneStore(redis_sync(settings.REDIS_URL), "CN"))


@pytest.fixture
async def listening(client) -> AsyncIterator:
    """Call it: starts a process's reader with one follower of both symbols and returns what the follower gets."""
    tasks = []

    def start() -> Peer:
        hub, peer = make_hub(), Peer()
        member = make_subscriber(peer)
        hub.join(member)
        hub.follow(member, frozenset({Channel(MOUTAI), Channel(PINGAN)}))
        peer.reader, peer.heard = MarketReader(hub, "CN"), []
        tasks.append(asyncio.create_task(peer.reader.run()))
        return peer

    yield start
    await end_tasks(tasks)


async def heard(peer: Peer, *wanted: tuple[str, int, int], seconds: float = 20.0) -> None:
    """Wait until the reader has come to the last window of these (symbol, seq, volume): it told exactly these."""
    deadline = time.monotonic() + seconds
    market = peer.reader.hub.latest["CN"]
    while time.monotonic() < deadline:
        peer.heard += peer.bars()
        if len(peer.heard) >= len(wanted) and market.seq == wanted[-1][1]:
            break
        await asyncio.sleep(0.01)
    assert peer.heard == list(wanted)


def traded(*seqs: int) -> list[tuple[str, int, int]]:
    return [("600519.SH", seq, seq) for seq in seqs]


async def test_a_stream_that_begins_after_the_process_was_up_is_read_from_its_start(ingest, listening):
    peer = listening()
    await until(lambda: peer.reader.found_no_stream)
    await ingest.begin("e1")
    await ingest.write(*range(1, 251))
    await heard(peer, *traded(*range(1, 251)))


async def test_a_stream_that_was_there_before_the_process_is_joined_at_its_end(ingest, listening):
    await ingest.begin("e1")
    await ingest.write(*range(1, 251))
    peer = listening()
    await heard(peer, *traded(250))
    await ingest.write(251, 252)
    await heard(peer, *traded(250, 251, 252))


async def test_a_new_epoch_is_read_from_its_start_also_when_its_clock_goes_back(ingest, listening):
    await ingest.begin("e1")
    await ingest.write(500)
    peer = listening()
    await heard(peer, *traded(500))
    await ingest.begin("e2")
    await ingest.write(1, 2, 3)
    await heard(peer, *traded(500, 1, 2, 3))


async def test_an_entry_that_is_written_twice_is_heard_once(ingest, listening):
    peer = listening()
    await until(lambda: peer.reader.found_no_stream)
    await ingest.begin("e1")
    await ingest.write(1, 2)
    await ingest.write(2, 1, 3)
    await heard(peer, *traded(1, 2, 3))


async def test_a_reader_whose_link_breaks_goes_on_behind_the_last_window(client, ingest, listening):
    peer = listening()
    await until(lambda: peer.reader.found_no_stream)
    await ingest.begin("e1")
    await ingest.write(1)
    await heard(peer, *traded(1))
    for connection in await client.client_list():
        if connection["cmd"] == "xread" and connection["db"] == "9":
            await client.client_kill_filter(_id=connection["id"])
    await ingest.write(2, 3)
    await heard(peer, *traded(1, 2, 3))


async def test_no_flat_of_a_new_epoch_shows_a_price_of_its_future(ingest, listening):
    await ingest.begin("e1")
    await ingest.write(500)
    peer = listening()
    await heard(peer, *traded(500))
    await ingest.begin("e2")
    await ingest.write(1, 2, 3)
    await ingest.write(4, symbol="000001.SZ", price_e4=999)
    await heard(peer, *traded(500, 1, 2, 3), ("000001.SZ", 4, 4), ("600519.SH", 4, 0))


async def test_a_process_that_joins_late_knows_the_prices_of_what_is_quiet(ingest, listening):
    await ingest.begin("e1")
    await ingest.write(1, symbol="000001.SZ", price_e4=999)
    await ingest.write(2)
    peer = listening()
    await heard(peer, ("000001.SZ", 2, 0), ("600519.SH", 2, 2))


async def test_a_lane_that_falls_silent_has_no_feed(ingest, listening, monkeypatch):
    monkeypatch.setattr(reader_module, "_QUIET_SECONDS", 0.2)
    await ingest.begin("e1")
    await ingest.write(seq_of(int(time.time() * 1000)))
    peer, states = listening(), []
    while states != ["open", "no_feed"]:
        states += [notice["state"] for notice in peer.notices() if notice["type"] == "status"]
        peer.writes.clear()
        assert states in ([], ["open"], ["open", "no_feed"])
        await asyncio.sleep(0.01)


async def test_an_entry_that_cannot_be_read_is_passed_over_and_the_lane_goes_on(client, ingest, listening):
    await ingest.begin("e1")
    await ingest.write(1)
    peer = listening()
    await heard(peer, *traded(1))
    await client.xadd(keyspace.stream("CN", "e1"), {"w": b"\xc1"}, id=f"{end_ms(2)}-0")
    await ingest.write(3)
    await heard(peer, *traded(1, 3))


async def test_a_process_that_joins_late_shows_the_day_and_the_trades_of_before(ingest, listening):
    seq = seq_of(1_675_215_000_000)
    day = Newest(seq, *[100] * 4, 5, 1, "trading", 90, "2023-02-01", 95, 101, 94, 700, 7, prints=2)
    prints = [Print("600519.SH", nth, 1_000 + nth, 100, 5, 500, "B") for nth in (1, 2)]
    window = Window(seq, "open", None, "test", ingest.fence, [MovedBar("600519.SH", 100, 100, 100, 100, 5, 1)])
    await ingest.begin("e1")
    commit = Commit(window, {"600519.SH": day}, "{}", Batch(seq, Events(prints, []), {"600519.SH": (2, 0)}, {}))
    await asyncio.to_thread(ingest.store.commit, ingest.fence, "e1", [commit])

    shown = listening().reader.hub.latest["CN"]
    await until(lambda: "600519.SH" in shown.trades)

    assert shown.quotes["600519.SH"].newest() == day  # its own bar is in it already
    assert list(shown.trades["600519.SH"]) == prints
    later = Window(seq + 1, "open", None, "test", ingest.fence, [MovedBar("600519.SH", 103, 103, 103, 103, 10, 3)])
    await asyncio.to_thread(ingest.store.commit, ingest.fence, "e1", [Commit(later, {}, "{}")])
    await until(lambda: shown.seq == seq + 1)
    newest = shown.quotes["600519.SH"].newest()
    assert (newest.day_volume, newest.day_high_e4, newest.prev_close_e4) == (710, 103, 90)


def told_at(seq: int, number: int) -> Batch:
    one = Print("600519.SH", number, end_ms(seq) - 700, 100, 5, 500, "B")
    return Batch(seq, Events([one], []), {"600519.SH": (number, 0)}, {})


async def test_a_trade_is_sent_while_its_window_is_open_and_each_once_also_in_a_catch_up(client, ingest):
    hub, peer = make_hub(), Peer()
    member = make_subscriber(peer)
    hub.join(member)
    hub.follow(member, frozenset({Channel(MOUTAI), Channel(MOUTAI, "tick")}))
    reader = MarketReader(hub, "CN")
    await ingest.begin("e1")
    commits = [
        Commit(Window(seq, "open", None, "test", ingest.fence, [MovedBar("600519.SH", 100, 100, 100, 100, 5, 1)]), {}, "{}",
               told_at(seq, seq))
        for seq in range(1, 251)
    ]  # fmt: skip
    reader.found_no_stream = True  # it was up before the stream
    await asyncio.to_thread(ingest.store.commit, ingest.fence, "e1", commits)
    task = asyncio.create_task(reader.run())
    try:
        latest = hub.latest["CN"]
        await until(lambda: latest.seq == 250)
        await asyncio.to_thread(ingest.store.events.tell, ingest.fence, "e1", told_at(251, 251), 250)
        await until(lambda: latest.trades["600519.SH"][-1].number == 251)
        assert (latest.seq, len(latest.since)) == (250, 1)
        notices = peer.notices()
    finally:
        await end_tasks([task])

    assert [one["seq"] for one in notices if one["type"] == "tick"] == list(range(1, 252))


def test_two_streams_are_taken_as_far_as_both_are_known():
    def entries(*ids: str) -> list:
        return [(one.encode(), {}) for one in ids]

    full = entries(*(f"{nth}-1" for nth in range(reader_module._BATCH)))
    windows, events = reader_module._in_one_order(entries("5-0", "1000-0"), full)

    assert [one[0] for one in windows] == [b"5-0"]
    assert len(events) == len(full)
    assert reader_module._in_one_order(entries("5-0"), entries("9-1")) == (entries("5-0"), entries("9-1"))


async def until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
