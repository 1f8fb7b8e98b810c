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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from django.conf import settings

from kernel import clock
from streaming.domain.calendar import ALWAYS_OPEN_FEEDS
from streaming.errors import BadRecording, Fenced, StoreUnavailable, StreamLost
from streaming.ingest import health, listing
from streaming.ingest.choice import Choice, choice_for, close_delay_ms_for, lines_for, market_for, sources_for
from streaming.ingest.day_counts import go_on_with, write_days
from streaming.ingest.events import Numbering
from streaming.ingest.line_report import line_report
from streaming.ingest.market import Market
from streaming.ingest.publisher import BATCH, Publisher
from streaming.records.checkpoint import Checkpoint
from streaming.records.newest import Newest
from streaming.records.reports import LineSwitch
from streaming.records.window import Window, end_ms, seq_of
from streaming.store.lanes import LEASE_MS, LaneStore

log = logging.getLogger(__name__)
_RENEW_SECONDS = 0.4
_IDLE_SECONDS = 0.05  # where no market runs
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
_begins_at: dict[str, float] = {}  # by lane, monotonic: markets that are being built
_LONGEST_BEGINNING_SECONDS = 600.0  # a large recording is looked through


def is_beginning(lane: str) -> bool:
    """Tell whether this process is building a lane's market: it reports and writes nothing meanwhile."""
    began_at = _begins_at.get(lane)
    return began_at is not None and time.monotonic() - began_at < _LONGEST_BEGINNING_SECONDS


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
        self._setting = store.feed_setting()
        self._choice = choice_for(store.lane, self._setting)
        self._publisher: Publisher | None = None
        self._market: Market | None = None
        self._problem = ""
        self._finished = False
        self._epoch = ""
        self._day = ""  # what was last told of it
        self._written_ms = 0
        self._ends = False

    def run(self) -> None:
        """Build the market, then write what is due, and return when something else is to be run."""
        _begins_at[self._store.lane] = time.monotonic()
        try:
            listing.look(self._store)
            self._begin()
        finally:
            _begins_at.pop(self._store.lane, None)
        try:
            self._write()
        finally:
            if self._market is not None:
                self._market.close()

    def _write(self) -> None:
        began_at, checked_at = time.monotonic(), 0.0
        while not (self._stop.is_set() or self._lost.is_set()):
            written = self._write_due()
            if time.monotonic() - checked_at >= _CHECK_SECONDS:
                checked_at = time.monotonic()
                listing.look(self._store)
                self._report()
                other = not self._goes_on_with(self._store.feed_setting())
                if other or (self._problem and checked_at - began_at > _RETRY_SECONDS):
                    break
            if written < BATCH:  # a full batch means that there is more at once
                self._wait()
        if not self._lost.is_set():  # then it is another worker's to report
            self._ends = True
            self._report()

    def _wait(self) -> None:
        if self._market is None or self._market.finished:
            self._stop.wait(_IDLE_SECONDS)
        else:
            self._market.wait(self._stop, clock.now_ms())

    def _goes_on_with(self, setting: dict[str, Any]) -> bool:
        """Take an operator's changes; False where they need a market of their own."""
        if setting == self._setting:
            return True
        before, self._setting = self._setting, setting
        if choice_for(self._store.lane, setting) != self._choice:
            return False
        if close_delay_ms_for(self._choice, setting) != close_delay_ms_for(self._choice, before):
            return False
        if self._choice.feed == "live" and self._market is not None:
            lines, fed = lines_for(setting), {(line.name, line.source) for line in lines_for(before)}
            new = [line for line in lines if (line.name, line.source) not in fed]
            self._market.arrange(lines, sources_for(new, self._store, {}))
        return True

    def _begin(self) -> None:
        """Go on with the stream where the same feed wrote it before; else begin a new epoch."""
        now_ms = clock.now_ms()
        epoch, checkpoint = self._store.epoch(), self._store.checkpoint()
        last = self._store.last_window(epoch) if epoch else None
        run = self._store.run_of_the_store()
        lost = self._lost_windows(epoch, last) or self._perhaps_lost(epoch, last, checkpoint, run)
        goes_on = (
            lost is None
            and last is not None
            and bool(checkpoint.choice)
            and choice_for(self._store.lane, checkpoint.choice) == self._choice
            # The wall clock was set back behind the stream: its next windows would be refused one by one.
            and (self._choice.feed == "replay" or last.seq <= seq_of(now_ms) + 1)
        )
        if last is not None and goes_on and last.finished:
            self._finished = True  # it never starts again by itself
            return
        newest = self._store.newest() if goes_on else dict(lost.newest) if lost else {}
        resume_after = last.seq if last is not None and goes_on else lost.seq if lost else None
        closed_through, marks = resume_after, dict[str, str]()
        if epoch and goes_on and resume_after is not None:
            marks = self._store.events.marks(epoch)
            closed_through = max(resume_after, self._store.events.next_window(epoch) - 1)
        try:
            self._market = market_for(
                self._choice,
                self._store,
                newest=newest,
                resume_after=closed_through,
                now_ms=now_ms,
                marks=marks,
                positions=checkpoint.positions if goes_on or lost else {},
                lines=lines_for(self._setting),
                close_delay_ms=close_delay_ms_for(self._choice, self._setting),
                leader=checkpoint.leader if goes_on or lost else "",
                since_ms=checkpoint.since_ms if goes_on or lost else 0,
            )
        except BadRecording as error:
            self._problem = str(error)
            log.error("lane %s: %s", self._store.lane, error)
            return
        if self._market is None:
            self._problem = f"feed {self._choice.feed} has nothing for this lane"
            return
        if last is not None and goes_on:
            self._market.go_on_from(last.seq, last.state)
        if (goes_on or lost) and not self._market.recorded:
            go_on_with(self._market.days, self._store.day_counts, now_ms)
        if epoch is None or not goes_on:
            epoch = f"{now_ms:x}-{self._fence}"
            self._store.begin_epoch(self._fence, epoch, goes_on=lost is not None)
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
            numbering=Numbering(newest, self._numbers(newest) if goes_on else {}, marks),
            run=run,
            since_ms=self._market.since_ms,
        )
        self._epoch = epoch

    def _numbers(self, newest: Mapping[str, Newest]) -> Mapping[str, tuple[int, int]]:
        """Return how many trades and pictures were told; a release of before has left that in the newest bars."""
        return self._store.events.numbers() or {
            symbol: (known.prints, known.books) for symbol, known in newest.items() if known.prints or known.books
        }

    def _chain(self, epoch: str, last: Window | None, lost: "_Written | None") -> str:
        """Return of which epochs this one is. Live, the same day is never played again: all of one feed go on.

        A recording goes on where its stream does, or where we know what it lost; else it is played from its beginning.
        """
        if self._market is not None and not self._market.recorded:
            return f"live {self._choice.feed}" if self._choice.feed in ALWAYS_OPEN_FEEDS else "live"
        if last is not None:
            return last.chain or epoch
        return (lost.chain or lost.epoch) if lost is not None else epoch

    def _lost_windows(self, epoch: str | None, last: Window | None) -> _Written | None:
        """Return what we had written, where the store came back without some of it.

        The market then goes on where it was, in a new epoch: so whoever resumes is told of the gap. A live one goes on
        at the totals that the store has: the next ones bring what was lost, and so it is in history.
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
        return replace(written, newest=self._store.newest()) if self._choice.feed == "live" and last else written

    def _perhaps_lost(
        self, epoch: str | None, last: Window | None, checkpoint: Checkpoint, run: str
    ) -> _Written | None:
        """Return what is there, where the store came back from its disk and nobody who knows what it had lives.

        When a whole machine goes, its last second may be gone that clients have seen already: windows of the same
        numbers would come to them twice, with other shares. So the stream goes on in a new epoch.
        """
        written = _written.get(self._store.lane)
        # What others wrote after us, in this epoch or in their own, we do not know.
        known = written is not None and written.epoch == epoch and last is not None and last.seq <= written.seq
        if epoch is None or known or self._choice.feed == "replay":
            return None
        if not checkpoint.choice or choice_for(self._store.lane, checkpoint.choice) != self._choice:
            return None
        if last is None:  # whoever began this epoch died before its first window, or the stream was lost
            return _Written(epoch, checkpoint.seq, self._choice, self._store.newest(), "")
        if checkpoint.store in ("", run):
            return None
        log.warning(
            "lane %s: the store was started again since window %d; going on in a new epoch", self._store.lane, last.seq
        )
        return _Written(epoch, last.seq, self._choice, self._store.newest(), last.chain)

    def _write_due(self) -> int:
        if self._market is None or self._publisher is None:
            return 0
        written = self._publisher.publish(islice(self._market.due(clock.now_ms()), BATCH))
        self._publisher.tell(self._market.told())
        self._store.statistics.write(self._fence, self._market.statistics())
        if written and (last := self._publisher.last) is not None:
            self._written_ms = clock.now_ms()
            seq, newest = last.closed.seq, self._publisher.newest
            _written[self._store.lane] = _Written(self._epoch, seq, self._choice, newest, self._publisher.chain)
            self._report_switches(self._publisher)
        return written

    def _tell_the_day(self) -> str:
        """Return what the operator should know of the market's day, and log it when it is news."""
        day = self._market.problem if self._market is not None else ""
        if day != self._day:
            log.warning("lane %s: %s", self._store.lane, day or "the day is as its calendar says, and its lines talk")
        self._day = day
        return day

    def _report_switches(self, publisher: Publisher) -> None:
        lane = self._store.lane
        while publisher.switches:
            one = publisher.switches[0]
            log.warning("lane %s: line %s leads now, %s led before: %s", lane, one.after, one.before, one.reason)
            self._store.report_switch(
                LineSwitch(market=lane, at_ms=one.at_ms, before=one.before, after=one.after, reason=one.reason)
            )
            publisher.switches.pop(0)

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
            facts |= listing.unknown(self._publisher.newest) | {
                "speed": self._market.speed,
                "problem": self._problem or self._tell_the_day(),
                "state": last.state if last else "",
                "presumed": int(last is not None and last.presumed),
                "clock_ms": end_ms(last.closed.seq) if last else 0,
                "seq": last.closed.seq if last else 0,
                "written_ms": self._written_ms,
                "windows": self._publisher.windows,
                "bars": self._publisher.bars,
                "duplicates": self._publisher.duplicates,
                "counters": json.dumps(dict(self._market.counters())),
                "lines": json.dumps(line_report(self._market)),
            }
            health.note(
                self._store.lane,
                state=last.state if last else "",
                end_ms=end_ms(last.closed.seq) if last else 0,
                on_wall_clock=not self._market.recorded,
                feed=self._choice.feed,
            )
            for line, position in last.positions.items() if last is not None else ():
                self._store.forget_pushed(line, position)  # pushes are bounded by what nobody has read
            counts, rows = self._market.lines.refused()
            if counts:
                self._store.report_refused(counts, (asdict(row) for row in rows))
            write_days(self._market.days, self._store.day_counts, self._fence, clock.now_ms(), at_once=self._ends)
        self._store.report(facts)
