"""Closed windows -> what Redis holds of them: the packed window, every mover's newest bar and day, the checkpoint.

What was told beside the bars is written before them, or by itself as soon as it is there.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from kernel import clock
from streaming.domain.calendar import exchange_day
from streaming.domain.lines import Switch
from streaming.domain.ticks import Snapshot
from streaming.ingest.events import Numbering, Told
from streaming.ingest.market import MarketWindow
from streaming.records.checkpoint import Checkpoint, pack_text
from streaming.records.newest import Newest, with_bar, with_correction, with_day, with_reference
from streaming.records.window import Window, chunk_of, end_ms, start_ms
from streaming.store.lanes import Commit, LaneStore

BATCH = 200  # windows in one round trip: half a megabyte on a busy day
_TRIM_EVERY = 1000  # windows


class Publisher:
    """Writes one market's windows under one fence into one epoch. Not for several threads.

    Args:
        feed: what runs, as every window names it.
        recorded: it runs on a clock of its own, that of a recording.
        choice: its parameters, kept in the checkpoint so that a successor knows whether it goes on.
        newest: what is known from before a restart.
        chain: of which epochs this one is (records.window.Window).
        numbering: of what is told beside the bars; a new one begins at 1.
        run: which run of the store it writes to.
        since_ms: since when the market has listened (records.checkpoint.Checkpoint).
        after: the window that the stream ends with; None for a new epoch, which is told `newest` with its first window.
    """

    def __init__(
        self,
        *,
        store: LaneStore,
        fence: int,
        epoch: str,
        feed: str,
        recorded: bool,
        speed: float,
        choice: dict[str, Any],
        newest: dict[str, Newest],
        keep_hours: int,
        after: int | None = None,
        chain: str = "",
        numbering: Numbering | None = None,
        run: str = "",
        since_ms: int = 0,
    ) -> None:
        self._store, self._fence, self._epoch = store, fence, epoch
        self._feed, self._recorded, self._speed, self._choice = feed, recorded, speed, choice
        self.newest = newest
        self._after, self.chain, self._run, self._since_ms = after, chain, run, since_ms
        self._numbering = numbering or Numbering(newest)
        self._keyed: int | None = None  # the piece of the stream whose keyframe we have written
        self._keep_ms = keep_hours * 3_600_000
        self._since_trim = 0
        self.windows = self.bars = self.duplicates = 0
        self.last: MarketWindow | None = None
        self.switches: list[Switch] = []  # of lines, that were written and that nobody has reported yet

    def publish(self, windows: Iterable[MarketWindow]) -> int:
        """Write windows in order and return how many there were.

        Raises:
            Fenced: another worker holds the lane.
            StoreUnavailable: Redis is away; what was written is found again by the next run.
            StreamLost: Redis is there without what was written.
        """
        told = list(windows)
        commits = [self._commit_of(window) for window in told]
        if not commits:
            return 0
        self.duplicates += self._store.commit(self._fence, self._epoch, commits, self._after)
        self._after = commits[-1].window.seq
        self.switches += [switch for window in told for switch in window.switches]
        self.windows += len(commits)
        self._since_trim += len(commits)
        if self._since_trim >= _TRIM_EVERY:
            self._since_trim = 0
            self._store.trim(self._fence, self._epoch, self._keep_from_ms(end_ms(commits[-1].window.seq)))
        return len(commits)

    def tell(self, told: Told | None) -> int:
        """Write trades and pictures at once, whatever window is open; return how many they were.

        Raises:
            Fenced, StoreUnavailable, StreamLost: as for `publish`.
        """
        batch = self._numbering.number(told)
        if batch is None:
            return 0
        self._store.events.tell(self._fence, self._epoch, batch, self._after)
        return len(batch.events.prints) + len(batch.events.books)

    def _keep_from_ms(self, feed_clock_ms: int) -> int:
        """Return from when on windows are kept: the last 72 h of the feed's clock.

        A recording's clock leaps from one day to another of years later, and runs faster than history is written: there
        the stream is kept until history has it. A live feed's is not, or a ClickHouse that stays away fills Redis.
        """
        from_ms = feed_clock_ms - self._keep_ms
        if not self._recorded:
            return from_ms
        epoch, written_ms = self._store.history_position() or ("", 0)
        return min(from_ms, written_ms) if epoch == self._epoch else 0

    def _commit_of(self, window: MarketWindow) -> Commit:
        seq = window.closed.seq
        day = exchange_day(start_ms(seq)).isoformat()
        newest = self.newest
        # The store forgot the newest bars with the old epoch; those that we know go on.
        changed: dict[str, Newest] = dict(newest) if self._after is None and self._keyed is None else {}
        for symbol, price_e4 in window.closed.references:
            changed[symbol] = newest[symbol] = with_reference(newest.get(symbol), price_e4, day)
        keyframe = chunk_of(seq) != self._keyed
        self._keyed = chunk_of(seq)
        named = list(newest) if keyframe else [symbol for symbol, _ in window.closed.references]
        references = [(symbol, newest[symbol].close_e4) for symbol in named if newest[symbol].close_e4]
        for symbol, state in window.closed.states:
            known = newest.get(symbol) or with_reference(None, 0, day)
            changed[symbol] = newest[symbol] = replace(known, state=state)
        states = dict(window.closed.states)
        if keyframe:
            states |= {symbol: known.state for symbol, known in newest.items() if known.state != "trading"}
        for bar in window.closed.bars:
            changed[bar.symbol] = newest[bar.symbol] = with_bar(newest.get(bar.symbol), bar, seq, day)
        for one in window.closed.corrections:
            on = exchange_day(start_ms(one.seq)).isoformat()
            row = with_correction(newest[one.symbol], one.volume, one.turnover_e4, on)  # it had a bar to be corrected
            changed[one.symbol] = newest[one.symbol] = row
        for symbol, picture in window.closed.shown.items():
            row = _shown(newest.get(symbol), picture, day)
            if row is not newest.get(symbol):
                changed[symbol] = newest[symbol] = row
        events = self._numbering.number(window.told)
        self._numbering.correct(window.closed.corrections)
        self.bars += len(window.closed.bars)
        self.last = window
        packed = Window(
            seq=seq,
            state=window.state,
            until_ms=window.until_ms,
            feed=self._feed,
            fence=self._fence,
            bars=window.closed.bars,
            states=list(states.items()),
            references=references,
            speed=self._speed,
            finished=window.finished,
            keyframe=keyframe,
            made_ms=clock.now_ms(),
            previous=list(window.closed.references),
            corrections=[(one.symbol, one.seq, one.volume, one.turnover_e4) for one in window.closed.corrections],
            chain=self.chain,
            late_prices=[
                (one.symbol, one.seq, one.high_e4, one.low_e4, one.last_e4) for one in window.closed.late_prices
            ],
            presumed=window.presumed,
            quiet=window.quiet,
            line=window.leader,
            switches=[(one.before, one.after, one.reason) for one in window.switches],
        )
        positions = dict(window.positions)
        checkpoint = Checkpoint(
            self._choice, seq, window.finished, positions, window.leader, self._since_ms, self._run
        )  # fmt: skip
        return Commit(packed, changed, pack_text(checkpoint), events)


def _shown(known: Newest | None, picture: Snapshot | None, day: str) -> Newest:
    row = known or with_reference(None, 0, day)
    if picture is None:
        return row
    if not picture.cum_volume and row.day == day and not row.counted:
        return replace(with_day(row, picture), counted=True)
    return with_day(row, picture)
