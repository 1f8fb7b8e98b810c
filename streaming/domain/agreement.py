"""Whether two lines that tell the day's totals count the same things, and by how much their clocks differ.

Where lines differ in scope (one has block trades or odd lots in its total, the other not), the larger total would be
the market's for ever, and neither line's own. Then one leads and the others wait.
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from streaming.domain.ticks import NO_VENUE_TIME, Snapshot

SYMBOLS, AGREES = 200, 0.95  # instruments compared, and the share whose totals are the same
FEWER = 20  # a small market is judged by as many, once each was compared often
_OFTEN = 20
ROUNDING = 100  # shares: a line that counts in lots
_ROWS = 8  # of an instrument and line
_OFFSETS = 201


@dataclass(slots=True)
class _Compared:
    same: int = 0
    times: int = 0


@dataclass
class Agreement:
    """Compares lines pair by pair at the same instant and price of the venue."""

    _rows: dict[str, dict[str, deque[tuple[int, int, int, bool]]]] = field(default_factory=dict)
    _compared: dict[tuple[str, str], dict[str, _Compared]] = field(default_factory=dict)
    _offsets: dict[tuple[str, str], deque[int]] = field(default_factory=dict)

    def see(self, symbol: str, line: str, snapshot: Snapshot) -> None:
        """Take a row, with the venue's time as the line tells it."""
        if snapshot.venue_ms == NO_VENUE_TIME:
            return  # when it came says nothing: what two lines say in one moment may be of two
        at_ms, last_e4, volume = snapshot.venue_ms or snapshot.at_ms, snapshot.last_e4, snapshot.cum_volume
        of_symbol = self._rows.setdefault(symbol, {})
        own = of_symbol.setdefault(line, deque(maxlen=_ROWS))
        is_first = bool(own) and own[-1][2] != volume  # only the first row of a total says when it was reached
        for other, rows in of_symbol.items():
            if other == line:
                continue
            pair = (line, other) if line < other else (other, line)
            for told_ms, told_e4, told, told_first in rows:
                if told_ms == at_ms and told_e4 == last_e4:
                    self._compare(pair, symbol, same=abs(told - volume) < ROUNDING)
                if told == volume and told_first and is_first:
                    ahead = at_ms - told_ms if line == pair[0] else told_ms - at_ms
                    self._offsets.setdefault(pair, deque(maxlen=_OFFSETS)).append(ahead)
        if not own or own[-1][:3] != (at_ms, last_e4, volume):
            own.append((at_ms, last_e4, volume, is_first))

    def _compare(self, pair: tuple[str, str], symbol: str, *, same: bool) -> None:
        one = self._compared.setdefault(pair, {}).setdefault(symbol, _Compared())
        one.times += 1
        one.same += same

    def differ(self, line: str, other: str) -> bool:
        """Tell whether they were compared long enough and count different things."""
        compared = list(self._compared.get((min(line, other), max(line, other)), {}).values())
        enough = len(compared) >= SYMBOLS or (
            len(compared) >= FEWER and sum(one.times for one in compared) >= FEWER * _OFTEN
        )
        return enough and sum(2 * one.same > one.times for one in compared) < AGREES * len(compared)

    def ahead_ms(self, line: str, other: str) -> int:
        """Return how far a line's clock is ahead of another's, by the totals that both told; 0 where nobody knows."""
        offsets = self._offsets.get((min(line, other), max(line, other)))
        if not offsets or len(offsets) < FEWER:
            return 0
        found = round(median(offsets))
        return found if line < other else -found

    def forget(self) -> None:
        """Begin again: another day may be counted in another way."""
        self._rows.clear()
        self._compared.clear()
