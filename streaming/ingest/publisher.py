"""Closed windows -> what Redis holds of them: the packed window, every mover's newest bar and day, the checkpoint."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from kernel import clock
from streaming.domain.bars import Bar, ClosedWindow
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Levels, SenderNote
from streaming.ingest.market import MarketWindow
from streaming.records.checkpoint import Checkpoint, pack_text
from streaming.records.events import Book, Events, Print
from streaming.records.newest import Newest, with_bar, with_correction, with_day, with_reference
from streaming.records.window import MovedBar, Window, chunk_of, end_ms, start_ms
from streaming.store.lanes import Commit, LaneStore

BATCH = 200  # windows in one round trip: half a megabyte on a busy day
_TRIM_EVERY = 1000  # windows
_NO_NOTE = SenderNote()


class Publisher:
    """Writes one market's windows under one fence into one epoch. Not for several threads.

    Args:
        feed: what runs, as every window names it.
        recorded: it runs on a clock of its own, that of a recording.
        choice: its parameters, kept in the checkpoint so that a successor knows whether it goes on.
        newest: what is known from before a restart.
        chain: of which epochs this one is (records.window.Window).
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
    ) -> None:
        self._store, self._fence, self._epoch = store, fence, epoch
        self._feed, self._recorded, self._speed, self._choice = feed, recorded, speed, choice
        self.newest = newest
        self._after, self.chain = after, chain
        self._keyed: int | None = None  # the piece of the stream whose keyframe we have written
        self._keep_ms = keep_hours * 3_600_000
        self._since_trim = 0
        self.windows = self.bars = self.duplicates = 0
        self.last: MarketWindow | None = None

    def publish(self, windows: Iterable[MarketWindow]) -> int:
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
        events = self._events(window.closed, day, changed)
        self.bars += len(window.closed.bars)
        self.last = window
        packed = Window(
            seq=seq,
            state=window.state,
            until_ms=window.until_ms,
            feed=self._feed,
            fence=self._fence,
            bars=[_moved(bar) for bar in window.closed.bars],
            states=list(states.items()),
            references=references,
            speed=self._speed,
            finished=window.finished,
            keyframe=keyframe,
            made_ms=clock.now_ms(),
            previous=list(window.closed.references),
            events=len(events.prints) + len(events.books) if events is not None else 0,
            corrections=[(one.symbol, one.seq, one.volume, one.turnover_e4) for one in window.closed.corrections],
            chain=self.chain,
        )
        checkpoint = Checkpoint(self._choice, seq, window.finished, dict(window.positions))
        return Commit(packed, changed, pack_text(checkpoint), events)

    def _events(self, closed: ClosedWindow, day: str, changed: dict[str, Newest]) -> Events | None:
        """Number a window's trades and pictures; the numbers live on in the newest bars."""
        if not (closed.trades or closed.levels):
            return None
        newest, prints, books = self.newest, [], []
        for trade in closed.trades:
            symbol = str(trade.instrument)
            number = (known.prints if (known := newest.get(symbol)) is not None else 0) + 1
            prints.append(
                Print(symbol, number, trade.at_ms, trade.price_e4, trade.volume, trade.turnover_e4, trade.side)
            )
            if known is not None:
                changed[symbol] = newest[symbol] = replace(known, prints=number)
        for levels in closed.levels:
            symbol = str(levels.instrument)
            known = newest.get(symbol) or with_reference(None, 0, day)
            if levels.day is not None:
                known = with_day(known, levels.day)
            changed[symbol] = newest[symbol] = known = replace(known, books=known.books + 1)
            books.append(_book(symbol, levels, known))
        return Events(prints, books)


def _book(symbol: str, levels: Levels, day: Newest) -> Book:
    note = levels.note or _NO_NOTE
    return Book(
        symbol=symbol,
        number=day.books,
        at_ms=levels.at_ms,
        prev_close_e4=day.prev_close_e4,
        open_e4=day.day_open_e4,
        high_e4=day.day_high_e4,
        low_e4=day.day_low_e4,
        last_e4=day.close_e4,
        volume=day.day_volume,
        turnover_e4=day.day_turnover_e4,
        bids=list(levels.bids),
        asks=list(levels.asks),
        iopv_e4=levels.iopv_e4,
        name=note.name,
        trade_time=note.trade_time,
        trades=note.trades,
        state=day.state,
    )


def _moved(bar: Bar) -> MovedBar:
    return MovedBar(
        bar.symbol, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4
    )  # fmt: skip
