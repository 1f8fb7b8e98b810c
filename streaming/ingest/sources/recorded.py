"""Reads recorded market data: a folder of ticks_*.csv.gz and snapshots_*.csv.gz, merged in exchange time.

Columns are found by name, so both orders of the snapshot columns are read. Receive times are ignored: in a replay
nothing is late. Where a folder has ticks and snapshots of one symbol and day, the ticks are its trades and the
snapshots only tell its previous close; counting both would double every share. A trade whose number (`seq`) was read
already is the same one.
"""

import csv
import gzip
import heapq
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path

from msgspec.structs import replace

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.decimals import tenthousandths, whole
from streaming.domain.states import state_of
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.errors import BadRecording

log = logging.getLogger(__name__)
_TICKS, _SNAPSHOTS = "ticks_", "snapshots_"
_MOST_NAMED = 5
_NUMBERS_KEPT = 10_000  # of a symbol
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class _File:
    """What one pass over a file's symbols and times has shown."""

    path: Path
    symbols: frozenset[str]
    symbol_days: frozenset[tuple[str, str]]  # (symbol, day as the file writes it)
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
        with_trades = {pair for file in self.files if file.has_trades for pair in file.symbol_days}
        return heapq.merge(*(self._read(file, with_trades) for file in self.files), key=lambda tick: tick.at_ms)

    def _read(self, file: _File, with_trades: set[tuple[str, str]]) -> Iterator[Tick]:
        ticks: Iterable[Tick] = _trades(file.path, self.unreadable)
        if not file.has_trades:
            ticks = _snapshots(file.path, self.unreadable, with_trades)
        # A set sorted by symbol is put in order in memory; one in order, as large ones are, is streamed.
        return iter(ticks) if file.ascends else iter(sorted(ticks, key=lambda tick: tick.at_ms))


def open_recording(folder: Path, lane: str) -> Recording | None:
    """Return what a folder has for a lane; None where it has nothing. What is no recording is named in the log.

    Raises:
        BadRecording: the folder or a file cannot be read; the message says what to do.
    """
    if not folder.is_dir():
        raise BadRecording(f"{folder} is not a folder; name one with ticks_*.csv.gz or snapshots_*.csv.gz")
    paths = sorted(p for p in folder.glob("*.csv.gz") if p.name.startswith((_TICKS, _SNAPSHOTS)))
    if not paths:
        raise BadRecording(f"{folder} has no ticks_*.csv.gz and no snapshots_*.csv.gz")
    if others := sorted(path.name for path in folder.iterdir() if path not in paths and not path.name.startswith(".")):
        named = ", ".join(others[:_MOST_NAMED])
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        log.warning("%s: passed over, being neither ticks_*.csv.gz nor snapshots_*.csv.gz: %s%s", folder, named, more)
    files = [file for path in paths if (file := _survey(path, lane)) is not None]
    return Recording(files) if files else None


def _survey(path: Path, lane: str) -> _File | None:
    """Read a file once and return what it has; None for another lane's. One file has one market."""
    names: dict[str, str] = {}  # as it writes them -> canonical
    symbol_days: set[tuple[str, str]] = set()
    first = last = before = None
    ascends, unread, example = True, 0, ""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            columns = _columns(path, next(rows, []), ("symbol", "date", "time"))
            symbol_at, date_at, time_at = (columns[name] for name in ("symbol", "date", "time"))
            for row in rows:
                try:
                    at_ms = _instant(row[date_at], row[time_at])
                except (ValueError, IndexError, OverflowError):
                    unread, example = unread + 1, example or ",".join(row)[:80]
                    continue  # counted when it is read
                if row[symbol_at] not in names:
                    instrument = _instrument(row[symbol_at])
                    if instrument is None:
                        unread, example = unread + 1, example or ",".join(row)[:80]
                        continue
                    if instrument.lane != lane:
                        if not names:
                            return None
                        raise BadRecording(f"{path.name} mixes markets; one file has one market")
                    names[row[symbol_at]] = str(instrument)
                symbol_days.add((names[row[symbol_at]], row[date_at]))
                ascends = ascends and (before is None or at_ms >= before)
                before = at_ms
                first = at_ms if first is None else min(first, at_ms)
                last = at_ms if last is None else max(last, at_ms)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadRecording(f"{path.name} cannot be read: {error}") from None
    if unread and (first is None or not names):
        raise BadRecording(f"{path.name} has {unread} rows and none that can be read, like {example!r}")
    if first is None or last is None or not names:
        return None
    return _File(path, frozenset(names.values()), frozenset(symbol_days), first, last, ascends)


