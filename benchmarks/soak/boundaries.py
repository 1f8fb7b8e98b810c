"""Part `boundaries`: recorded days at their own pace around the open, lunch, 14:57 and the close, on a socket.

Each boundary is an embedded run of its own (`./dev up --feed replay --speed 1 --from ...`): what was recorded before
comes at once, then ten minutes as they were. The client folds what it is told by the rule of docs/protocol.md alone,
with none of our code, and compares with minutes that others folded from the same rows.
"""

import csv
import gzip
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from benchmarks.soak.ground import Ground
from benchmarks.soak.report import Figure, Skipped
from tests.journeys.conftest import ROOT, Run

_SHANGHAI = timedelta(hours=8)
# (boundary, from when it is paced, up to which minute it is listened to, or which state of the market ends it)
BOUNDARIES = (
    ("open", "09:29:50", "09:40", ""),
    ("lunch", "11:24:30", "11:33", "lunch_break"),
    ("after lunch", "12:55:00", "13:06", ""),
    ("14:57 and close", "14:51:00", "15:02", "closed"),
)
# Minutes from snapshots know last prices alone: a day high that moved between two of them is ours on top.
SETS = (
    ("replay-l2-20230201", "ticks", ("600519.SH", "000001.SZ", "600000.SH")),
    ("replay-snap-sz-20220601", "snapshots", ("000400.SZ", "300122.SZ", "300274.SZ", "300288.SZ", "300918.SZ")),
)

_LATE_S = 40.0  # Shanghai's closing print is some 20 s late

Minutes = dict[str, list[Any]]  # label of its begin, HH:MM -> open, high, low, close, volume, amount


@dataclass
class Heard:
    """What a client was told: minutes by symbol, and how its windows came."""

    minutes: dict[str, Minutes] = field(default_factory=dict)
    seqs: dict[str, list[int]] = field(default_factory=dict)
    ended: str = ""  # when it stopped listening, HH:MM of the recorded day
    problem: str = ""


def run(ground: Ground, *, short: bool) -> list[Figure]:
    """Play each set around each boundary; `short` plays the ticks alone."""
    data = Path(os.environ.get("TICKPACK_DATA") or ROOT.parent / "shared" / "data")
    if not data.is_dir():
        raise Skipped(f"no recorded days at {data}; set TICKPACK_DATA to their folder")
    figures: list[Figure] = []
    for folder, kind, symbols in SETS[:1] if short else SETS:
        heard = {name: Heard() for name, *_ in BOUNDARIES}
        threads = []
        for nth, (name, begins, ends, state) in enumerate(BOUNDARIES):
            var = ground.folder / f"{kind}-{nth}"
            arguments = (var, data / folder, begins, (ends, state), symbols, heard[name])
            threads.append(threading.Thread(target=_listen, args=arguments))
            threads[-1].start()
            time.sleep(8.0)  # four that start at once are in each other's way
        for thread in threads:
            thread.join()
        for name, one in heard.items():
            print(f"boundaries: {kind}, {name}: heard until {one.ended} {one.problem}", flush=True)
            figures += _figures(f"{kind}, {name}", data / folder, kind, symbols, one)
    return figures


def _listen(
    var: Path, folder: Path, begins: str, ends: tuple[str, str], symbols: tuple[str, ...], heard: Heard
) -> None:
    feed = ("--feed", "replay", "--data", str(folder), "--speed", "1", "--from", begins)
    started = Run(var, "--port", "0", "--db", "sqlite", *feed)
    try:
        facts = started.wait(120).facts
        _follow(facts, ends, symbols, heard)
    except (OSError, AssertionError, TimeoutError) as error:
        heard.problem = f"{type(error).__name__}: {error}"
    finally:
        with suppress(Exception):
            started.stop(seconds=30)
        started.process.kill()


