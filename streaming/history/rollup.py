"""Bars out of what history keeps: minutes, longer intervals that are added up from them, and days.

Intervals are counted as streaming.domain.intervals counts them: a session's first begins with its opening (an
afternoon's hour at 13:00), a week on Monday, a month on the first. Hong Kong's opening print, minute 09:29, counts in
the first interval. Days are rows of their own (streaming.history.days); weeks and months are made of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from kernel import clock
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.intervals import DAYS, INTERVAL_MINUTES
from streaming.domain.minutes import MinuteBar
from streaming.history import connection
from streaming.history.connection import query
from streaming.history.days import read_days
from streaming.history.minutes import MADE_UP_TABLE, TABLE

_OFFSET_S = 8 * 3600  # both markets live at UTC+8
_DAY_S = 86_400
_LATEST_S = 2**32 - 1  # what DateTime can hold
_KNOWN_MS = 5_000
_asked: dict[tuple[str, str, int], tuple[float, list[tuple[int, int, int]]]] = {}
_MINUTES_A_DAY = 240  # on the mainland; Hong Kong has more
_WEEKEND = 3  # days that a few trading days may be longer by
_LONGEST_S = {"1d": _DAY_S, "1w": 7 * _DAY_S, "1M": 31 * _DAY_S}

# `local` is a minute's opening in seconds of the exchange's wall clock.
_DAY = f"intDiv(local, {_DAY_S}) * {_DAY_S}"
_OPENED = {
    "1m": "local",
    "1d": _DAY,
    # 1 January 1970 was a Thursday.
    "1w": f"{_DAY} - (intDiv(local, {_DAY_S}) + 3) % 7 * {_DAY_S}",
    "1M": "toInt64(toUnixTimestamp(toDateTime(toStartOfMonth(toDateTime(local, 'UTC')), 'UTC')))",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Which bars: start_ms <= opened < end_ms, at most `limit` of an instrument.

    Args:
        newest: where there are more, the last ones instead of the first.
        without: openings of bars that are still being formed.
    """

    start_ms: int = 0
    end_ms: int = 2**53
    limit: int = 100
    newest: bool = True
    without: frozenset[int] = frozenset()


def read_bars(symbols: Collection[str], interval: str, span: Span, *, sessions: bool) -> dict[str, list[MinuteBar]]:
    """Return the bars of some instruments by symbol, oldest first; intervals without a trade are absent.

    Args:
        sessions: the market has a morning and an afternoon. A made-up one has not: its intervals are counted from
            midnight, and its minutes stand in a table of their own, also for its days.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    if sessions and interval in DAYS:
        return read_days(symbols, interval, span.start_ms, span.end_ms, span.limit, span.newest, span.without)
    found: dict[str, list[MinuteBar]] = {}
    wanted = set(symbols)
    for part in _parts(span, TABLE, interval) if sessions else [span]:
        short = {symbol: span.limit - len(found.get(symbol, ())) for symbol in wanted}
        wanted = {symbol for symbol, missing in short.items() if missing > 0}
        if not wanted:
            break
        for symbol, bars in _added_up(wanted, interval, part, sessions=sessions).items():
            before = found.get(symbol, [])
            found[symbol] = [*bars[-short[symbol] :], *before] if span.newest else [*before, *bars[: short[symbol]]]
    return found


def _parts(span: Span, table: str, interval: str) -> Iterator[Span]:
    """Cut a span where the table has rows, so that nobody looks through years for the last hundred bars.

    They come in the order in which bars are wanted: of the newest, as many days as may have them first, then the rest
    of that month, then one month, two, four, eight at once.
    """
    months = [month for month in _months(table) if month[1] > span.start_ms and month[0] < span.end_ms]
    if not months:
        return
    if not span.newest:
        yield from _widening(span, [month[:2] for month in months])
        return
    begin_ms, _, last_ms = months[-1]
    end_ms = min(span.end_ms, last_ms + 60_000)
    bars_a_day = max(1, _MINUTES_A_DAY // INTERVAL_MINUTES[interval])
    days = (span.limit + bars_a_day - 1) // bars_a_day
    near_ms = day_start_ms(exchange_day(end_ms)) - (days * 7 // 5 + _WEEKEND) * _DAY_S * 1000
    if begin_ms < near_ms:
        yield replace(span, start_ms=max(span.start_ms, near_ms), end_ms=min(span.end_ms, end_ms))
        end_ms = near_ms
    yield from _widening(replace(span, end_ms=end_ms), [month[:2] for month in reversed(months)])


def _widening(span: Span, months: Sequence[tuple[int, int]]) -> Iterator[Span]:
    at, width = 0, 1
    while at < len(months):
        some = months[at : at + width]
        begin_ms, end_ms = min(month[0] for month in some), max(month[1] for month in some)
        part = replace(span, start_ms=max(span.start_ms, begin_ms), end_ms=min(span.end_ms, end_ms))
        if part.start_ms < part.end_ms:
            yield part
        at, width = at + width, width * 2


def _months(table: str) -> list[tuple[int, int, int]]:
    """Return the months of which there are rows, oldest first: [begin, end) by the exchange's clock, and the last row.

    They are asked for once in a few seconds: a month's first minute is that late, in a process that did not write it.
    """
    key = (settings.CLICKHOUSE_URL, table, connection.writes())
    asked_at, months = _asked.get(key, (0.0, []))
    if clock.now_ms() - asked_at > _KNOWN_MS:
        months = _ask_months(table)
        _asked.clear()
        _asked[key] = (clock.now_ms(), months)
    return months


def _ask_months(table: str) -> list[tuple[int, int, int]]:
    sql = """
        SELECT partition, toInt64(toUnixTimestamp(max(max_time))) FROM system.parts
        WHERE database = currentDatabase() AND table = {table:String} AND active GROUP BY partition ORDER BY partition
    """
    # No session runs before 08:00 at the exchange, so its months are those of the partitions, which count by UTC.
    found = [(int(name) // 100, int(name) % 100, int(last_s)) for name, last_s in query(sql, {"table": table})]
    return [
        (_begin_ms(year, month), _begin_ms(year + month // 12, month % 12 + 1), last_s * 1000)
        for year, month, last_s in found
    ]


def _begin_ms(year: int, month: int) -> int:
    return (int(datetime(year, month, 1, tzinfo=UTC).timestamp()) - _OFFSET_S) * 1000


def _added_up(symbols: Collection[str], interval: str, span: Span, *, sessions: bool) -> dict[str, list[MinuteBar]]:
    start_s, end_s = seconds(span.start_ms), seconds(span.end_ms)
    parameters: dict[str, Any] = {
        "symbols": sorted(symbols), "start": start_s, "end": end_s, "limit": span.limit,
        "without": [at_ms // 1000 for at_ms in span.without],
    }  # fmt: skip
    order = "DESC" if span.newest else "ASC"
    table = TABLE if sessions else MADE_UP_TABLE
    if interval == "1m":
        return by_symbol(query(_MINUTES.format(table=table, order=order), parameters), newest=span.newest)
    longest_s = _LONGEST_S.get(interval) or INTERVAL_MINUTES[interval] * 60
    opened = f"({opened_sql(interval, sessions=sessions)} - {_OFFSET_S})"
    # The opening print comes a minute early; a bar that opened in time goes on behind the range's end.
    parameters |= {"from": max(0, start_s - 60), "to": min(end_s + longest_s, _LATEST_S)}
    sql = _INTERVALS.format(table=table, order=order, opened=opened, offset=_OFFSET_S)
    return by_symbol(query(sql, parameters), newest=span.newest)


# FINAL: two versions of a minute may wait for their merge, and only the newer one is true. A minute's versions are all
# in one partition, so partitions need not be merged with each other.
_FINAL = "SETTINGS do_not_merge_across_partitions_select_final = 1"
_MINUTES = f"""
    SELECT symbol, toInt64(toUnixTimestamp(opened_at)) * 1000, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4
    FROM {{table}} FINAL
    WHERE symbol IN {{{{symbols:Array(String)}}}}
      AND opened_at >= toDateTime({{{{start:Int64}}}}, 'UTC') AND opened_at < toDateTime({{{{end:Int64}}}}, 'UTC')
      AND NOT has({{{{without:Array(Int64)}}}}, toInt64(toUnixTimestamp(opened_at)))
    ORDER BY symbol, opened_at {{order}}
    LIMIT {{{{limit:UInt32}}}} BY symbol
    {_FINAL}
