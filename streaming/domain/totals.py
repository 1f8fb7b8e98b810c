"""An instrument's day by its cumulative volume: what a snapshot adds to what is known, whichever line told it.

The day's volume so far is the number by which copies are recognised: who tells a higher one first adds the difference,
a copy that comes later adds nothing, and a line that dies leaves the others where they are. A number alone is never
believed: yesterday's total makes no day, a total that its turnover does not fit waits for a second one, and one that
was believed and is contradicted again and again is taken back.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from streaming.domain.ticks import Snapshot

OTHER_LINE_MS = 1_000  # the clocks of two lines are not the same: a picture of another line must be so much newer
STEPS_KEPT = 64  # of an instrument: how far back a total may be taken back; three minutes of snapshots
CONTRADICTIONS = 3  # newer rows that agree on a lower total
CONFIRMED_MS = 10_000  # a line's row is its word for so long
LEAP = 20  # times the largest ordinary step of the day: more than that is not believed without a turnover
_TICK_E4 = 100  # what prices may miss the day's range by
_YUAN_E4 = 10_000  # what a turnover may be rounded by


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A total that was believed and is not: so much is taken out of what was counted at that instant."""

    symbol: str
    at_ms: int  # of the snapshot that brought it
    volume: int
    turnover_e4: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a snapshot: it counts (or shows a picture), or it does not, for a reason.

    A snapshot that waits has the reason `held`; the next one decides whether its total was right.
    """

    reason: str = ""
    rolled_back: RolledBack | None = None

    @property
    def counts(self) -> bool:
        return not self.reason


COUNTS = Verdict()


@dataclass(frozen=True, slots=True)
class _Step:
    """A total before a snapshot raised it."""

    at_ms: int
    volume: int
    turnover_e4: int


@dataclass(slots=True)
class _Day:
    """One instrument's day, merged over all lines."""

    on: date
    volume: int = 0
    turnover_e4: int = 0
    at_ms: int = 0
    line: str = ""
    picture: Snapshot | None = None  # the last one that counted
    largest: int = 0  # step of the day, outside auctions
    steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=STEPS_KEPT))
    held: Snapshot | None = None
    lower: list[Snapshot] = field(default_factory=list)  # rows that contradict the total
    told: dict[str, Snapshot] = field(default_factory=dict)  # by line, the last row of each


