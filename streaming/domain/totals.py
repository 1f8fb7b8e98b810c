"""An instrument's day by its cumulative volume: what a snapshot adds to what is known, whichever line told it.

The day's volume so far is the number by which copies are recognised: who tells a higher one first adds the difference,
a copy that comes later adds nothing, and a line that dies leaves the others where they are. A number alone is never
believed: yesterday's total makes no day, a total that its turnover does not fit waits for a second one, and one that
was believed and is contradicted again and again is taken back.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec

from streaming.domain.ticks import Snapshot, Trade

OTHER_LINE_MS = 1_000  # the clocks of two lines are not the same: a picture of another line must be so much newer
STEPS_KEPT = 64  # of an instrument: how far back a total may be taken back; three minutes of snapshots
CONTRADICTIONS = 3  # newer rows that agree on a lower total
HELD_MS = 6_000  # a total that waits and that nothing contradicts counts after so long
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


COUNTS, REPEATED, LATE_COPY = Verdict(), Verdict("repeated"), Verdict("late_copy")  # of two lines half are copies


class _Step(msgspec.Struct, frozen=True, gc=False):
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
        starts_at_zero: whether we have listened since before a day's first trade.
    """

    day_of: Callable[[int], date]
    first_trade_ms: Callable[[date], int | None]
    is_continuous: Callable[[int], bool]
    is_index: Callable[[str], bool] = lambda symbol: False
    starts_at_zero: Callable[[date], bool] = lambda day: True
    first_copies: Counter[str] = field(default_factory=Counter)  # by line: who told a new total, or a trade, first
    weights: Mapping[str, int] = field(default_factory=dict)  # by line: how much its word counts; 1 where it is absent
    _days: dict[str, _Day] = field(default_factory=dict)
    _waiting: dict[str, str] = field(default_factory=dict)  # symbol whose total is held -> the line that told it

    def go_on(self, picture: Snapshot) -> None:
        """Take how an instrument's day stood before a restart."""
        day = self._days[picture.instrument.symbol] = _Day(self.day_of(picture.at_ms))
        day.volume, day.turnover_e4, day.at_ms = picture.cum_volume, picture.cum_turnover_e4, picture.at_ms

    def hear(self, snapshot: Snapshot, line: str) -> None:
        """Take what a line tells whose totals do not count, so that it is known whether it is complete."""
        day = self._days.get(snapshot.instrument.symbol)
        if day is not None and day.on == self.day_of(snapshot.at_ms):
            day.told[line] = snapshot

    def traded(self, trade: Trade, line: str) -> None:
        """Count a trade: totals that tell of it add nothing any more."""
        symbol, on = trade.instrument.symbol, self.day_of(trade.at_ms)
        day = self._days.get(symbol)
        if day is None or day.on != on:
            if day is None and not self.starts_at_zero(on):
                return  # we joined in the middle of its day: the next total says where it stands
            day = self._days[symbol] = _Day(on)
        day.volume += trade.volume
        day.turnover_e4 += trade.turnover_e4
        day.at_ms = max(day.at_ms, trade.at_ms)
        if line:
            self.first_copies[line] += 1

    def tells(self, symbol: str, at_ms: int) -> bool:
        """Tell whether totals of an instrument came on the day of an instant."""
        day = self._days.get(symbol)
        return day is not None and day.picture is not None and day.on == self.day_of(at_ms)

    def told_until_ms(self, symbol: str) -> int:
        """Return the venue's time of the last total that counted; 0 where none did."""
        day = self._days.get(symbol)
        return day.picture.at_ms if day is not None and day.picture is not None else 0

    def volume_of(self, symbol: str) -> int | None:
        """Return the day's volume as it counted so far; None where nobody knows."""
        day = self._days.get(symbol)
        return day.volume if day is not None else None

    def missing(self, total: Snapshot) -> tuple[int, int] | None:
        """Return (volume, turnover in 1/10,000) of what a total has and nobody told; None where that is nothing."""
        day = self._days.get(total.instrument.symbol)
        if day is None or day.on != self.day_of(total.at_ms) or total.cum_volume <= day.volume:
            return None
        return total.cum_volume - day.volume, max(0, total.cum_turnover_e4 - day.turnover_e4)

    def is_complete(self, line: str, share: float = 0.99) -> bool:
        """Tell whether a line's totals are not behind, in nearly all instruments that it tells of."""
        told = [(day.told[line].cum_volume, day.volume) for day in self._days.values() if line in day.told]
        return sum(own >= merged for own, merged in told) >= share * len(told)

    def judge(self, snapshot: Snapshot, line: str = "") -> Verdict:
        """Tell what becomes of a snapshot of one line."""
        symbol = snapshot.instrument.symbol
        on, day = self.day_of(snapshot.at_ms), self._days.get(symbol)
        if day is None or on > day.on:
            if reason := self._begins_wrongly(snapshot, on, day):
                return Verdict(reason)
            day = self._days[symbol] = _Day(on)
        elif on < day.on:
            return Verdict("another_day")
        day.told[line] = snapshot
        volume = snapshot.cum_volume
        if volume > day.volume:
            return self._higher(symbol, day, snapshot, line)
        if volume == day.volume:
            return self._same(day, snapshot, line)
        return self._lower(symbol, day, snapshot, line)

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
        if not confirmed and self._is_doubtful(day, snapshot) and not self.is_index(symbol):
            day.held = snapshot
            self._waiting[symbol] = line
            return Verdict("held")
        self._waiting.pop(symbol, None)
        volume = snapshot.cum_volume - day.volume
        if volume > day.largest and day.volume and self.is_continuous(snapshot.at_ms):
            day.largest = volume
        day.steps.append(_Step(snapshot.at_ms, day.volume, day.turnover_e4))
        self._take(day, snapshot, line)
        if line:
            self.first_copies[line] += 1
        return COUNTS

    def released(self, now_ms: int) -> list[Snapshot]:
        """Return totals that were held and count after all: nothing has come for a while that says otherwise.

        What turns out to be wrong later is rolled back; what was held at the end of a day must not be lost.
        """
        found = []
        for symbol, line in list(self._waiting.items()):
            day = self._days[symbol]
            if day.held is None or day.held.cum_volume <= day.volume:
                del self._waiting[symbol]
            elif now_ms - day.held.at_ms >= HELD_MS:
                held, day.held = day.held, None
                del self._waiting[symbol]
                day.steps.append(_Step(held.at_ms, day.volume, day.turnover_e4))
                self._take(day, held, line)
                found.append(held)
        return found

    def _is_doubtful(self, day: _Day, snapshot: Snapshot) -> bool:
        """Tell whether a total is not believed without a second one that says at least as much."""
        volume, turnover_e4 = snapshot.cum_volume - day.volume, snapshot.cum_turnover_e4
        if turnover_e4 > 0:
            price_e4 = (turnover_e4 - day.turnover_e4) // volume
            may_miss_e4 = _TICK_E4 + _YUAN_E4 // volume
            low_e4, high_e4 = snapshot.low_e4 or snapshot.last_e4, snapshot.high_e4 or snapshot.last_e4
            return not low_e4 - may_miss_e4 <= price_e4 <= high_e4 + may_miss_e4
        return 0 < day.largest * LEAP < volume and self.is_continuous(snapshot.at_ms)

    def _same(self, day: _Day, snapshot: Snapshot, line: str) -> Verdict:
        newer_by_ms = 0 if line == day.line else OTHER_LINE_MS
        if snapshot == day.picture or snapshot.at_ms < day.at_ms + newer_by_ms:
            return REPEATED
        self._take(day, snapshot, line)
        return COUNTS

    def _lower(self, symbol: str, day: _Day, snapshot: Snapshot, line: str) -> Verdict:
        if snapshot.at_ms <= day.at_ms:
            return LATE_COPY
        if day.lower and day.lower[-1].cum_volume > snapshot.cum_volume:
            day.lower.clear()  # they do not agree with each other
        if not day.lower or snapshot.at_ms > day.lower[-1].at_ms:
            day.lower.append(snapshot)
        if self._is_said_still(day, snapshot):
            return LATE_COPY  # or the two differ in what they count
        if len(day.lower) < CONTRADICTIONS:
            return Verdict("volume_fell")
        return Verdict(rolled_back=self._roll_back(symbol, day, snapshot, line))

    def _is_said_still(self, day: _Day, lower: Snapshot) -> bool:
        """Tell whether lines whose word counts at least as much still say the higher total."""
        said = {True: 0, False: 0}
        for line, row in day.told.items():
            if lower.at_ms - row.at_ms < CONFIRMED_MS:
                said[row.cum_volume >= day.volume] += self.weights.get(line, 1)
        return 0 < said[True] >= said[False]

    def _roll_back(self, symbol: str, day: _Day, snapshot: Snapshot, line: str) -> RolledBack:
        """Believe the lower total: what is above it is taken back where it was counted."""
        volume, turnover_e4 = day.volume - snapshot.cum_volume, max(0, day.turnover_e4 - snapshot.cum_turnover_e4)
        at_ms, reached = day.at_ms, day.volume
        while day.steps and day.steps[-1].volume >= snapshot.cum_volume:
            step = day.steps.pop()
            at_ms, reached = step.at_ms, step.volume
        if day.steps and reached > snapshot.cum_volume:
            at_ms = day.steps[-1].at_ms  # the step that passed it
        day.held, day.largest = None, 0
        self._take(day, snapshot, line)
        return RolledBack(symbol, at_ms, volume, turnover_e4)

    @staticmethod
    def _take(day: _Day, snapshot: Snapshot, line: str) -> None:
        # A line that tells no turnover is estimated, so that the next one's is not taken for too little.
        if snapshot.cum_turnover_e4:
            day.turnover_e4 = snapshot.cum_turnover_e4
        else:
            day.turnover_e4 += max(0, snapshot.cum_volume - day.volume) * snapshot.last_e4
        day.volume, day.at_ms, day.line, day.picture = snapshot.cum_volume, snapshot.at_ms, line, snapshot
        if day.lower:
            day.lower.clear()