"""  # noqa: S608 - the variable parts are this package's own words
_INTERVALS = f"""
    SELECT symbol, opened * 1000 AS opened_ms, argMin(open_e4, minute), max(high_e4), min(low_e4),
           argMax(close_e4, minute), sum(volume), sum(turnover_e4)
    FROM (
        SELECT symbol, toInt64(toUnixTimestamp(opened_at)) AS minute, minute + {{offset}} AS local,
               {{opened}} AS opened, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4
        FROM {{table}} FINAL
        WHERE symbol IN {{{{symbols:Array(String)}}}}
          AND opened_at >= toDateTime({{{{from:Int64}}}}, 'UTC') AND opened_at < toDateTime({{{{to:Int64}}}}, 'UTC')
    )
    WHERE opened >= {{{{start:Int64}}}} AND opened < {{{{end:Int64}}}} AND NOT has({{{{without:Array(Int64)}}}}, opened)
    GROUP BY symbol, opened
    ORDER BY symbol, opened {{order}}
    LIMIT {{{{limit:UInt32}}}} BY symbol
    {_FINAL}
"""  # noqa: S608 - the variable parts are this package's own words


def by_symbol(rows: Sequence[Sequence[Any]], *, newest: bool) -> dict[str, list[MinuteBar]]:
    """Return rows as bars by symbol, oldest first.

    Args:
        newest: they come newest first.
    """
    found: dict[str, list[MinuteBar]] = {}
    for row in rows if not newest else reversed(rows):
        bar = MinuteBar(*row)
        found.setdefault(bar.symbol, []).append(bar)
    return found


def seconds(at_ms: int) -> int:
    """Return an instant in seconds, rounded up, within what DateTime can hold.

    A bar opens on a whole second, so `>= x.5 s` means the next one, and so does `< x.5 s`.
    """
    return max(0, min(-(-at_ms // 1000), _LATEST_S))


def opened_sql(interval: str, *, sessions: bool) -> str:
    """Return the expression of an interval's opening, in seconds of the exchange's wall clock."""
    if interval in _OPENED:
        return _OPENED[interval]
    size_s = INTERVAL_MINUTES[interval] * 60
    anchor = f"if(local % {_DAY_S} >= {13 * 3600}, {13 * 3600}, {9 * 3600 + 1800})" if sessions else "0"
    return f"{_DAY} + {anchor} + intDiv(greatest(local % {_DAY_S} - {anchor}, 0), {size_s}) * {size_s}"
