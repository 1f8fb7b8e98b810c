"""`./dev bench start [--runs N] [--clone]`: how long from nothing to a bar on a socket.

A second start is measured beside a first one in the same run, so the ratio holds on a slow machine too. `--clone` adds
the whole way of a stranger: git clone into an empty folder, package caches off, ./dev up, first bar.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[1]


def to_first_bar(command: list[str], folder: Path, var: Path, env: dict[str, str]) -> float:
    """Start, wait for the first bar of TEST.CN on a socket, end; return the seconds it took."""
    facts = var / "up.json"
    began = time.monotonic()
    with (var.parent / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--var", str(var), "--port", "0"], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        while not (facts.exists() and (known := json.loads(facts.read_text()))["pid"] == process.pid):
            if process.poll() is not None or time.monotonic() - began > 300:
                sys.exit(f"it did not start; see {var.parent / 'bench.log'}")
            time.sleep(0.02)
        headers = {"Authorization": f"Bearer {known['token']}"}
        with connect(known["ws_url"], additional_headers=headers) as socket:
            socket.send('{"action":"subscribe","symbols":["TEST.CN"]}')
            while json.loads(socket.recv(timeout=30))["type"] != "kline":
                pass
        return time.monotonic() - began
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(15)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev bench start", description="From nothing to a bar on a socket.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--clone", action="store_true", help="also a fresh clone without package caches (needs the index)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(words)
    ours = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CLICKHOUSE_URL", "TICKPACK_VAR")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    first, second = [], []
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory(prefix="tickpack-bench-") as folder:
            var = Path(folder) / "var"
            first.append(to_first_bar(["./dev", "up"], ROOT, var, env))
            second.append(to_first_bar(["./dev", "up"], ROOT, var, env))
    figures = {"first_start_s": statistics.median(first), "second_start_s": statistics.median(second)}
    figures["second_to_first"] = figures["second_start_s"] / figures["first_start_s"]
    if asked.clone:
        with tempfile.TemporaryDirectory(prefix="tickpack-clone-") as folder:
            clone = Path(folder) / "tickpack"
            began = time.monotonic()
            subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
            cold = env | {"UV_CACHE_DIR": f"{folder}/uv", "PIP_NO_CACHE_DIR": "1"}
            taken = time.monotonic() - began
            figures["clone_to_bar_s"] = taken + to_first_bar([sys.executable, "dev", "up"], clone, clone / "var", cold)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    print(f"machine: {machine}; medians of {asked.runs}")
    for name, value in figures.items():
        print(f"  {name:<18} {value:6.2f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
