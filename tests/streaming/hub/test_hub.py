"""The hub: who gets which frame, in one write; and what a slow reader gets instead."""

import asyncio
import json

import pytest

from kernel.instruments import InstrumentId
from streaming.hub import flush as flush_module
from streaming.hub import slow_readers as slow_module
from streaming.hub.hub import Hub
from streaming.hub.subscribers import Subscriber
from streaming.latest.market import LatestMarket
from streaming.records.window import MovedBar, Newest, Window
from streaming.wire.channels import Channel
from streaming.wire.framing import deflated, payloads, text_frame
from tests.streaming.spoken import DIALECTS, NATIVE

MOUTAI, PINGAN, TENCENT = (InstrumentId.parse(s) for s in ("600519.SH", "000001.SZ", "00700.HK"))
BOTH = frozenset({"CN", "HK"})


class Peer:
    """A connection whose kernel takes as much as we say."""

    answered: bool | None = True
    deflate = False

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.unsent = 0
        self.ended: str | None = None

    def set_watermarks(self, on_high, on_low) -> None:
        self._full, self._drained = on_high, on_low

    async def fill(self) -> None:
        """Its kernel takes no more."""
        self.unsent = 70_000
        self._full()
        await asyncio.sleep(0)

    async def drain(self) -> None:
        self.unsent = 0
        self._drained()
        await asyncio.sleep(0)

    def write(self, frames: bytes) -> None:
        self.writes.append(frames)

    def request_ping(self) -> None:
        self.answered = False

    def flush_ping(self) -> None:
        """It was asked at once."""

    def buffered(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.ended = self.ended or "aborted"

    def bars(self) -> list[tuple[str, int, int]]:
        """(symbol, seq, volume) of every bar so far; takes them away."""
        messages = [json.loads(text) for write in self.writes for text in payloads(write)]
        self.writes.clear()
        return [(m["symbol"], m["seq"], m["data"]["volume"]) for m in messages if m["type"] == "kline"]

    def notices(self) -> list[dict]:
        messages = [json.loads(text) for write in self.writes for text in payloads(write)]
        return [m for m in messages if m["type"] != "kline"]


@pytest.fixture
async def hub():
    made = Hub({name: LatestMarket(name) for name in ("CN", "HK", "TEST")}, DIALECTS)
    made.begin("CN", "e1", {"600519.SH": Newest(0, 0, 0, 0, 100, 0, 0, "trading", 100, "", 0, 0, 0, 0, 0)})
    yield made
    made.stop()


def joined(hub, *channels, markets=BOTH):
    peer = Peer()
    member = Subscriber(peer, lambda reason: setattr(peer, "ended", reason), markets, NATIVE)
    hub.join(member)
    hub.follow(member, frozenset(channels))
    return peer, member


def window(seq, *traded, state="open", **more):
    return Window(
        seq,
        state,
        None,
        "test",
        1,
        [MovedBar(symbol, 100, 100, 100, 100, volume, 1) for symbol, volume in traded],
        **more,
    )


async def test_each_connection_gets_its_own_symbols_in_one_write(hub):
    one, _ = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    two, _ = joined(hub, Channel(PINGAN))

    hub.publish("CN", [window(1, ("600519.SH", 5), ("000001.SZ", 7), ("600000.SH", 9))])

    assert len(one.writes) == len(two.writes) == 1
    assert one.bars() == [("000001.SZ", 1, 7), ("600519.SH", 1, 5)]
    assert two.bars() == [("000001.SZ", 1, 7)]


async def test_two_windows_of_one_flush_both_arrive(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1, ("600519.SH", 5)), window(2, ("600519.SH", 6)), window(3)])
    assert peer.bars() == [("600519.SH", 1, 5), ("600519.SH", 2, 6), ("600519.SH", 3, 0)]


async def test_a_window_that_was_seen_is_not_sent_again(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(5, ("600519.SH", 5))])
    hub.publish("CN", [window(5, ("600519.SH", 5)), window(4, ("600519.SH", 5))])
    assert peer.bars() == [("600519.SH", 5, 5)]


async def test_flats_come_only_while_open_with_a_price_and_when_wanted(hub):
    filled, _ = joined(hub, Channel(MOUTAI), Channel(PINGAN))  # PINGAN has no price yet
    bare, _ = joined(hub, Channel(MOUTAI, fill=False))
    hub.publish("CN", [window(1), window(2, state="lunch_break"), window(3, states=[("600519.SH", "suspended")])])
    assert filled.bars() == [("600519.SH", 1, 0)]
    assert bare.bars() == []


async def test_a_previous_close_is_the_price_of_the_first_flats(hub):
    peer, _ = joined(hub, Channel(PINGAN))
    hub.publish("CN", [window(1, references=[("000001.SZ", 150_300)])])
    (message,) = [json.loads(text) for write in peer.writes for text in payloads(write) if '"kline"' in text]
    assert message["data"]["close"] == 15.03


async def test_auction_prints_are_sent_in_every_state(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1, ("600519.SH", 5), state="opening_auction"), window(2, state="pre_open")])
    assert peer.bars() == [("600519.SH", 1, 5)]


