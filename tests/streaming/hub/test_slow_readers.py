"""Slow readers: nothing until they have drained, then a count and the newest of everything; or the end."""

import asyncio
from types import SimpleNamespace

import pytest

from streaming.hub import slow_readers as slow_module
from streaming.hub.market_track import Notice
from streaming.hub.slow_readers import SlowReaders
from streaming.reference import directory
from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import framed
from tests.streaming.hub.conftest import BOTH, MOUTAI, PINGAN, Peer, joined, make_subscriber, window


class Words(Dialect):
    """A language of a few words."""

    name = "words"

    def slow_reader(self, *, skipped: int) -> str:
        return f"skipped {skipped}"

    def market_status(self, *, market: str, state: str, **more) -> str:
        return f"{market} {state}"


class Track:
    """A market of two channels."""

    def __init__(self, name: str) -> None:
        self.name, self.state = name, "open"
        self.by_number = [SimpleNamespace(last=b"") for _ in range(2)]

    def market_notice(self) -> Notice:
        return Notice(None, lambda d: d.market_status(market=self.name, state=self.state, until_ms=None, epoch=""))


class Readers:
    """Slow readers, and what they asked of the hub."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.here = True
        self.tracks = {name: Track(name) for name in ("CN", "HK")}
        self.slow = SlowReaders(
            self.tracks,  # type: ignore[arg-type]
            is_here=lambda _: self.here,
            pause=lambda _: self.asked.append("pause"),
            resume=lambda _: self.asked.append("resume"),
            leave=lambda _: self.asked.append("leave"),
        )

    def join(self, *, numbers=(0, 1), markets=BOTH) -> Peer:
        peer = Peer()
        peer.member = make_subscriber(peer, markets, Words(directory()))
        peer.member.group = SimpleNamespace(numbers={"CN": frozenset(numbers)})
        peer.set_watermarks(lambda: self.slow.on_high_water(peer.member), lambda: self.slow.on_low_water(peer.member))
        return peer


@pytest.fixture
async def readers():
    made = Readers()
    yield made
    made.slow.stop()


def row(*frames: str, news: bool = False):
    """Return one window's frames by number, "" where there is none."""
    made = [framed(text) for text in frames]
    notices = [Notice(None, lambda d: "news")] if news else []
    return notices, made, [number for number, frame in enumerate(made) if frame]


async def test_who_is_full_is_taken_out_of_the_flushes_and_who_has_drained_is_put_back(readers):
    peer = readers.join()

    await peer.fill()
    while_full = (list(readers.asked), len(readers.slow))
    await peer.drain()

    assert while_full == (["pause"], 1)
    assert (readers.asked, len(readers.slow)) == (["pause", "resume"], 0)
    assert peer.texts() == []  # it missed nothing


async def test_who_is_told_to_be_full_twice_falls_behind_once(readers):
    peer = readers.join()

    await peer.fill()
    await peer.fill()

    assert (readers.asked, len(readers.slow)) == (["pause"], 1)


async def test_who_has_drained_before_its_turn_comes_was_never_slow(readers):
    peer = readers.join()

    peer.unsent = 70_000
    readers.slow.on_high_water(peer.member)
    peer.unsent = 0
    await asyncio.sleep(0)

    assert (readers.asked, len(readers.slow)) == ([], 0)


async def test_who_has_left_is_not_slow(readers):
    peer = readers.join()

    readers.here = False
    await peer.fill()

    assert (readers.asked, len(readers.slow)) == ([], 0)


async def test_the_newest_of_each_channel_and_the_count_of_the_rest_are_sent_in_one_write(readers):
    peer = readers.join()
    await peer.fill()

    readers.slow.missed("CN", [row("moutai 1", "pingan 1"), row("moutai 2", "")])
    readers.slow.missed("CN", [row("moutai 3", "")])
    await peer.drain()

    assert len(peer.writes) == 1
    assert peer.texts() == ["skipped 2", "moutai 3", "pingan 1"]  # 4 frames were missed, 2 are sent


async def test_frames_of_channels_that_it_does_not_follow_are_neither_sent_nor_counted(readers):
    peer = readers.join(numbers=[1])
    await peer.fill()

    readers.slow.missed("CN", [row("moutai 1", "pingan 1"), row("moutai 2", "")])
    readers.slow.missed("HK", [row("tencent 1", "")])
    await peer.drain()

    assert peer.texts() == ["skipped 0", "pingan 1"]


