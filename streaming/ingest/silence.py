"""A market whose lines all say nothing while it is open has no feed, however quietly its windows close.

Without this a provider that cannot be reached looks like a quiet market: windows of the state `open`, prices told as
flat, and every page that asks is content.
"""

from collections.abc import Callable

from streaming.domain.calendar import exchange_clock
from streaming.domain.windows import end_ms, start_ms
from streaming.ingest.presumed import HEARD_MS, Session


class Silence:
    """Judges one market's windows in their order.

    Args:
        heard_ms: when any of its lines last said anything, be it only what is known already; epoch ms, 0 for never.
    """

    def __init__(self, heard_ms: Callable[[], int]) -> None:
        self._heard_ms = heard_ms
        self._open_ms: int | None = None  # since when it is open without a break, as far as we have watched
        self.problem = ""  # what the operator should know

    def go_on_from(self, state: str) -> None:
        """Take the state of the last window before a restart: who was silent then has to say something first."""
        if state == "no_feed":
            self._open_ms = 0

    def judge(self, session: Session, seq: int) -> Session:
        """Return what the market is in a window: as it is by its calendar, or `no_feed`.

        The first minute of each part of the day, and the first one after a restart, is left to the lines to begin.
        """
        if session.state != "open":
            self._open_ms, self.problem = None, ""
            return session
        if self._open_ms is None:
            self._open_ms = start_ms(seq)
        since_ms = max(self._open_ms, self._heard_ms())
        if end_ms(seq) - since_ms <= HEARD_MS:
            self.problem = ""
            return session
        self.problem = f"no line has said anything since {exchange_clock(since_ms)}"
        return Session("no_feed", None, presumed=session.presumed, quiet=True)