def _follow(facts: dict[str, Any], ends: tuple[str, str], symbols: tuple[str, ...], heard: Heard) -> None:
    header = {"Authorization": f"Bearer {facts['token']}"}
    with connect(facts["ws_url"], additional_headers=header, max_size=None) as socket:
        socket.send(json.dumps({"action": "subscribe", "symbols": symbols}))
        leaves_at = float("inf")
        while heard.ended < ends[0] and time.monotonic() < leaves_at:
            try:
                message = json.loads(socket.recv(timeout=min(60.0, leaves_at - time.monotonic())))
            except TimeoutError:
                if leaves_at == float("inf"):
                    raise
                break
            if message["type"] == "kline":
                _count(message, heard)
            elif message["type"] in ("error", "slow_reader"):
                raise AssertionError(f"the stream said {message}")
            elif message["type"] == "status" and message.get("market") == "CN" and message["state"] == ends[1]:
                leaves_at = time.monotonic() + _LATE_S
        heard.ended = max(heard.ended, ends[0])  # what a pause has been told of, nothing follows for long


def _count(message: dict[str, Any], heard: Heard) -> None:
    bar, symbol = message["data"], message["symbol"]
    began = datetime.fromisoformat(bar["timestamp"]) - timedelta(milliseconds=1500) + _SHANGHAI
    heard.ended = max(heard.ended, began.strftime("%H:%M"))
    heard.seqs.setdefault(symbol, []).append(message["seq"])
    if bar["volume"] == 0:
        return
    o, high, low, close, amount = (Decimal(str(bar[name])) for name in ("open", "high", "low", "close", "amount"))
    row = heard.minutes.setdefault(symbol, {}).setdefault(_minute(began), [o, high, low, close, 0, Decimal(0)])
    row[1], row[2], row[3] = max(row[1], high), min(row[2], low), close
    row[4] += bar["volume"]
    row[5] += amount


def _minute(began: datetime) -> str:
    label = began.strftime("%H:%M")
    if label < "09:30":
        return "09:30"
    if "11:30" <= label < "13:00":
        return "11:29"
    return min(label, "14:59")


def _figures(what: str, folder: Path, kind: str, symbols: tuple[str, ...], heard: Heard) -> Iterator[Figure]:
    if heard.problem:
        print(f"boundaries: {what}: {heard.problem}")
    compared = differ = 0
    for symbol in symbols:
        got = heard.minutes.get(symbol, {})
        for label, wanted in _reference(folder, kind, symbol).items():
            if not _is_whole(label, heard.ended):
                continue
            compared += 1
            if label not in got or not _same(got[label], wanted, exact=kind == "ticks"):
                differ += 1
                print(f"boundaries: {what}: {symbol} {label}: got {got.get(label)}, wanted {wanted}")
    again = sum(len(seqs) - len(set(seqs)) + (seqs != sorted(seqs)) for seqs in heard.seqs.values())
    yield Figure("boundaries", f"{what}: minutes compared", compared, ">= 10")
    yield Figure("boundaries", f"{what}: minutes that differ", differ, "= 0")
    yield Figure("boundaries", f"{what}: bars double or out of order", again, "= 0")


def _is_whole(label: str, ended: str) -> bool:
    """Tell whether a minute was over when the client left; lunch's and the close's last ones take what comes late."""
    if label == "11:29":
        return ended >= "11:31"
    return ended >= "15:01" if label == "14:59" else label < ended


def _same(got: list[Any], wanted: tuple[Any, ...], *, exact: bool) -> bool:
    if abs(got[5] - wanted[5]) >= Decimal("0.01"):  # to the fen; the reference rounds its floats
        return False
    if exact:
        return tuple(got[:5]) == wanted[:5]
    return got[1] >= wanted[1] and got[2] <= wanted[2] and (got[0], *got[3:5]) == (wanted[0], *wanted[3:5])


def _reference(folder: Path, kind: str, symbol: str) -> dict[str, tuple[Any, ...]]:
    """Return the minutes that others folded, by when each begins; they are labelled by their ends."""
    (file,) = folder.glob(f"ref1min_from_{kind}_{symbol}_*.csv.gz")
    with gzip.open(file, "rt") as rows:
        return {
            (datetime.fromisoformat(f"{row['date']}T{row['time']}") - timedelta(minutes=1)).strftime("%H:%M"): (
                *(Decimal(row[name]) for name in ("open", "high", "low", "close")),
                int(row["volume"]),
                Decimal(row["amount"]),
            )
            for row in csv.DictReader(rows)
        }
