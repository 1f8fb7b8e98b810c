"""The stream's windows -> minute bars in history. The 72 h window is the buffer: history may be away for hours."""

import os
from collections.abc import Iterator

from streaming.domain.calendar import ALWAYS_OPEN_FEEDS, AlwaysOpen, Sessions
from streaming.domain.minutes import MinuteBar, MinuteFold
from streaming.history.minutes import insert_minutes
from streaming.records.window import Window, end_ms
from streaming.store.lanes import LaneStore

_PAGE = 500  # windows a read: 12 minutes
_BATCH = 20_000  # bars an insert, about
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
        epoch, after_ms = store.history_position() or ("", 0)
        if epoch not in epochs:
            epoch, after_ms = (epochs[0] if epochs else ""), 0
        written = 0
        for name in epochs[epochs.index(epoch) :] if epochs else []:
            written += _write_epoch(store, name, after_ms if name == epoch else 0, is_last=name == epochs[-1])
        return written


def _write_epoch(store: LaneStore, epoch: str, after_ms: int, *, is_last: bool) -> int:
    sessions = _SessionsByFeed(store)
    fold, position, current = MinuteFold(), after_ms, None
    closed: list[MinuteBar] = []
    written = 0
    for window in _windows(store, epoch, after_ms):
        # After the close there are no minutes: a trade that is reported then counts in the day alone.
        over = window.finished or window.state == "closed"
        minute = None if over else sessions.of(window.feed).minute_of(window.seq)
        if over or (minute is None and current is not None):
            closed += fold.close_all()
            position, current = end_ms(window.seq), None
        elif minute is not None and minute != current:
            closed += fold.close_before(minute)
            # The next call begins with the first window of the minute that is open now.
            position, current = max(position, end_ms(window.seq - 1)), minute
        for bar in window.bars:
            fold.add(minute, bar)
        if len(closed) >= _BATCH:
            written += _save(store, epoch, closed, position)
            closed = []
    if not is_last:  # nobody writes an old epoch any more
        closed += fold.close_all()
    return written + _save(store, epoch, closed, position, moved=position != after_ms)


def _windows(store: LaneStore, epoch: str, after_ms: int) -> Iterator[Window]:
    while page := store.read(epoch, after_ms, _PAGE):
        yield from page
        after_ms = end_ms(page[-1].seq)


def _save(store: LaneStore, epoch: str, closed: list[MinuteBar], position: int, *, moved: bool = True) -> int:
    if closed:
        # A later epoch's minute replaces an earlier one's: the same day was played again.
        insert_minutes(closed, version=int(epoch.split("-", maxsplit=1)[0], 16))
    if closed or moved:
        store.set_history_position(epoch, position)
    return len(closed)


class _SessionsByFeed:
    """The simulated market and TEST never close; everything else keeps its market's hours."""

    def __init__(self, store: LaneStore) -> None:
        self._store = store
        self._always = AlwaysOpen()
        self._calendar: Sessions | None = None

    def of(self, feed: str) -> Sessions:
        if feed in ALWAYS_OPEN_FEEDS:
            return self._always
        if self._calendar is None:
            self._calendar = self._store.calendar()
        return self._calendar
