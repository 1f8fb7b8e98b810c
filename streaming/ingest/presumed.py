"""What a market is on a weekday that nobody has published: open as on any day, until a line's silence shows otherwise.

Nothing is told as flat before some product's total has moved that day. A line that is connected and silent through the
opening auction and the first 15 minutes of trading shows that the market is closed; without a line there is no feed.
Whatever moves opens it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from streaming.domain.calendar import Sessions, day_start_ms, exchange_day
from streaming.domain.windows import WINDOW_MS, start_ms

SILENT_MS = 15 * 60_000  # of trading, behind an auction without a print: from 09:25 to 09:45
HEARD_MS = 60_000  # a line that has said anything at all since then is connected
_LAST_MS = 86_400_000 - 1  # of a day


@dataclass(frozen=True, slots=True)
class Session:
    """A market's state in a window.

    Args:
        presumed: nobody has published that the day trades.
        quiet: nor has anything moved yet: nothing is told as flat.
    """

    state: str
    until_ms: int | None
    presumed: bool = False
    quiet: bool = False


class PresumedDays:
    """Judges one market's windows in their order.

    Args:
        is_connected: whether a line is, now.
    """

    def __init__(self, is_connected: Callable[[], bool]) -> None:
        self._is_connected = is_connected
        self._day: date | None = None
        self._moved = False
        self._silent_ms = 0
        self.problem = ""  # what the operator should know

    def go_on(self, day: date) -> None:
        """Note that something moved on a day before a restart."""
        self._day, self._moved = day, True

    def go_on_from(self, sessions: Sessions, seq: int, state: str) -> None:
        """Take the last window before a restart: a day that was taken for closed stays it."""
        begins_ms = start_ms(seq)
        day = exchange_day(begins_ms)
        if state == "closed" and sessions.is_presumed(day) and sessions.state_at(begins_ms)[0] != "closed":
            self._day, self._silent_ms = day, SILENT_MS

    def session(self, sessions: Sessions, seq: int, *, moves: bool) -> Session:
        """Return what the market is in a window.

        Args:
            moves: something was traded in it.
        """
        begins_ms = start_ms(seq)
        state, until_ms = sessions.state_at(begins_ms)
        day = exchange_day(begins_ms)
        if not sessions.is_presumed(day):
            self.problem = ""
            return Session(state, until_ms)
        if day != self._day:
            self._day, self._moved, self._silent_ms, self.problem = day, False, 0, ""
        if moves and not self._moved:
            self._moved, self.problem = True, ""
        if self._moved or state == "closed":
            return Session(state, until_ms, presumed=True, quiet=not self._moved)
        return self._quiet(sessions, state, until_ms, day)

    def _quiet(self, sessions: Sessions, state: str, until_ms: int | None, day: date) -> Session:
        if self._silent_ms >= SILENT_MS:
            # As at the end of the day: until the next opening.
            return Session(*sessions.state_at(day_start_ms(day) + _LAST_MS), presumed=True, quiet=True)
        if not self._is_connected():
            return Session("no_feed", None, presumed=True, quiet=True)
        if state == "open":
            self._silent_ms += WINDOW_MS
            if self._silent_ms >= SILENT_MS:
                self.problem = (
                    f"{day} is not in the published calendar, and nothing was traded in its first 15 minutes: taken "
                    "for closed until something is; bring the exchange's notice: manage.py import_calendar FILE"
                )
        return Session(state, until_ms, presumed=True, quiet=True)
