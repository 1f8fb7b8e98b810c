"""Part `cuts`: 1,000 seeded random cuts by the fault proxy; the Python client loses, doubles and reorders nothing.

Every window that the node was given is known, so is what each client must have got.
"""

import asyncio
import contextlib
import random
import threading
import time

from benchmarks.soak.ground import SEVENTH, Ground, Market, Node, token
from benchmarks.soak.report import Figure
from streaming.client.events import Bar, Event, Gap, Recovered
from streaming.client.lanes import lane_of
from streaming.client.stream import Stream
from tests.journeys.fault_proxy import DOWN, UP, FaultProxy

SEED, PERIOD_S, CLIENTS = 20260309, 0.02, 10
LANES = {"CN": (["600519.SH", "600036.SH"], ["000001.SZ"]), "HK": (["00700.HK"], ["00005.HK"])}
SYMBOLS = [symbol for often, seldom in LANES.values() for symbol in (*often, *seldom)]
BYTES = (1, 12_000)  # a connection is cut after so many bytes down, headers included


class Reader:
    """One client behind its own proxy; keeps what came, in order."""

    def __init__(self, node: Node, nth: int, cuts: int) -> None:
        self._chance = random.Random(SEED + nth)
        self._wanted, self._at_times = cuts, cuts // 5
        # So many connections have a byte at which they are cut; some are overtaken by a cut at a time.
        self.proxy = FaultProxy(node.port, seed=SEED + nth, cut_between=BYTES, cuts=cuts)
        self.things: list[Bar | Event] = []
        self.timed = 0
        self.newest: dict[str, int] = {}

    async def run(self, over: asyncio.Event) -> None:
        async with self.proxy:
            url = f"ws://127.0.0.1:{self.proxy.port}/ws/stock"
            async with Stream(url, token(), symbols=SYMBOLS, first_wait_s=0.01, longest_wait_s=0.1) as stream:
                reading = asyncio.create_task(self._read(stream))
                cutting = asyncio.create_task(self._cut())
                await over.wait()
                for task in (reading, cutting):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    @property
    def cuts(self) -> int:
        return self.proxy.cut + self.timed

    @property
    def done(self) -> bool:
        return self.cuts >= self._wanted

    async def _read(self, stream: Stream) -> None:
        async for thing in stream.everything():
            self.things.append(thing)
            if isinstance(thing, Bar):
                self.newest[thing.symbol] = thing.seq

    async def _cut(self) -> None:
        """The cuts that fall at a time: a reset of both sides, or the end of one direction."""
        while self._at_times:
            await asyncio.sleep(self._chance.uniform(0.05, 0.6))
            if not self.proxy.open:
                continue
            self._at_times -= 1
            how = self._chance.choice(["reset", UP, DOWN])
            if how == "reset":
                self.proxy.cut_all()
            else:
                self.proxy.cut_one_way(how)
                self.timed += 1


def run(ground: Ground, *, short: bool) -> list[Figure]:
    markets = [Market(ground.redis, often, lane, seldom) for lane, (often, seldom) in LANES.items()]
    with ground.node() as node:
        readers = [Reader(node, nth, 10 if short else 100) for nth in range(CLIENTS)]
        seconds = asyncio.run(_cut_for(readers, markets, 60 if short else 300))
    found = {"missing": 0, "double": 0, "reordered": 0, "wrong": 0, "gaps told": 0}
    for reader in readers:
        _judge(reader, markets, found)
    recovered = sum(isinstance(thing, Recovered) for reader in readers for thing in reader.things)
    return [
        Figure("cuts", "cuts", sum(reader.cuts for reader in readers), f">= {CLIENTS * (10 if short else 100)}"),
        Figure("cuts", "bars", sum(isinstance(thing, Bar) for reader in readers for thing in reader.things)),
        Figure("cuts", "recoveries", recovered),
        *(Figure("cuts", name, found[name], "= 0") for name in ("missing", "double", "reordered", "wrong")),
        Figure("cuts", "gaps told", found["gaps told"]),
        Figure("cuts", "cutting s", round(seconds, 1)),
    ]


async def _cut_for(readers: list[Reader], markets: list[Market], most: float) -> float:
    """Run until every reader has had its cuts and then everything up to the last window; return the seconds."""
    over, stopped, began = asyncio.Event(), threading.Event(), time.monotonic()
    writing = threading.Thread(target=_write, args=(markets, stopped))
    writing.start()
    tasks = [asyncio.create_task(reader.run(over)) for reader in readers]
    try:
        while not all(reader.done for reader in readers) and time.monotonic() < began + most:
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - began
    finally:
        stopped.set()
        await asyncio.to_thread(writing.join)
    last = {symbol: market.seq for market in markets for symbol in market.known}
    deadline = time.monotonic() + 20
    while any(reader.newest != last for reader in readers) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    over.set()
    await asyncio.gather(*tasks)
    return seconds


def _write(markets: list[Market], stopped: threading.Event) -> None:
    while not stopped.wait(PERIOD_S):
        for market in markets:
            market.publish()


def _judge(reader: Reader, markets: list[Market], found: dict[str, int]) -> None:
    """Count what is wrong with the bars in their order; a gap that was told excuses the next jump of its lane."""
    last: dict[str, int] = {}
    excused: set[str] = set()
    volumes = {symbol: (market, volume) for market in markets for symbol, volume in market.known.items()}
    for thing in reader.things:
        if isinstance(thing, Gap):
            found["gaps told"] += 1
            excused.update(symbol for symbol in SYMBOLS if lane_of(symbol) == thing.lane)
        if not isinstance(thing, Bar):
            continue
        before = last.get(thing.symbol)
        if before is not None and thing.symbol not in excused:
            found["missing"] += max(0, thing.seq - before - 1)
            found["double"] += thing.seq == before
            found["reordered"] += thing.seq < before
        excused.discard(thing.symbol)
        last[thing.symbol] = thing.seq
        market, volume = volumes[thing.symbol]
        moved = thing.symbol not in market.seldom or thing.seq % SEVENTH == 0
        found["wrong"] += thing.volume != (volume if moved else 0)
    for symbol, (market, _) in volumes.items():
        found["missing"] += market.seq - last.get(symbol, 0) if symbol in last else market.seq
