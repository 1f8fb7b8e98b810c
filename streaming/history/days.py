"""The table of days, and weeks and months made of it.

A day's row is written at its close, from the exchange's totals: what is traded in auctions and after hours is in it.
Where nobody told it, the day's minutes are added up. A day whose row is still to be written is read from its minutes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from streaming.domain.days import DayBar
from streaming.domain.minutes import MinuteBar
from streaming.history.connection import command, insert, query
from streaming.history.minutes import TABLE as MINUTES
from streaming.history.versions import version_of

TABLE = "bars_1d"
COLUMNS = (
    "symbol", "day", "open_e4", "high_e4", "low_e4", "close_e4", "volume", "turnover_e4", "prev_close_e4", "source",
    "version",
)  # fmt: skip
_OFFSET_S = 8 * 3600  # both markets live at UTC+8
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_LAST = (date(2299, 12, 31) - _EPOCH).days  # what Date32 can hold
# `n` is a day's number since 1970; 1 January 1970 was a Thursday.
_OPENED = {
    "1d": "n",
    "1w": "n - (n + 3) % 7",
    "1M": "toInt64(toInt32(toStartOfMonth(toDate32(n))))",
}
_LONGEST_DAYS = {"1d": 1, "1w": 7, "1M": 31}


def insert_days(bars: Iterable[DayBar], *, source: str, version: int) -> None:
    """Write days; one written again with the same or a higher version replaces the one before.

    Args:
        source, version: as of minutes.

    Raises:
        HistoryUnavailable: ClickHouse did not take all of them; write them all again later.
    """
    ranked = version_of(source, version)
    rows = [
        (
            bar.symbol, bar.day, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4,
            bar.prev_close_e4, source, ranked,
        )
        for bar in bars
    ]  # fmt: skip
    insert(TABLE, rows, COLUMNS)


def add_up(days: Collection[date], version: int) -> None:
    """Write days from their minutes, of every instrument; a row that a source told stays.

    Args:
        version: rising with time, ms.

    Raises:
        HistoryUnavailable: call again.
    """
    # One pass over a month for all of its days: a day alone is as far apart in the table as the whole month.
    for _, some in groupby(sorted(days), key=lambda day: (day.year, day.month)):
        numbers = [(day - _EPOCH).days for day in some]
        command(
            f"""
            INSERT INTO {TABLE} SELECT symbol, toDate32(n), argMin(open_e4, opened_at), max(high_e4), min(low_e4),
                argMax(close_e4, opened_at), sum(volume), sum(turnover_e4), 0, 'minutes', {{version:UInt64}}
            FROM (
                SELECT *, toInt32(intDiv(toInt64(toUnixTimestamp(opened_at)) + {_OFFSET_S}, {_DAY_S})) AS n
                FROM {MINUTES} FINAL
                WHERE opened_at >= toDateTime({{from:Int64}}, 'UTC') AND opened_at < toDateTime({{to:Int64}}, 'UTC')
            )
            WHERE has({{days:Array(Int32)}}, n)
            GROUP BY symbol, n
            SETTINGS do_not_merge_across_partitions_select_final = 1
            """,  # noqa: S608 - the variable parts are this package's own names
            {
                "days": numbers,
                "version": version_of("minutes", version),
                "from": numbers[0] * _DAY_S - _OFFSET_S,
                "to": (numbers[-1] + 1) * _DAY_S - _OFFSET_S,
            },
        )


def read_days(
    symbols: Collection[str],
    interval: str,
    start_ms: int,
    end_ms: int,
    limit: int,
    newest: bool = True,
    without: frozenset[int] = frozenset(),
) -> dict[str, list[MinuteBar]]:
    """Return days, weeks or months of some instruments by symbol, oldest first; one without a trade is absent.

    Args:
        start_ms, end_ms: start <= opened < end, where a day opens at the exchange's midnight.
        limit: at most so many of an instrument; the newest ones where `newest`, else the oldest.
        without: openings of bars that are still being formed.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    first, end = _number(start_ms), _number(end_ms)
    last_told = _last_told(symbols)
    rows: list[Sequence[Any]] = []
    parameters: dict[str, Any] = {
        "start": first, "end": end, "to": min(end + _LONGEST_DAYS[interval], _LAST), "limit": limit,
        "without": [_number(at_ms) for at_ms in without],
    }  # fmt: skip
    for some, after in _groups(symbols, last_told, first):
        parameters |= {"symbols": some, "after": after}
        rows += query(_sql(interval, newest=newest), parameters)
    found: dict[str, list[MinuteBar]] = {}
    for symbol, opened, *numbers in rows if not newest else reversed(rows):
        bar = MinuteBar(symbol, (opened * _DAY_S - _OFFSET_S) * 1000, *numbers)
        found.setdefault(symbol, []).append(bar)
    return found


