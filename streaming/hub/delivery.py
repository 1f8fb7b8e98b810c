"""What each customer was due of 1.5 s bars, and what of it was sent: the data plane's half of the proof of delivery.

Nothing is counted for a connection while bars go out. A market counts the bars of each channel, one addition a window
however many follow it; a connection keeps how these counts stood when it was last settled, and the difference is what
it was due since then. That was sent where the connection was in the flushes, and not where it was slow. What a slow
reader gets when it has drained is told by whoever writes it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from streaming.domain.calendar import exchange_day
from streaming.domain.windows import end_ms, start_ms
from streaming.hub.market_track import MarketTrack
from streaming.hub.subscribers import Subscriber
from streaming.wire.channels import WINDOW

LATE_MS = 3_000  # after a window's end: twice its length (docs/protocol.md "Proof of delivery")


class Followed(NamedTuple):
    """What is counted of: one customer's bars of one market on one day of the exchange, YYYY-MM-DD."""

    customer: str
    market: str
    day: str


Counts = list[int]  # due, sent, and how many of those that were sent were late


class DeliveryTally:
    """The counts of one hub. Not for several threads.

    Args:
        tracks: the hub's markets by name.
        subscribers: who has joined.
    """

    def __init__(self, tracks: Mapping[str, MarketTrack], subscribers: Callable[[], Iterable[Subscriber]]) -> None:
        self._tracks, self._subscribers = tracks, subscribers
        self._days: dict[str, str] = {}  # of each market's window that was counted last
        self._rows: dict[Followed, dict[str, Counts]] = {}

    def begin_window(self, market: str, seq: int) -> None:
        """Note which window is counted next: what was due before another day begins belongs to the day before."""
        day = exchange_day(start_ms(seq)).isoformat()
        if day != self._days.get(market):
            for subscriber in self._subscribers():
                self.settle(subscriber)
            self._days[market] = day

    def note_late(self, market: str, seq: int, due: Iterable[int], now_ms: int) -> None:
        """Note that a window leaves at an instant: where that is late, each of its frames is."""
        if now_ms - end_ms(seq) > LATE_MS:
            late = self._tracks[market].late
            for number in due:
                late[number] += 1

    def subscribers(self) -> list[Subscriber]:
        """Return who has joined now."""
        return list(self._subscribers())

    def settle(self, subscriber: Subscriber) -> None:
        """Count what a connection was due since it was last settled.

        To be called before it goes in or out of the flushes or its group, and behind it again for the new one.
        """
        group = subscriber.group
        if group is None or not subscriber.customer:
            return
        sent = subscriber in group.wires
        for market, pick in group.pick.items():
            track, before = self._tracks[market], subscriber.settled.get(market)
            counts = pick(track.published), pick(track.late)
            if before is not None and before[0] != counts[0]:
                rows = self._rows_of(subscriber.customer, market)
                numbers = group.order[market]
                for number, due, was_due, late, was_late in zip(numbers, *_side_by_side(counts, before), strict=True):
                    if due != was_due:
                        row = rows.setdefault(track.by_number[number].symbol, [0, 0, 0])
                        row[0] += due - was_due
                        if sent:
                            row[1] += due - was_due
                            row[2] += late - was_late
            subscriber.settled[market] = counts

    def caught_up(self, subscriber: Subscriber, market: str, numbers: Iterable[int]) -> None:
        """Count the newest bars that a slow reader gets now that it has drained: they were due before, and are late."""
        if not subscriber.customer:
            return
        slots = [self._tracks[market].by_number[number] for number in numbers]
        for symbol in (slot.symbol for slot in slots if slot.kind == WINDOW):
            row = self._rows_of(subscriber.customer, market).setdefault(symbol, [0, 0, 0])
            row[1] += 1
            row[2] += 1

    def take(self) -> dict[Followed, dict[str, Counts]]:
        """Return what was settled since this was last asked, by symbol; it is whoever asks who keeps it now."""
        rows, self._rows = self._rows, {}
        return rows

    def _rows_of(self, customer: str, market: str) -> dict[str, Counts]:
        return self._rows.setdefault(Followed(customer, market, self._days.get(market, "")), {})


def _side_by_side(now: tuple[tuple[int, ...], ...], before: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    return now[0], before[0], now[1], before[1]
