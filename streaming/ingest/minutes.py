"""The stream's windows -> minute bars in history. The 72 h window is the buffer: history may be away for hours."""

import os
from collections.abc import Iterator
from datetime import date

from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Calendar, Sessions, exchange_day
from streaming.domain.minutes import MinuteBar, MinuteFold
from streaming.history.minutes import insert_minutes
from streaming.ingest.days import days_over, write_days
from streaming.records.window import Window, end_ms
from streaming.store.lanes import LaneStore

_PAGE = 500  # windows a read: 12 minutes
_BATCH = 20_000  # bars an insert, about
_WITHOUT_MINUTES = ("lunch_break", "closed")  # what is told then belongs to the minute before
MINUTE_MS = 60_000
_AROUND_MS = 100 * MINUTE_MS  # of a minute's opening, what may belong to it: a print may come during the whole lunch
_TURN_MS = 30_000  # a dead writer's turn; two at once would write the same rows


def write_history(store: LaneStore) -> int:
    """Write a lane's minutes that have closed since the last call and return how many.

    The position in the stream is set behind what history has taken, at the beginning of the oldest open minute, so
    whatever happens in between is done again with the same result.

    Raises:
        StoreUnavailable, HistoryUnavailable: nothing is lost; call again.
    """
    with store.history_turn(f"{os.getpid()}:{os.urandom(4).hex()}", _TURN_MS) as mine:
        if not mine:
            return 0
        epochs = store.epochs()
        if not epochs:
            return 0
        epoch, after_ms = store.history_position() or ("", 0)
        if epoch not in epochs:
            epoch, after_ms = epochs[0], 0
        reading = _Reading(store, epoch, after_ms)
        for name in epochs[epochs.index(epoch) :]:
            for window in _windows(store, name, after_ms if name == epoch else 0):
                reading.take(name, window)
        return reading.end()