def _trades(path: Path, unreadable: Counter[str]) -> Iterator[Trade]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = ("symbol", "date", "time", "price", "qty", "amount", "side")
        columns = _columns(path, next(rows, []), names)
        symbol_at, date_at, time_at, price_at, volume_at, turnover_at, side_at = (columns[name] for name in names)
        number_at, numbers = columns.get("seq"), _Numbers()
        for row in rows:
            try:
                instrument = _instrument(row[symbol_at])
                if instrument is None:
                    unreadable["symbol"] += 1
                    continue
                trade = Trade(
                    instrument,
                    _instant(row[date_at], row[time_at]),
                    _e4(row[price_at]),
                    whole(row[volume_at]),
                    _e4(row[turnover_at]),
                    row[side_at] or "N",
                )
                number = row[number_at] if number_at is not None else ""
            except (ValueError, IndexError, OverflowError):
                unreadable["row"] += 1
                continue
            if numbers.has(row[symbol_at], row[date_at], number):
                unreadable["repeated"] += 1
                continue
            yield trade


def _snapshots(path: Path, unreadable: Counter[str], with_trades: set[tuple[str, str]]) -> Iterator[Snapshot]:
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
                    cum_volume=whole(row[at[9]]),
                    cum_turnover_e4=_e4(row[at[10]]),
                    phase=row[at[3]],
                    state=state_of(row[at[3]]),
                    bids=tuple((_e4(row[price]), whole(row[volume])) for price, volume in bids_at),
                    asks=tuple((_e4(row[price]), whole(row[volume])) for price, volume in asks_at),
                    iopv_e4=_e4(row[iopv_at] or "0") if iopv_at is not None else 0,
                )
            except (ValueError, IndexError, OverflowError):
                unreadable["row"] += 1
                continue
            tells_trades = (str(instrument), row[at[1]]) in with_trades
            yield _previous_close_alone(snapshot) if tells_trades else snapshot


class _Numbers:
    """The newest trades' numbers of each symbol and day. A trade that is told again is told soon."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[set[str], set[str]]] = {}  # two generations, the newer one first

    def has(self, symbol: str, day: str, number: str) -> bool:
        """Tell whether a number was read already; take it where not. "" is no number."""
        if not number:
            return False
        found = self._seen.get((symbol, day))
        if found is None:
            found = self._seen[symbol, day] = (set(), set())
        newer, older = found
        if number in newer or number in older:
            return True
        newer.add(number)
        if len(newer) >= _NUMBERS_KEPT:
            self._seen[symbol, day] = (set(), newer)
        return False


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


@lru_cache(maxsize=100_000)
def _second_ms(time: str) -> int:
    found = _TIME.fullmatch(time)
    if found is None:
        raise ValueError(time)
    hours, minutes, seconds = found.groups()
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000


def _instant(day: str, time: str) -> int:
    """Read `HH:MM:SS` with or without a fraction, the exchange's clock.

    Raises:
        ValueError: it is no time of a day.
    """
    whole_seconds, _, fraction = time.partition(".")
    more_ms = int(fraction[:3].ljust(3, "0")) if fraction else 0
    return _midnight_ms(day) + _second_ms(whole_seconds) + more_ms


_e4 = tenthousandths
