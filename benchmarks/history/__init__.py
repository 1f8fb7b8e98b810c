"""`./dev bench history`: a year of minutes of every instrument, and what reading it costs beside the bare query.

The engine runs as `./dev up` runs it. The bars are made by the engine itself: walks in cents with volumes in lots, a
tenth of them odd. Each question is asked as REST asks it (streaming.history.rollup), and the rows it needs are asked
for by themselves, on the same engine over the same connection: their ratio is what our roll-up costs.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_MOST = 4.0  # times the bare query, at most
_CLIENTS = 8


@dataclass(frozen=True)
class Question:
    """One way of reading, and the bare query for the same rows."""

    name: str
    aim_ms: float
    ours: Callable[[], object]
    bare: Callable[[], object]


def main(words: list[str]) -> None:
    """Fill, ask, print; exits with 1 where a gate was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench history", description=__doc__)
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=250)
    parser.add_argument("--short", action="store_true", help="500 symbols x 60 days")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    symbols, days = (500, 60) if asked.short else (asked.symbols, asked.days)
    with tempfile.TemporaryDirectory(prefix="tickpack-bench-") as folder:
        found = _run(Path(folder), symbols, days)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    if found["missed"]:
        print("MISSED: " + "; ".join(found["missed"]))
        sys.exit(1)


