"""An instrument's newest bar and day, kept up to date: ingest writes them into the store, each node keeps its own."""

from typing import ClassVar

from msgspec.structs import replace

from streaming.domain.minutes import Prices
from streaming.domain.ticks import Snapshot
from streaming.records.versions import Record, unpacker


class Newest(Record, frozen=True):
    """One instrument's newest bar and its day, as the hash `newest:{lane}` holds it for snapshots, flats and REST."""

    VERSION: ClassVar[bytes] = b"\x01"

    seq: int  # of the newest bar; 0 before the first one
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int  # the last price; the previous close before the day's first trade; 0 when neither is known
    volume: int
    turnover_e4: int
    state: str  # trading suspended halted delisted
    prev_close_e4: int
    day: str  # YYYY-MM-DD at the exchange; the sums below are of this day
    day_open_e4: int
    day_high_e4: int
    day_low_e4: int
    day_volume: int
    day_turnover_e4: int
    # How many trades and pictures were numbered, of before the numbers had a hash of their own (keyspace.numbers).
    prints: int = 0
    books: int = 0
    counted: bool = False  # a total of the day was told, be it 0: whoever takes over counts on from it


unpack_newest = unpacker(Newest)

_NOTHING = Newest(0, 0, 0, 0, 0, 0, 0, "trading", 0, "", 0, 0, 0, 0, 0)


class Running:
    """One instrument's newest bar and day, changed in place: a node does this for every bar of every window."""

    __slots__ = (
        "_made", "bar", "books", "counted", "day", "day_high_e4", "day_low_e4", "day_open_e4", "day_turnover_e4",
        "day_volume", "prev_close_e4", "prints", "seq", "state",
    )  # fmt: skip

    def __init__(self, old: Newest | None = None) -> None:
        known = old or _NOTHING
        self.bar: Prices = known
        self.seq, self.state, self.day = known.seq, known.state, known.day
        self.prev_close_e4 = known.prev_close_e4
        self.day_open_e4, self.day_high_e4, self.day_low_e4 = known.day_open_e4, known.day_high_e4, known.day_low_e4
        self.day_volume, self.day_turnover_e4 = known.day_volume, known.day_turnover_e4
        self.prints, self.books, self.counted = known.prints, known.books, known.counted
        self._made = old

    def refer(self, prev_close_e4: int, day: str) -> None:
        """Take the previous close of a day. Before its first trade the instrument is flat at it."""
        self.prev_close_e4, self._made = prev_close_e4, None
        if self.day == day and self.day_volume > 0:
            return
        price = prev_close_e4
        self.bar = Newest(0, price, price, price, price, 0, 0, "", 0, "", 0, 0, 0, 0, 0)
        self._begin(day)

    def add(self, bar: Prices, seq: int, day: str) -> None:
        """Take one more bar of a day."""
        if self.day != day:
            self.prev_close_e4 = self.bar.close_e4
            self._begin(day)
        if not self.day_open_e4:
            # The day has no trade yet: its open, high and low begin with this bar.
            self.day_open_e4, self.day_high_e4, self.day_low_e4 = bar.open_e4, bar.high_e4, bar.low_e4
        else:
            if (high_e4 := bar.high_e4) > self.day_high_e4:
                self.day_high_e4 = high_e4
            if (low_e4 := bar.low_e4) < self.day_low_e4:
                self.day_low_e4 = low_e4
        self.day_volume += bar.volume
        self.day_turnover_e4 += bar.turnover_e4
        self.bar, self.seq, self.counted, self._made = bar, seq, True, None

    def correct(self, volume: int, turnover_e4: int, day: str) -> None:
        """Add to a day's sums what was counted wrongly before."""
        if self.day == day:
            self.day_volume, self._made = max(0, self.day_volume + volume), None
            self.day_turnover_e4 = max(0, self.day_turnover_e4 + turnover_e4)

    def take_day(self, day: Snapshot) -> None:
        """Take the day as its venue tells it."""
        if not day.cum_volume and not day.open_e4:
            return
        self.day_open_e4 = day.open_e4 or self.day_open_e4
        self.day_high_e4 = day.high_e4 or self.day_high_e4
        self.day_low_e4 = day.low_e4 or self.day_low_e4
        self.day_turnover_e4 = _turnover_of(day, self.day_volume, self.day_turnover_e4)
        self.day_volume, self._made = day.cum_volume, None

    def say(self, state: str) -> None:
        """Take trading, suspended, halted or delisted."""
        self.state, self._made = state, None

    def _begin(self, day: str) -> None:
        self.day, self.day_open_e4, self.day_high_e4, self.day_low_e4 = day, 0, 0, 0
        self.day_volume = self.day_turnover_e4 = 0
        self.counted = False

    def newest(self) -> Newest:
        """Return how it stands."""
        if self._made is None:
            bar = self.bar
            self._made = Newest(
                self.seq, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4, self.state,
                self.prev_close_e4, self.day, self.day_open_e4, self.day_high_e4, self.day_low_e4, self.day_volume,
                self.day_turnover_e4, self.prints, self.books, self.counted,
            )  # fmt: skip
        return self._made


