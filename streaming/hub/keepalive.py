"""Signs of life, spread over time: a few members at a time are sent a heartbeat, or asked for a sign of their own.

A peer that neither reads nor answers is found by its silence, whatever its kernel goes on acknowledging; asking is one
ping frame of ours, because a timer for each connection cost as much as its bars. It leaves behind the next bars, and
alone only when none come.
"""

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from streaming import metrics

if TYPE_CHECKING:
    from streaming.hub.members import Member

TICK_SECONDS = 0.5
HEARTBEAT_TICKS = 30  # 15 s
ASK_TICKS = 14  # asked every 7 s and given up at the next asking: gone within 14 s
_INSIST_TICKS = 3  # 1.5 s: a market that moves has written something by then


class Beats:
    """Whose turn it is. A member keeps its places for life."""

    def __init__(self) -> None:
        self._next = count()
        self._places: dict[Member, int] = {}
        self._heartbeats: list[dict[Member, None]] = [{} for _ in range(HEARTBEAT_TICKS)]
        self._asked: list[dict[Member, None]] = [{} for _ in range(ASK_TICKS)]

    def add(self, member: "Member") -> None:
        place = self._places[member] = next(self._next)
        self._heartbeats[place % HEARTBEAT_TICKS][member] = None
        self._asked[place % ASK_TICKS][member] = None

    def discard(self, member: "Member") -> None:
        place = self._places.pop(member, None)
        if place is not None:
            del self._heartbeats[place % HEARTBEAT_TICKS][member]
            del self._asked[place % ASK_TICKS][member]

    def due(self, tick: int) -> Iterable["Member"]:
        """Return who is due a heartbeat."""
        return list(self._heartbeats[tick % HEARTBEAT_TICKS])

    def ask(self, tick: int) -> None:
        """Ask those whose turn it is for a sign of life, and end who has given none since the last time."""
        for member in list(self._asked[tick % ASK_TICKS]):
            wire = member.wire
            if wire.answered is None or member.behind is not None:
                continue  # another server asks for us; a slow reader has its own deadline
            if not wire.answered:
                metrics.ended.labels("silent").inc()
                member.end("silent")
                continue
            wire.ask()
        for member in self._asked[(tick - _INSIST_TICKS) % ASK_TICKS]:
            member.wire.insist()