def _run(folder: Path, symbols: int, days: int) -> dict[str, Any]:
    from config.embedded import servers

    (folder / "log").mkdir()
    server, url = servers.clickhouse(folder, secrets.token_hex(16))
    server.start()
    try:
        server.wait_ready()
        os.environ |= {"CLICKHOUSE_URL": url, "TICKPACK_EMBEDDED": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
        os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        import django

        django.setup()
        names = [f"{600_000 + nth}.SH" for nth in range(symbols)]
        traded = _trading_days(days)
        filled = _fill(symbols, traded)
        return _measure(folder, names, traded, filled)
    finally:
        server.ask_to_stop()
        server.make_sure_stopped(time.monotonic() + 10)


def _trading_days(count: int) -> list[date]:
    found: list[date] = []
    day = date(2025, 10, 31)
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def _fill(symbols: int, traded: list[date]) -> dict[str, float]:
    """Make the bars, a day an insert, and the days from them."""
    from streaming.history import connection, days

    connection.bring_up()
    began = time.monotonic()
    for day in traded:
        morning = int(datetime(day.year, day.month, day.day, 9, 30, tzinfo=_SHANGHAI).timestamp())
        connection.command(_MAKE.format(symbols=symbols, morning=morning, rows=symbols * 240, day=day.toordinal()))
    for month in sorted({(day.year, day.month) for day in traded}):
        connection.command(f"OPTIMIZE TABLE bars_1m PARTITION '{month[0]}{month[1]:02d}' FINAL")
    minutes_s, began = time.monotonic() - began, time.monotonic()
    days.add_up(traded, 1)
    return {"fill_s": minutes_s, "days_s": time.monotonic() - began}


# Walks by a hash: 240 minutes of each instrument, prices in cents around a level of its own that drifts by the day.
_MAKE = """
INSERT INTO bars_1m
SELECT concat(toString(600000 + intDiv(number, 240)), '.SH') AS symbol,
       toDateTime({morning} + (number % 240) * 60 + if(number % 240 >= 120, 5400, 0), 'UTC') AS opened_at,
       level + (h % 21) * 100 AS open_e4, greatest(open_e4, close_e4) + (intDiv(h, 32) % 5) * 100 AS high_e4,
       least(open_e4, close_e4) - (intDiv(h, 256) % 5) * 100 AS low_e4,
       level + (intDiv(h, 2048) % 21) * 100 AS close_e4,
       (1 + intDiv(h, 65536) % 3000) * 100 + if(h % 10 = 0, intDiv(h, 7) % 100, 0) AS volume,
       volume * intDiv(open_e4 + close_e4, 2) AS turnover_e4, 'live', 300000000000001
FROM (
    SELECT number, cityHash64(number, {day}) AS h,
           (500 + cityHash64(intDiv(number, 240)) % 20000 + cityHash64(intDiv(number, 240), {day}) % 50) * 100 AS level
    FROM numbers({rows})
)
"""


def _measure(folder: Path, names: list[str], traded: list[date], filled: dict[str, float]) -> dict[str, Any]:
    from streaming.history import connection

    rows, size = connection.query(
        "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE table = 'bars_1m' AND active", {}
    )[0]
    parts = connection.query("SELECT count() FROM system.parts WHERE table = 'bars_1m' AND active", {})[0][0]
    print(f"\n{len(names):,} symbols x {len(traded)} days: {rows:,} minutes in {parts} parts,", end=" ")
    print(f"made in {filled['fill_s']:.0f} s; days added up in {filled['days_s']:.0f} s")
    each, plain = size / rows, _plain_bytes(traded)
    print(f"{each:.1f} bytes a stored bar; the server's own codec (LZ4, 8,192 rows a granule) {plain:.1f}")
    found: dict[str, Any] = {
        "symbols": len(names), "days": len(traded), "rows": rows, "bytes_a_bar": each, "bytes_a_bar_lz4": plain,
        **filled, "questions": {}, "missed": [],
    }  # fmt: skip
    for one in _questions(names, traded):
        ours, bare = _pairs(one)
        ratio = ours / bare
        found["questions"][one.name] = {"ms": ours * 1000, "bare_ms": bare * 1000, "ratio": ratio}
        print(f"{one.name:36}{ours * 1000:8.1f} ms, bare {bare * 1000:7.1f} ms: x{ratio:.2f}", end="")
        print(f"   (aim {one.aim_ms:.0f} ms)")
        if ratio > _MOST:
            found["missed"].append(f"{one.name}: {ratio:.1f} times the bare query")
    bars, bulk_s = _in_bulk(names, traded)
    found |= {"bulk_bars": bars, "bulk_s": bulk_s}
    print(
        f"{bars:,} minutes of 50 symbols, month by month as Arrow into polars: {bulk_s:.1f} s   (aim 30 s for a year)"
    )
    alone, together = _throughput(names)
    found |= {"alone_per_s": alone, "together_per_s": together}
    print(f"1,000 minutes of one symbol: one client {alone:.0f}/s, {_CLIENTS} clients together {together:.0f}/s")
    if together < alone:
        found["missed"].append(f"{_CLIENTS} clients together {together:.0f}/s, one {alone:.0f}/s")
    return found


def _plain_bytes(traded: list[date]) -> float:
    """Return what a bar takes without our codecs: the newest month once more, as an earlier release stored it."""
    from streaming.history import connection

    month = f"{traded[-1]:%Y%m}"
    connection.command("DROP TABLE IF EXISTS plain")
    connection.command(
        "CREATE TABLE plain (symbol LowCardinality(String), opened_at DateTime('UTC') CODEC(LZ4),"
        + "".join(
            f"{name} Int64 CODEC(LZ4), "
            for name in ("open_e4", "high_e4", "low_e4", "close_e4", "volume", "turnover_e4")
        )
        + "version UInt64 CODEC(LZ4)) ENGINE = ReplacingMergeTree(version) ORDER BY (symbol, opened_at)"
    )
    connection.command(
        "INSERT INTO plain SELECT symbol, opened_at, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4, version"
        f" FROM bars_1m WHERE toYYYYMM(opened_at) = {month}"
    )
    connection.command("OPTIMIZE TABLE plain FINAL")
    size, rows = connection.query(
        "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE table = 'plain' AND active", {}
    )[0]
    connection.command("DROP TABLE plain")
    return float(size) / float(rows)


def _questions(names: list[str], traded: list[date]) -> list[Question]:
    from streaming.history import connection
    from streaming.history.rollup import Span, read_bars

    one, fifty = names[len(names) // 2], names[:: max(1, len(names) // 50)][:50]
    columns = "symbol, toInt64(toUnixTimestamp(opened_at)), open_e4, high_e4, low_e4, close_e4, volume, turnover_e4"
    newest = int(datetime(traded[-1].year, traded[-1].month, traded[-1].day, tzinfo=_SHANGHAI).timestamp())

    def bare(symbols: list[str], since_days: int, limit: int) -> Callable[[], object]:
        sql = (
            f"SELECT {columns} FROM bars_1m FINAL WHERE symbol IN {{s:Array(String)}} "
            f"AND opened_at >= toDateTime({newest - since_days * 86_400}, 'UTC') "
            f"ORDER BY symbol, opened_at DESC LIMIT {limit} BY symbol"
        )
        return lambda: connection.query(sql, {"s": symbols})

    days_sql = (
        "SELECT symbol, toInt64(toInt32(day)), open_e4, high_e4, low_e4, close_e4, volume, turnover_e4"
        " FROM bars_1d FINAL WHERE symbol IN {s:Array(String)} ORDER BY symbol, day DESC LIMIT 250 BY symbol"
    )

    def ours(symbols: list[str], interval: str, limit: int) -> Callable[[], object]:
        return lambda: read_bars(symbols, interval, Span(limit=limit), sessions=True)

    return [
        Question("1,000 minutes of one symbol", 20, ours([one], "1m", 1000), bare([one], 6, 1000)),
        Question(
            "250 days of one symbol", 30, ours([one], "1d", 250), lambda: connection.query(days_sql, {"s": [one]})
        ),
        Question("50 symbols x 100 minutes", 60, ours(fifty, "1m", 100), bare(fifty, 0, 100)),
        Question("200 hours of one symbol", 60, ours([one], "1h", 200), bare([one], 75, 12_000)),
        Question(
            "100 weeks of one symbol", 30, ours([one], "1w", 100), lambda: connection.query(days_sql, {"s": [one]})
        ),
    ]


def _pairs(one: Question, rounds: int = 15) -> tuple[float, float]:
    """Return the medians of both, in seconds, asked by turns."""
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    for nth in range(rounds + 2):
        for name, ask in (("ours", one.ours), ("bare", one.bare)):
            began = time.perf_counter()
            ask()
            if nth >= 2:  # the first ones warm up
                took[name].append(time.perf_counter() - began)
    return statistics.median(took["ours"]), statistics.median(took["bare"])


def _in_bulk(names: list[str], traded: list[date]) -> tuple[int, float]:
    """Return how many minutes of fifty symbols are read as a node's files are made, and how long that takes."""
    import polars as pl

    from streaming.history.files import Period, minutes_file

    fifty = dict.fromkeys(names[:: max(1, len(names) // 50)][:50], ())
    began, rows = time.monotonic(), 0
    for month in sorted({f"{day:%Y-%m}" for day in traded}):
        rows += pl.read_ipc_stream(BytesIO(minutes_file(fifty, Period.read(month), "arrow", made_up=False))).height
    return rows, time.monotonic() - began


def _throughput(names: list[str]) -> tuple[float, float]:
    """Return how many times a second one client reads 1,000 minutes, and eight together."""
    from streaming.history.rollup import Span, read_bars

    def rate(clients: int, seconds: float = 4.0) -> float:
        until, counts = time.monotonic() + seconds, [0] * clients

        def ask(nth: int) -> None:
            at = nth * 37
            while time.monotonic() < until:
                read_bars([names[at % len(names)]], "1m", Span(limit=1000), sessions=True)
                counts[nth] += 1
                at += 11

        threads = [threading.Thread(target=ask, args=(nth,)) for nth in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / seconds

    return rate(1), rate(_CLIENTS)