def with_reference(old: Newest | None, prev_close_e4: int, day: str) -> Newest:
    """Return an instrument's newest state now that its previous close of a day is known."""
    running = Running(old)
    running.refer(prev_close_e4, day)
    return running.newest()


def with_bar(old: Newest | None, bar: Prices, seq: int, day: str) -> Newest:
    """Return an instrument's newest state after one more bar of a day, as Running.add has it, made at once."""
    known = old or _NOTHING
    before_e4, open_e4, high_e4, low_e4 = known.prev_close_e4, known.day_open_e4, known.day_high_e4, known.day_low_e4
    volume, turnover_e4 = known.day_volume, known.day_turnover_e4
    if known.day != day:
        before_e4, open_e4, volume, turnover_e4 = known.close_e4, 0, 0, 0
    bar_high_e4, bar_low_e4 = bar.high_e4, bar.low_e4
    if not open_e4:
        open_e4, high_e4, low_e4 = bar.open_e4, bar_high_e4, bar_low_e4
    return Newest(
        seq, bar.open_e4, bar_high_e4, bar_low_e4, bar.close_e4, bar.volume, bar.turnover_e4, known.state, before_e4,
        day, open_e4, bar_high_e4 if bar_high_e4 > high_e4 else high_e4, bar_low_e4 if bar_low_e4 < low_e4 else low_e4,
        volume + bar.volume, turnover_e4 + bar.turnover_e4, known.prints, known.books, True,
    )  # fmt: skip


def with_correction(old: Newest, volume: int, turnover_e4: int, day: str) -> Newest:
    """Return an instrument's newest state with a day's sums corrected."""
    running = Running(old)
    running.correct(volume, turnover_e4, day)
    return running.newest()


def with_day(old: Newest, day: Snapshot) -> Newest:
    """Return an instrument's newest state with the day as its venue tells it."""
    if not day.cum_volume and not day.open_e4:
        return old
    return replace(
        old,
        day_open_e4=day.open_e4 or old.day_open_e4,
        day_high_e4=day.high_e4 or old.day_high_e4,
        day_low_e4=day.low_e4 or old.day_low_e4,
        day_volume=day.cum_volume,
        day_turnover_e4=_turnover_of(day, old.day_volume, old.day_turnover_e4),
        counted=True,
    )


def _turnover_of(day: Snapshot, volume: int, turnover_e4: int) -> int:
    """Return a day's turnover; where its source tells none, what our own bars of the day add up to."""
    if day.cum_turnover_e4 or day.cum_volume < volume:  # a lower volume is another day's
        return day.cum_turnover_e4
    return turnover_e4