@dataclass
class DayTotals:
    """Judges snapshots of a market's lines in the order of their arrival.

    Args:
        day_of: the exchange's date at an instant.
        first_trade_ms: when the first trade of a day may happen: the end of the opening auction.
        is_continuous: whether the market is in `open` at an instant; auctions bring a third of a day at once.
        is_index: an index has no orders, and its volume is a sum that venues count each in its own way.
    """

    day_of: Callable[[int], date]
    first_trade_ms: Callable[[date], int | None]
    is_continuous: Callable[[int], bool]
    is_index: Callable[[str], bool] = lambda symbol: False
    first_copies: Counter[str] = field(default_factory=Counter)  # by line: who told a new total first
    _days: dict[str, _Day] = field(default_factory=dict)

    def go_on(self, picture: Snapshot) -> None:
        """Take how an instrument's day stood before a restart."""
        day = self._days[str(picture.instrument)] = _Day(self.day_of(picture.at_ms))
        day.volume, day.turnover_e4, day.at_ms = picture.cum_volume, picture.cum_turnover_e4, picture.at_ms

    def judge(self, snapshot: Snapshot, line: str = "") -> Verdict:
        """Tell what becomes of a snapshot of one line."""
        symbol = str(snapshot.instrument)
        on, day = self.day_of(snapshot.at_ms), self._days.get(symbol)
        if day is None or on > day.on:
            if reason := self._begins_wrongly(snapshot, on, day):
                return Verdict(reason)
            day = self._days[symbol] = _Day(on)
        elif on < day.on:
            return Verdict("another_day")
        day.told[line] = snapshot
        if snapshot.cum_volume < day.volume:
            return self._lower(symbol, day, snapshot, line)
        if snapshot.cum_volume == day.volume:
            return self._same(day, snapshot, line)
        return self._higher(symbol, day, snapshot, line)

    def _begins_wrongly(self, snapshot: Snapshot, on: date, before: _Day | None) -> str:
        """Tell why a row cannot begin a day: it has volume before anything was traded, or it is the day before's."""
        if snapshot.cum_volume == 0:
            return ""
        first_ms = self.first_trade_ms(on)
        if first_ms is not None and snapshot.at_ms < first_ms:
            return "yesterday"
        if before is None:
            return ""
        same = (snapshot.cum_volume, snapshot.cum_turnover_e4) == (before.volume, before.turnover_e4)
        return "yesterday" if same else ""

    def _higher(self, symbol: str, day: _Day, snapshot: Snapshot, line: str) -> Verdict:
        held, day.held = day.held, None
        confirmed = held is not None and held.cum_volume <= snapshot.cum_volume and held.at_ms <= snapshot.at_ms
        if not confirmed and not self.is_index(symbol) and self._is_doubtful(day, snapshot):
            day.held = snapshot
            return Verdict("held")
        volume = snapshot.cum_volume - day.volume
        if day.volume and self.is_continuous(snapshot.at_ms):
            day.largest = max(day.largest, volume)
        day.steps.append(_Step(snapshot.at_ms, day.volume, day.turnover_e4))
        self._take(day, snapshot, line)
        if line:
            self.first_copies[line] += 1
        return COUNTS

    def _is_doubtful(self, day: _Day, snapshot: Snapshot) -> bool:
        """Tell whether a total is not believed without a second one that says at least as much."""
        volume = snapshot.cum_volume - day.volume
        if snapshot.cum_turnover_e4 > 0:
            price_e4 = (snapshot.cum_turnover_e4 - day.turnover_e4) // volume
            may_miss_e4 = _TICK_E4 + _YUAN_E4 // volume
            low_e4, high_e4 = snapshot.low_e4 or snapshot.last_e4, snapshot.high_e4 or snapshot.last_e4
            return not low_e4 - may_miss_e4 <= price_e4 <= high_e4 + may_miss_e4
        return 0 < day.largest * LEAP < volume and self.is_continuous(snapshot.at_ms)

    def _same(self, day: _Day, snapshot: Snapshot, line: str) -> Verdict:
        newer_by_ms = 0 if line == day.line else OTHER_LINE_MS
        if snapshot == day.picture or snapshot.at_ms < day.at_ms + newer_by_ms:
            return Verdict("repeated")
        self._take(day, snapshot, line)
        return COUNTS

    def _lower(self, symbol: str, day: _Day, snapshot: Snapshot, line: str) -> Verdict:
        if snapshot.at_ms <= day.at_ms:
            return Verdict("late_copy")
        if day.lower and day.lower[-1].cum_volume > snapshot.cum_volume:
            day.lower.clear()  # they do not agree with each other
        if not day.lower or snapshot.at_ms > day.lower[-1].at_ms:
            day.lower.append(snapshot)
        stands = any(
            row.cum_volume >= day.volume and snapshot.at_ms - row.at_ms < CONFIRMED_MS for row in day.told.values()
        )  # another line says it still: the two differ in what they count
        if stands or len(day.lower) < CONTRADICTIONS:
            return Verdict("volume_fell")
        return Verdict(rolled_back=self._roll_back(symbol, day, snapshot, line))

    def _roll_back(self, symbol: str, day: _Day, snapshot: Snapshot, line: str) -> RolledBack:
        """Believe the lower total: what is above it is taken back where it was counted."""
        volume, turnover_e4 = day.volume - snapshot.cum_volume, max(0, day.turnover_e4 - snapshot.cum_turnover_e4)
        at_ms = day.at_ms
        while day.steps and day.steps[-1].volume >= snapshot.cum_volume:
            at_ms = day.steps.pop().at_ms
        if day.steps and day.steps[-1].volume < snapshot.cum_volume:
            at_ms = day.steps[-1].at_ms  # the step that passed it
        day.held, day.largest = None, 0
        self._take(day, snapshot, line)
        return RolledBack(symbol, at_ms, volume, turnover_e4)

    @staticmethod
    def _take(day: _Day, snapshot: Snapshot, line: str) -> None:
        # A line that tells no turnover is estimated, so that the next one's is not taken for too little.
        estimated_e4 = day.turnover_e4 + max(0, snapshot.cum_volume - day.volume) * snapshot.last_e4
        day.turnover_e4 = snapshot.cum_turnover_e4 or estimated_e4
        day.volume, day.at_ms, day.line, day.picture = snapshot.cum_volume, snapshot.at_ms, line, snapshot
        day.lower.clear()
