"""Reads recorded market data: a folder of ticks_*.csv.gz and snapshots_*.csv.gz, merged in exchange time.

Columns are found by name, so both orders of the snapshot columns are read. Receive times are ignored: in a replay
nothing is late. Where a folder has ticks and snapshots of one symbol, the ticks are its trades and the snapshots only
tell its previous close; counting both would double every share.
"""

import csv
import gzip
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.states import state_of
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.errors import BadRecording

_TICKS, _SNAPSHOTS = "ticks_", "snapshots_"


@dataclass(frozen=True, slots=True)
class _File:
    """What one pass over a file's symbols and times has shown."""

    path: Path
    symbols: frozenset[str]
    first_ms: int
    last_ms: int
    ascends: bool

    @property
    def has_trades(self) -> bool:
        return self.path.name.startswith(_TICKS)


@dataclass
class Recording:
    """One lane's part of a folder. `unreadable` counts rows that were passed over, by reason."""

    files: list[_File]
    unreadable: Counter[str] = field(default_factory=Counter)

    @cached_property
    def symbols(self) -> list[str]:
        """Return every symbol that the files carry, sorted."""
        return sorted({symbol for file in self.files for symbol in file.symbols})

    @property
    def first_ms(self) -> int:
        """Return the exchange time of the first row."""
        return min(file.first_ms for file in self.files)

    @property
    def last_ms(self) -> int:
        """Return the exchange time of the last row."""
        return max(file.last_ms for file in self.files)

    @property
    def days(self) -> set[date]:
        """Return the exchange's dates on which the files begin and end."""
        return {exchange_day(at_ms) for file in self.files for at_ms in (file.first_ms, file.last_ms)}

    def ticks(self) -> Iterator[Tick]:
        """Yield every tick in exchange time; equal times keep the order of file names and of rows."""
        with_trades = {symbol for file in self.files if file.has_trades for symbol in file.symbols}
        return heapq.merge(*(self._read(file, with_trades) for file in self.files), key=lambda tick: tick.at_ms)

    def _read(self, file: _File, with_trades: set[str]) -> Iterator[Tick]:
        ticks: Iterable[Tick] = _trades(file.path, self.unreadable)
        if not file.has_trades:
            ticks = _snapshots(file.path, self.unreadable, with_trades)
        # A set sorted by symbol is put in order in memory; one in order, as large ones are, is streamed.
        return iter(ticks) if file.ascends else iter(sorted(ticks, key=lambda tick: tick.at_ms))


def open_recording(folder: Path, lane: str) -> Recording | None:
    """Return what a folder has for a lane; None where it has nothing.

    Raises:
        BadRecording: the folder or a file cannot be read; the message says what to do.
    """
    if not folder.is_dir():
        raise BadRecording(f"{folder} is not a folder; name one with ticks_*.csv.gz or snapshots_*.csv.gz")
    paths = sorted(p for p in folder.glob("*.csv.gz") if p.name.startswith((_TICKS, _SNAPSHOTS)))
    if not paths:
        raise BadRecording(f"{folder} has no ticks_*.csv.gz and no snapshots_*.csv.gz")
    files = [file for path in paths if (file := _survey(path, lane)) is not None]
    return Recording(files) if files else None


def _survey(path: Path, lane: str) -> _File | None:
    """Read a file once and return what it has; None for another lane's. One file has one market."""
    symbols: set[str] = set()
    first = last = before = None
    ascends = True
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            columns = _columns(path, next(rows, []), ("symbol", "date", "time"))
            symbol_at, date_at, time_at = (columns[name] for name in ("symbol", "date", "time"))
            for row in rows:
                try:
                    at_ms = _instant(row[date_at], row[time_at])
                except (ValueError, IndexError, OverflowError):
                    continue  # counted when it is read
                if row[symbol_at] not in symbols:
                    instrument = _instrument(row[symbol_at])
                    if instrument is not None and instrument.lane != lane:
                        if not symbols:
                            return None
                        raise BadRecording(f"{path.name} mixes markets; one file has one market")
                    if instrument is not None:
                        symbols.add(row[symbol_at])
                ascends = ascends and (before is None or at_ms >= before)
                before = at_ms
                first = at_ms if first is None else min(first, at_ms)
                last = at_ms if last is None else max(last, at_ms)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadRecording(f"{path.name} cannot be read: {error}") from None
    if first is None or last is None or not symbols:
        return None
    return _File(path, frozenset(symbols), first, last, ascends)


