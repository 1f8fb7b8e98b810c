"""Bars of longer intervals out of the minutes that history keeps, counted as streaming.domain.intervals counts them.

A session's first interval begins with its opening (an afternoon's hour at 13:00), a day at the exchange's midnight, a
week on Monday, a month on the first. Hong Kong's opening print, minute 09:29, counts in the first interval.
"""

from collections.abc import Collection
from dataclasses import dataclass

from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.domain.minutes import MinuteBar
from streaming.history.minutes import MADE_UP_TABLE, TABLE, query, seconds

_OFFSET_S = 8 * 3600  # both markets live at UTC+8
_DAY_S = 86_400
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


def read_bars(
    symbols: Collection[str], interval: str, span: Span, *, sessions: bool
) -> dict[str, list[MinuteBar]]:  # fmt: skip
    """Return the bars of some instruments by symbol, oldest first; intervals without a trade are absent.

    Args:
        sessions: the market has a morning and an afternoon. A made-up one has not: its intervals are counted from
            midnight, and its minutes stand in a table of their own.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    longest_s = _LONGEST_S.get(interval) or INTERVAL_MINUTES[interval] * 60
    opened = f"({opened_sql(interval, sessions=sessions)} - {_OFFSET_S})"
    # FINAL: two versions of a minute may wait for their merge, and only the newer one is true.
    sql = f"""
        SELECT symbol, opened * 1000 AS opened_ms, argMin(open_e4, minute), max(high_e4), min(low_e4),
               argMax(close_e4, minute), sum(volume), sum(turnover_e4)
        FROM (
            SELECT symbol, toInt64(toUnixTimestamp(opened_at)) AS minute, minute + {_OFFSET_S} AS local,
                   {opened} AS opened, open_e4, high_e4, low_e4, close_e4, volume, turnover_e4
            FROM {TABLE if sessions else MADE_UP_TABLE} FINAL
            WHERE symbol IN {{symbols:Array(String)}}
              AND opened_at >= toDateTime({{from:Int64}}, 'UTC') AND opened_at < toDateTime({{to:Int64}}, 'UTC')
        )
        WHERE opened >= {{start:Int64}} AND opened < {{end:Int64}} AND NOT has({{without:Array(Int64)}}, opened)
        GROUP BY symbol, opened
        ORDER BY symbol, opened {"DESC" if span.newest else "ASC"}
        LIMIT {{limit:UInt32}} BY symbol
    """  # noqa: S608 - the variable parts are written above
    start_s, end_s = seconds(span.start_ms), seconds(span.end_ms)
    rows = query(
        sql,
        {
            "symbols": list(symbols), "start": start_s, "end": end_s, "limit": span.limit,
            "without": [at_ms // 1000 for at_ms in span.without],
            # The opening print comes a minute early; a bar that opened in time goes on behind the range's end.
            "from": max(0, start_s - 60), "to": min(end_s + longest_s, 2**32 - 1),
        },
    )  # fmt: skip
    found: dict[str, list[MinuteBar]] = {}
    for row in rows if not span.newest else reversed(rows):
        bar = MinuteBar(*row)
        found.setdefault(bar.symbol, []).append(bar)
    return found


def opened_sql(interval: str, *, sessions: bool) -> str:
    """Return the expression of an interval's opening, in seconds of the exchange's wall clock."""
    if interval in _OPENED:
        return _OPENED[interval]
    size_s = INTERVAL_MINUTES[interval] * 60
    anchor = f"if(local % {_DAY_S} >= {13 * 3600}, {13 * 3600}, {9 * 3600 + 1800})" if sessions else "0"
    return f"{_DAY} + {anchor} + intDiv(greatest(local % {_DAY_S} - {anchor}, 0), {size_s}) * {size_s}"
