"""Tapes of several lines: each trade once. Trades have no number that two providers share.

Two copies of one trade agree in instrument, second, price and volume; so may two trades. They are counted, not
remembered: the k-th copy of a trade is a new one where no line has told k copies yet. The side is left out, since
providers that do not tell it would double every trade.
"""

from collections import Counter, deque
from dataclasses import dataclass

from streaming.domain.ticks import Trade

KEPT_MS = 60_000  # of the venue's time: copies that come later are new trades
AGREES_FROM, AGREES = 200, 0.95  # trades that were compared, and the share that both must have told
_RECENT = 2_000  # comparisons that count for that

Key = tuple[str, int, int, int]


@dataclass(slots=True)
class _Pending:
    """A trade of a line that does not lead and is not trusted yet."""

    line: str
    key: Key
    nth: int
    trade: Trade


class Tapes:
    """Counts what each line has told. Not for several threads."""

    def __init__(self) -> None:
        self._told: dict[str, Counter[Key]] = {}
        self._counted: Counter[Key] = Counter()
        self._keys: deque[tuple[int, Key]] = deque()  # in the order in which they were first told
        self._pending: deque[_Pending] = deque()
        self._compared: deque[bool] = deque(maxlen=_RECENT)
        self._newest_ms = 0

    @property
    def several(self) -> bool:
        """Whether more than one line tells trades."""
        return len(self._told) > 1

    def agrees(self) -> bool:
        """Tell whether lines were compared long enough, and tell the same trades."""
        return len(self._compared) >= AGREES_FROM and sum(self._compared) >= AGREES * len(self._compared)

    def is_new(self, trade: Trade, line: str, leader: str) -> bool:
        """Tell whether a trade counts; those of a line that is not believed yet wait until it leads."""
        key = (trade.instrument.symbol, trade.at_ms // 1_000, trade.price_e4, trade.volume)
        told = self._told.get(line)
        if told is None:
            told = self._told[line] = Counter()
        if key not in told and key not in self._counted and not self._is_told(key):
            self._keys.append((trade.at_ms, key))
        copies = told[key] = told.get(key, 0) + 1
        if self._forget_before(trade.at_ms):  # perhaps this one, where its clock is far behind
            copies = told[key]
        counted = self._counted.get(key, 0)
        if copies <= counted:
            return False
        if line != leader and not self.agrees():
            self._pending.append(_Pending(line, key, copies, trade))
            return False
        self._counted[key] = counted + 1
        return True

    def _is_told(self, key: Key) -> bool:
        return any(key in told for told in self._told.values())

    def take_over(self, line: str) -> list[Trade]:
        """Return what the line that leads from now on has told and nobody has counted, oldest first."""
        found = []
        for one in self._pending:
            if one.line == line and one.nth > self._counted[one.key]:
                self._counted[one.key] += 1
                found.append(one.trade)
        self._pending = deque(one for one in self._pending if one.line != line)
        return found

    def _forget_before(self, at_ms: int) -> bool:
        """Forget what is too old; tell whether anything was."""
        self._newest_ms = max(self._newest_ms, at_ms)
        oldest_ms, forgot = self._newest_ms - KEPT_MS, False
        while self._keys and self._keys[0][0] < oldest_ms:
            forgot = True
            _, key = self._keys.popleft()
            copies = [told.pop(key, 0) for told in self._told.values()]
            self._counted.pop(key, None)
            if len(copies) > 1:
                self._compared.extend([True] * min(copies))
                self._compared.extend([False] * (max(copies) - min(copies)))
        while self._pending and self._pending[0].trade.at_ms < oldest_ms:
            self._pending.popleft()
        return forgot