def _trades(path: Path, unreadable: Counter[str]) -> Iterator[Trade]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = ("symbol", "date", "time", "price", "qty", "amount", "side")
        columns = _columns(path, next(rows, []), names)
        symbol_at, date_at, time_at, price_at, volume_at, turnover_at, side_at = (columns[name] for name in names)
        for row in rows:
            try:
                instrument = _instrument(row[symbol_at])
                if instrument is None:
                    unreadable["symbol"] += 1
                    continue
                yield Trade(
                    instrument,
                    _instant(row[date_at], row[time_at]),
                    _e4(row[price_at]),
                    int(row[volume_at]),
                    _e4(row[turnover_at]),
                    row[side_at] or "N",
                )
            except (ValueError, IndexError, OverflowError):
                unreadable["row"] += 1


def _snapshots(path: Path, unreadable: Counter[str], with_trades: set[str]) -> Iterator[Snapshot]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = ("symbol", "date", "time", "status", "prev_close", "open", "high", "low", "last")
        more = ("cum_volume", "cum_amount", "bid1", "bidv1", "ask1", "askv1")
        columns = _columns(path, next(rows, []), names + more)
        at = [columns[name] for name in names + more]
        bids_at, asks_at, iopv_at = _levels_at(columns, "bid"), _levels_at(columns, "ask"), columns.get("iopv")
        for row in rows:
            try:
                instrument = _instrument(row[at[0]])
                if instrument is None:
                    unreadable["symbol"] += 1
                    continue
                snapshot = Snapshot(
                    instrument,
                    _instant(row[at[1]], row[at[2]]),
                    prev_close_e4=_e4(row[at[4]]),
                    open_e4=_e4(row[at[5]]),
                    high_e4=_e4(row[at[6]]),
                    low_e4=_e4(row[at[7]]),
                    last_e4=_e4(row[at[8]]),
                    cum_volume=int(row[at[9]]),
                    cum_turnover_e4=_e4(row[at[10]]),
                    phase=row[at[3]],
                    state=state_of(row[at[3]]),
                    bids=tuple((_e4(row[price]), int(row[volume])) for price, volume in bids_at),
                    asks=tuple((_e4(row[price]), int(row[volume])) for price, volume in asks_at),
                    iopv_e4=_e4(row[iopv_at] or "0") if iopv_at is not None else 0,
                )
            except (ValueError, IndexError, OverflowError):
                unreadable["row"] += 1
                continue
            yield _previous_close_alone(snapshot) if str(instrument) in with_trades else snapshot


def _levels_at(columns: dict[str, int], side: str) -> list[tuple[int, int]]:
    """Return where a side's prices and volumes stand, best first, as many levels as the file has."""
    levels: list[tuple[int, int]] = []
    while (price := columns.get(f"{side}{len(levels) + 1}")) is not None:
        volume = columns.get(f"{side}v{len(levels) + 1}")
        if volume is None:
            break
        levels.append((price, volume))
    return levels


def _previous_close_alone(snapshot: Snapshot) -> Snapshot:
    """Leave its orders and its previous close: where a file has the trades, its sums would double them."""
    return replace(snapshot, open_e4=0, high_e4=0, low_e4=0, last_e4=0, cum_volume=0, cum_turnover_e4=0)


def _columns(path: Path, header: list[str], needed: tuple[str, ...]) -> dict[str, int]:
    columns = {name.strip().lstrip("\ufeff"): index for index, name in enumerate(header)}
    missing = [name for name in needed if name not in columns]
    if missing:
        raise BadRecording(f"{path.name} has no column {', '.join(missing)}")
    return columns


@cache
def _instrument(symbol: str) -> InstrumentId | None:
    try:
        return InstrumentId.parse(symbol)
    except BadSymbol:
        return None


@cache
def _midnight_ms(day: str) -> int:
    return day_start_ms(date.fromisoformat(day))


def _instant(day: str, time: str) -> int:
    """Read `HH:MM:SS` with or without a fraction, the exchange's clock."""
    seconds = int(time[0:2]) * 3600 + int(time[3:5]) * 60 + int(time[6:8])
    return _midnight_ms(day) + seconds * 1000 + int(time[9:12].ljust(3, "0"))


def _e4(text: str) -> int:
    # A float holds 15 digits exactly; a day's turnover of 1,000 billion yuan has 13 in front of the fourth decimal.
    return round(float(text) * 10_000)
