"""Runs what a connection wants done: texts, quota, follows, replays; and comes back with what the stores said.

What is decided about one connection is decided in streaming.wire.connection; who owns the socket is the consumer.
"""

import asyncio
import logging
from typing import Protocol

from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from kernel.scope import Scope
from streaming import metrics
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.domain.ticks import Snapshot
from streaming.errors import StoreUnavailable
from streaming.hub.slow_readers import PATIENCE_SECONDS
from streaming.hub.subscribers import Subscriber
from streaming.records.newest import Newest, unpack_newest
from streaming.reference.instruments import directory
from streaming.runtime.process import StreamProcess
from streaming.server.wires import TransportWire
from streaming.sockets.stored_symbols import StoredSymbols
from streaming.store.connection import redis_async
from streaming.store.quota import ConnectionKey
from streaming.store.readable import readable
from streaming.wire import requests
from streaming.wire.channels import WINDOW, Channel
from streaming.wire.connection import Connection, costs_quota
from streaming.wire.framing import text_frame

log = logging.getLogger(__name__)


class Peer(Protocol):
    """What the runner needs of the socket's owner."""

    async def send_text(self, text: str) -> None:
        """Send one message; waits while the peer does not read; OSError or RuntimeError where it is gone."""
        ...

    async def end(self, code: int, reason: str) -> None:
        """Close from our side."""
        ...

    async def push_out(self, reason: str) -> None:
        """Close who does not read, as a best effort, and drop the connection."""
        ...

    async def leave(self) -> None:
        """Forget the socket: its peer is gone."""
        ...


