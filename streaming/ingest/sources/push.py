"""What providers push over HTTP (streaming.api.rt_receiver), as a source that follows the wall clock.

A push comes seconds after what it tells, and nothing in it says reliably when that was: a tick counts when it is read
here. The node that took it has dropped what came twice.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from kernel.instruments import InstrumentId
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.ticks import NO_VENUE_TIME, SenderNote, Snapshot
from streaming.ingest.sources import Reading
from streaming.records.pushed import PushedTick, unpack_pushed_tick
from streaming.store.lanes import LaneStore
from streaming.store.readable import readable

_ENTRIES = 100  # in one look, of 500 ticks at most

log = logging.getLogger(__name__)


class PushSource:
    """Reads what is pushed for one line of a market; its position is the id of the last entry read.

    Args:
        position: where a stream goes on; "" for a new one, which takes what is pushed from now on.
        told: the last entry whose trades and pictures a run before has told.
    """

    own_clock = False
    speed = 1.0
    finished = False

    def __init__(self, store: LaneStore, name: str, position: str = "", told: str = "") -> None:
        self.name, self._store = name, store
        self._told = _order(told) if told else (0, 0)
        self.position = position or store.last_pushed(name)
        self._what = f"ticks pushed for line {name} of {store.lane}"
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
        while entries := self._store.pushed(self.name, self.position, _ENTRIES):
            for entry_id, packed in entries:
                self.position = entry_id
                snapshots = list(self._snapshots(packed, until_ms, today))
                told = _order(entry_id) <= self._told
                yield Reading(snapshots, received_ms=until_ms, position=entry_id, mark=entry_id, told=told)
            if len(entries) < _ENTRIES:
                return

    def wait(self, seconds: float, others: Sequence["PushSource"] = ()) -> None:
        """Return as soon as something is pushed for this line or others of its market, or after so long."""
        self._store.wait_for_push({one.name: one.position for one in (self, *others)}, seconds)

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


def _order(entry_id: str) -> tuple[int, int]:
    at_ms, _, nth = entry_id.partition("-")
    return int(at_ms), int(nth or 0)


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
        venue_ms=_instant(tick.trade_time, now_ms),
    )


_TIME = re.compile(r"(?:.*[ T])?([0-2]?[0-9]):?([0-5][0-9]):?([0-5][0-9])(?:\.[0-9]{1,6})?(?:Z|\+[0-9:]+)?", re.ASCII)


@lru_cache(maxsize=4096)
def _offset_ms(trade_time: str) -> int | None:
    """Read the time of the day from a sender's own writing: `14:59:58`, `145958`, `2026-11-27 14:59:58.120`."""
    found = _TIME.fullmatch(trade_time.strip())
    if found is None:
        return None
    hours, minutes, seconds = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 if hours < 24 else None


def _instant(trade_time: str, now_ms: int) -> int:
    """Return when a sender says that it happened, today: how late a line is, and what two are compared at."""
    offset_ms = _offset_ms(trade_time) if trade_time else None
    return NO_VENUE_TIME if offset_ms is None else day_start_ms(exchange_day(now_ms)) + offset_ms
