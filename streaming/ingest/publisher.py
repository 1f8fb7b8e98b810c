"""Feed windows -> what Redis holds of them: the packed window, every mover's newest bar and day, the checkpoint."""

import json
from collections.abc import Iterable
from typing import Any

from streaming.domain.bars import Bar
from streaming.domain.calendar import exchange_day
from streaming.ingest.feeds import FeedWindow
from streaming.store.lanes import Commit, LaneStore
from streaming.wire.window import MovedBar, Newest, Window, chunk_of, end_ms, start_ms

BATCH = 200  # windows in one round trip: half a megabyte on a busy day
_TRIM_EVERY = 1000  # windows


class Publisher:
    """Writes one feed's windows under one fence into one epoch. Not for several threads.

    Args:
        choice: which feed this is, kept in the checkpoint so that a successor knows whether it goes on.
        newest: what is known from before a restart.
        after: the window that the stream ends with; None for a new epoch, which is told `newest` with its first window.
    """

    def __init__(
        self,
        *,
        store: LaneStore,
        fence: int,
        epoch: str,
        feed: str,
        speed: float,
        choice: dict[str, Any],
        newest: dict[str, Newest],
        keep_hours: int,
        after: int | None = None,
    ) -> None:
        self._store, self._fence, self._epoch = store, fence, epoch
        self._feed, self._speed, self._choice = feed, speed, choice
        self.newest = newest
        self._after = after
        self._keyed: int | None = None  # the piece of the stream whose keyframe we have written
        self._keep_ms = keep_hours * 3_600_000
        self._since_trim = 0
        self.windows = self.bars = self.duplicates = 0
        self.last: FeedWindow | None = None

    def publish(self, windows: Iterable[FeedWindow]) -> int:
        """Write windows in order and return how many there were.

        Raises:
            Fenced: another worker holds the lane.
            StoreUnavailable: Redis is away; what was written is found again by the next run.
            StreamLost: Redis is there without what was written.
        """
        commits = [self._commit_of(window) for window in windows]
        if not commits:
            return 0
        self.duplicates += self._store.commit(self._fence, self._epoch, commits, self._after)
        self._after = commits[-1].window.seq
        self.windows += len(commits)
        self._since_trim += len(commits)
        if self._since_trim >= _TRIM_EVERY:
            self._since_trim = 0
            self._store.trim(self._fence, self._epoch, self._keep_from_ms(end_ms(commits[-1].window.seq)))
        return len(commits)

    def _keep_from_ms(self, feed_clock_ms: int) -> int:
        """Return from when on windows are kept: the last 72 h of the feed's clock.

        A recording's clock leaps from one day to another of years later, and runs faster than history is written: there
        the stream is kept until history has it. A live feed's is not, or a ClickHouse that stays away fills Redis.
        """
        from_ms = feed_clock_ms - self._keep_ms
        if self._feed != "replay":
            return from_ms
        epoch, written_ms = self._store.history_position() or ("", 0)
        return min(from_ms, written_ms) if epoch == self._epoch else 0

    def _commit_of(self, window: FeedWindow) -> Commit:
        seq = window.closed.seq
        day = exchange_day(start_ms(seq)).isoformat()
        newest = self.newest
        # The store forgot the newest bars with the old epoch; those that we know go on.
        changed: dict[str, Newest] = dict(newest) if self._after is None and self._keyed is None else {}
        for symbol, price_e4 in window.closed.references:
            changed[symbol] = newest[symbol] = _with_reference(newest.get(symbol), price_e4, day)
        keyframe = chunk_of(seq) != self._keyed
        self._keyed = chunk_of(seq)
        named = list(newest) if keyframe else [symbol for symbol, _ in window.closed.references]
        references = [(symbol, newest[symbol].close_e4) for symbol in named if newest[symbol].close_e4]
        states = [(symbol, one.state) for symbol, one in newest.items() if one.state != "trading"] if keyframe else []
        for bar in window.closed.bars:
            changed[bar.symbol] = newest[bar.symbol] = _with_bar(newest.get(bar.symbol), bar, seq, day)
        self.bars += len(window.closed.bars)
        self.last = window
        packed = Window(
            seq=seq,
            state=window.state,
            until_ms=window.until_ms,
            feed=self._feed,
            fence=self._fence,
            bars=[_moved(bar) for bar in window.closed.bars],
            states=states,
            references=references,
            speed=self._speed,
            finished=window.finished,
            keyframe=keyframe,
        )
        checkpoint = {"choice": self._choice, "seq": seq, "finished": window.finished}
        return Commit(packed, changed, json.dumps(checkpoint))


def _moved(bar: Bar) -> MovedBar:
    return MovedBar(
        bar.symbol, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4
    )  # fmt: skip


def _with_reference(old: Newest | None, prev_close_e4: int, day: str) -> Newest:
    if old is not None and old.day == day and old.day_volume > 0:
        return _replaced(old, prev_close_e4=prev_close_e4)
    return Newest(
        seq=old.seq if old else 0,
        open_e4=prev_close_e4,
        high_e4=prev_close_e4,
        low_e4=prev_close_e4,
        close_e4=prev_close_e4,
        volume=0,
        turnover_e4=0,
        state=old.state if old else "trading",
        prev_close_e4=prev_close_e4,
        day=day,
        day_open_e4=0,
        day_high_e4=0,
        day_low_e4=0,
        day_volume=0,
        day_turnover_e4=0,
    )


def _with_bar(old: Newest | None, bar: Bar, seq: int, day: str) -> Newest:
    same_day = old is not None and old.day == day
    prev_close_e4 = (old.prev_close_e4 if same_day else old.close_e4) if old is not None else 0
    # Where the day has no trade yet its open, high and low are 0 and begin with this bar.
    begun = old is not None and same_day and old.day_open_e4 > 0
    return Newest(
        seq=seq,
        open_e4=bar.open_e4,
        high_e4=bar.high_e4,
        low_e4=bar.low_e4,
        close_e4=bar.close_e4,
        volume=bar.volume,
        turnover_e4=bar.turnover_e4,
        state=old.state if old else "trading",
        prev_close_e4=prev_close_e4,
        day=day,
        day_open_e4=old.day_open_e4 if old and begun else bar.open_e4,
        day_high_e4=max(old.day_high_e4, bar.high_e4) if old and begun else bar.high_e4,
        day_low_e4=min(old.day_low_e4, bar.low_e4) if old and begun else bar.low_e4,
        day_volume=(old.day_volume if old and same_day else 0) + bar.volume,
        day_turnover_e4=(old.day_turnover_e4 if old and same_day else 0) + bar.turnover_e4,
    )


def _replaced(old: Newest, **changes: Any) -> Newest:
    fields = {name: getattr(old, name) for name in Newest.__struct_fields__}
    return Newest(**{**fields, **changes})
