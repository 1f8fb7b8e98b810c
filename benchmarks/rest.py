"""REST: the newest bars of 50 symbols, beside a plain Django view that answers the same JSON, in one interleaved run.

Everything is on for ours: an EdDSA token, its entitlement and revocation and the limiter in a real Redis, the plan's
markets and symbols. The plain view checks the same token and makes one round trip to the same Redis; it has no
middleware and no database.
"""

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

import msgspec

from benchmarks import rounds
from benchmarks.peers import ROOT, Tickpack, prepare_store
from benchmarks.stage import Stage
from benchmarks.workloads import Figures, Lengths, Untrue
from config.embedded.children import Child, ChildFailed, free_port
from kernel import keyspace
from streaming.records.window import chunk_of, end_ms, pack, seq_of

SYMBOLS, CONNECTIONS, TURNS = 50, 16, 3
WINDOWS = 60  # a minute and a half of the stream
PATHS = {
    "kline_latest": "/v1/market/kline/latest?interval=1m&symbols=",
    "ticker": "/v1/market/ticker?symbols=",
}


def latest(peer: Tickpack, stage: Stage, lengths: Lengths) -> Figures:
    """Measure each address and the bare view in turns; a ratio is the median of the turns' own."""
    names = rounds.symbols(SYMBOLS)
    stage.redis.flushall()
    prepare_store(stage, names)
    _write_windows(stage, names)
    port, token = free_port(), rounds.token(100_000)
    ours = stage.start("rest", peer.argv(port), port, env=peer.environment(stage), ready=lambda: _answers(port, token))
    headers, joined = [f"X-API-Key: {token}"], urllib.parse.quote(",".join(names))
    figures: Figures = {}
    try:
        for name, path in PATHS.items():
            bare, bare_port = _bare(stage, port, path + joined, headers)
            try:
                figures |= _beside(f"rest.{name}", stage, lengths, (port, path + joined, headers), bare_port)
            finally:
                stage.stop(bare)
    finally:
        stage.stop(ours)
    return figures


def _beside(
    name: str, stage: Stage, lengths: Lengths, ours: tuple[int, str, list[str]], bare_port: int
) -> Figures:  # fmt: skip
    seconds = max(1.0, lengths.saturate_s / 3)
    rows = []
    for _ in range(TURNS):
        bare = _load(stage, bare_port, "/latest", ours[2], CONNECTIONS, seconds)
        own = _load(stage, *ours, CONNECTIONS, seconds)
        rows.append((own["requests"] / own["seconds"], bare["requests"] / bare["seconds"], own, bare))
    alone = _load(stage, *ours, 1, seconds)
    rows.sort(key=lambda row: row[0] / row[1])
    own_per_s, bare_per_s, own, bare = rows[len(rows) // 2]
    if abs(own["bytes"] - bare["bytes"]) > 0.2 * own["bytes"]:
        raise Untrue(f"{name}: the bare view answers {bare['bytes']} bytes, ours {own['bytes']}")
    return {
        f"{name}.requests_per_s": own_per_s,
        f"{name}.bare_requests_per_s": bare_per_s,
        f"{name}.of_bare": own_per_s / bare_per_s,
        f"{name}.p50_ms": alone["p50_ms"],  # one request at a time: the server's side and a round trip on loopback
        f"{name}.p99_ms": alone["p99_ms"],
        f"{name}.p50_ms_at_{CONNECTIONS}": own["p50_ms"],
        f"{name}.bytes": own["bytes"],
        f"{name}.loadgen_cpu_share": own["own_cpu_s"] / own["seconds"],
    }


def _write_windows(stage: Stage, names: list[str]) -> None:
    """Write the last windows as a market without hours does, so that bars are being formed now."""
    last = seq_of(int(time.time() * 1000)) - 1
    plain, key = rounds.window(names, 0), keyspace.stream(rounds.LANE, rounds.EPOCH)
    prices = [(bar.symbol, bar.open_e4) for bar in plain.bars]
    first = min(last - WINDOWS, chunk_of(last) * 100)
    for seq in range(first, last + 1):
        one = msgspec.structs.replace(plain, seq=seq, feed="simulated", keyframe=seq in (first, chunk_of(seq) * 100))
        one = msgspec.structs.replace(one, references=prices if one.keyframe else [])
        stage.redis.xadd(key, {"w": pack(one)}, id=f"{end_ms(seq)}-0")


def _answers(port: int, token: str) -> bool:
    """Tell whether the server knows what was written."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{PATHS['kline_latest']}{rounds.symbols(1)[0]}", headers={"X-API-Key": token}
    )
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:
            return bool(json.load(answer)["data"][0]["klines"])
    except OSError:
        return False


def _bare(stage: Stage, port: int, path: str, headers: list[str]) -> tuple[Child, int]:
    """Start the plain view with the very body that ours answers now."""
    name, _, value = headers[0].partition(": ")
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={name: value})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        body = answer.read()
    if len(json.loads(body)["data"]) != SYMBOLS:
        raise Untrue(f"{path[:40]}: {len(json.loads(body)['data'])} of {SYMBOLS} symbols were answered")
    (stage.folder / "body.json").write_bytes(body)
    bare_port = free_port()
    options = ["--port", str(bare_port), "--no-access-log", "--log-level", "warning", "--lifespan", "off"]
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.servers.bare:application", *options]
    env = {
        "BARE_BODY": str(stage.folder / "body.json"),
        "BARE_JWKS": str(stage.folder / "jwks.json"),
        "BARE_REDIS": stage.redis_url,
        "BARE_GROUP": rounds.GROUP,
        "BARE_ISSUER": rounds.ISSUER,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")]),
    }
    return stage.start("bare", argv, bare_port, env=env), bare_port


def _load(stage: Stage, port: int, path: str, headers: list[str], connections: int, seconds: float) -> dict[str, Any]:
    """Run the load in a process of its own, on the load's processor."""
    command = ["taskset", "-c", str(stage.load_cpu), sys.executable, "-m", "benchmarks.rest_load", "--port", str(port)]
    command += ["--path", path, "--connections", str(connections), "--seconds", str(seconds)]
    command += [part for header in headers for part in ("--header", header)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
    if done.returncode != 0:
        raise ChildFailed(f"the load of REST gave up: {done.stderr.strip()[-400:]}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured
