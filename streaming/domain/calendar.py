"""When a market trades: its state at an instant, until when, and which minute a window's bar belongs to.

Both markets live at UTC+8 without summer time, so a day is an arithmetic matter. The timetable is that of
`streaming.domain.timetables`; days come from outside (`streaming.reference`), as do the changes that operators make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from kernel.trading_days import PublishedDays, TradingDay, day_on, known_until
from streaming.domain import timetables
from streaming.domain.windows import start_ms

_OFFSET_MS = 8 * 3_600_000
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MINUTE_MS = 60_000
_LONGEST_HOLIDAY = 30  # days to look ahead for the next session; the longest break since 2015 had 10


def exchange_day(at_ms: int) -> date:
    """Return the date on the exchange's wall."""
    return _day(int(at_ms + _OFFSET_MS) // _DAY_MS)


def exchange_clock(at_ms: int) -> str:
    """Return the time on the exchange's wall, as 09:30:00."""
    seconds = int(at_ms + _OFFSET_MS) // 1000 % 86_400
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@lru_cache(maxsize=4096)
def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def day_start_ms(day: date) -> int:
    """Return midnight at the exchange."""
    return (day.toordinal() - _EPOCH_ORDINAL) * _DAY_MS - _OFFSET_MS


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
        """Return when the first trade of a day may happen; None where there is no such time."""
        ...

    def is_presumed(self, day: date) -> bool:
        """Tell whether nobody has published whether this day trades."""
        ...


class OpenHours:
    """Whether a market is in `open`, asked of every tick: an answer holds until the state ends."""

    def __init__(self, sessions: Sessions) -> None:
        self.take(sessions)

    def take(self, sessions: Sessions) -> None:
        """Take the calendar as it is now."""
        self._sessions = sessions
        self._from_ms, self._until_ms, self._open = 0, 0, False

    def at(self, at_ms: int) -> bool:
        """Tell whether it is in `open` at an instant."""
        if self._from_ms <= at_ms < self._until_ms:
            return self._open
        state, until_ms = self._sessions.state_at(at_ms)
        if until_ms is not None and until_ms > at_ms:
            if until_ms != self._until_ms:
                self._until_ms, self._from_ms = until_ms, at_ms
            self._from_ms, self._open = min(self._from_ms, at_ms), state == "open"
        return state == "open"


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

    def is_presumed(self, day: date) -> bool:
        """Tell that every day is certain."""
        return False


ORDINARY = (TradingDay("full"), TradingDay("full", presumed=True))  # days of the market's usual hours


@dataclass(frozen=True)
class Calendar:
    """A real market's trading days.

    Args:
        overrides: days that an operator has changed; an operator's word wins.
        horizon: up to here an operator has entered what the exchange has published.
    """

    market: str
    published: PublishedDays
    overrides: Mapping[date, TradingDay] = field(default_factory=dict)
    horizon: date | None = None

    @property
    def known_until(self) -> date:
        """Return the last day that is published; weekdays after it are presumed to trade."""
        return known_until(self.published, self.horizon)

    def day_on(self, day: date) -> TradingDay:
        """Return what the market does on a day."""
        return day_on(day, self.published, self.overrides, self.horizon)

    def kind_on(self, day: date) -> str:
        """Return full, half or closed; a presumed day is full."""
        return self.day_on(day).kind

    def is_presumed(self, day: date) -> bool:
        """Tell whether a day is only taken for a trading day."""
        return self.day_on(day).presumed

    def phases_on(self, day: date, board: str | None = None) -> tuple[tuple[int, str], ...]:
        """Return (epoch ms, state that begins then) for a trading day, of the market or of one of its boards."""
        phases = timetables.phases_of(self.market, self.day_on(day), day, board)
        return tuple((day_start_ms(day) + offset, state) for offset, state in phases)

    def state_at(self, at_ms: int, board: str | None = None) -> tuple[str, int | None]:
        """Return the state at an instant and when it ends; None where that is too far away to be known.

        Args:
            board: of an instrument whose own state is asked for; None for the market, which is in after_hours
                as long as any board is.
        """
        day = exchange_day(at_ms)
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
        minute = timetables.minute_of(self.market, self.day_on(day), begins_ms - day_start_ms(day))
        return None if minute is None else day_start_ms(day) + minute
