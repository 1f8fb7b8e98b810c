"""Bars of longer intervals while they are being formed: 1m to 4h by session, 1d, 1w and 1M by the exchange's days.

The minute that a window belongs to is the calendar's business (docs/protocol.md, "Folding to minutes"): auctions and
closing prints go to the nearest minute that has one. Longer intervals are counted in minutes from the session's
opening, so an hour of the afternoon begins at 13:00; a week begins on Monday, a month on the first.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.minutes import BarLike, grown

# 0: whole days of the exchange
INTERVAL_MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "1d": 0, "1w": 0, "1M": 0,
}  # fmt: skip
DAYS = ("1d", "1w", "1M")
_MINUTE_MS = 60_000
_MORNING, _AFTERNOON = (9 * 60 + 30) * _MINUTE_MS, 13 * 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class FormedBar:
    """One instrument's bar of an interval so far; `opened_ms` names it."""

    opened_ms: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    turnover_e4: int


def opening_of(minute_ms: int, interval: str, *, sessions: bool) -> int:
    """Return where the interval opened that a minute belongs to.

    Args:
        sessions: the market has a morning and an afternoon; else intervals are counted from the day's beginning.
    """
    day = exchange_day(minute_ms)
    midnight = day_start_ms(first_day_of(day, interval))
    size = INTERVAL_MINUTES[interval]
    if not size:
        return midnight
    if size == 1:
        return minute_ms
    offset = minute_ms - midnight
    anchor = 0 if not sessions else _AFTERNOON if offset >= _AFTERNOON else _MORNING
    # Hong Kong's opening print is minute 09:29: it counts in the session's first interval.
    count = max(0, offset - anchor) // (size * _MINUTE_MS)
    return midnight + anchor + count * size * _MINUTE_MS


def first_day_of(day: date, interval: str) -> date:
    """Return the day on which the interval begins that a day belongs to; of one shorter than a day, the day itself."""
    if interval == "1w":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "1M" else day


class Forming:
    """One instrument's bar of one interval that is being formed; `bar` is None before its first trade.

    Args:
        through: trades up to this window are in `bar` already.
    """

    __slots__ = ("_interval", "_minute", "_opened", "_sessions", "bar", "ended", "through")

    def __init__(self, interval: str, *, sessions: bool, bar: FormedBar | None = None, through: int = 0) -> None:
        self._interval, self._sessions = interval, sessions
        self._minute, self._opened = -1, 0
        self.bar, self.through = bar, through
        self.ended: FormedBar | None = None  # the last one that is final

    def take(self, minute_ms: int | None, moved: BarLike | None, *, over: bool) -> list[tuple[FormedBar, bool]]:
        """Take one window and return the bars to tell with it: (bar, whether it is final), oldest first."""
        told: list[tuple[FormedBar, bool]] = []
        if over:
            # A week and a month go on tomorrow: they are final when the next one begins.
            return [] if self._interval in ("1w", "1M") else self._end()
        if minute_ms is None:
            # An after-hours trade counts in the day and in no minute.
            if moved is not None and moved.volume > 0 and self._interval in DAYS and self.bar is not None:
                self._add(self.bar.opened_ms, moved)
                told.append((self.bar, False))
            return told
        if minute_ms != self._minute:
            self._minute = minute_ms
            self._opened = opening_of(minute_ms, self._interval, sessions=self._sessions)
        if self.bar is not None and self._opened > self.bar.opened_ms:
            told += self._end()
        if moved is not None and moved.volume > 0:
            self._add(self._opened, moved)
            assert self.bar is not None
            told.append((self.bar, False))
        return told

    def _end(self) -> list[tuple[FormedBar, bool]]:
        ended, self.bar = self.bar, None
        self.ended = ended or self.ended
        return [(ended, True)] if ended is not None else []

    def _add(self, opened_ms: int, moved: BarLike) -> None:
        self.bar = FormedBar(opened_ms, *grown(self.bar, moved))
