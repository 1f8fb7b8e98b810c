"""Source to socket: a real stack on the loopback (push door, Redis, two lanes, a node), and one client of all kinds.

Pushed are quotes of 40 symbols, some at a time; the simulated market of Hong Kong tells trades at their own times. A
frame's age is when the client has it, less when the push began (quote), less the trade's time (tick), less the end of
the window (bar). All clocks are this machine's.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from benchmarks import rounds
from benchmarks.peers import ROOT, Tickpack
from benchmarks.stage import Stage, stage
from config.embedded.children import Child, free_port
from kernel import clock, keyspace
from streaming.domain.calendar import exchange_day
from streaming.records.events import unpack_events

_PUSH_TOKEN = "bench-push-token"
_AIMS_MS = {"quote": (20, 100), "tick": (20, 100)}
Ages = dict[str, list[float]]  # by what, ms


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev bench ingest latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long is measured, after 5 s of warming up")
    parser.add_argument("--pushes", type=float, default=20.0, help="batches a second, of 5 symbols each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    load = os.getloadavg()[0]
    with stage() as running:
        ages, spent = _measure(running, asked)
        sizes = {lane: _bytes_an_event(running, lane) for lane in ("CN", "HK")}
    print(f"\nSource to socket, {asked.seconds:.0f} s, {asked.pushes:g} pushes of 5 symbols a second")
    print(f"({os.cpu_count()} processors, load {load:.1f} before)")
    print(f"{'':34}{'frames':>8}{'p50 ms':>9}{'p99 ms':>9}{'aim':>12}")
    found: dict[str, Any] = {"python": platform.python_version(), "load": load, "cpu_share": spent}
    for what, label in _LABELS.items():
        if len(rows := sorted(ages[what])) < 10:
            print(f"{label:34}{len(rows):>8}   too few to say")
            continue
        p50, p99 = statistics.median(rows), rows[min(len(rows) - 1, round(len(rows) * 0.99))]
        aim = "{} / {}".format(*_AIMS_MS[what]) if what in _AIMS_MS else ""
        print(f"{label:34}{len(rows):>8}{p50:>9.1f}{p99:>9.1f}{aim:>12}")
        found[what] = {"frames": len(rows), "p50_ms": p50, "p99_ms": p99}
    print("processor: " + ", ".join(f"{name} {share:.1%}" for name, share in spent.items()))
    for lane, (count, size) in sizes.items():
        print(f"events in Redis: {lane} {count}, {size:.0f} bytes each (a trade or a picture)")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


_LABELS = {
    "quote": "quote: push to frame",
    "pushed trade": "trade of a push: push to frame",
    "tick": "trade: its time to frame",
    "bar without delay": "bar of pushes: window's end to frame",
    "bar": "bar: window's end to frame (0.5 s)",
}


def _measure(running: Stage, asked: argparse.Namespace) -> tuple[Ages, dict[str, float]]:
    tickpack = Tickpack(ROOT)
    for lane, feed in (("CN", "push"), ("HK", "simulated")):
        running.redis.set(keyspace.feed_setting(lane), json.dumps({"feed": feed}))
    env = tickpack.environment(running) | {
        "TICKPACK_PUSH_TOKEN": _PUSH_TOKEN,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    everywhere = f"{running.server_cpu},{running.load_cpu}"
    os.sched_setaffinity(0, {running.server_cpu, running.load_cpu})
    lanes = {
        f"lane {lane}": running.start(
            f"lane-{lane}", [tickpack.python, "-m", "benchmarks.ingest.lane", lane], 0, env=env, cpus=everywhere,
            ready=lambda lane=lane: bool(running.redis.exists(keyspace.epoch(lane))),  # type: ignore[misc]
        )
        for lane in ("CN", "HK")
    }  # fmt: skip
    port = free_port()
    node = running.start("node", tickpack.argv(port), port, env=env, cpus=everywhere)
    parts = {**lanes, "node": node, "redis": running.store}
    return asyncio.run(_listen_and_push(port, asked, parts))


def _bytes_an_event(running: Stage, lane: str) -> tuple[int, float]:
    epoch = running.redis.get(keyspace.epoch(lane))
    assert isinstance(epoch, bytes)
    key = keyspace.events(lane, epoch.decode())
    rows: Any = running.redis.xrange(key)
    told = [unpack_events(fields[b"e"]) for _, fields in rows]
    count = sum(len(one.prints) + len(one.books) for one in told)
    size: Any = running.redis.memory_usage(key, samples=0)
    return count, (size or 0) / max(1, count)


async def _listen_and_push(
    port: int, asked: argparse.Namespace, parts: dict[str, Child]
) -> tuple[Ages, dict[str, float]]:
    symbols = rounds.symbols(40)
    begun: dict[tuple[str, int], float] = {}  # (symbol, its day's volume) -> when its push began, epoch ms
    ages: Ages = defaultdict(list)
    hong_kong = ["00700.HK", "09988.HK", "03690.HK", "01810.HK", "00388.HK", "00005.HK", "01299.HK", "HSI.HK"]
    headers = {"Authorization": f"Bearer {rounds.token(len(symbols) + len(hong_kong))}"}
    door = {"Authorization": f"Bearer {_PUSH_TOKEN}"}
    asking = {"symbols": [*symbols, *hong_kong], "types": ["kline", "quote", "tick"], "fill": False}
    async with (
        connect(f"ws://127.0.0.1:{port}/ws/stock", additional_headers=headers, max_size=None) as socket,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=door) as http,
    ):
        pusher = asyncio.create_task(_push(http, symbols, begun, asked.pushes))
        await asyncio.sleep(1.0)  # a symbol is known once it was pushed
        await socket.send(json.dumps({"action": "subscribe", **asking}))
        measured_from, spent = time.monotonic() + 5.0, dict.fromkeys(parts, 0.0)
        until = measured_from + asked.seconds
        warm = False
        while (left := until - time.monotonic()) > 0:
            try:
                text = await asyncio.wait_for(socket.recv(), left)
            except TimeoutError:
                break
            now_ms = time.time() * 1000
            if not warm and time.monotonic() >= measured_from:
                warm, spent = True, {name: _cpu_seconds(part) for name, part in parts.items()}
            if warm:
                _note(json.loads(text), now_ms, begun, ages)
        spent = {name: (_cpu_seconds(part) - spent[name]) / asked.seconds for name, part in parts.items()}
        pusher.cancel()
        await asyncio.gather(pusher, return_exceptions=True)
    return ages, spent


def _note(message: dict[str, Any], now_ms: float, begun: dict[tuple[str, int], float], ages: Ages) -> None:
    kind, symbol = message["type"], message.get("symbol", "")
    if kind not in ("kline", "quote", "tick"):
        return
    data = message["data"]
    told_ms = datetime.fromisoformat(data["timestamp"]).timestamp() * 1000
    pushed = not symbol.endswith(".HK")
    if kind == "quote" and (at_ms := begun.get((symbol, data["volume"]))) is not None:
        ages["quote"].append(now_ms - at_ms)
    elif kind == "tick":
        # The trade of a push has the time of its arrival at ingest.
        ages["pushed trade" if pushed else "tick"].append(now_ms - told_ms)
    elif kind == "kline":
        ages["bar without delay" if pushed else "bar"].append(now_ms - told_ms)


async def _push(http: httpx.AsyncClient, symbols: list[str], begun: dict[tuple[str, int], float], rate: float) -> None:
    volumes, version, nth = dict.fromkeys(symbols, 10_000), int(time.time() * 1000), 0
    while True:
        began_at = time.monotonic()
        some = [symbols[(nth * 5 + at) % len(symbols)] for at in range(5)]
        nth += 1
        day, items = f"{exchange_day(clock.now_ms()):%Y%m%d}", []
        for symbol in some:
            volumes[symbol] += 100
            version += 1
            volume, close = volumes[symbol], 10.0 + nth % 7 / 100
            tick = {
                "ts_code": symbol, "name": "", "pre_close": 10.0, "open": 10.0, "high": 10.1, "low": 10.0,
                "close": close, "vol": volume, "amount": volume * 10.05, "trade_date": day,
                "bid": close, "ask": close + 0.01, "bid_volume1": 300, "ask_volume1": 200,
            }  # fmt: skip
            items.append({"stream_id": f"{version}-0", "ts_code": symbol, "version": str(version), "tick": tick})
        body = {
            "schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": nth, "event_time": "", "market": "a_stock",
            "source_api": "rt_k", "count": len(items), "first_stream_id": "", "last_stream_id": "", "items": items,
        }  # fmt: skip
        now_ms = time.time() * 1000
        begun.update({(symbol, volumes[symbol]): now_ms for symbol in some})
        (await http.post("/api/v1/rt-kline/push", json=body)).raise_for_status()
        await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - began_at)))


def _cpu_seconds(part: Child) -> float:
    """Return what a process has spent so far, with its children."""
    assert part.process is not None
    words = Path(f"/proc/{part.process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
