"""Dialects: the same clients follow the same trades, all in one language and then a fifth in each of five.

Each frame is encoded once a language and not once a client, so five languages must cost hardly more than one. The
driver is a process of its own on the load's processor (benchmarks.dialects_load).
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import rounds
from benchmarks.peers import ROOT, Tickpack
from benchmarks.stage import Stage
from benchmarks.workloads import Figures, Lengths, Untrue
from config.embedded.children import ChildFailed, free_port
from kernel import keyspace
from kernel.instruments import InstrumentId
from streaming.records.window import Events, Newest, Print, Window, end_ms, pack
from streaming.reference import directory
from streaming.wire.dialects.alltick import upstream as alltick
from streaming.wire.dialects.itick import upstream as itick
from streaming.wire.dialects.realtime_hk import upstream as realtime_hk
from streaming.wire.dialects.tickdb import upstream as tickdb

LANE, CONNECTIONS, SYMBOLS, EACH, TURNS, PERIOD_S = "HK", 500, 100, 20, 3, 0.05
LANGUAGES = ("native", "itick", "tickdb", "alltick", "realtime_hk")
_PATHS = {
    "native": "/ws/stock", "itick": "/stock", "tickdb": "/v1/realtime", "alltick": "/quote-stock-b-ws-api",
    "realtime_hk": "/realtime/hk",
}  # fmt: skip
# What each frame of a trade has once: frames are counted by it, whatever a read has cut through.
_MARKS = {"native": '"type":"tick"', "itick": '"type":"tick"', "tickdb": '"cmd":"trade"', "alltick": '"cmd_id":22998',
          "realtime_hk": '"last_price"'}  # fmt: skip


def beside_one(peer: Tickpack, stage: Stage, lengths: Lengths) -> Figures:
    """Measure CPU a delivery with all clients native and with a fifth in each language, in turns."""
    stage.redis.flushall()
    instruments = [one.id for one in directory().in_lane(LANE) if one.kind != "index"][:SYMBOLS]
    _prepare_store(stage, instruments)
    port = free_port()
    ours = stage.start("dialects", peer.argv(port), port, env=peer.environment(stage))
    assert ours.process is not None
    rows = []
    try:
        for _ in range(TURNS):
            one, five = (
                _load(stage, port, ours.process.pid, instruments, spoken, lengths)
                for spoken in (LANGUAGES[:1], LANGUAGES)
            )
            rows.append((five / one, one, five))
    finally:
        stage.stop(ours)
    ratio, one, five = sorted(rows)[len(rows) // 2]
    return {
        "dialects.five_of_one": ratio,
        "dialects.one.cpu_s_per_million": one,
        "dialects.five.cpu_s_per_million": five,
    }


def _prepare_store(stage: Stage, instruments: Sequence[InstrumentId]) -> None:
    row = pack(Newest(0, 10**5, 10**5, 10**5, 10**5, 0, 0, "trading", 10**5, "2026-03-09", 0, 0, 0, 0, 0))
    stage.redis.set(keyspace.epoch(LANE), rounds.EPOCH)
    stage.redis.hset(keyspace.newest(LANE), mapping={str(one): row for one in instruments})


def _load(
    stage: Stage, port: int, pid: int, instruments: Sequence[InstrumentId], spoken: Sequence[str], lengths: Lengths
) -> float:
    """Return the server's CPU seconds for a million deliveries."""
    count = round(lengths.saturate_s / PERIOD_S)
    plan = {
        "port": port, "pid": pid, "redis": stage.redis_url, "period_s": PERIOD_S, "rounds": count,
        "stream": keyspace.stream(LANE, rounds.EPOCH), "events": keyspace.events(LANE, rounds.EPOCH),
        "clients": [_client(nth, spoken[nth % len(spoken)], port, instruments) for nth in range(CONNECTIONS)],
        "each": EACH,
    }  # fmt: skip
    path = stage.folder / "dialects.json"
    path.write_text(json.dumps(plan))
    write_round(stage.folder, instruments)
    command = ["taskset", "-c", str(stage.load_cpu), sys.executable, "-m", "benchmarks.dialects_load", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise ChildFailed(f"the driver gave up: {done.stderr.strip()[-600:]}")
    measured = json.loads(done.stdout)
    wanted = CONNECTIONS * EACH * count
    if measured["deliveries"] != wanted:
        raise Untrue(f"dialects: {measured['deliveries']:,} of {wanted:,} trades arrived")
    return float(measured["server_cpu_s"] / measured["deliveries"] * 1e6)


def write_round(folder: Path, instruments: Sequence[InstrumentId]) -> None:
    """Write one round: a window without bars, and a trade of each instrument beside it."""
    prints = [
        Print(str(one), 1_000_000 + at, 1_790_000_000_000, 100_000 + at * 300, 500, 50_000_000, "B")
        for at, one in enumerate(instruments)
    ]
    (folder / "window").write_bytes(pack(Window(1, "open", None, "bench", 1, [])))
    (folder / "prints").write_bytes(pack(Events(prints, [])))


def _client(nth: int, name: str, port: int, instruments: Sequence[InstrumentId]) -> dict[str, str]:
    wanted = sorted({instruments[(nth * 7 + k * (SYMBOLS // EACH)) % SYMBOLS] for k in range(EACH)})
    first = {
        "native": rounds.subscribe(map(str, wanted), types=["tick"]).decode(),
        "itick": itick.subscribe(wanted, ["tick"]),
        "tickdb": tickdb.subscribe(wanted, "tick"),
        "alltick": alltick.subscribe(wanted, "tick", seq_id=1),
        "realtime_hk": realtime_hk.subscribe(wanted),
    }[name]
    header = f"Authorization: Bearer {rounds.token(EACH)}\r\n"
    return {
        "upgrade": rounds.upgrade(port, _PATHS[name], header).decode(), "first": first, "mark": _MARKS[name],
        "answer": "" if name == "realtime_hk" else {"native": "subscribed", "alltick": '"ret"'}.get(name, "subscribe"),
    }  # fmt: skip


def first_id() -> int:
    """Return the end of the window that a run begins with, in ms."""
    return end_ms(rounds.first_seq())