class EffectRunner:
    """The effects of one socket's connection.

    Args:
        place: the socket's place in the quota registry.
        subscriber: the socket in the hub; None from the moment it has left, and then nothing more is sent.
    """

    def __init__(
        self, process: StreamProcess, connection: Connection, place: ConnectionKey, subscriber: Subscriber, peer: Peer
    ) -> None:
        self._process, self._place, self._peer = process, place, peer
        self.connection = connection
        self.subscriber: Subscriber | None = subscriber
        self._stored = StoredSymbols(place.customer, place.group, connection)

    async def attempt(self, effects: list[requests.Effect]) -> None:
        """Run effects; a store that is away is said to the client."""
        try:
            await self.run(effects)
        except (RedisError, OSError, PlatformError):
            metrics.store_errors.inc()
            await self.run(self.connection.failed(StoreUnavailable()))

    async def run(self, effects: list[requests.Effect]) -> None:
        """Run effects in their order, each with what the connection makes of its outcome.

        Raises:
            redis.RedisError, OSError: the store is away; the effects behind are not run.
        """
        connection, quota = self.connection, self._process.quota
        for effect in effects:
            now_ms = clock.now_ms()
            match effect:
                case requests.Send(text):
                    await self.say(connection.dialect.said(text, customer=connection.scope.customer, now_ms=now_ms))
                case requests.Follow(channels, replayed):
                    self._follow(channels, replayed)
                case requests.Lookup(request, unknown):
                    found = await self._process.carried(unknown)
                    await self.run(connection.looked_up(request, found, now_ms))
                case requests.Claim():
                    granted, used = await self._claim(effect, now_ms)
                    claim = await self._stored.noted(effect, granted) if connection.rules.stores_symbols else effect
                    await self.run(connection.claimed(claim, granted, used, now_ms))
                    # A replay begins when somebody listens; told after the follow, or its first bars find nobody.
                    await self._process.signal_demand({one.lane for one in effect.instruments})
                case requests.ResumeCheck():
                    verdicts = await self._judge(effect)
                    await self.run(connection.resume_decided(effect, verdicts, now_ms))
                case requests.Replay(verdict, channels):
                    if self.subscriber is not None:
                        self._process.replays.begin(self.subscriber, verdict, channels)
                case requests.Release(instruments):
                    used = await quota.release(self._place, paid(instruments), now_ms)
                    release = await self._stored.forgotten(effect) if connection.rules.stores_symbols else effect
                    await self.run(connection.released(release, used, now_ms))
                case requests.Shrink(max_subs):
                    await self._fit(effect, max_subs, now_ms)
                case requests.ReadNewest(_, instruments):
                    newest = self._with_news(instruments, await _read_newest(instruments))
                    await self.run(connection.newest_read(effect, newest, self._pictures(instruments)))
                case requests.Close(code, reason):
                    await self._peer.end(code, reason)

    def _pictures(self, instruments: tuple[InstrumentId, ...]) -> dict[InstrumentId, Snapshot]:
        """Return the days that this process has in memory, as REST shows them."""
        seen = ((one, self._process.quotes.snapshot(directory().described(one))) for one in instruments)
        return {one: picture for one, picture in seen if picture is not None}

    def _with_news(
        self, instruments: tuple[InstrumentId, ...], stored: list[tuple[InstrumentId, Newest]]
    ) -> list[tuple[InstrumentId, Newest]]:
        """Return how instruments stand in the store, or here where that is further."""
        known, quotes = dict(stored), self._process.quotes
        for instrument in instruments:
            described, row = directory().described(instrument), known.get(instrument)
            here = quotes.newest(described) if quotes.heard(described) else None
            if here is not None and (row is None or (here.day, here.day_volume) > (row.day, row.day_volume)):
                known[instrument] = here
        return [(one, known[one]) for one in instruments if one in known]

    async def sync_stored(self) -> None:
        """Follow exactly the customer's stored symbols, of a language that keeps them."""
        connection, stored = self.connection, await self._stored.read()
        if stored is None:
            return
        if gone := [str(one) for one in connection.following if str(one) not in stored]:
            leaving = requests.Unsubscribe(tuple(gone), ref=requests.STORED)
            await self.attempt(connection.asked(leaving, clock.now_ms()))
        followed = {str(one) for one in connection.following}
        if new := [symbol for symbol in stored if symbol not in followed]:
            await self.attempt(connection.asked(connection.dialect.restored(new), clock.now_ms()))

    async def say(self, text: str) -> None:
        """Send a text; a peer that is gone or does not read ends the socket and is no outage of anything."""
        if self.subscriber is None:
            return  # nothing may follow the close frame
        wire = self.subscriber.wire
        if isinstance(wire, TransportWire) and not wire.buffered():
            wire.write(text_frame(text.encode()))  # send() would frame it more slowly; there is nothing to wait for
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._peer.send_text(text)
        except TimeoutError:
            await self._peer.push_out("slow_reader")
        except (OSError, RuntimeError) as error:  # uvicorn's words for "disconnected" and "closing"
            log.debug("a peer was gone before its answer: %s", type(error).__name__)
            await self._peer.leave()

    async def _claim(self, claim: requests.Claim, now_ms: int) -> tuple[frozenset[InstrumentId], int]:
        free = [one for one in claim.instruments if not costs_quota(one)]
        step, whole = self.connection.scope.at(now_ms / 1000), self.connection.rules.whole_or_nothing
        costly = paid(claim.instruments)
        granted, used = await self._process.quota.claim(self._place, costly, step.max_subs, now_ms, whole=whole)
        if whole and len(granted) < len(costly):
            free = []
        return frozenset([*free, *(one for one in claim.instruments if str(one) in granted)]), used

    async def _fit(self, fit: requests.Shrink, max_subs: int, now_ms: int) -> None:
        outside = self.connection.outside(now_ms)
        if outside:
            await self._process.quota.release(self._place, paid(outside), now_ms)
        symbols, used = await self._process.quota.shrink(self._place, max_subs, now_ms)
        dropped = [*(InstrumentId.parse(symbol) for symbol in symbols), *outside]
        await self.run(self.connection.shrunk(fit, dropped, used))

    async def reconcile(self, scope: Scope) -> None:
        """Make the books say what a program follows; nothing happens to a page, whose turn is `review`.

        Raises:
            redis.RedisError, OSError: the store is away.
        """
        if self._place.viewer:
            return
        now_ms, connection = clock.now_ms(), self.connection
        most = scope.at(now_ms / 1000).max_subs
        connection.used = await self._process.quota.reconcile(self._place, self._paid(), now_ms, most)

    async def review(self) -> None:
        """Of a page: follow no longer what its customer's programs have taken the room of."""
        if not self._place.viewer or self.subscriber is None:
            return
        now_ms, connection = clock.now_ms(), self.connection
        fit = requests.Shrink(connection.scope.at(now_ms / 1000).max_subs)
        try:
            lost, used = await self._process.quota.review(self._place, self._paid(), fit.max_subs, now_ms)
        except (RedisError, OSError):
            metrics.store_errors.inc()
            return
        connection.used = used
        if lost:
            dropped = [InstrumentId.parse(symbol) for symbol in lost]
            await self.attempt(connection.shrunk(fit, dropped, used, to_programs=True))

    def _paid(self) -> list[InstrumentId]:
        return paid(tuple(self.connection.following))

    def _follow(self, channels: frozenset[Channel], replayed: frozenset[Channel]) -> None:
        if self.subscriber is None:
            return
        hub, new = self._process.hub, channels - self.subscriber.channels - replayed
        if replayed:
            self.subscriber.channels = channels
            hub.hold(self.subscriber, replayed)
        hub.follow(self.subscriber, channels)
        if any(channel.kind != WINDOW for channel in new):
            hub.show_to(self.subscriber, new)
        if any(channel.kind in INTERVAL_MINUTES for channel in new):
            self._process.backfill.wake()

    async def _judge(self, judge: requests.ResumeCheck) -> list[requests.ResumeDecision]:
        since, replays = judge.since, self._process.replays
        verdicts = []
        for lane in judge.lanes:
            seq, epoch = since.seqs.get(lane, since.seq), since.epochs.get(lane)
            if seq is None and since.at_ms is None:
                continue  # a cursor was named for other lanes only
            try:
                verdicts.append(await replays.judge(lane, seq, since.at_ms, epoch, judge.kinds))
            except (RedisError, OSError):
                metrics.store_errors.inc()
                verdicts.append(requests.ResumeDecision(lane, False, epoch or "", seq or 0, None, "store_unavailable"))
        return verdicts


def listed(instrument: InstrumentId) -> bool:
    """Tell whether the instrument list has an instrument that is not delisted; of others the store knows."""
    found = directory().get(instrument.symbol)
    return found is not None and found.state != "delisted"


def paid(instruments: tuple[InstrumentId, ...]) -> list[InstrumentId]:
    """Return those that cost quota."""
    return [one for one in instruments if costs_quota(one)]


async def _read_newest(instruments: tuple[InstrumentId, ...]) -> list[tuple[InstrumentId, Newest]]:
    client = redis_async()
    raw: dict[InstrumentId, bytes | None] = {}
    for lane in {one.lane for one in instruments}:
        of_lane = [one for one in instruments if one.lane == lane]
        values = await client.hmget(keyspace.newest(lane), [str(one) for one in of_lane])
        raw.update(zip(of_lane, values, strict=True))
    known = ((one, packed) for one in instruments if (packed := raw[one]) is not None)
    return list(readable(known, unpack_newest, "newest bars"))