async def test_a_change_of_state_is_told_once_and_only_to_whose_plan_has_the_market(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    other, _ = joined(hub, Channel(TENCENT), markets=frozenset({"HK"}))
    hub.publish("CN", [window(1), window(2), window(3, state="lunch_break")])
    assert [notice["state"] for notice in peer.notices()] == ["open", "lunch_break"]
    assert other.notices() == []


async def test_a_new_state_comes_behind_the_bars_of_the_windows_before_it(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    hub.publish("CN", [window(1), window(2), window(3, ("600519.SH", 9), state="lunch_break"), window(4, state="open")])
    told = [json.loads(text) for write in peer.writes for text in payloads(write)]
    assert [m.get("seq") or m["state"] for m in told] == ["open", 1, 2, "lunch_break", 3, "open", 4]
    assert len(peer.writes) == 1


async def test_a_halt_comes_behind_the_bars_of_the_windows_before_it_and_only_to_its_followers(hub):
    peer, _ = joined(hub, Channel(MOUTAI))
    other, _ = joined(hub, Channel(PINGAN))
    hub.publish("CN", [window(1), window(2, states=[("600519.SH", "halted")])])
    told = [json.loads(text) for write in peer.writes for text in payloads(write)]
    assert [m.get("seq") or m["state"] for m in told] == ["open", 1, "halted"]
    assert [notice["state"] for notice in other.notices()] == ["open"]


async def test_who_follows_nothing_hears_a_new_state_once(hub):
    peer, _ = joined(hub)
    hub.publish("CN", [window(1), window(2), window(3, state="lunch_break")])
    assert [notice["state"] for notice in peer.notices()] == ["open", "lunch_break"]


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


async def test_leaving_forgets_everything(hub):
    _, member = joined(hub, Channel(MOUTAI), Channel(TENCENT, fill=False))
    hub.leave(member)
    assert hub.stats() == {"connections": 0, "groups": 0, "slow": 0}
    assert not hub.followed("CN")
    assert not hub.followed("HK")


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_come_apart_again(size):
    assert payloads(text_frame(b"x" * size) + text_frame(b"y")) == ["x" * size, "y"]


def test_frames_that_were_joined_are_compressed_one_by_one():
    from websockets.extensions.permessage_deflate import PerMessageDeflate
    from websockets.frames import Frame, Opcode

    squeezed, texts, at = deflated(text_frame(b"x" * 300) + text_frame(b"y")), [], 0
    while at < len(squeezed):
        assert squeezed[at] == 0xC1
        frame = Frame(Opcode.TEXT, squeezed[at + 2 : at + 2 + squeezed[at + 1]], rsv1=True)
        texts.append(PerMessageDeflate(True, True, 12, 12).decode(frame).data)
        at += 2 + squeezed[at + 1]
    assert texts == [b"x" * 300, b"y"]


@pytest.mark.parametrize("few", [0, 5], ids=["groups take their frames", "frames look for their groups"])
async def test_both_ways_of_a_flush_send_the_same(hub, monkeypatch, few):
    """The first is for windows in which most has moved, the second for those in which little has."""
    monkeypatch.setattr(flush_module, "_FEW", few)
    instruments = [InstrumentId.parse(f"{600_000 + nth}.SH") for nth in range(40)]
    peers = [
        joined(hub, *(Channel(one, fill=False) for nth, one in enumerate(instruments) if nth % who))[0]
        for who in (2, 3, 5, 7)
    ]
    everything = joined(hub, *(Channel(one, fill=False) for one in instruments))[0]
    hub.publish("CN", [window(1, ("600001.SH", 1), state="pre_open")])  # the state is news: not the fast path
    for peer in (*peers, everything):
        peer.bars()

    hub.publish("CN", [window(2, ("600007.SH", 7), ("600003.SH", 3), ("600039.SH", 9), state="pre_open")])

    assert len(everything.writes) == 1
    assert sorted(everything.bars()) == [("600003.SH", 2, 3), ("600007.SH", 2, 7), ("600039.SH", 2, 9)]
    for who, peer in zip((2, 3, 5, 7), peers, strict=True):
        hers = [f"{600_000 + nth}.SH" for nth in (3, 7, 39) if nth % who]
        assert sorted(symbol for symbol, _, _ in peer.bars()) == hers


async def test_a_held_channel_waits_for_its_release_and_the_others_go_on(hub):
    peer, member = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    hub.publish("CN", [window(1, ("600519.SH", 1), ("000001.SZ", 1))])
    hub.hold(member, frozenset({Channel(MOUTAI)}))
    hub.publish("CN", [window(2, ("600519.SH", 2), ("000001.SZ", 2))])
    hub.release(member, frozenset({Channel(MOUTAI)}))
    hub.publish("CN", [window(3, ("600519.SH", 3), ("000001.SZ", 3))])
    assert [(symbol, seq) for symbol, seq, _ in peer.bars()] == [
        ("000001.SZ", 1), ("600519.SH", 1), ("000001.SZ", 2), ("000001.SZ", 3), ("600519.SH", 3),
    ]  # fmt: skip


async def test_a_slow_reader_that_unsubscribes_is_not_sent_what_it_left(hub):
    peer, member = joined(hub, Channel(MOUTAI), Channel(PINGAN))
    await peer.fill()
    hub.publish("CN", [window(1, ("600519.SH", 1), ("000001.SZ", 1))])
    hub.follow(member, frozenset({Channel(PINGAN)}))
    await peer.drain()
    assert [symbol for symbol, _, _ in peer.bars()] == ["000001.SZ"]
