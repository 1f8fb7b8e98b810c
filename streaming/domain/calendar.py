"""When a market trades: its state at an instant, until when, and which minute a window's bar belongs to.

Both markets live at UTC+8 without summer time, so a day is an arithmetic matter. The timetable is that of
docs/adr/0007-the-timetable.md; days come from outside (`streaming.reference`), as do the changes that operators make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol

from streaming.domain.windows import start_ms

_OFFSET_MS = 8 * 3_600_000
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_MINUTE_MS = 60_000
_LONGEST_HOLIDAY = 30  # days to look ahead for the next session; the longest break since 2015 had 10


def _at(hours: int, minutes: int) -> int:
    return (hours * 60 + minutes) * _MINUTE_MS


# (from this time of the day on, state). The closing print is out two minutes after its time at the latest.
_TIMETABLES: dict[tuple[str, str], tuple[tuple[int, str], ...]] = {
    ("CN", "full"): (
        (_at(9, 15), "opening_auction"),
        (_at(9, 25), "pre_open"),
        (_at(9, 30), "open"),
        (_at(11, 30), "lunch_break"),
        (_at(13, 0), "open"),
        (_at(14, 57), "closing_auction"),
        (_at(15, 2), "closed"),
    ),
    ("CN", "half"): (
        (_at(9, 15), "opening_auction"),
        (_at(9, 25), "pre_open"),
        (_at(9, 30), "open"),
        (_at(11, 30), "closing_auction"),
        (_at(11, 32), "closed"),
    ),
    ("HK", "full"): (
        (_at(9, 0), "opening_auction"),
        (_at(9, 22), "pre_open"),
        (_at(9, 30), "open"),
        (_at(12, 0), "lunch_break"),
        (_at(13, 0), "open"),
        (_at(16, 0), "closing_auction"),
        (_at(16, 10), "closed"),
    ),
    ("HK", "half"): (
        (_at(9, 0), "opening_auction"),
        (_at(9, 22), "pre_open"),
        (_at(9, 30), "open"),
        (_at(12, 0), "closing_auction"),
        (_at(12, 10), "closed"),
    ),
}
# Boards with fixed-price trading after the close (15:05-15:30), and since when. Funds stand for ETFs: whether REITs and
# LOFs are among them is told differently. Beijing's own rule waits for a notice.
AFTER_HOURS_SINCE = {
    "star": date(2019, 7, 22),
    "chinext": date(2020, 8, 24),
    "main": date(2026, 7, 6),
    "fund": date(2026, 7, 6),
}
_AFTER_HOURS = ((_at(15, 5), "after_hours"), (_at(15, 30), "closed"))


def exchange_day(at_ms: int) -> date:
    """Return the date on the exchange's wall."""
    return _EPOCH + timedelta(days=(at_ms + _OFFSET_MS) // _DAY_MS)


def day_start_ms(day: date) -> int:
    """Return midnight at the exchange."""
    return (day - _EPOCH).days * _DAY_MS - _OFFSET_MS


_REGULAR = ("open", "closing_auction")
_WORDS = {"opening_auction": "pre_market", "pre_open": "pre_market", "after_hours": "post_market"}


def timetable(phases: Sequence[tuple[int, str]]) -> list[tuple[str, str, str]]:
    """Return a day's sessions as (begins, ends, pre_market | regular | post_market), `HH:MM` of the exchange's wall.

    Args:
        phases: (epoch ms, state that begins then), of one trading day.
    """
    told: list[tuple[str, str, str]] = []
    for (begins_ms, state), (ends_ms, _) in pairwise(phases):
        what = "regular" if state in _REGULAR else _WORDS.get(state)
        if what is None:
            continue
        begins, ends = _wall_clock(begins_ms), _wall_clock(ends_ms)
        if told and told[-1][1:] == (begins, what):
            told[-1] = (told[-1][0], ends, what)
        else:
            told.append((begins, ends, what))
    return told


def _wall_clock(at_ms: int) -> str:
    minutes = (at_ms - day_start_ms(exchange_day(at_ms))) // _MINUTE_MS
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class Sessions(Protocol):
    """What folding and feeds ask of a calendar."""

    def state_at(self, at_ms: int) -> tuple[str, int | None]:
        """Return the market's state and when it ends; None where nobody knows."""
        ...

    def minute_of(self, seq: int) -> int | None:
        """Return the opening (epoch ms) of the minute that a window's bar belongs to; None: to no minute."""
        ...

    def first_trade_ms(self, day: date) -> int | None:
        """Return when the first trade of a day may happen; None where there is no such time, or none is known."""
        ...


ALWAYS_OPEN_FEEDS = ("simulated", "test")  # they have no hours; everything else keeps its market's


class AlwaysOpen:
    """The calendar of the simulated market and of TEST: open day and night."""

    def state_at(self, at_ms: int) -> tuple[str, int | None]:
        """Return `open`, which never ends."""
        return "open", None

    def minute_of(self, seq: int) -> int | None:
        """Return the minute the window begins in."""
        return start_ms(seq) // _MINUTE_MS * _MINUTE_MS

    def first_trade_ms(self, day: date) -> int | None:
        """Return None: it trades day and night."""
        return None


@dataclass(frozen=True)
class Calendar:
    """A real market's trading days. A weekday outside `first`..`last` is unknown: neither open nor closed.

    At weekends and on 1 January nobody trades in any year, whatever is published; make-up workdays included.
    """

    market: str
    first: date
    last: date
    closed: frozenset[date]
    half_days: frozenset[date]
    overrides: Mapping[date, str] = field(default_factory=dict)  # closed, full or half; an operator's word wins

    def kind_on(self, day: date) -> str:
        """Return full, half, closed or unknown."""
        if day in self.overrides:
            return self.overrides[day]
        if day.weekday() >= 5 or (day.month, day.day) == (1, 1):
            return "closed"
        if not self.first <= day <= self.last:
            return "unknown"
        if day in self.closed:
            return "closed"
        return "half" if day in self.half_days else "full"

    def phases_on(self, day: date, board: str | None = None) -> tuple[tuple[int, str], ...]:
        """Return (epoch ms, state that begins then) for a trading day, of the market or of one of its boards."""
        kind = self.kind_on(day)
        if kind not in ("full", "half"):
            return ()
        timetable = _TIMETABLES[self.market, kind]
        if self.market == "CN" and kind == "full":
            boards = [name for name, since in AFTER_HOURS_SINCE.items() if day >= since]
            if (board is None and boards) or board in boards:
                timetable += _AFTER_HOURS
        return tuple((day_start_ms(day) + offset, state) for offset, state in timetable)

    def state_at(self, at_ms: int, board: str | None = None) -> tuple[str, int | None]:
        """Return the state at an instant and when it ends; None where nobody knows.

        Args:
            board: of an instrument whose own state is asked for; None for the market, which is in after_hours
                as long as any board is.
        """
        day = exchange_day(at_ms)
        if self.kind_on(day) == "unknown":
            return "unknown", None
        phases = self.phases_on(day, board)
        state, until = "closed", phases[0][0] if phases else None
        for index, (begins_ms, name) in enumerate(phases):
            if at_ms < begins_ms:
                break
            state, until = name, phases[index + 1][0] if index + 1 < len(phases) else None
        return state, until or self._next_opening_ms(day)

    def first_trade_ms(self, day: date) -> int | None:
        """Return when the opening auction may print: at its end; in Hong Kong at random in its last two minutes."""
        ends_ms = next((begins_ms for begins_ms, state in self.phases_on(day) if state == "pre_open"), None)
        if ends_ms is None:
            return None
        return ends_ms - 2 * _MINUTE_MS if self.market == "HK" else ends_ms

    def _next_opening_ms(self, after: date) -> int | None:
        for days in range(1, _LONGEST_HOLIDAY):
            day = after + timedelta(days=days)
            if self.kind_on(day) == "unknown":
                return None
            if phases := self.phases_on(day):
                return phases[0][0]
        return None

    def minute_of(self, seq: int) -> int | None:
        """Return the opening of the minute that a window's bar belongs to (docs/protocol.md, "Folding to minutes").

        Auctions and closing prints have no minute of their own: they go to the nearest one that has. After-hours
        trades count in the day and belong to no minute.
        """
        begins_ms = start_ms(seq)
        day = exchange_day(begins_ms)
        offset = begins_ms - day_start_ms(day)
        half = self.kind_on(day) == "half"
        rule = _hong_kong_minute if self.market == "HK" else _mainland_minute
        minute = rule(offset, half)
        return None if minute is None else day_start_ms(day) + minute


def _mainland_minute(offset: int, half: bool) -> int | None:
    if offset < _at(9, 30):
        return _at(9, 30)
    if _at(11, 30) <= offset < _at(13, 0):
        return _at(11, 29)
    if offset >= _at(15, 5) or (half and offset >= _at(13, 0)):
        return None
    return min(offset // _MINUTE_MS * _MINUTE_MS, _at(14, 59))


def _hong_kong_minute(offset: int, half: bool) -> int | None:
    if offset < _at(9, 30):
        return _at(9, 29)  # the opening print is a minute of its own: 331 a day
    if _at(12, 0) <= offset and (half or offset < _at(13, 0)):
        return _at(11, 59)
    return min(offset // _MINUTE_MS * _MINUTE_MS, _at(15, 59))
