"""Does what a connection wants done: texts, quota, follows, replays; and comes back with what the stores said.

What is decided about one connection is decided in streaming.wire.connection; who owns the socket is the consumer.
"""

import asyncio
import logging
from functools import lru_cache
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from streaming import metrics
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.errors import StoreUnavailable
from streaming.hub.slow_readers import PATIENCE_SECONDS
from streaming.hub.subscribers import Subscriber
from streaming.records.window import unpack_newest
from streaming.reference.instruments import directory
from streaming.runtime.process import Node
from streaming.server.wires import TransportWire
from streaming.sockets.stored_symbols import StoredSymbols
from streaming.store.connection import redis_async
from streaming.store.quota import Socket
from streaming.wire import requests
from streaming.wire.channels import WINDOW, Channel
from streaming.wire.connection import Connection, costs_quota
from streaming.wire.framing import text_frame

log = logging.getLogger(__name__)


class Doer(AsyncWebsocketConsumer):
    """The effects of one socket's connection."""

    node: Node
    socket: Socket
    connection: Connection
    member: Subscriber | None

    async def end(self, code: int, reason: str) -> None:
        """Close from our side."""
        raise NotImplementedError

    async def _push_out(self, reason: str) -> None:
        raise NotImplementedError

    async def _leave(self) -> None:
        raise NotImplementedError

    async def _attempt(self, effects: list[requests.Effect]) -> None:
        """Do effects; a store that is away is said to the client, a bug closes 1011 and is logged."""
        try:
            await self._do(effects)
        except (RedisError, OSError, PlatformError):
            metrics.store_errors.inc()
            await self._do(self.connection.failed(StoreUnavailable()))

    async def _do(self, effects: list[requests.Effect]) -> None:
        connection, book = self.connection, self.node.book
        for effect in effects:
            now_ms = clock.now_ms()
            match effect:
                case requests.Send(text):
                    await self._say(connection.dialect.said(text, customer=connection.scope.customer, now_ms=now_ms))
                case requests.Follow(channels):
                    self._follow(channels)
                case requests.Lookup(request, unknown):
                    found = await self.node.carried(unknown)
                    await self._do(connection.looked_up(request, found, now_ms))
                case requests.Claim():
                    granted, used = await self._claim(effect, now_ms)
                    told = (
                        await self._stored_symbols.noted(effect, granted) if connection.rules.stores_symbols else effect
                    )
                    await self._do(connection.claimed(told, granted, used, now_ms))
                    # A replay begins when somebody listens; told after the follow, or its first bars find nobody.
                    await self.node.want({one.lane for one in effect.instruments})
                case requests.Judge():
                    verdicts = await self._judge(effect)
                    await self._do(connection.judged(effect, verdicts, now_ms))
                case requests.Replay(verdict, channels):
                    if self.member is not None:
                        self.node.replays.begin(self.member, verdict, channels)
                case requests.Release(instruments):
                    used = await book.release(self.socket, paid(instruments), now_ms)
                    gone = await self._stored_symbols.forgotten(effect) if connection.rules.stores_symbols else effect
                    await self._do(connection.released(gone, used, now_ms))
                case requests.Fit(max_subs):
                    await self._fit(effect, max_subs, now_ms)
                case requests.ReadNewest(_, instruments):
                    await self._do(connection.newest_read(effect, await _read_newest(instruments)))
                case requests.Close(code, reason):
                    await self.end(code, reason)

    async def follow_what_is_stored(self) -> None:
        """Follow exactly the customer's stored symbols, of a language that keeps them."""
        connection, stored = self.connection, await self._stored_symbols.read()
        if stored is None:
            return
        if gone := [str(one) for one in connection.following if str(one) not in stored]:
            leaving = requests.Unsubscribe(tuple(gone), ref=requests.STORED)
            await self._attempt(connection.asked(leaving, clock.now_ms()))
        followed = {str(one) for one in connection.following}
        if new := [symbol for symbol in stored if symbol not in followed]:
            await self._attempt(connection.asked(connection.dialect.restored(new), clock.now_ms()))

    @property
    def _stored_symbols(self) -> StoredSymbols:
        return StoredSymbols(self.socket.customer, self.socket.group, self.connection)

    async def _say(self, text: str) -> None:
        """Send a text; a peer that is gone or does not read ends the socket and is no outage of anything."""
        if self.member is None:
            return  # nothing may follow the close frame
        wire = self.member.wire
        if isinstance(wire, TransportWire) and not wire.buffered():
            wire.write(text_frame(text.encode()))  # send() would frame it more slowly; there is nothing to wait for
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.send(text_data=text)
        except TimeoutError:
            await self._push_out("slow_reader")
        except (OSError, RuntimeError) as error:  # uvicorn's words for "disconnected" and "closing"
            log.debug("a peer was gone before its answer: %s", type(error).__name__)
            await self._leave()

    async def _claim(self, claim: requests.Claim, now_ms: int) -> tuple[frozenset[InstrumentId], int]:
        free = [one for one in claim.instruments if not costs_quota(one)]
        step, whole = self.connection.scope.at(now_ms / 1000), self.connection.rules.whole_or_nothing
        costly = paid(claim.instruments)
        granted, used = await self.node.book.claim(self.socket, costly, step.max_subs, now_ms, whole=whole)
        if whole and len(granted) < len(costly):
            free = []
        return frozenset([*free, *(one for one in claim.instruments if str(one) in granted)]), used

    async def _fit(self, fit: requests.Fit, max_subs: int, now_ms: int) -> None:
        outside = self.connection.outside(now_ms)
        if outside:
            await self.node.book.release(self.socket, paid(outside), now_ms)
        symbols, used = await self.node.book.fit(self.socket, max_subs, now_ms)
        dropped = [*(InstrumentId.parse(symbol) for symbol in symbols), *outside]
        await self._do(self.connection.fitted(fit, dropped, used))

    def _follow(self, channels: frozenset[Channel]) -> None:
        if self.member is None:
            return
        hub, new = self.node.hub, channels - self.member.channels
        hub.follow(self.member, channels)
        if any(channel.kind != WINDOW for channel in new):
            hub.show_to(self.member, new)
        if any(channel.kind in INTERVAL_MINUTES for channel in new):
            self.node.backfill.wake()

    async def _judge(self, judge: requests.Judge) -> list[requests.Verdict]:
        since, replays = judge.since, self.node.replays
        verdicts = []
        for lane in judge.lanes:
            seq, epoch = since.seqs.get(lane, since.seq), since.epochs.get(lane)
            if seq is None and since.at_ms is None:
                continue  # a cursor was named for other lanes only
            try:
                verdicts.append(await replays.judge(lane, seq, since.at_ms, epoch))
            except (RedisError, OSError):
                metrics.store_errors.inc()
                verdicts.append(requests.Verdict(lane, False, epoch or "", seq or 0, None, "store_unavailable"))
        return verdicts


@lru_cache(maxsize=50_000)
def listed(instrument: InstrumentId) -> bool:
    return str(instrument) in directory()


def paid(instruments: tuple[InstrumentId, ...]) -> list[InstrumentId]:
    return [one for one in instruments if costs_quota(one)]


async def _read_newest(instruments: tuple[InstrumentId, ...]) -> list[tuple[InstrumentId, Any]]:
    client = redis_async()
    raw: dict[InstrumentId, bytes | None] = {}
    for lane in {one.lane for one in instruments}:
        of_lane = [one for one in instruments if one.lane == lane]
        values = await client.hmget(keyspace.newest(lane), [str(one) for one in of_lane])
        raw.update(zip(of_lane, values, strict=True))
    return [(one, unpack_newest(packed)) for one in instruments if (packed := raw[one]) is not None]
