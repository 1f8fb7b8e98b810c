"""How many ticks a second one process folds: the whole way, beside three who only add them up.

Ours is a market with its line, as a worker runs it: rows are judged, merged by the day's volume, numbered and told
beside the bars, folded, and packed into a real Redis. The others get the same ticks as they like them best (tuples, or
columns that are there already) and make the same bars of them: open, high, low, close, volume and turnover by symbol
and window. Their sums must be ours. Counted is processor time of the process, all of its threads; all take turns.
"""

import argparse
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import django

from benchmarks.ingest.synthetic import A_SHARES, SyntheticMarket, a_shares, snapshot
from benchmarks.stage import Stage, stage
from streaming.domain.calendar import Calendar, day_start_ms
from streaming.domain.lines import LineSetting
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.domain.windows import WINDOW_MS
from streaming.ingest.clocks import WallClock
from streaming.ingest.market import Market
from streaming.ingest.publisher import Publisher
from streaming.ingest.sources import Reading
from streaming.reference import published_days
from streaming.store.lanes import LaneStore

DAY = date(2026, 6, 10)  # a Wednesday
TEN_MS = day_start_ms(DAY) + 10 * 3_600_000
STEP_MS, AT_ONCE = 3_000, 500
_LOOK_MS = 250  # so that some hundred are read at once, as by a worker that has much to do
# Ours does far more than the sums; half of the share of the naive dict that a busy machine showed must be there.
GATES = {"trades": 0.04, "snapshots": 0.02}
Row = tuple[str, int, int, int, int]  # symbol, ms, price, volume, turnover; of snapshots volume and turnover of the day


class Told:
    """A live source that tells ticks which are there already, each batch when its time has come."""

    own_clock = finished = False
    speed, name, position = 1.0, "bench", ""

    def __init__(self, ticks: Sequence[Tick]) -> None:
        self._ticks, self._at = ticks, 0

    def carries(self, symbol: str) -> bool:
        return True

    def read(self, until_ms: int) -> Iterator[Reading]:
        ticks = self._ticks
        while self._at < len(ticks) and ticks[self._at].at_ms <= until_ms:
            batch = ticks[self._at : self._at + AT_ONCE]
            while batch[-1].at_ms > until_ms:
                batch.pop()  # type: ignore[attr-defined]
            self._at += len(batch)
            yield Reading(batch, received_ms=until_ms)

    def counters(self) -> Counter[str]:
        return Counter()


