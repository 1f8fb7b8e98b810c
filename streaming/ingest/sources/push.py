"""What providers push over HTTP (streaming.api.rt_receiver), as a feed that follows the wall clock.

A push comes seconds after what it tells, and nothing in it says reliably when that was: a tick counts when it is read
here. The node that took it has dropped what came twice; how far we have read is kept with each window.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from kernel.instruments import InstrumentId
from streaming.domain.bars import WindowFold
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Snapshot
from streaming.domain.validation import Validator
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.ingest.sources import FeedWindow
from streaming.ingest.sources.closes import Closes
from streaming.ingest.sources.wall import CATCH_UP_WINDOWS
from streaming.records.pushed import PushedTick, unpack_pushed_tick
from streaming.records.window import Newest
from streaming.store.lanes import LaneStore
from streaming.store.readable import readable

_ENTRIES = 100  # in one look, of 500 ticks at most
_CALENDAR_MS = 60_000  # how often an operator's changes are looked for


class PushFeed:
    """Reads a lane's pushes, folds their cumulative sums into bars, and closes windows by the wall clock.

    Windows are yielded while the market is not closed, and then for what moves all the same.

    Args:
        newest, resume_after, position: of a stream that goes on; a new one takes what is pushed from now on.
    """

    name = "push"
    speed = 1.0
    finished = False

    def __init__(
        self, *, store: LaneStore, newest: Mapping[str, Newest], resume_after: int | None, position: str, now_ms: int
    ) -> None:
        self._store, self._what = store, f"pushed ticks of lane {store.lane}"
        self._calendar, self._looked_ms = store.calendar(), now_ms
        self._read_to = self._position = position or store.last_pushed()
        self._read_in: dict[int, str] = {}  # window -> the last entry that counts in it
        self._ignored: Counter[str] = Counter()
        # What was traded before we listened is no bar of ours.
        self._fold = WindowFold(exchange_day, counts_from_zero=False)
        self._validator = Validator(
            known=lambda symbol: True,  # the sender decides what it carries
            is_open=lambda at_ms: self._calendar.state_at(at_ms)[0] == "open",
            day_of=exchange_day,
        )
        for symbol, known in newest.items():
            self._go_on(symbol, known, now_ms)
        present = seq_of(now_ms)
        self._next = present if resume_after is None else max(resume_after + 1, present - CATCH_UP_WINDOWS)
        self._fold.closed_through = self._next - 1
        self._closes = Closes({name: known.close_e4 for name, known in newest.items() if known.close_e4}, self._next)
        self._state = ""

    def due(self, now_ms: int) -> Iterator[FeedWindow]:
        """Yield every window that has ended."""
        self._read(now_ms)
        while end_ms(self._next) <= now_ms:
            seq, self._next = self._next, self._next + 1
            self._closes.turn(seq, self._fold)
            closed = self._fold.close(seq)
            self._position = self._read_in.pop(seq, self._position)
            self._closes.keep(closed.bars)
            state, until_ms = self._calendar.state_at(start_ms(seq))
            before, self._state = self._state, state
            if state == before == "closed" and not (closed.bars or closed.levels or closed.references):
                continue
            yield FeedWindow(closed, state, until_ms, position=self._position)

    def counters(self) -> Counter[str]:
        """Return refused ticks by reason, and late ones."""
        return self._validator.refused + self._ignored + Counter(late=self._fold.late)

    def _read(self, now_ms: int) -> None:
        if now_ms - self._looked_ms >= _CALENDAR_MS:
            self._calendar, self._looked_ms = self._store.calendar(), now_ms
        today = f"{exchange_day(now_ms):%Y%m%d}"
        while entries := self._store.pushed(self._read_to, _ENTRIES):
            for entry_id, ticks in entries:
                read = [tick for _, tick in readable(enumerate(ticks), unpack_pushed_tick, self._what)]
                self._ignored["unreadable"] += len(ticks) - len(read)
                for tick in read:
                    self._take(tick, now_ms, today)
                self._read_to = entry_id
            self._read_in[max(seq_of(now_ms), self._next)] = self._read_to
            if len(entries) < _ENTRIES:
                return

    def _take(self, tick: PushedTick, now_ms: int, today: str) -> None:
        if tick.day and tick.day != today:
            # Before the opening senders repeat the day before, whose sums would stand in the way of the new ones.
            self._ignored["another_day"] += 1
            return
        snapshot = Snapshot(
            instrument=InstrumentId.parse(tick.symbol),
            at_ms=now_ms,
            prev_close_e4=tick.prev_close_e4,
            open_e4=tick.open_e4,
            high_e4=tick.high_e4,
            low_e4=tick.low_e4,
            last_e4=tick.last_e4,
            cum_volume=tick.volume,
            cum_turnover_e4=tick.turnover_e4,
            bids=(tick.bid,) if tick.bid[0] else (),
            asks=(tick.ask,) if tick.ask[0] else (),
            received_ms=now_ms,
        )
        if self._validator.accepts(snapshot, now_ms=now_ms):
            self._fold.add(snapshot)

    def _go_on(self, symbol: str, known: Newest, now_ms: int) -> None:
        if known.close_e4:
            self._fold.know(symbol, known.close_e4)
        if known.day == exchange_day(now_ms).isoformat() and known.day_volume:
            self._fold.go_on(
                Snapshot(
                    InstrumentId.parse(symbol), now_ms, known.prev_close_e4, known.day_open_e4, known.day_high_e4,
                    known.day_low_e4, known.close_e4, known.day_volume, known.day_turnover_e4,
                )
            )  # fmt: skip