async def test_what_it_has_left_meanwhile_is_not_sent(readers):
    peer = readers.join()
    await peer.fill()
    readers.slow.missed("CN", [row("moutai 1", "pingan 1")])

    peer.member.group = SimpleNamespace(numbers={"CN": frozenset([1])})
    await peer.drain()

    assert peer.texts() == ["skipped 1", "pingan 1"]


async def test_a_state_that_changed_meanwhile_is_told_as_it_is_now_and_of_the_plans_markets_alone(readers):
    peer, other = readers.join(), readers.join(markets=frozenset({"HK"}))
    await peer.fill()
    await other.fill()

    readers.slow.missed("CN", [row("", "", news=True)])
    readers.tracks["CN"].state = "lunch_break"
    await peer.drain()
    await other.drain()

    assert peer.texts() == ["CN lunch_break"]
    assert other.texts() == []


async def test_who_is_full_and_has_missed_nothing_yet_may_still_make_it(readers):
    peer = readers.join()
    before = readers.slow.may_yet_make_it()

    await peer.fill()
    full = readers.slow.may_yet_make_it()
    readers.slow.missed("CN", [row("moutai 1", "")])

    assert (before, full, readers.slow.may_yet_make_it()) == (False, True, False)


async def test_who_stays_full_for_longer_than_the_patience_is_ended(readers, monkeypatch):
    peer = readers.join()
    await peer.fill()

    readers.slow._sweep()
    assert peer.ended is None  # there are ten seconds
    monkeypatch.setattr(slow_module, "PATIENCE_SECONDS", -1)
    readers.slow._sweep()

    assert (peer.ended, readers.asked) == ("slow_reader", ["pause", "leave"])


async def test_who_drained_without_a_word_is_found_by_the_sweep(readers):
    peer = readers.join()
    await peer.fill()
    readers.slow.missed("CN", [row("moutai 1", "")])

    peer.unsent = 0
    readers.slow._sweep()

    assert peer.texts() == ["skipped 0", "moutai 1"]
    assert readers.asked == ["pause", "resume"]


async def test_who_is_forgotten_is_owed_nothing(readers):
    peer = readers.join()
    await peer.fill()
    readers.slow.missed("CN", [row("moutai 1", "", news=True)])

    readers.slow.forget(peer.member)
    await peer.drain()

    assert (len(readers.slow), peer.writes) == (0, [])


# -- the same in a hub -------------------------------------------------------------------------------------------------


async def test_a_slow_reader_hears_the_state_that_it_missed(hub):
    slow, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1, ("600519.SH", 1))])
    await slow.fill()
    hub.publish("CN", [window(2, ("600519.SH", 2))])
    hub.publish("CN", [window(3, state="lunch_break")])
    slow.writes.clear()
    await slow.drain()
    assert [m.get("state", m["type"]) for m in slow.notices()] == ["slow_reader", "lunch_break"]


async def test_a_slow_reader_gets_the_newest_bar_and_a_count_and_others_never_wait(hub):
    slow, _ = joined(hub, Channel(MOUTAI))
    healthy, _ = joined(hub, Channel(MOUTAI))
    await slow.fill()
    for seq in range(1, 7):
        hub.publish("CN", [window(seq, ("600519.SH", seq))])
    slow_bars_while_full = slow.bars()

    await slow.drain()
    caught_up = list(slow.writes)
    hub.publish("CN", [window(7, ("600519.SH", 7))])

    assert slow_bars_while_full == []
    assert [notice["skipped"] for notice in slow.notices() if notice["type"] == "slow_reader"] == [5]
    assert len(caught_up) == 1
    assert slow.bars() == [("600519.SH", 6, 6), ("600519.SH", 7, 7)]
    assert [seq for _, seq, _ in healthy.bars()] == [1, 2, 3, 4, 5, 6, 7]


async def test_a_reader_that_stays_slow_is_ended(hub, monkeypatch):
    monkeypatch.setattr(slow_module, "PATIENCE_SECONDS", 0)
    peer, member = joined(hub, Channel(MOUTAI))
    await peer.fill()
    hub.publish("CN", [window(1, ("600519.SH", 5))])
    hub._slow._sweep()
    assert peer.ended == "slow_reader"
    assert not hub.has(member)
    assert hub.stats() == {"connections": 0, "groups": 0, "slow": 0}


async def test_a_slow_reader_that_unsubscribes_is_not_sent_what_it_left(hub):
    peer, member = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    await peer.fill()
    hub.publish("CN", [window(1, ("600519.SH", 1), ("000001.SZ", 1))])
    hub.follow(member, frozenset({Channel(PINGAN)}))
    await peer.drain()
    assert [symbol for symbol, _, _ in peer.bars()] == ["000001.SZ"]
