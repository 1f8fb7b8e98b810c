"""The Python client and the product's own node, with a proxy between that cuts at any byte; the windows in Redis judge."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from kernel import keyspace
from streaming.client.events import Bar, Gap, Recovered
from streaming.client.stream import Stream
from streaming.records.window import WINDOW_MS, unpack_window
from tests.journeys.fault_proxy import FaultProxy
from tests.streaming.client.reader import FAST, Reader
from tests.streaming.conftest import Stream as Windows
from tests.streaming.conftest import make_token

pytestmark = pytest.mark.whole
MOVING, FLAT, HONG_KONG = "600519.SH", "000001.SZ", "00700.HK"
SYMBOLS = [MOVING, FLAT, HONG_KONG, "TEST.CN"]
LANES = {"CN": (MOVING, FLAT), "HK": (HONG_KONG,), "TEST": ("TEST.CN",)}


class Running:
    """Three lanes on which a window is written each 20 ms by a thread, as ingest would."""

    def __init__(self, store) -> None:
        self.store = store
        self.lanes = {name: Windows(store, name) for name in LANES}
        for name, symbols in LANES.items():
            self.lanes[name].know(*symbols)
            self.lanes[name].write()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        nth = 0
        while not self._over.wait(0.02):
            nth += 1
            for name, lane in self.lanes.items():
                # FLAT moves each seventh window: the rest of its bars are made at the node.
                moved = [one for one in LANES[name] if one != FLAT or nth % 7 == 0]
                lane.write(*((one, 10.0, 11.0, 9.0, 10.0 + nth % 9, 100, 1000.0) for one in moved))

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def due(self, symbol: str) -> list[tuple[int, int]]:
        """Return (seq, volume) of every window of a symbol that is in Redis; all are of an open market."""
        name = next(name for name, symbols in LANES.items() if symbol in symbols)
        lane, rows = self.lanes[name], []
        for entry_id, fields in self.store.xrange(keyspace.stream(name, lane.epoch)):
            window = unpack_window(fields[b"w"])
            volume = next((bar.volume for bar in window.bars if bar.symbol == symbol), 0)
            rows.append((int(entry_id.split(b"-")[0]) // WINDOW_MS, volume))
        return rows


@pytest.fixture
def running(store) -> Iterator[Running]:
    with Running(store) as one:
        yield one


def judge(bars: list[tuple[str, int, int]], running: Running) -> dict[str, int]:
    """Count what is wrong with (symbol, seq, volume) in order of arrival."""
    found = {"missing": 0, "duplicate": 0, "reordered": 0, "wrong": 0}
    for symbol in SYMBOLS:
        mine = [(seq, volume) for one, seq, volume in bars if one == symbol]
        assert len(mine) > 100, symbol
        seqs = [seq for seq, _ in mine]
        due = [row for row in running.due(symbol) if seqs[0] <= row[0] <= max(seqs)]
        found["missing"] += len({seq for seq, _ in due} - set(seqs))
        found["duplicate"] += len(seqs) - len(set(seqs))
        found["reordered"] += sum(after < before for before, after in pairwise(seqs))
        found["wrong"] += len(set(mine) - set(due))
    return found


NOTHING = {"missing": 0, "duplicate": 0, "reordered": 0, "wrong": 0}


@pytest.mark.parametrize("seed", [11])
async def test_fifty_cuts_at_any_byte_lose_double_and_reorder_nothing(node, running, seed):
    target = int(node.base.rsplit(":", 1)[1])
    async with (
        FaultProxy(target, seed=seed, cut_between=(1, 12_000), cuts=50) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", make_token(), symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.until(lambda: proxy.cut >= 50, 120)
        await reader.more_bars(300)
        assert reader.of(Gap) == []
        assert len(reader.of(Recovered)) > 10
        assert judge([(bar.symbol, bar.seq, bar.volume) for bar in reader.of(Bar)], running) == NOTHING


async def test_a_client_that_was_away_gets_all_of_it_in_order(node, running):
    async with (
        FaultProxy(int(node.base.rsplit(":", 1)[1])) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", make_token(), symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars(100)
        await proxy.refuse()
        proxy.cut_all()
        before = time.monotonic()
        await reader.until(lambda: time.monotonic() - before > 4)
        await proxy.accept()
        await reader.until(lambda: len(reader.of(Recovered)) == 3)
        await reader.more_bars(200)
        assert reader.of(Gap) == []
        assert judge([(bar.symbol, bar.seq, bar.volume) for bar in reader.of(Bar)], running) == NOTHING
