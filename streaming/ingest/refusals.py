"""Rows that did not count: how many of each line and reason, and the newest of them for people to look at."""

from collections import Counter, deque
from dataclasses import dataclass

from streaming.domain.ticks import Tick, Trade

KEPT = 100  # rows of a line
# Told by another line, or told again, or of a line whose word does not count now: nothing is wrong with them.
COPIES = frozenset({"repeated", "late_copy", "copy", "standby"})


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row as it was read, and why it does not count."""

    line: str
    reason: str
    row: str


class Refusals:
    """Of one line, since it began."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._rows: deque[RefusedRow] = deque(maxlen=KEPT)

    def note(self, reason: str, tick: Tick) -> None:
        """Count a row, and keep it where something is wrong with it."""
        self.counts[reason] += 1
        if reason not in COPIES:
            self._rows.append(RefusedRow(self.line, reason, as_text(tick)))

    def news(self) -> tuple[Counter[str], list[RefusedRow]]:
        """Return what has come since this was last asked: counts by reason, and the newest rows, oldest first."""
        news = self.counts - self._told
        self._told = Counter(self.counts)
        rows = list(self._rows)
        self._rows.clear()
        return news, rows


def as_text(tick: Tick) -> str:
    """Write a tick for people: its symbol, its time in epoch ms, and its numbers as they were read."""
    if isinstance(tick, Trade):
        traded = f"{tick.volume} shares at {tick.price_e4} e4, {tick.turnover_e4} e4 in all"
        return f"{tick.instrument} at {tick.at_ms}: {traded}"
    return (
        f"{tick.instrument} at {tick.at_ms}: last {tick.last_e4}, low {tick.low_e4}, high {tick.high_e4}, "
        f"open {tick.open_e4}, previous close {tick.prev_close_e4} e4; {tick.cum_volume} shares and "
        f"{tick.cum_turnover_e4} e4 since the morning"
    )
