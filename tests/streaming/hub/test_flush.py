"""One write a connection: the three ways of a flush, and that they send the same."""

import pytest

from kernel.instruments import InstrumentId
from streaming.hub import flush as flush_module
from streaming.hub.flush import MarketFlush
from streaming.hub.market_track import Notice
from streaming.wire.channels import Channel
from streaming.wire.framing import deflated, framed
from tests.streaming.hub.conftest import Peer, joined, make_group, make_subscriber, window

SILENT = Notice(None, lambda dialect: "")  # news of which the language has no word


class Market:
    """Four channels that three groups follow, as a flush writes to them."""

    def __init__(self) -> None:
        self.flush = MarketFlush("CN")
        self.peers = {name: Peer() for name in ("all", "both", "other", "last")}
        for numbers, names in (((0, 1, 2, 3), ["all"]), ((0, 1), ["both", "other"]), ((3,), ["last"])):
            self.flush.add(make_group(numbers, *(self.peers[name] for name in names)), numbers)

    def heard(self) -> dict[str, list[bytes]]:
        return {name: peer.writes for name, peer in self.peers.items()}


def row(*texts: str, notices=()):
    frames = [framed(text) for text in texts]
    return list(notices), frames, [number for number, frame in enumerate(frames) if frame]


ALL, FEW = 4, 1_000  # channels that somebody follows: of four most have moved, of a thousand few
WAYS = {"groups take their frames": ((), ALL), "frames look for groups": ((), FEW), "with news": ((SILENT,), ALL)}


@pytest.mark.parametrize(("notices", "followed"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("texts", "heard", "deliveries"),
    [
        (("a", "", "", "d"), {"all": "ad", "both": "a", "other": "a", "last": "d"}, 5),
        (("a", "b", "c", "d"), {"all": "abcd", "both": "ab", "other": "ab", "last": "d"}, 9),
        (("", "", "c", ""), {"all": "c"}, 1),
    ],
)
def test_every_way_writes_the_same_and_counts_the_same(texts, heard, deliveries, notices, followed):
    market = Market()

    sent = market.flush.send([row(*texts, notices=notices)], followed)

    assert sent == deliveries
    wanted = {name: [b"".join(map(framed, heard[name]))] if name in heard else [] for name in market.peers}
    assert market.heard() == wanted


@pytest.mark.parametrize("notices", [(), (SILENT,)], ids=["plain", "with news"])
def test_several_windows_leave_in_one_write_oldest_first(notices):
    market = Market()

    sent = market.flush.send([row("a1", "", "", ""), row("a2", "b2", "", "", notices=notices)], ALL)

    assert sent == 9  # a1, a2 and b2 for three connections
    assert market.peers["both"].writes == [framed("a1") + framed("a2") + framed("b2")]
    assert market.peers["last"].writes == []


def test_news_of_an_instrument_is_for_its_followers_and_that_of_the_market_for_all():
    market = Market()
    halted, other = Notice("600519.SH", lambda d: "moutai halted"), Notice("00700.HK", lambda d: "tencent halted")
    lunch = Notice(None, lambda d: "lunch")

    sent = market.flush.send([row("a", "", "", "", notices=[halted, other, lunch])], ALL)

    assert sent == 3  # news are no deliveries
    assert market.peers["both"].texts() == ["moutai halted", "lunch", "a"]
    assert market.peers["last"].texts() == ["moutai halted", "lunch"]  # each group follows Moutai


def test_where_compression_was_agreed_the_same_texts_are_sent_compressed():
    flush, squeezed = MarketFlush("CN"), Peer()
    flush.add(make_group([0, 1], squeezed, deflate=True), [0, 1])

    assert flush.send([row("a", "b")], 2) == 2

    assert squeezed.writes == [deflated(framed("a")) + deflated(framed("b"))]


def test_a_wire_that_came_later_is_written_to_once_the_flush_is_told():
    flush, group, late = MarketFlush("CN"), make_group([0], Peer()), Peer()
    flush.add(group, [0])
    flush.send([row("a")], 1)

    group.wires[make_subscriber(late)] = late
    flush.changed()

    assert flush.send([row("b")], 1) == 2
    assert late.writes == [framed("b")]


def test_a_group_that_is_removed_is_written_to_no_more_by_any_way():
    for notices, followed in WAYS.values():
        flush, peer = MarketFlush("CN"), Peer()
        group = make_group([0], peer)
        flush.add(group, [0])
        assert group in flush

        flush.changed()
        flush.remove(group, [0])

        assert flush.send([row("a", notices=notices)], followed) == 0
        assert (peer.writes, group in flush, list(flush)) == ([], False, [])


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
