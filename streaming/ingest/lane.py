"""Runs one lane: takes the lease, builds the market that was chosen, writes what is due until asked to stop.

A holder that dies leaves a lease of 1.5 s and a checkpoint; the next one goes on after the last window written. A
holder that was only thought dead finds its fence outdated at its next write and stops.
"""

import json
import logging
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from itertools import islice

from django.conf import settings

from kernel import clock
from streaming.errors import BadRecording, Fenced, StoreUnavailable, StreamLost
from streaming.ingest import health
from streaming.ingest.choice import Choice, choice_for, market_for
from streaming.ingest.market import Market
from streaming.ingest.publisher import BATCH, Publisher
from streaming.ingest.sources.push import PushSource
from streaming.records.newest import Newest
from streaming.records.window import Window, end_ms, seq_of
from streaming.store.lanes import LEASE_MS, LaneStore

log = logging.getLogger(__name__)
_RENEW_SECONDS = 0.4
_POLL_SECONDS = 0.05  # how often a market is asked what is due
_CHECK_SECONDS = 1.0  # how often settings are looked at and the state is reported
_RETRY_SECONDS = 30.0  # a folder that had nothing for us may have been filled


@dataclass(frozen=True, slots=True)
class _Written:
    """What this process has last written of a lane: a store that has less has lost it."""

    epoch: str
    seq: int
    choice: Choice
    newest: dict[str, Newest]
    chain: str


_written: dict[str, _Written] = {}  # by lane; outlives the task, which ends when the store goes away