def snapshots(count: int) -> list[Tick]:
    """Return pictures of a market in which everything moves every 3 s, as at the opening."""
    market, told = SyntheticMarket(a_shares(A_SHARES)), list[Tick]()
    at_ms = TEN_MS
    while len(told) < count:
        movers = market.move(1.0)
        told += [snapshot(day, at_ms + nth * STEP_MS // len(movers)) for nth, day in enumerate(movers)]
        at_ms += STEP_MS
    return told[:count]


def trades(count: int) -> list[Tick]:
    """Return trades of a busy market, some thousand a second."""
    market = SyntheticMarket(a_shares(A_SHARES))
    return list(market.trades(TEN_MS + nth // 2 for nth in range(count)))


# -- the four ----------------------------------------------------------------------------------------------------------


def fold_ours(ticks: list[Tick], running: Stage) -> tuple[float, tuple[int, int]]:
    """Return (processor seconds, (volume, turnover) of the bars in the stream)."""
    running.redis.flushall()
    store = LaneStore(running.redis, "CN")
    fence = store.take_lease("bench")
    assert fence is not None
    store.begin_epoch(fence, "bench")
    calendar = Calendar("CN", published_days("CN"))
    began_ms = day_start_ms(DAY) + 8 * 3_600_000
    market = Market(
        name="live", lines={"a": Told(ticks)}, settings=[LineSetting("a")], sessions=lambda: calendar, newest={},
        clock=WallClock(now_ms=TEN_MS, resume_after=None, close_delay_ms=500), resume_after=None, now_ms=began_ms,
    )  # fmt: skip
    publisher = Publisher(
        store=store, fence=fence, epoch="bench", feed="live", recorded=False, speed=1.0, choice={}, newest={},
        keep_hours=72,
    )  # fmt: skip
    last_ms = ticks[-1].at_ms + 4 * WINDOW_MS
    began = time.process_time()
    for now_ms in range(TEN_MS, last_ms, _LOOK_MS):
        publisher.publish(market.due(now_ms))
        publisher.tell(market.told())
    spent = time.process_time() - began
    refused = {reason: number for reason, number in market.counters().items() if number}
    assert not refused, refused
    bars = [bar for window in store.read("bench", 0, 100_000) for bar in window.bars]
    return spent, (sum(bar.volume for bar in bars), sum(bar.turnover_e4 for bar in bars))


def rows_of(ticks: Sequence[Tick]) -> list[Row]:
    return [
        (str(one.instrument), one.at_ms, one.price_e4, one.volume, one.turnover_e4)
        if isinstance(one, Trade)
        else (str(one.instrument), one.at_ms, one.last_e4, one.cum_volume, one.cum_turnover_e4)
        for one in ticks
    ]


def fold_dict(rows: Sequence[Row], *, cumulative: bool) -> tuple[int, int]:
    bars: dict[tuple[int, str], list[int]] = {}
    days: dict[str, tuple[int, int]] = {}
    for symbol, at_ms, price, told, told_e4 in rows:
        volume, turnover = told, told_e4
        if cumulative:
            before = days.get(symbol, (0, 0))
            volume, turnover = told - before[0], told_e4 - before[1]
            days[symbol] = told, told_e4
        bar = bars.get(key := (at_ms // WINDOW_MS, symbol))
        if bar is None:
            bars[key] = [price, price, price, price, volume, turnover]
            continue
        if price > bar[1]:
            bar[1] = price
        if price < bar[2]:
            bar[2] = price
        bar[3] = price
        bar[4] += volume
        bar[5] += turnover
    return sum(bar[4] for bar in bars.values()), sum(bar[5] for bar in bars.values())


_COLUMNS = ("symbol", "at_ms", "price", "volume", "turnover")


def fold_pandas(frame: Any, *, cumulative: bool) -> tuple[int, int]:
    if cumulative:
        days = frame.groupby("symbol", sort=False)[["volume", "turnover"]]
        frame = frame.assign(**{name: days.diff()[name].fillna(frame[name]) for name in ("volume", "turnover")})
    bars = (
        frame.assign(window=frame["at_ms"] // WINDOW_MS)
        .groupby(["window", "symbol"], sort=False)
        .agg(
            open=("price", "first"), high=("price", "max"), low=("price", "min"), close=("price", "last"),
            volume=("volume", "sum"), turnover=("turnover", "sum"),
        )
    )  # fmt: skip
    return int(bars["volume"].sum()), int(bars["turnover"].sum())


def fold_polars(frame: Any, *, cumulative: bool) -> tuple[int, int]:
    import polars as pl

    if cumulative:
        names = ("volume", "turnover")
        frame = frame.with_columns(pl.col(name).diff().over("symbol").fill_null(pl.col(name)) for name in names)
    price = pl.col("price")
    bars = frame.group_by((pl.col("at_ms") // WINDOW_MS).alias("window"), "symbol", maintain_order=True).agg(
        price.first().alias("open"), price.max().alias("high"), price.min().alias("low"), price.last().alias("close"),
        pl.col("volume").sum(), pl.col("turnover").sum(),
    )  # fmt: skip
    return int(bars["volume"].sum()), int(bars["turnover"].sum())


def timed(fold: Callable[[], tuple[int, int]]) -> tuple[float, tuple[int, int]]:
    began = time.process_time()
    sums = fold()
    return time.process_time() - began, sums


# -- the part ----------------------------------------------------------------------------------------------------------


def main(words: list[str]) -> bool:
    """Print ticks a second and ratios; return whether the gates held."""
    parser = argparse.ArgumentParser(prog="./dev bench ingest fold", description=__doc__)
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    found: dict[str, dict[str, float]] = {}
    load = os.getloadavg()[0]
    with stage() as running:
        for what, ticks in (("trades", trades(asked.ticks)), ("snapshots", snapshots(asked.ticks))):
            found[what] = _beside(ticks, running, asked.repetitions)
    print(f"\nTicks folded a second by one process ({asked.ticks:,} ticks, median of {asked.repetitions} turns,")
    print(f"processor time; {os.cpu_count()} processors, load {load:.1f} before)")
    print(f"{'':12}" + "".join(f"{name:>13}" for name in found["trades"]) + f"{'of the dict':>13}{'gate':>8}")
    kept = True
    for what, rates in found.items():
        ratio = rates["tickpack"] / rates["naive dict"]
        kept = kept and ratio >= GATES[what]
        told = "" if ratio >= GATES[what] else "  MISSED"
        print(f"{what:12}" + "".join(f"{rate:>13,.0f}" for rate in rates.values()) + f"{ratio:>13.3f}", end="")
        print(f"{GATES[what]:>8}{told}")
    if asked.json:
        asked.json.write_text(json.dumps({"load": load, "ticks_per_s": found}, indent=1))
    return kept


def _beside(ticks: list[Tick], running: Stage, repetitions: int) -> dict[str, float]:
    import pandas as pd
    import polars as pl

    rows = rows_of(ticks)
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    in_pandas, in_polars = pd.DataFrame(columns), pl.DataFrame(columns)
    cumulative = isinstance(ticks[0], Snapshot)
    turns: dict[str, Callable[[], tuple[float, tuple[int, int]]]] = {
        "tickpack": lambda: fold_ours(ticks, running),
        "naive dict": lambda: timed(lambda: fold_dict(rows, cumulative=cumulative)),
        "pandas": lambda: timed(lambda: fold_pandas(in_pandas, cumulative=cumulative)),
        "polars": lambda: timed(lambda: fold_polars(in_polars, cumulative=cumulative)),
    }
    spent: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repetitions):
        sums = {}
        for name, turn in turns.items():
            seconds, sums[name] = turn()
            spent[name].append(seconds)
        assert len(set(sums.values())) == 1, sums
    return {name: len(ticks) / statistics.median(seconds) for name, seconds in spent.items()}
