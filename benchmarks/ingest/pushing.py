"""How many pushed ticks a second one process reads and packs, beside who only decodes the same JSON.

Ours is what the push door does with a body: its items are read one by one, judged and packed for the market. Beside it
msgspec and Python's json make dictionaries of the same bytes and look at nothing. Counted is processor time; all take
turns.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ingest.synthetic import A_SHARES, Day, SyntheticMarket, a_shares
from streaming.records.versions import pack
from streaming.reference import directory
from streaming.wire.dialects.rt_receiver.push import parse

# Of what plain decoding makes; half of what a busy machine showed.
GATE = 0.08
TODAY = "20260610"


def body(days: list[Day], market: str, *, today: str, seq: int, at_ms: int, versions: int) -> bytes:
    """Return a push of these instruments as a sender of theirs writes it."""
    items = [
        {
            "stream_id": f"{at_ms}-{nth}", "ts_code": day.symbol, "version": str(versions + nth), "shard_id": nth % 7,
            "tick": {
                "ts_code": day.symbol, "name": "", "pre_close": day.before_e4 / 10_000, "open": day.open_e4 / 10_000,
                "high": day.high_e4 / 10_000, "low": day.low_e4 / 10_000, "close": day.last_e4 / 10_000,
                "vol": day.volume, "amount": day.turnover_e4 / 10_000, "trade_date": today, "num": day.trades,
                "bid": day.last_e4 / 10_000, "ask": (day.last_e4 + 100) / 10_000, "bid_volume1": 300,
                "ask_volume1": 200,
            },
        }
        for nth, day in enumerate(days)
    ]  # fmt: skip
    told = {
        "schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": seq, "event_time": str(at_ms),
        "market": market, "source_api": "rt_k", "count": len(items), "first_stream_id": "", "last_stream_id": "",
        "items": items,
    }  # fmt: skip
    return msgspec.json.encode(told)


def _bodies(count: int) -> list[bytes]:
    market, rng = SyntheticMarket(a_shares(A_SHARES)), random.Random(3)
    market.move(1.0)
    return [
        body(rng.sample(market.days, 500), "a_stock", today=TODAY, seq=nth, at_ms=nth, versions=nth * 500)
        for nth in range(count // 500)
    ]


def _read_and_pack(raw: bytes) -> int:
    batch = parse(raw, directory(), today=TODAY)
    assert not batch.refused, batch.refused[0]
    return len([pack(item.tick) for item in batch.items])


def main(words: list[str]) -> bool:
    """Print ticks a second and ratios; return whether the gate held."""
    parser = argparse.ArgumentParser(prog="./dev bench ingest push", description=__doc__)
    parser.add_argument("--ticks", type=int, default=50_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    load, bodies = os.getloadavg()[0], _bodies(asked.ticks)
    ways: dict[str, Callable[[bytes], Any]] = {
        "tickpack": _read_and_pack,
        "msgspec": msgspec.json.decode,
        "json": json.loads,
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(bodies[0])
    for _ in range(asked.repetitions):
        for name, way in ways.items():
            began = time.process_time()
            for raw in bodies:
                way(raw)
            spent[name].append(time.process_time() - began)
    count = len(bodies) * 500
    rates = {name: count / statistics.median(seconds) for name, seconds in spent.items()}
    ratio = rates["tickpack"] / rates["msgspec"]
    print(f"\nPushed ticks read and packed a second by one process ({count:,} ticks of {len(bodies[0]) // 500} bytes,")
    print(f"median of {asked.repetitions} turns, processor time; load {load:.1f} before)")
    print("".join(f"{name:>13}" for name in rates) + f"{'of msgspec':>13}{'gate':>8}")
    print("".join(f"{rate:>13,.0f}" for rate in rates.values()) + f"{ratio:>13.3f}{GATE:>8}", end="")
    print("" if ratio >= GATE else "  MISSED")
    if asked.json:
        asked.json.write_text(json.dumps({"load": load, "ticks_per_s": rates}, indent=1))
    return ratio >= GATE
