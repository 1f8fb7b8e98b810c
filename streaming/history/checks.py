"""What is wrong with what history holds: holes, minutes outside sessions, units, days that their minutes contradict."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from streaming.domain.calendar import Calendar, day_start_ms
from streaming.domain.windows import seq_of
from streaming.history.connection import query
from streaming.history.days import TABLE as DAYS
from streaming.history.minutes import TABLE as MINUTES

_OFFSET_S, _DAY_S, _MINUTE_MS = 8 * 3600, 86_400, 60_000
_FEW = 0.5  # of the instruments of the days around: fewer, and the day is not whole
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault on one day.

    Args:
        kind: day_missing day_thin minutes_missing outside_session unit day_differs double.
        examples: symbols, or minutes of the day.
    """

    kind: str
    day: date
    count: int
    examples: tuple[str, ...] = ()


def check(market: str, calendar: Calendar, first: date, end: date) -> Iterator[Finding]:
    """Yield what is wrong in a market's stored days, first <= day < end, day by day.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    traded = _instruments_by_day(market, first, end)
    day = first
    while day < end:
        trades = bool(calendar.phases_on(day))
        around = [traded.get(day + timedelta(days=after), 0) for after in range(-7, 8) if after]
        usual = max(around, default=0)
        if trades and not calendar.is_presumed(day) and usual and not traded.get(day):
            yield Finding("day_missing", day, usual)
        elif trades and 0 < traded.get(day, 0) < usual * _FEW:
            yield Finding("day_thin", day, usual - traded[day])
        if traded.get(day):
            yield from _in_a_day(market, calendar, day)
        day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holding:
    """What is stored of a market's day: instruments, their minutes, and the first and the last one, epoch ms."""

    instruments: int
    minutes: int
    first_ms: int
    last_ms: int


def holding(market: str, day: date) -> Holding:
    """Return what is stored of a day; zeros where that is nothing.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    ((instruments, minutes, first_s, last_s),) = query(
        f"""
        SELECT uniqExact(symbol), count(), toInt64(toUnixTimestamp(min(opened_at))),
               toInt64(toUnixTimestamp(max(opened_at)))
        FROM {MINUTES} FINAL WHERE {_within(market, day)}
        """,  # noqa: S608 - the variable parts are this package's own words
        {},
    )
    return Holding(int(instruments), int(minutes), int(first_s) * 1000, int(last_s) * 1000)


def _instruments_by_day(market: str, first: date, end: date) -> dict[date, int]:
    begin_s, end_s = (day_start_ms(day) // 1000 for day in (first - timedelta(days=7), end + timedelta(days=7)))
    rows = query(
        f"""
        SELECT intDiv(toInt64(toUnixTimestamp(opened_at)) + {_OFFSET_S}, {_DAY_S}) AS n, uniqExact(symbol)
        FROM {MINUTES} WHERE {_of(market)} AND opened_at >= toDateTime({{begin:Int64}}, 'UTC')
          AND opened_at < toDateTime({{end:Int64}}, 'UTC') GROUP BY n
        """,  # noqa: S608 - the variable parts are this package's own words
        {"begin": max(0, begin_s), "end": end_s},
    )
    return {date(1970, 1, 1) + timedelta(days=int(number)): int(count) for number, count in rows}


def _in_a_day(market: str, calendar: Calendar, day: date) -> Iterator[Finding]:
    where = _within(market, day)
    minutes = query(
        f"SELECT toInt64(toUnixTimestamp(opened_at)), count(), groupArray({_EXAMPLES})(symbol::String)"  # noqa: S608
        f" FROM {MINUTES} FINAL WHERE {where} GROUP BY opened_at ORDER BY opened_at",
        {},
    )
    stored = {int(opened_s) * 1000: (int(count), symbols) for opened_s, count, symbols in minutes}
    due = _due(calendar, day)
    if missing := sorted(due - set(stored)):
        yield Finding("minutes_missing", day, len(missing), tuple(_clock(one) for one in missing[:_EXAMPLES]))
    if outside := sorted(at for at in stored if calendar.minute_of(seq_of(at)) != at or not calendar.phases_on(day)):
        symbols = tuple(dict.fromkeys(symbol for at in outside for symbol in stored[at][1]))[:_EXAMPLES]
        yield Finding("outside_session", day, sum(stored[at][0] for at in outside), symbols)
    yield from _faults_of_rows(where, day)
    differs = query(
        f"""
        SELECT symbol::String FROM (
            SELECT symbol, sum(volume) AS v, max(high_e4) AS h, min(low_e4) AS l FROM {MINUTES} FINAL
            WHERE {where} GROUP BY symbol
        ) AS m INNER JOIN (
            SELECT symbol, volume, high_e4, low_e4 FROM {DAYS} FINAL WHERE day = toDate32({{day:String}})
        ) AS d USING (symbol) WHERE d.volume < m.v OR d.high_e4 < m.h OR d.low_e4 > m.l ORDER BY symbol
        """,  # noqa: S608 - the variable parts are this package's own words
        {"day": day.isoformat()},
    )
    if differs:
        yield Finding("day_differs", day, len(differs), tuple(row[0] for row in differs[:_EXAMPLES]))


def _faults_of_rows(where: str, day: date) -> Iterator[Finding]:
    tick = "greatest(100, intDiv(high_e4, 500))"
    faults = {
        "unit": f"""
            SELECT count(), groupUniqArray({_EXAMPLES})(symbol::String) FROM {MINUTES} FINAL
            WHERE {where} AND volume > 0 AND turnover_e4 > 0
              AND (turnover_e4 / volume < low_e4 - {tick} OR turnover_e4 / volume > high_e4 + {tick})
        """,  # noqa: S608 - the variable parts are this package's own words
        # Of one source and one time: whichever is merged last would stand.
        "double": f"""
            SELECT count(), groupUniqArray({_EXAMPLES})(s) FROM (
                SELECT any(symbol::String) AS s FROM {MINUTES} WHERE {where} GROUP BY symbol, opened_at, version
                HAVING uniqExact(open_e4, high_e4, low_e4, close_e4, volume, turnover_e4) > 1
            )
        """,  # noqa: S608
    }
    for kind, sql in faults.items():
        ((count, examples),) = query(sql, {})
        if count:
            yield Finding(kind, day, int(count), tuple(sorted(examples)))


def _due(calendar: Calendar, day: date) -> set[int]:
    """Return the minutes of a day in which somebody trades: those of `open`, and the one that the day closes with."""
    due: set[int] = set()
    phases = calendar.phases_on(day)
    for (begins_ms, state), (ends_ms, _) in pairwise(phases):
        if state == "open":
            due |= set(range(begins_ms, ends_ms, _MINUTE_MS))
    return due


def _within(market: str, day: date) -> str:
    begin_s = day_start_ms(day) // 1000
    times = f"opened_at >= toDateTime({begin_s}, 'UTC') AND opened_at < toDateTime({begin_s + _DAY_S}, 'UTC')"
    return f"{_of(market)} AND {times}"


def _of(market: str) -> str:
    return "endsWith(symbol, '.HK')" if market == "HK" else "NOT endsWith(symbol, '.HK')"


def _clock(at_ms: int) -> str:
    minutes = (at_ms // _MINUTE_MS + 480) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
