"""`since`: what was missed comes out of the stream, then live, without gap, double or reorder; else it is said."""

import contextlib
import json
import random
import threading
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from kernel import keyspace
from streaming.store.lanes import LaneStore
from tests.streaming.conftest import ServedNode, make_scope, make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
MOUTAI, PINGAN = "600519.SH", "000001.SZ"
BAR = (10.0, 11.0, 9.0, 10.5, 100, 1000.0)


@pytest.fixture(params=["node", "plain_node"])
def any_node(request) -> ServedNode:
    return request.getfixturevalue(request.param)


def klines(client: Client, last: int, symbol: str = MOUTAI) -> list[int]:
    """Return the seqs of a symbol's bars as they arrive, up to one."""
    seqs: list[int] = []
    while not seqs or seqs[-1] < last:
        seqs.append(client.get("kline", symbol=symbol)["seq"])
    return seqs


def test_what_was_missed_comes_first_and_then_live(any_node, cn):
    cn.know(MOUTAI, price=1800.0)
    missed_from = cn.write()
    for nth in range(6):
        cn.write(*([(MOUTAI, *BAR)] if nth % 3 == 0 else []))
    with Client(any_node, make_token()) as client:
        answer = client.ask("subscribe", symbols=[MOUTAI], since=missed_from)
        assert answer["resume"] == {"CN": {"recovered": True, "epoch": "test", "since": missed_from}}
        replayed = [client.get("kline") for _ in range(6)]
        done = client.get("resumed")
        live = cn.write((MOUTAI, *BAR))
        assert klines(client, live) == [live]

    assert [bar["seq"] for bar in replayed] == list(range(missed_from + 1, missed_from + 7))
    assert [bar["data"]["volume"] for bar in replayed] == [100, 0, 0, 100, 0, 0]
    assert {bar["data"]["close"] for bar in replayed} == {10.5}, "a flat stands at the price before it"
    assert (done["market"], done["seq"]) == ("CN", missed_from + 6)


def test_a_flat_of_a_replay_knows_a_price_from_long_before(node, cn):
    cn.know(PINGAN, price=15.03)
    cn.write()
    cn.write(skip=250)  # the market was closed: nothing was written
    since = cn.write()
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[PINGAN], since=since)
        assert client.get("kline")["data"]["close"] == 15.03


def test_what_a_later_release_wrote_is_passed_over_when_resuming_and_live(any_node, cn):
    cn.know(MOUTAI)
    cn.redis.hset(keyspace.newest("CN"), PINGAN, b"\x7flater")
    since = cn.write()
    there = [cn.write()]
    with Client(any_node, make_token()) as client:
        cn.seqs["CN"] += 1
        cn.redis.xadd(keyspace.stream("CN", cn.epoch), {"w": b"\x7flater"}, id=f"{cn.seqs['CN'] * 1500}-0")
        there.append(cn.write())
        client.ask("subscribe", symbols=[MOUTAI, PINGAN], since=since)
        assert klines(client, there[-1]) == there
        live = cn.write((MOUTAI, *BAR))
        assert klines(client, live) == [live]


def test_a_hole_in_which_the_market_was_closed_is_no_loss(any_node, cn):
    cn.know(MOUTAI)
    since = cn.write()
    there = [cn.write(), cn.write(skip=700), cn.write()]
    with Client(any_node, make_token()) as client:
        assert client.ask("subscribe", symbols=[MOUTAI], since=since)["resume"]["CN"]["recovered"]
        assert klines(client, there[-1]) == there


def test_without_fill_a_replay_has_only_windows_with_trades(node, cn):
    cn.know(MOUTAI)
    since = cn.write()
    cn.write()
    traded = cn.write((MOUTAI, *BAR))
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], since=since, fill=False)
        assert klines(client, traded) == [traded]
        client.get("resumed")


