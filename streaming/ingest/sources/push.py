"""What providers push over HTTP (streaming.api.rt_receiver), as a source that follows the wall clock.

A push comes seconds after what it tells, and nothing in it says reliably when that was: a tick counts when it is read
here. The node that took it has dropped what came twice.
"""

import logging
from collections import Counter
from collections.abc import Iterator

from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import SenderNote, Snapshot
from streaming.ingest.sources import Reading
from streaming.records.pushed import PushedTick, unpack_pushed_tick
from streaming.store.lanes import LaneStore
from streaming.store.readable import readable

_ENTRIES = 100  # in one look, of 500 ticks at most

log = logging.getLogger(__name__)


class PushSource:
    """Reads a market's pushes; its position is the id of the last entry read.

    Args:
        position: where a stream goes on; "" for a new one, which takes what is pushed from now on.
    """

    name = "push"
    own_clock = False
    speed = 1.0
    finished = False

    def __init__(self, store: LaneStore, position: str = "") -> None:
        self._store = store
        self.position = position or store.last_pushed()
        self._what = f"pushed ticks of lane {store.lane}"
        self._passed_over: Counter[str] = Counter()

    def carries(self, symbol: str) -> bool:
        """Tell that every symbol may come: the sender decides what it carries."""
        return True

    def read(self, until_ms: int) -> Iterator[Reading]:
        """Yield what was pushed, an entry at a time.

        Args:
            until_ms: now; every tick counts at this instant.
        """
        today = f"{exchange_day(until_ms):%Y%m%d}"
        while entries := self._store.pushed(self.position, _ENTRIES):
            for entry_id, packed in entries:
                self.position = entry_id
                snapshots = list(self._snapshots(packed, until_ms, today))
                yield Reading(snapshots, received_ms=until_ms, position=entry_id)
            if len(entries) < _ENTRIES:
                return

    def counters(self) -> Counter[str]:
        """Return ticks that were passed over, by reason."""
        return self._passed_over

    def _snapshots(self, packed: list[bytes], now_ms: int, today: str) -> Iterator[Snapshot]:
        ticks = [tick for _, tick in readable(enumerate(packed), unpack_pushed_tick, self._what)]
        if len(ticks) < len(packed):
            self._passed_over["unreadable"] += len(packed) - len(ticks)
        for tick in ticks:
            if tick.day and tick.day != today:
                # Before the opening senders repeat the day before, whose sums would stand in the way of the new ones.
                self._passed_over["another_day"] += 1
            else:
                yield _snapshot(tick, now_ms)


def _snapshot(tick: PushedTick, now_ms: int) -> Snapshot:
    return Snapshot(
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
        note=SenderNote(tick.name, tick.trade_time, tick.trades),
        state=tick.state,
    )
