"""A hub, its parts and its connections, as the tests in here make them: in one place, for whoever changes how."""

import asyncio
import json
from collections.abc import Iterable, Mapping

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.calendar import AlwaysOpen
from streaming.hub.hub import Hub
from streaming.hub.market_track import MarketTrack
from streaming.hub.subscribers import Group, Subscriber
from streaming.hub.window_cache import Segment, WindowCache
from streaming.latest.market import LatestMarket
from streaming.records.window import MovedBar, Newest, Window
from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect
from streaming.wire.framing import payloads
from tests.streaming.spoken import DIALECTS, NATIVE

MOUTAI, PINGAN, TENCENT = (InstrumentId.parse(s) for s in ("600519.SH", "000001.SZ", "00700.HK"))
BOTH = frozenset({"CN", "HK"})


def make_hub() -> Hub:
    return Hub({name: LatestMarket(name) for name in ("CN", "HK", "TEST")}, DIALECTS)


def make_market(name: str = "CN", newest: Mapping[str, Newest] | None = None) -> LatestMarket:
    market = LatestMarket(name)
    market.begin("e1", newest or {}, AlwaysOpen(), from_start=False)
    return market


def make_track(market: LatestMarket) -> MarketTrack:
    return MarketTrack(market, DIALECTS)


def make_cache(market: LatestMarket) -> WindowCache:
    return WindowCache(market, DIALECTS)


def make_segment(number: int) -> Segment:
    return Segment(number, DIALECTS)


def make_subscriber(wire: "Peer", markets: frozenset[str] = BOTH, dialect: Dialect | None = None) -> Subscriber:
    return Subscriber(wire, wire.end, markets, dialect or NATIVE)


def make_group(numbers: Iterable[int], *wires: "Peer", market: str = "CN", deflate: bool = False) -> Group:
    """Return a group that takes some numbers of one market and is written to some wires."""
    made = Group((frozenset({Channel(MOUTAI)}), deflate), {market: list(numbers)}, NATIVE)
    for wire in wires:
        made.wires[make_subscriber(wire)] = wire
    return made


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

    def end(self, reason: str) -> None:
        self.ended = reason

    def texts(self) -> list[str]:
        """Return every text so far; takes them away."""
        said = [text for write in self.writes for text in payloads(write)]
        self.writes.clear()
        return said

    def bars(self) -> list[tuple[str, int, int]]:
        """(symbol, seq, volume) of every bar so far; takes them away."""
        messages = [json.loads(text) for text in self.texts()]
        return [(m["symbol"], m["seq"], m["data"]["volume"]) for m in messages if m["type"] == "kline"]

    def notices(self) -> list[dict]:
        messages = [json.loads(text) for write in self.writes for text in payloads(write)]
        return [m for m in messages if m["type"] != "kline"]


def joined(hub: Hub, *channels: Channel, markets: frozenset[str] = BOTH) -> tuple[Peer, Subscriber]:
    peer = Peer()
    member = make_subscriber(peer, markets)
    hub.join(member)
    hub.follow(member, frozenset(channels))
    return peer, member


def window(seq: int, *traded: tuple[str, int], state: str = "open", **more) -> Window:
    """Return a window in which some (symbol, volume) traded at 100."""
    bars = [MovedBar(symbol, 100, 100, 100, 100, volume, 1) for symbol, volume in traded]
    return Window(seq, state, None, "test", 1, bars, **more)


@pytest.fixture
async def hub():
    made = make_hub()
    made.begin("CN", "e1", {"600519.SH": Newest(0, 0, 0, 0, 100, 0, 0, "trading", 100, "", 0, 0, 0, 0, 0)})
    yield made
    made.stop()
