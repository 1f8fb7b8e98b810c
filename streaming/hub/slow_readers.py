"""Slow readers: a socket whose kernel takes no more gets nothing until it has drained, then the newest of everything.

Its transport says when more than SOFT_BYTES are unsent and when nothing is any more. In between it costs the others
one set operation a flush; when it drains it gets one notice of how much it missed and the newest frame of each channel
that moved; and it is ended after PATIENCE_SECONDS.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from streaming import metrics
from streaming.wire.framing import framed

if TYPE_CHECKING:
    from streaming.hub.hub import Hub, Row
    from streaming.hub.members import Member

PATIENCE_SECONDS = 10.0
_SWEEP_SECONDS = 0.25


class Late:
    """The slow readers of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._members: dict[Member, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: "Member") -> bool:
        return member in self._members

    def full(self, member: "Member") -> None:
        """Its kernel takes no more. Called from inside a write: the groups are being walked, so leave them alone."""
        asyncio.get_running_loop().call_soon(self._fall_behind, member)

    def _fall_behind(self, member: "Member") -> None:
        if member.behind is not None or member not in self._hub.members or not member.wire.buffered():
            return
        member.behind, member.since, member.skipped = {}, time.monotonic(), 0
        self._hub.pause(member)
        self._members[member] = None
        metrics.slow_readers.inc()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def may_yet_make_it(self) -> bool:
        """Tell whether anybody is full who has not missed anything so far."""
        return any(not member.behind for member in self._members)

    def missed(self, lane: str, rows: "list[Row]") -> None:
        """Remember what a flush had for the slow."""
        if not self._members:
            return
        by_number = self._hub.lanes[lane].by_number
        for _, frames, due in rows:
            for number in due:
                by_number[number].last = frames[number]
        due_sets = [frozenset(due) for _, _, due in rows]
        news = any(news.symbol is None for notices, _, _ in rows for news in notices)
        for member in self._members:
            if news:
                member.unheard.add(lane)
            numbers = member.group.numbers.get(lane) if member.group is not None else None
            if numbers is None or member.behind is None:
                continue
            behind = member.behind.setdefault(lane, set())
            for due_set in due_sets:
                hers = numbers & due_set
                member.skipped += len(hers)
                behind |= hers

    def drained(self, member: "Member") -> None:
        """The kernel has taken everything."""
        asyncio.get_running_loop().call_soon(self._catch_up, member)

    def _catch_up(self, member: "Member") -> None:
        if member.behind is None or member.wire.buffered():
            return
        lanes, hub = self._hub.lanes, self._hub
        still = member.group.numbers if member.group is not None else {}
        newest = [
            lanes[lane].by_number[number].last
            for lane, numbers in sorted(member.behind.items())
            for number in sorted(numbers & still.get(lane, frozenset()))
        ]
        states = [lanes[lane].market_news().frame(member.dialect) for lane in sorted(member.unheard & member.markets)]
        skipped = max(0, member.skipped - len(newest))
        metrics.conflated.inc(skipped)
        self.forget(member)
        hub.resume(member)
        held_back = skipped or newest
        notice = [framed(member.dialect.slow_reader(skipped=skipped))] if held_back else []
        if data := b"".join([*notice, *newest, *states]):
            member.wire.write(data)

    def forget(self, member: "Member") -> None:
        """Take a member off the list: it has caught up, or left."""
        self._members.pop(member, None)
        member.behind = None
        member.unheard.clear()

    def _sweep(self) -> None:
        """End who stays slow. A transport that has drained tells by itself; this also helps who missed that."""
        self._timer = None
        now = time.monotonic()
        for member in list(self._members):
            if not member.wire.buffered():
                self._catch_up(member)
            elif now - member.since > PATIENCE_SECONDS:
                self._hub.leave(member)
                metrics.ended.labels("slow_reader").inc()
                member.end("slow_reader")
        if self._members:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
