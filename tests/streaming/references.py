"""Reads the reference minutes of the recorded sets; their times are END labels, ours are openings."""

import csv
import gzip
from datetime import datetime
from pathlib import Path

from streaming.domain.minutes import MinuteBar
from streaming.history.rollup import Span, read_bars

Prices = tuple[int, int, int, int, int, int]


def reference_minutes(path: Path) -> dict[int, Prices]:
    """Return opened_ms -> (open, high, low, close, volume, turnover) in our units."""
    minutes = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            ends = datetime.fromisoformat(f"{row['date']}T{row['time']}:00+08:00")
            prices = [round(float(row[name]) * 10_000) for name in ("open", "high", "low", "close")]
            turnover_e4 = round(float(row["amount"]) * 10_000)
            minutes[int(ends.timestamp()) * 1000 - 60_000] = (*prices, int(row["volume"]), turnover_e4)
    return minutes


def as_minutes(bars: list[MinuteBar]) -> dict[int, Prices]:
    """Return our bars in the same form."""
    return {b.opened_ms: (b.open_e4, b.high_e4, b.low_e4, b.close_e4, b.volume, b.turnover_e4) for b in bars}


def stored_minutes(symbol: str, start_ms: int = 0, end_ms: int = 2**53) -> list[MinuteBar]:
    """Return what history has of an instrument, start_ms <= opened < end_ms, oldest first."""
    return read_bars([symbol], "1m", Span(start_ms, end_ms, limit=1000), sessions=True).get(symbol, [])
