"""What a customer was due, sent and sent late is exactly what its connections' wires were given, however they come and
go, follow, fall behind and drain."""

import asyncio
import random
from collections import Counter

import pytest

from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.windows import end_ms, seq_of
from streaming.hub.delivery import LATE_MS, Followed
from streaming.records.window import Window
from streaming.wire.channels import Channel
from tests.streaming.hub.conftest import BOTH, MOUTAI, PINGAN, TENCENT, Peer, make_hub, window
from tests.streaming.spoken import NATIVE

DAY = "2026-03-10"
SEQ = seq_of(day_start_ms(exchange_day(1_773_100_000_000)) + 36_000_000)  # its 10:00
NOW = "streaming.hub.hub.clock.now_ms"


@pytest.fixture
def now(monkeypatch):
    """Set `now.ms` to the wall clock's time; it begins just behind the window SEQ."""

    class Clock:
        ms = end_ms(SEQ) + 500

    monkeypatch.setattr(NOW, lambda: Clock.ms)
    return Clock


@pytest.fixture
async def hub(now):
    made = make_hub()
    made.begin("CN", "e1", {})
    yield made
    made.stop()


def join(hub, customer: str, *channels: Channel):
    from streaming.hub.subscribers import Subscriber

    peer = Peer()
    member = Subscriber(peer, peer.end, BOTH, NATIVE, customer)
    hub.join(member)
    hub.follow(member, frozenset(channels))
    return peer, member


def settled(hub) -> dict[Followed, dict[str, list[int]]]:
    for subscriber in hub.deliveries.subscribers():
        hub.deliveries.settle(subscriber)
    return hub.deliveries.take()


def taken(hub, customer: str = "alice", day: str = DAY) -> dict[str, list[int]]:
    """Return a customer's [due, sent, late] by symbol since this was last asked; what others had goes with it."""
    return settled(hub).get(Followed(customer, "CN", day), {})


def moves(seq: int, *symbols: str, **more) -> Window:
    return window(seq, *((symbol, 100) for symbol in symbols), **more)


async def test_due_are_the_bars_that_there_were_while_it_followed(hub):
    hub.publish("CN", [moves(SEQ, "600519.SH")])
    peer, member = join(hub, "alice", Channel(MOUTAI, fill=False))
    hub.publish("CN", [moves(SEQ + 1, "600519.SH"), moves(SEQ + 2, "600519.SH"), moves(SEQ + 3, "000001.SZ")])
    hub.follow(member, frozenset())
    hub.publish("CN", [moves(SEQ + 4, "600519.SH")])

    assert taken(hub) == {"600519.SH": [2, 2, 0]}
    assert len(peer.bars()) == 2


async def test_a_flat_that_somebody_asked_for_is_due_like_any_bar(hub):
    hub.publish("CN", [Window(SEQ, "open", None, "test", 1, [], [], [("600519.SH", 100)])])
    peer, _ = join(hub, "alice", Channel(MOUTAI))
    _, _ = join(hub, "bob", Channel(MOUTAI, fill=False))
    hub.publish("CN", [moves(SEQ + 1)])

    assert len(peer.bars()) == 1
    assert settled(hub) == {Followed("alice", "CN", DAY): {"600519.SH": [1, 1, 0]}}


async def test_every_socket_of_a_customer_counts_and_nobody_elses(hub):
    join(hub, "alice", Channel(MOUTAI))
    join(hub, "alice", Channel(MOUTAI), Channel(PINGAN))
    join(hub, "", Channel(MOUTAI))  # nobody's
    hub.publish("CN", [moves(SEQ, "600519.SH", "000001.SZ")])

    assert settled(hub) == {Followed("alice", "CN", DAY): {"600519.SH": [2, 2, 0], "000001.SZ": [1, 1, 0]}}


async def test_what_was_told_is_not_told_again(hub):
    join(hub, "alice", Channel(MOUTAI))
    hub.publish("CN", [moves(SEQ, "600519.SH")])

    assert taken(hub) == {"600519.SH": [1, 1, 0]}
    assert taken(hub) == {}


async def test_a_window_that_leaves_too_long_after_its_end_is_late(hub, now):
    join(hub, "alice", Channel(MOUTAI))
    now.ms = end_ms(SEQ) + LATE_MS
    hub.publish("CN", [moves(SEQ, "600519.SH")])
    now.ms = end_ms(SEQ + 1) + LATE_MS + 1
    hub.publish("CN", [moves(SEQ + 1, "600519.SH")])

    assert taken(hub) == {"600519.SH": [2, 2, 1]}


