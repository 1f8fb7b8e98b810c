"""Slow readers: a socket whose kernel takes no more gets nothing until it has drained, then the newest of everything.

Its transport says when more than SOFT_BYTES are unsent and when nothing is any more. In between it costs the others
one set operation a flush; when it drains it gets one notice of how much it missed and the newest frame of each channel
that moved; and it is ended after PATIENCE_SECONDS.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from streaming import metrics
from streaming.hub.market_track import MarketTrack, Notice
from streaming.hub.subscribers import Subscriber
from streaming.wire.framing import framed

PATIENCE_SECONDS = 10.0
_SWEEP_SECONDS = 0.25
Row = tuple[list[Notice], list[bytes], list[int]]  # one window: its notices, frames by number, numbers that have one
SomeFrames = tuple[list[Notice], Mapping[int, bytes], list[int]]


class SlowReaders:
    """The slow readers of one hub.

    Args:
        tracks: the hub's markets by name.
        is_here: whether a subscriber has joined the hub and not left.
        pause, resume: take a subscriber out of the flushes, and in again.
        leave: forget a subscriber that is ended.
        caught_up: told of the newest frames that a slow reader gets when it has drained, by market and number.
    """

    def __init__(
        self,
        tracks: Mapping[str, MarketTrack],
        *,
        is_here: Callable[[Subscriber], bool],
        pause: Callable[[Subscriber], None],
        resume: Callable[[Subscriber], None],
        leave: Callable[[Subscriber], None],
        caught_up: Callable[[Subscriber, str, Iterable[int]], None] = lambda *_: None,
    ) -> None:
        self._tracks, self._is_here, self._caught_up = tracks, is_here, caught_up
        self._pause, self._resume, self._leave = pause, resume, leave
        self._slow: dict[Subscriber, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._slow)

    def on_high_water(self, subscriber: Subscriber) -> None:
        """Its kernel takes no more. Called from inside a write: the groups are being walked, so leave them alone."""
        asyncio.get_running_loop().call_soon(self._fall_behind, subscriber)

    def _fall_behind(self, subscriber: Subscriber) -> None:
        if subscriber.behind is not None or not self._is_here(subscriber) or not subscriber.wire.buffered():
            return
        subscriber.behind, subscriber.since, subscriber.skipped = {}, time.monotonic(), 0
        self._pause(subscriber)
        self._slow[subscriber] = None
        metrics.slow_readers.inc()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def may_yet_make_it(self) -> bool:
        """Tell whether anybody is full who has not missed anything so far."""
        return any(not subscriber.behind for subscriber in self._slow)

    def missed(self, market: str, rows: Sequence[Row | SomeFrames]) -> None:
        """Remember what a flush had for the slow."""
        if not self._slow:
            return
        by_number = self._tracks[market].by_number
        for _, frames, due in rows:
            for number in due:
                by_number[number].last = frames[number]
        due_sets = [frozenset(due) for _, _, due in rows]
        has_news = any(notice.symbol is None for notices, _, _ in rows for notice in notices)
        for subscriber in self._slow:
            if has_news:
                subscriber.unheard.add(market)
            numbers = subscriber.group.numbers.get(market) if subscriber.group is not None else None
            if numbers is None or subscriber.behind is None:
                continue
            behind = subscriber.behind.setdefault(market, set())
            for due_set in due_sets:
                own = numbers & due_set
                subscriber.skipped += len(own)
                behind |= own

    def on_low_water(self, subscriber: Subscriber) -> None:
        """The kernel has taken everything."""
        asyncio.get_running_loop().call_soon(self._catch_up, subscriber)

    def _catch_up(self, subscriber: Subscriber) -> None:
        if subscriber.behind is None or subscriber.wire.buffered():
            return
        tracks, dialect = self._tracks, subscriber.dialect
        still = subscriber.group.numbers if subscriber.group is not None else {}
        moved = {
            market: [
                number
                for number in sorted(numbers & still.get(market, frozenset()))
                if tracks[market].by_number[number].last
            ]
            for market, numbers in sorted(subscriber.behind.items())
        }
        newest = [tracks[market].by_number[number].last for market, numbers in moved.items() for number in numbers]
        unheard = sorted(subscriber.unheard & subscriber.markets)
        states = [tracks[market].market_notice().frame(dialect) for market in unheard]
        skipped = max(0, subscriber.skipped - len(newest))
        metrics.conflated.inc(skipped)
        self.forget(subscriber)
        self._resume(subscriber)
        for market, numbers in moved.items():
            self._caught_up(subscriber, market, numbers)
        notice = [framed(dialect.slow_reader(skipped=skipped))] if skipped or newest else []
        if data := b"".join([*notice, *newest, *states]):
            subscriber.wire.write(data)

    def forget(self, subscriber: Subscriber) -> None:
        """Take a subscriber off the list: it has caught up, or left."""
        self._slow.pop(subscriber, None)
        subscriber.behind = None
        subscriber.unheard.clear()

    def _sweep(self) -> None:
        """End who stays slow. A transport that has drained tells by itself; this also helps who missed that."""
        self._timer = None
        now = time.monotonic()
        for subscriber in list(self._slow):
            if not subscriber.wire.buffered():
                self._catch_up(subscriber)
            elif now - subscriber.since > PATIENCE_SECONDS:
                self._leave(subscriber)
                metrics.ended.labels("slow_reader").inc()
                subscriber.end("slow_reader")
        if self._slow:
            self._timer = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def stop(self) -> None:
        """Forget the timer; the process is stopping."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