def test_since_may_be_a_timestamp(node, cn):
    cn.know(MOUTAI)
    cn.write()
    has = cn.write()
    last = [cn.write() for _ in range(3)][-1]
    stamp = datetime.fromtimestamp(has * 1.5, UTC).isoformat()
    with Client(node, make_token()) as client:
        assert client.ask("subscribe", symbols=[MOUTAI], since=stamp)["resume"]["CN"]["since"] == has
        assert klines(client, last) == [has + 1, has + 2, has + 3]


def test_each_lane_has_a_cursor_of_its_own(node, cn, hk):
    cn.know(MOUTAI)
    hk.know("00700.HK")
    in_cn, in_hk = cn.write(), hk.write()
    hk.write(skip=3)
    cn_last, hk_last = cn.write(), hk.write()
    with Client(node, make_token()) as client:
        answer = client.ask("subscribe", symbols=[MOUTAI, "00700.HK"], since={"CN": in_cn, "HK": in_hk})
        assert {lane: row["since"] for lane, row in answer["resume"].items()} == {"CN": in_cn, "HK": in_hk}
        assert klines(client, cn_last) == [cn_last]
        assert klines(client, hk_last, "00700.HK") == [hk_last - 1, hk_last]
        assert {client.get("resumed")["market"] for _ in range(2)} == {"CN", "HK"}


def test_a_symbol_that_is_followed_already_may_be_asked_again(node, cn):
    """After `slow_reader` a client can have what it missed."""
    cn.know(MOUTAI)
    since = cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI])
        first = [cn.write() for _ in range(4)]
        assert klines(client, first[-1]) == first
        client.ask("subscribe", symbols=[MOUTAI], since=since)
        assert klines(client, first[-1]) == first


class Refusal:
    """What is answered where nothing can be recovered: live frames follow, and nothing else."""

    def __init__(self, node, cn, **asked) -> None:
        with Client(node, make_token()) as client:
            self.said = client.ask("subscribe", symbols=[MOUTAI], **asked)["resume"]["CN"]
            live = cn.write((MOUTAI, *BAR))
            assert klines(client, live) == [live]


def test_another_epoch_is_never_recovered_from(any_node, cn):
    cn.know(MOUTAI)
    since = cn.write()
    cn.write()
    said = Refusal(any_node, cn, since=since, epoch={"CN": "of another life"}).said
    assert (said["recovered"], said["reason"], said["epoch"]) == (False, "epoch_changed", "test")
    assert said["first"] is not None


def test_a_window_that_nobody_has_written_is_no_place_to_resume_from(node, cn):
    cn.know(MOUTAI)
    said = Refusal(node, cn, since=cn.write() + 50).said
    assert (said["recovered"], said["reason"]) == (False, "ahead")


def test_what_was_trimmed_is_said_to_be_gone_and_the_first_that_is_there_is_named(node, cn, store):
    cn.know(MOUTAI)
    since = cn.write()
    first = cn.write(skip=500)
    lane = LaneStore(store, "CN")
    fence = lane.take_lease(uuid.uuid4().hex)
    try:
        lane.trim(fence or 0, "test", (since + 300) * 1500)
        said = Refusal(node, cn, since=since - 1).said
        assert (said["recovered"], said["reason"], said["first"]) == (False, "trimmed", first)
        with Client(node, make_token()) as client:
            # The last one that went is what this client has: nothing is missing.
            assert client.ask("subscribe", symbols=[MOUTAI], since=since)["resume"]["CN"]["recovered"]
            assert client.get("kline")["seq"] == first
    finally:
        store.delete(keyspace.lease("CN"))