def run_lane(store: LaneStore, stop: threading.Event) -> bool:
    """Run a lane until `stop` is set or the lease is lost; return False at once where somebody else runs it.

    Raises:
        StoreUnavailable: Redis is away; the next offer tries again.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
    fence = store.take_lease(holder)
    if fence is None:
        return False
    lease = _Lease(store, holder)
    log.info("lane %s: taken with fence %d", store.lane, fence)
    try:
        while not (stop.is_set() or lease.lost.is_set()):
            try:
                _Run(store, fence, stop, lease.lost, holder).run()
            except StreamLost:
                log.error("lane %s: the store has lost windows that it had taken", store.lane)
    except Fenced:
        log.warning("lane %s: fence %d is outdated, another worker writes", store.lane, fence)
    finally:
        health.forget(store.lane)
        lease.end()
    return True


class _Lease:
    """Renews the lease in a thread of its own, so that a long batch or a slow disk cannot lose it."""

    def __init__(self, store: LaneStore, holder: str) -> None:
        self.lost = threading.Event()
        self._over = threading.Event()
        self._store, self._holder = store, holder
        self._thread = threading.Thread(target=self._renew, name=f"lease {store.lane}", daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        renewed_at = time.monotonic()
        while not self._over.wait(_RENEW_SECONDS):
            began_at = time.monotonic()
            try:
                if not self._store.renew_lease(self._holder):
                    break
                renewed_at = began_at
            except StoreUnavailable:
                if time.monotonic() - renewed_at > LEASE_MS / 1000:
                    break
        self.lost.set()

    def end(self) -> None:
        """Stop renewing and give the lane back."""
        self._over.set()
        self._thread.join()
        try:
            self._store.release_lease(self._holder)
        except StoreUnavailable:
            log.info("lane %s: not given back; the lease runs out by itself", self._store.lane)


class _Run:
    """One market from its choice until another is chosen, the lease or the stream was lost, or we stop."""

    def __init__(self, store: LaneStore, fence: int, stop: threading.Event, lost: threading.Event, holder: str) -> None:
        self._store, self._fence, self._holder = store, fence, holder
        self._stop, self._lost = stop, lost
        self._choice = choice_for(store.lane, store.feed_setting())
        self._publisher: Publisher | None = None
        self._market: Market | None = None
        self._problem = ""
        self._finished = False
        self._epoch = ""

    def run(self) -> None:
        """Build the market, then write what is due, and return when something else is to be run."""
        self._begin()
        began_at, checked_at = time.monotonic(), 0.0
        while not (self._stop.is_set() or self._lost.is_set()):
            written = self._write_due()
            if time.monotonic() - checked_at >= _CHECK_SECONDS:
                checked_at = time.monotonic()
                self._report()
                if choice_for(self._store.lane, self._store.feed_setting()) != self._choice:
                    return
                if self._problem and checked_at - began_at > _RETRY_SECONDS:
                    return
            if written < BATCH:  # a full batch means that there is more at once
                self._stop.wait(_POLL_SECONDS)
        if not self._lost.is_set():  # then it is another worker's to report
            self._report()

    def _begin(self) -> None:
        """Go on with the stream where the same feed wrote it before; else begin a new epoch."""
        now_ms = clock.now_ms()
        epoch, checkpoint = self._store.epoch(), self._store.checkpoint()
        last = self._store.last_window(epoch) if epoch else None
        lost = self._lost_windows(epoch, last)
        goes_on = (
            lost is None
            and last is not None
            and checkpoint.choice == self._choice.as_json()
            # The wall clock was set back behind the stream: its next windows would be refused one by one.
            and (self._choice.feed == "replay" or last.seq <= seq_of(now_ms) + 1)
        )
        if last is not None and goes_on and last.finished:
            self._finished = True  # it never starts again by itself
            return
        newest = self._store.newest() if goes_on else dict(lost.newest) if lost else {}
        resume_after = last.seq if last is not None and goes_on else lost.seq if lost else None
        try:
            self._market = market_for(
                self._choice,
                self._store,
                newest=newest,
                resume_after=resume_after,
                now_ms=now_ms,
                positions=checkpoint.positions if goes_on else {},
            )
        except BadRecording as error:
            self._problem = str(error)
            log.error("lane %s: %s", self._store.lane, error)
            return
        if self._market is None:
            self._problem = f"feed {self._choice.feed} has nothing for this lane"
            return
        if epoch is None or not goes_on:
            epoch = f"{now_ms:x}-{self._fence}"
            self._store.begin_epoch(self._fence, epoch)
        log.info(
            "lane %s: feed %s, epoch %s, after window %s", self._store.lane, self._market.name, epoch, resume_after
        )
        self._publisher = Publisher(
            store=self._store,
            fence=self._fence,
            epoch=epoch,
            feed=self._market.name,
            recorded=self._market.recorded,
            speed=self._market.speed,
            choice=self._choice.as_json(),
            newest=newest,
            keep_hours=settings.STREAM_HOURS,
            after=resume_after if goes_on else None,
            chain=self._chain(epoch, last if goes_on else None, lost),
        )
        self._epoch = epoch

    def _chain(self, epoch: str, last: Window | None, lost: "_Written | None") -> str:
        """Return of which epochs this one is. Live, the same day is never played again: all of one feed go on.

        A recording goes on where its stream does, or where we know what it lost; else it is played from its beginning.
        """
        if self._market is not None and not self._market.recorded:
            return f"live {self._choice.feed}"
        if last is not None:
            return last.chain or epoch
        return (lost.chain or lost.epoch) if lost is not None else epoch

    def _lost_windows(self, epoch: str | None, last: Window | None) -> _Written | None:
        """Return what we had written, where the store came back without some of it.

        The market then goes on where it was, in a new epoch: so whoever resumes is told of the gap.
        """
        written = _written.get(self._store.lane)
        if written is None or written.choice != self._choice:
            return None
        if epoch == written.epoch and last is not None and last.seq >= written.seq:
            return None
        if epoch is not None and epoch != written.epoch:
            return None  # somebody else has begun another one since
        log.error(
            "lane %s: epoch %s was lost after window %d; going on in a new one",
            self._store.lane,
            written.epoch,
            last.seq if last else 0,
        )
        return written

    def _write_due(self) -> int:
        if self._market is None or self._publisher is None:
            return 0
        written = self._publisher.publish(islice(self._market.due(clock.now_ms()), BATCH))
        if written and (last := self._publisher.last) is not None:
            seq, newest = last.closed.seq, self._publisher.newest
            _written[self._store.lane] = _Written(self._epoch, seq, self._choice, newest, self._publisher.chain)
        return written

    def _report(self) -> None:
        facts: dict[str, str | int | float] = {
            "v": 1,
            "holder": self._holder,
            "fence": self._fence,
            "feed": self._choice.feed,
            "problem": self._problem,
            "finished": int(self._finished or (self._market is not None and self._market.finished)),
            "reported_ms": clock.now_ms(),
        }
        if self._market is not None and self._publisher is not None:
            last = self._publisher.last
            facts |= {
                "speed": self._market.speed,
                "state": last.state if last else "",
                "clock_ms": end_ms(last.closed.seq) if last else 0,
                "seq": last.closed.seq if last else 0,
                "windows": self._publisher.windows,
                "bars": self._publisher.bars,
                "duplicates": self._publisher.duplicates,
                "counters": json.dumps(dict(self._market.counters())),
            }
            health.note(
                self._store.lane,
                state=last.state if last else "",
                end_ms=end_ms(last.closed.seq) if last else 0,
                on_wall_clock=not self._market.recorded,
            )
            if last is not None and (position := last.positions.get(PushSource.name)):
                self._store.forget_pushed(position)  # pushes are bounded by what nobody has read
            counts, rows = self._market.refused()
            if counts:
                self._store.report_refused(counts, (asdict(row) for row in rows))
        self._store.report(facts)