@pytest.mark.parametrize("replayed", [{"speed": 60.0}, {"speed": 1.0, "feed": "replay"}])
async def test_nothing_of_a_replay_is_late(hub, now, replayed):
    join(hub, "alice", Channel(MOUTAI))
    now.ms += 86_400_000
    bars = moves(SEQ, "600519.SH").bars
    hub.publish("CN", [Window(SEQ, "open", None, replayed.pop("feed", "live"), 1, bars, **replayed)])

    assert taken(hub) == {"600519.SH": [1, 1, 0]}


async def test_what_a_slow_reader_missed_was_due_and_the_newest_that_it_gets_is_late(hub):
    peer, _ = join(hub, "alice", Channel(MOUTAI), Channel(PINGAN))
    hub.publish("CN", [moves(SEQ, "600519.SH")])
    await peer.fill()
    hub.publish("CN", [moves(SEQ + n, "600519.SH") for n in range(1, 6)])
    assert taken(hub) == {"600519.SH": [6, 1, 0]}

    await peer.drain()
    hub.publish("CN", [moves(SEQ + 6, "600519.SH", "000001.SZ")])

    assert taken(hub) == {"600519.SH": [1, 2, 1], "000001.SZ": [1, 1, 0]}
    assert len(peer.bars()) == 4


async def test_who_is_ended_for_being_slow_was_not_sent_what_it_missed(hub):
    peer, member = join(hub, "alice", Channel(MOUTAI))
    await peer.fill()
    hub.publish("CN", [moves(SEQ, "600519.SH")])
    hub.leave(member)

    assert taken(hub) == {"600519.SH": [1, 0, 0]}


async def test_what_was_due_before_midnight_belongs_to_the_day_before(hub):
    midnight = seq_of(day_start_ms(exchange_day(end_ms(SEQ) + 86_400_000)))
    join(hub, "alice", Channel(MOUTAI))
    hub.publish(
        "CN", [moves(midnight - 1, "600519.SH"), moves(midnight, "600519.SH"), moves(midnight + 1, "600519.SH")]
    )

    days = {followed.day: rows for followed, rows in settled(hub).items()}
    assert days == {DAY: {"600519.SH": [1, 1, 0]}, "2026-03-11": {"600519.SH": [2, 2, 0]}}


@pytest.mark.parametrize("seed", range(30))
async def test_counts_are_what_the_wires_were_given_whatever_happens(hub, seed):
    """Sockets of two customers join, follow, are held by a replay, fall behind, drain and leave, in any order."""
    dice, symbols = random.Random(seed), ("600519.SH", "000001.SZ")
    channels = [Channel(one, fill=False) for one in (MOUTAI, PINGAN, TENCENT)]
    sockets: list[tuple[str, Peer, object]] = []
    given, told, due = Counter(), Counter(), Counter()

    def settle_up() -> None:
        for followed, rows in settled(hub).items():
            for symbol, (of_due, of_sent, _) in rows.items():
                told[followed.customer, symbol] += of_sent
                told[followed.customer, symbol, "due"] += of_due

    for seq in range(SEQ, SEQ + 120):
        deed, some = dice.randrange(7), frozenset(dice.sample(channels, dice.randrange(4)))
        customer, peer, member = dice.choice(sockets) if sockets else ("", None, None)
        if deed == 0 or peer is None:
            customer = dice.choice(["alice", "bob"])
            sockets.append((customer, *join(hub, customer, *some)))
        elif deed == 1:
            hub.follow(member, some)
        elif deed == 2:
            hub.hold(member, some)
        elif deed == 3:
            hub.release(member, some)
        elif deed == 4:
            await peer.fill()
        elif deed == 5:
            await peer.drain()
        elif dice.random() < 0.3:
            hub.leave(member)
            sockets.remove((customer, peer, member))
            given.update((customer, symbol) for symbol, _, _ in peer.bars())
        moved = [symbol for symbol in symbols if dice.random() < 0.7]
        for of, _, one in sockets:
            followed = {channel.instrument.symbol for channel in one.channels - one.held}
            due.update((of, symbol) for symbol in moved if symbol in followed)
        hub.publish("CN", [moves(seq, *moved)])
        if dice.random() < 0.1:
            settle_up()
    for customer, peer, _ in sockets:
        await peer.drain()
        given.update((customer, symbol) for symbol, _, _ in peer.bars())
    await asyncio.sleep(0)
    settle_up()

    keys = [(customer, symbol) for customer in ("alice", "bob") for symbol in symbols]
    assert {key: told[key] for key in keys} == {key: given[key] for key in keys}
    assert {key: told[*key, "due"] for key in keys} == {key: due[key] for key in keys}
    assert sum(given.values()) < sum(due.values())  # somebody was slow