def _number(at_ms: int) -> int:
    """Return the first day that opens at an instant or later, as days since 1970."""
    return max(0, min(-(-(at_ms // 1000 + _OFFSET_S) // _DAY_S), _LAST)) if at_ms < 2**52 else _LAST


def _last_told(symbols: Collection[str]) -> dict[str, int]:
    """Return the last day of each instrument that has a row of its own."""
    sql = f"""
        SELECT symbol, toInt64(toInt32(max(day))) FROM {TABLE} WHERE symbol IN {{symbols:Array(String)}} GROUP BY symbol
    """  # noqa: S608 - the variable part is this package's own name
    return {str(symbol): int(day) for symbol, day in query(sql, {"symbols": sorted(symbols)})}


def _groups(symbols: Collection[str], last_told: Mapping[str, int], first: int) -> list[tuple[list[str], int]]:
    """Return the instruments with the day from which on their minutes are looked at."""
    told = sorted(symbol for symbol in symbols if symbol in last_told)
    untold = sorted(symbol for symbol in symbols if symbol not in last_told)
    groups = []
    if told:
        groups.append((told, max(first, min(last_told[symbol] for symbol in told) + 1)))
    if untold:
        groups.append((untold, first))
    return groups


def _sql(interval: str, *, newest: bool) -> str:
    order = "DESC" if newest else "ASC"
    days = f"""
        SELECT symbol, toInt64(toInt32(day)) AS n, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4
        FROM {TABLE} FINAL
        WHERE symbol IN {{symbols:Array(String)}}
          AND day >= toDate32({{start:Int32}}) AND day < toDate32({{to:Int32}})
    """  # noqa: S608 - the variable parts are this package's own names
    unwritten = f"""
        SELECT symbol, intDiv(toInt64(toUnixTimestamp(opened_at)) + {_OFFSET_S}, {_DAY_S}) AS n,
               argMin(open_e4, opened_at), max(high_e4), min(low_e4), argMax(close_e4, opened_at), sum(volume),
               sum(turnover_e4)
        FROM {MINUTES} FINAL
        WHERE symbol IN {{symbols:Array(String)}}
          AND opened_at >= toDateTime({{after:Int64}} * {_DAY_S} - {_OFFSET_S}, 'UTC')
          AND opened_at < toDateTime(least({{to:Int64}} * {_DAY_S}, 4294967295) - {_OFFSET_S}, 'UTC')
          AND (symbol, n) NOT IN (
              SELECT symbol, toInt64(toInt32(day)) FROM {TABLE}
              WHERE symbol IN {{symbols:Array(String)}} AND day >= toDate32({{after:Int32}})
          )
        GROUP BY symbol, n
    """  # noqa: S608
    return f"""
        SELECT symbol, {_OPENED[interval]} AS opened, argMin(open_e4, n), max(high_e4), min(low_e4),
               argMax(close_e4, n), sum(volume), sum(turnover_e4)
        FROM ({days} UNION ALL {unwritten})
        WHERE opened >= {{start:Int64}} AND opened < {{end:Int64}} AND NOT has({{without:Array(Int64)}}, opened)
        GROUP BY symbol, opened
        ORDER BY symbol, opened {order}
        LIMIT {{limit:UInt32}} BY symbol
    """  # noqa: S608


def closes_before(codes: Collection[str], days: Sequence[date]) -> dict[date, tuple[date, int]]:
    """Return the last day before each of some days, and its close; a day before which there is none is absent.

    Args:
        codes: of one instrument, all that it has had.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    sql = f"""
        SELECT toInt64(at), toInt64(toInt32(max(day))), argMax(close_e4, day) FROM {TABLE} FINAL
        ARRAY JOIN {{days:Array(Int32)}} AS at
        WHERE symbol IN {{symbols:Array(String)}} AND toInt32(day) < at
        GROUP BY at
    """  # noqa: S608 - the variable parts are this package's own names
    numbers = [(day - _EPOCH).days for day in days]
    rows = query(sql, {"symbols": sorted(codes), "days": numbers})
    return {_day(at): (_day(traded), int(close_e4)) for at, traded, close_e4 in rows}


def references_on(codes: Collection[str], days: Sequence[date]) -> dict[date, int]:
    """Return what the exchange named as reference on some days; a day that nobody told of is absent.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    sql = f"""
        SELECT toInt64(toInt32(day)), prev_close_e4 FROM {TABLE} FINAL
        WHERE symbol IN {{symbols:Array(String)}} AND toInt32(day) IN {{days:Array(Int32)}} AND prev_close_e4 > 0
    """  # noqa: S608 - the variable parts are this package's own names
    rows = query(sql, {"symbols": sorted(codes), "days": [(day - _EPOCH).days for day in days]})
    return {_day(number): int(price_e4) for number, price_e4 in rows}


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=int(number))