class _Reading:
    """One pass over the stream: folds windows of a chain of epochs into minutes, and writes what has closed."""

    def __init__(self, store: LaneStore, epoch: str, after_ms: int) -> None:
        self._store, self._sessions = store, _SessionsByFeed(store)
        self._fold, self._closed = MinuteFold(), list[MinuteBar]()
        self._current: int | None = None  # the minute that is open
        self._chain: str | None = None
        self._feed, self._finished = "", False
        self._days: set[date] = set()  # of which minutes were written
        self._began = self._position = self._days_until = (epoch, after_ms)
        self._epoch, self._last_ms = epoch, after_ms
        self._again: set[tuple[str, int]] = set()  # (symbol, minute) of minutes that had closed
        self._written = 0

    def take(self, epoch: str, window: Window) -> None:
        """Take the next window."""
        chain = window.chain or epoch
        if chain != self._chain and self._chain is not None:
            self._close_all()  # nobody goes on with what the epoch before has left
            self._save()
        self._feed, self._finished = window.feed, window.finished
        self._chain, before_ms = chain, self._last_ms if epoch == self._epoch else 0
        self._epoch, self._last_ms = epoch, end_ms(window.seq)
        sessions = self._sessions.of(window.feed)
        minute = None if window.finished else sessions.minute_of(window.seq)
        if window.finished or self._is_over(window, minute):
            self._close_all()
            self._position = (epoch, self._last_ms)
        elif minute is None and self._current is None:
            self._position = (epoch, self._last_ms)  # a night is not read again
        elif minute is not None and minute != self._current and window.state not in _WITHOUT_MINUTES:
            self._closed += self._fold.close_before(minute)
            # The next call begins with the first window of the minute that is open now.
            self._position, self._current = (epoch, max(before_ms, end_ms(window.seq - 1))), minute
        for bar in window.bars:
            if minute is not None and minute != self._current and bar.volume > 0:
                self._again.add((bar.symbol, minute))
            else:
                self._fold.add(minute, bar, window.seq)
        self._amend(window, sessions)
        if len(self._closed) >= _BATCH:
            self._save()

    def _amend(self, window: Window, sessions: Sessions) -> None:
        """Take late prices and corrections; a minute that has closed is folded again."""
        for late in window.late_prices:
            minute = sessions.minute_of(late[1])
            if minute is not None and minute == self._current:
                self._fold.widen(minute, late)
            elif minute is not None:
                self._again.add((late[0], minute))
        for symbol, seq, volume, turnover_e4 in window.corrections:
            minute = sessions.minute_of(seq)
            if minute is not None and minute == self._current:
                self._fold.correct(minute, symbol, volume, turnover_e4)
            elif minute is not None:
                self._again.add((symbol, minute))

    def _is_over(self, window: Window, minute: int | None) -> bool:
        """Tell whether the open minute gets no more: it has closed a minute ago, or its day is over."""
        if self._current is None or window.state not in _WITHOUT_MINUTES:
            return self._current is not None and minute is None
        return minute != self._current or end_ms(window.seq) - self._current > 2 * MINUTE_MS

    def _close_all(self) -> None:
        self._closed += self._fold.close_all()
        self._current = None

    def end(self) -> int:
        """Write what has closed; return how many minutes were written in all."""
        self._save(moved=self._position != self._began)
        return self._written

    def _write_days(self) -> None:
        """Write the days that have ended, from the exchange's totals where the stream still stands at that day."""
        if self._feed in ALWAYS_OPEN_FEEDS or not self._last_ms:
            return
        before_ms = self._days_until[1] if self._days_until[0] == self._epoch else self._last_ms
        over = days_over(self._sessions.calendar, self._days, before_ms, self._last_ms, finished=self._finished)
        if over:
            newest = self._store.newest() if self._epoch == self._store.epoch() else {}
            write_days(over, newest, source=_source_of(self._feed), version=self._version)
            self._days -= over
        self._days_until = (self._epoch, self._last_ms)

    @property
    def _version(self) -> int:
        # A later epoch's bar replaces an earlier one's: the same day was played again.
        return int(self._epoch.split("-", maxsplit=1)[0], 16)

    def _save(self, *, moved: bool = True) -> None:
        self._closed += self._minutes_again()
        if self._closed:
            made_up = self._feed in ALWAYS_OPEN_FEEDS
            source = _source_of(self._feed)
            insert_minutes(self._closed, version=self._version, source=source, made_up=made_up)
            self._days |= {exchange_day(bar.opened_ms) for bar in self._closed}
        self._write_days()
        if self._closed or moved:
            self._store.set_history_position(*self._position)
        self._written += len(self._closed)
        self._closed = []

    def _minutes_again(self) -> list[MinuteBar]:
        """Fold minutes anew that had closed before something of theirs came: a late print, or a correction.

        The stream has all of it for 72 h: reading it again gives the same, however often this is done. One pass does
        for all of them: after a close hundreds of instruments print at once.
        """
        wanted, self._again = self._again, set()
        if not wanted:
            return []
        fold, amending = MinuteFold(), []
        since_ms = min(minute for _, minute in wanted) - _AROUND_MS
        for name in self._store.epochs():
            for window in _windows(self._store, name, since_ms):
                if (window.chain or name) != self._chain:
                    continue
                minute = self._sessions.of(window.feed).minute_of(window.seq)
                for bar in window.bars:
                    if minute is not None and (bar.symbol, minute) in wanted:
                        fold.add(minute, bar, window.seq)
                if window.corrections or window.late_prices:
                    amending.append(window)
        for window in amending:
            sessions = self._sessions.of(window.feed)
            for symbol, seq, volume, turnover_e4 in window.corrections:
                if (minute := sessions.minute_of(seq)) is not None and (symbol, minute) in wanted:
                    fold.correct(minute, symbol, volume, turnover_e4)
            for late in window.late_prices:
                if (minute := sessions.minute_of(late[1])) is not None and (late[0], minute) in wanted:
                    fold.widen(minute, late)
        return fold.close_all()


def _source_of(feed: str) -> str:
    """Return who told a feed's bars; `push` and the empty name stand in windows of earlier releases."""
    return feed if feed in ("simulated", "test", "replay") else "live"


def _windows(store: LaneStore, epoch: str, after_ms: int) -> Iterator[Window]:
    after_ms = max(0, after_ms)
    while page := store.read(epoch, after_ms, _PAGE):
        yield from page
        after_ms = end_ms(page[-1].seq)


class _SessionsByFeed:
    """The simulated market and TEST never close; everything else keeps its market's hours."""

    def __init__(self, store: LaneStore) -> None:
        self._store = store
        self._always = AlwaysOpen()
        self._calendar: Calendar | None = None

    def of(self, feed: str) -> Sessions:
        return self._always if feed in ALWAYS_OPEN_FEEDS else self.calendar

    @property
    def calendar(self) -> Calendar:
        """The market's own, whatever it runs."""
        if self._calendar is None:
            self._calendar = self._store.calendar()
        return self._calendar