def test_unsubscribing_ends_a_replay(node, cn):
    cn.know(MOUTAI)
    since = cn.write()
    last = [cn.write() for _ in range(50)][-1]
    with Client(node, make_token()) as client:
        client.send({"action": "subscribe", "symbols": [MOUTAI], "since": since})
        client.send({"action": "unsubscribe", "symbols": [MOUTAI]})
        client.get("unsubscribed")
        client.waiting.clear()
        cn.write()
        client.none("kline")
        again = cn.write()
        client.ask("subscribe", symbols=[MOUTAI], since=last)
        assert klines(client, again)[-1] == again


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_resume_while_windows_fly_and_nobody_misses_or_doubles_one(any_node, cn, seed):
    symbols = [MOUTAI, PINGAN, "600000.SH", "600036.SH", "000858.SZ"]
    cn.know(*symbols)
    first = cn.write()
    for _ in range(150):
        cn.write((random.choice(symbols), *BAR))
    stop = threading.Event()

    def fly() -> None:
        while not stop.wait(0.01):
            cn.write((random.choice(symbols), *BAR))

    def resume(nth: int) -> None:
        chance = random.Random(seed * 1000 + nth)
        since, mine = first + chance.randrange(150), chance.sample(symbols, chance.randint(1, 5))
        time.sleep(chance.random())
        with Client(any_node, make_token(make_scope(uuid.uuid4().hex))) as client:
            client.send({"action": "subscribe", "symbols": mine, "since": since})
            came_to, seqs = None, {symbol: [] for symbol in mine}
            while came_to is None or min(rows[-1] for rows in seqs.values()) < came_to + 40:
                message = json.loads(client.socket.recv(timeout=20))
                if message["type"] == "kline":
                    seqs[message["symbol"]].append(message["seq"])
                elif message["type"] == "resumed":
                    came_to = message["seq"]
                elif message["type"] == "subscribed":
                    assert message["resume"]["CN"]["recovered"]
                assert message["type"] != "slow_reader", "the test itself was too slow"
        for symbol, rows in seqs.items():
            missing = sorted(set(range(since + 1, rows[-1] + 1)) - set(rows))
            assert rows == list(range(since + 1, rows[-1] + 1)), (symbol, since, came_to, missing)

    writer = threading.Thread(target=fly)
    writer.start()
    try:
        with ThreadPoolExecutor(12) as pool:
            for done in [pool.submit(resume, nth) for nth in range(24)]:
                done.result()
    finally:
        stop.set()
        writer.join()


def test_a_replay_that_nobody_waits_for_leaves_nothing_behind(node, cn):
    cn.know(MOUTAI)
    since = cn.write()
    for _ in range(300):
        cn.write()
    before = _metric(node, "tickpack_replays_total")
    with contextlib.ExitStack() as open_sockets:
        for _ in range(5):
            client = open_sockets.enter_context(Client(node, make_token(), close_timeout=0.5))
            client.send({"action": "subscribe", "symbols": [MOUTAI], "since": since})
            client.get("subscribed")
        wait_for(lambda: _metric(node, "tickpack_replays_total") == before + 5)  # each has begun
    wait_for(lambda: _metric(node, "tickpack_replaying") == 0)


def _metric(node: ServedNode, name: str) -> float:
    with urllib.request.urlopen(f"{node.base}/metrics", timeout=5) as got:
        lines = got.read().decode().splitlines()
    (value,) = [line.split()[1] for line in lines if line.split()[0] == name]
    return float(value)


def test_a_burst_of_windows_reaches_who_reads_whole(node, cn):
    """A catch-up after a pause: a hundred windows a flush, a megabyte for one socket, and nobody is a slow reader."""
    symbols = [f"{600_000 + nth}.SH" for nth in range(50)]
    cn.know(*symbols)
    first = cn.write()
    with Client(node, make_token(make_scope(uuid.uuid4().hex, max_subs=50))) as client:
        client.ask("subscribe", symbols=symbols)
        stream, cn.redis = cn.redis, cn.redis.pipeline(transaction=True)
        try:
            cn.redis.exists = stream.exists  # type: ignore[method-assign]
            last = [cn.write((symbols[0], *BAR)) for _ in range(600)][-1]
            cn.redis.execute()
        finally:
            cn.redis = stream
        seqs: dict[str, list[int]] = {symbol: [] for symbol in symbols}
        while min(len(rows) for rows in seqs.values()) < 600:
            message = json.loads(client.socket.recv(timeout=10))
            assert message["type"] != "slow_reader", message
            if message["type"] == "kline" and message["seq"] > first:
                seqs[message["symbol"]].append(message["seq"])
    assert all(rows == list(range(first + 1, last + 1)) for rows in seqs.values())
