"""Days that are over -> rows of their own in history: the exchange's totals where they are known, else the minutes."""

from collections.abc import Collection, Mapping
from datetime import date

from streaming.domain.calendar import Calendar, exchange_day
from streaming.domain.days import DayBar
from streaming.history.days import add_up, insert_days
from streaming.records.newest import Newest


def days_over(
    calendar: Calendar, touched: Collection[date], before_ms: int, now_ms: int, *, finished: bool
) -> set[date]:
    """Return the days whose rows are to be written.

    Args:
        touched: days of which minutes were written just now.
        before_ms, now_ms: from where to where the stream was read; a day whose end lies between them is over.
        finished: nothing comes any more: a recording has ended.
    """
    over = set()
    for day in {*touched, exchange_day(before_ms), exchange_day(now_ms)}:
        phases = calendar.phases_on(day)
        if not phases and day not in touched:
            continue
        # What was recorded on a day that no calendar has is over with the day.
        ends_ms = phases[-1][0] if phases else None
        passed = now_ms >= ends_ms if ends_ms is not None else exchange_day(now_ms) > day
        if (day in touched and (passed or finished)) or (ends_ms is not None and before_ms < ends_ms <= now_ms):
            over.add(day)
    return over


def write_days(over: Collection[date], newest: Mapping[str, Newest], *, source: str, version: int) -> None:
    """Write the rows of days that are over.

    Args:
        newest: how each instrument's day stands at the end of the stream; what is of another day is left out.

    Raises:
        HistoryUnavailable: nothing is lost; call again.
    """
    if not over:
        return
    add_up(over, version)
    told = [bar for symbol, known in newest.items() if (bar := _as_day(symbol, known)) is not None and bar.day in over]
    if told:
        insert_days(told, source=source, version=version)


def _as_day(symbol: str, known: Newest) -> DayBar | None:
    if not known.day or known.day_volume <= 0 or known.day_open_e4 <= 0:
        return None
    return DayBar(
        symbol=symbol,
        day=date.fromisoformat(known.day),
        open_e4=known.day_open_e4,
        high_e4=known.day_high_e4,
        low_e4=known.day_low_e4,
        close_e4=known.close_e4,
        volume=known.day_volume,
        turnover_e4=known.day_turnover_e4,
        prev_close_e4=known.prev_close_e4,
    )
