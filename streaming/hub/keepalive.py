"""Signs of life, spread over time: a few subscribers at a time are sent a heartbeat, or asked for a sign of their own.

A peer that neither reads nor answers is found by its silence, whatever its kernel goes on acknowledging; asking is one
ping frame of ours, because a timer for each connection cost as much as its bars. It leaves behind the next bars, and
alone only when none come.
"""

from collections.abc import Iterable
from itertools import count

from streaming import metrics
from streaming.hub.subscribers import Subscriber

TICK_SECONDS = 0.5
HEARTBEAT_TICKS = 30  # 15 s
ASK_TICKS = 14  # asked every 7 s and given up at the next asking: gone within 14 s
_FLUSH_TICKS = 3  # 1.5 s: a market that moves has written something by then


class Keepalive:
    """Whose turn it is. A subscriber keeps its places for life."""

    def __init__(self) -> None:
        self._next = count()
        self._places: dict[Subscriber, int] = {}
        self._heartbeats: list[dict[Subscriber, None]] = [{} for _ in range(HEARTBEAT_TICKS)]
        self._asked: list[dict[Subscriber, None]] = [{} for _ in range(ASK_TICKS)]

    def add(self, subscriber: Subscriber) -> None:
        """Give a subscriber its places among the heartbeats and the pings."""
        place = self._places[subscriber] = next(self._next)
        self._heartbeats[place % HEARTBEAT_TICKS][subscriber] = None
        self._asked[place % ASK_TICKS][subscriber] = None

    def discard(self, subscriber: Subscriber) -> None:
        """Take its places back; one that has none is no error."""
        place = self._places.pop(subscriber, None)
        if place is not None:
            del self._heartbeats[place % HEARTBEAT_TICKS][subscriber]
            del self._asked[place % ASK_TICKS][subscriber]

    def due(self, tick: int) -> Iterable[Subscriber]:
        """Return who is due a heartbeat."""
        return list(self._heartbeats[tick % HEARTBEAT_TICKS])

    def request_pings(self, tick: int) -> None:
        """Ask those whose turn it is for a sign of life, and end who has given none since the last time."""
        for subscriber in list(self._asked[tick % ASK_TICKS]):
            wire = subscriber.wire
            if wire.answered is None or subscriber.behind is not None:
                continue  # another server asks for us; a slow reader has its own deadline
            if not wire.answered:
                metrics.ended.labels("silent").inc()
                subscriber.end("silent")
                continue
            wire.request_ping()
        for subscriber in self._asked[(tick - _FLUSH_TICKS) % ASK_TICKS]:
            subscriber.wire.flush_ping()
