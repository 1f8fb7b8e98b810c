"""A recorded day through the whole path (replay, Celery worker, Redis, Channels consumer, socket) folds to the reference.

The client here folds by the rule of docs/protocol.md alone, with none of our code.
"""

import csv
import gzip
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.sync.client import connect

pytestmark = [pytest.mark.whole, pytest.mark.data]
SYMBOLS = ["600519.SH", "000001.SZ", "600000.SH"]
SHANGHAI = timedelta(hours=8)


def reference(folder: Path, symbol: str) -> dict[str, tuple]:
    """Return the reference minutes by our label (their END label minus a minute): open, high, low, close, volume, amount."""
    (file,) = folder.glob(f"ref1min_from_ticks_{symbol}_*.csv.gz")
    with gzip.open(file, "rt") as rows:
        return {
            (datetime.strptime(row["time"], "%H:%M") - timedelta(minutes=1)).strftime("%H:%M"): (
                *(Decimal(row[name]) for name in ("open", "high", "low", "close")), int(row["volume"]), Decimal(row["amount"]),
            )
            for row in csv.DictReader(rows)
        }  # fmt: skip


def minute_of(timestamp: str) -> str:
    begins = datetime.fromisoformat(timestamp) - timedelta(milliseconds=1500) + SHANGHAI
    label = begins.strftime("%H:%M")
    if label < "09:30":
        return "09:30"
    if "11:30" <= label < "13:00":
        return "11:29"
    return min(label, "14:59")


def fold(bars: list[dict]) -> dict[str, tuple]:
    minutes: dict[str, list] = {}
    for bar in bars:
        if bar["volume"] == 0:
            continue
        o, h, low, c, amount = (Decimal(str(bar[name])) for name in ("open", "high", "low", "close", "amount"))
        row = minutes.setdefault(minute_of(bar["timestamp"]), [o, h, low, c, 0, Decimal(0)])
        row[1], row[2], row[3] = max(row[1], h), min(row[2], low), c
        row[4] += bar["volume"]
        row[5] += amount
    return {label: tuple(row) for label, row in minutes.items()}


def same(got: dict[str, tuple], wanted: dict[str, tuple]) -> None:
    assert sorted(got) == sorted(wanted)
    for label, (o, h, low, c, volume, amount) in wanted.items():
        assert got[label][:5] == (o, h, low, c, volume), label
        assert abs(got[label][5] - amount) < Decimal("0.01"), label  # to the fen; the reference rounds its floats


def test_the_bars_of_a_socket_fold_to_every_reference_minute(start, market_data):
    folder = market_data / "replay-l2-20230201"
    run = start("--feed", "replay", "--data", str(folder), "--speed", "600").wait()
    bars: dict[str, list[dict]] = {symbol: [] for symbol in SYMBOLS}
    seqs: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}

    with connect(
        run.facts["ws_url"], additional_headers={"Authorization": f"Bearer {run.facts['token']}"}, max_size=None
    ) as socket:
        socket.send(json.dumps({"action": "subscribe", "symbols": SYMBOLS}))
        while True:
            message = json.loads(socket.recv(timeout=30))
            assert message["type"] not in ("error", "slow_reader"), message
            if message["type"] == "kline":
                bars[message["symbol"]].append(message["data"])
                seqs[message["symbol"]].append(message["seq"])
            elif message["type"] == "status" and message.get("market") == "CN" and message["state"] == "closed":
                break

    for symbol in SYMBOLS:
        same(fold(bars[symbol]), reference(folder, symbol))
        assert len(fold(bars[symbol])) == 238
        assert seqs[symbol] == sorted(set(seqs[symbol]))
        while_open = [seq for seq in seqs[symbol] if minute_of(_iso(seq)) not in ("14:59",) and _is_open(_iso(seq))]
        gaps = [later - earlier for earlier, later in pairwise(while_open)]
        assert set(gaps) <= {1, 3601}  # every window of the session has a bar; 3,600 windows are lunch


def _iso(seq: int) -> str:
    return datetime.fromtimestamp(seq * 1.5, UTC).isoformat()


def _is_open(timestamp: str) -> bool:
    begins = (datetime.fromisoformat(timestamp) - timedelta(milliseconds=1500) + SHANGHAI).strftime("%H:%M:%S")
    return "09:30:00" <= begins < "11:30:00" or "13:00:00" <= begins < "14:57:00"


def test_at_full_speed_the_same_comes_out_of_history(start, market_data):
    folder = market_data / "replay-l2-20230201"
    run = start("--feed", "replay", "--data", str(folder), "--speed", "max").wait()
    for symbol in SYMBOLS:
        wanted = reference(folder, symbol)
        same(_history(run, symbol, len(wanted)), wanted)


def _history(run, symbol: str, wanted: int, seconds: float = 60) -> dict[str, tuple]:
    import time

    deadline = time.monotonic() + seconds
    day = int(datetime(2023, 2, 1, tzinfo=UTC).timestamp() * 1000)
    url = f"{run.facts['panel_url']}/v1/market/kline?symbol={symbol}&interval=1m&limit=1000&start_time={day}&end_time={day + 86_400_000}"
    while True:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, headers={"X-API-Key": run.facts["token"]})
            ) as answer:
                rows = json.load(answer)["data"]["klines"]
        except urllib.error.HTTPError as error:
            if error.code != 503:  # which says "try again"
                raise
            rows = []
        if len(rows) >= wanted or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return {
        (datetime.fromtimestamp(row["time"] / 1000, UTC) + SHANGHAI).strftime("%H:%M"): (
            *(Decimal(row[name]) for name in ("open", "high", "low", "close")), int(row["volume"]), Decimal(row["quote_volume"]),
        )
        for row in rows
    }  # fmt: skip
