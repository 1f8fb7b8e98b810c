"""The socket's entrance: finds the token, refuses with HTTP 401 before the upgrade, then carries text and does effects.

What is decided about one connection is decided in streaming.wire.connection. This class catches whatever a message
can raise and always cleans up; Channels by itself does neither (reference: docs/adr/0006).
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from redis.exceptions import RedisError

from kernel import clock, keyspace
from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from kernel.scope import Scope
from kernel.tokens import BadToken, Claims
from streaming import metrics
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.entrance import Draining, find_token, refuse
from streaming.errors import StoreUnavailable, UnknownSymbol
from streaming.fanout.hub import Member
from streaming.fanout.late import PATIENCE_SECONDS
from streaming.fanout.node import Node, the_node
from streaming.fanout.websocket import EXTENSION, AsgiWire, TransportWire, text_frame
from streaming.reference.instruments import directory
from streaming.store import entitlements, keys
from streaming.store.connection import redis_async
from streaming.store.quota import PROCESS, Socket
from streaming.wire import requests
from streaming.wire.channels import Channel
from streaming.wire.connection import CLOSE_SLOW, CLOSE_TOKEN, Connection, costs_quota
from streaming.wire.dialects import native
from streaming.wire.window import unpack_newest

log = logging.getLogger(__name__)


class StreamConsumer(AsyncWebsocketConsumer):
    """One client socket of the native dialect."""

    channel_layer_alias = None  # control messages reach the process once, not every socket

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.member: Member | None = None
        self.claims: Claims | None = None
        self._in_the_books = False
        self._stored: bytes | None = None  # the entitlement as it was last seen
        self.due_s = float("inf")
        self._lock = asyncio.Lock()  # a message and a re-check must not interleave in one connection
        self._recheck_waits = False
        self._left = False
        try:
            # Channels' own loop makes two tasks a message and keeps one a socket, to hear a channel layer as well.
            self.scope, self.base_send = scope, send
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            # Whatever ended us, cancellation and server shutdown included.
            await asyncio.shield(self._leave())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels closes database connections in a thread here, for every event; there is no database on this path."""
        handler = {
            "websocket.connect": self.websocket_connect,
            "websocket.receive": self.websocket_receive,
            "websocket.disconnect": self._disconnected,
        }[message["type"]]
        await handler(message)

    async def _disconnected(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    # -- connect -----------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        node = the_node()
        await node.turns.take()
        heard = node.heard
        try:
            token, subprotocol = find_token(self.scope)
            self.claims = await keys.verify_async(token)
            if node.draining:
                raise Draining
            scope, used, over = await self._admitted(node, self.claims)
        except PlatformError as error:
            await self._refuse(error)
            return
        except (RedisError, OSError):
            metrics.store_errors.inc()
            await self._refuse(StoreUnavailable())
            return
        now_ms = clock.now_ms()
        step = scope.at(now_ms / 1000)
        self.connection = Connection(
            dialect=native, scope=scope, resolve=_canonical, carried=_listed
        )  # fmt: skip
        await self.accept(subprotocol=subprotocol)
        metrics.opened.labels(native.name).inc()
        metrics.connections.labels(native.name).inc()
        wire = self.scope.get("extensions", {}).get(EXTENSION) or AsgiWire(self.base_send, lambda: None)
        self.member = Member(wire, self._pushed_out, step.markets)
        node.enter(scope.customer, scope.group, self)
        lanes = node.hub.lanes
        await self._do(
            self.connection.opened(
                node=settings.NODE_ID, now_ms=now_ms, used=used,
                epochs={name: lane.epoch for name, lane in lanes.items() if lane.epoch},
                markets={name: (lane.state, lane.until_ms) for name, lane in lanes.items()},
            )
        )  # fmt: skip
        if self.member is None:
            return  # the peer was gone before its welcome
        node.hub.join(self.member)
        self._note_due(now_ms)
        await node.replace(scope.customer, scope.group, over)
        if node.heard != heard:
            await self.recheck()  # something was told while nobody could tell us

    async def _admitted(self, node: Node, claims: Claims) -> tuple[Scope, int, list[str]]:
        """Enter the books; return the scope in force, the symbols in use and the sockets that must go.

        Raises:
            BadToken, TooManyConnections: nobody is entered.
            redis.RedisError: the store is away.
        """
        now_ms = clock.now_ms()
        self.jti, self.field = claims.jti, f"{PROCESS}:{secrets.token_hex(6)}"
        self.node = node
        self.socket, self._in_the_books = Socket(claims.scope.customer, claims.scope.group, self.field), True
        max_conns = max(1, claims.scope.at(now_ms / 1000).max_conns)
        stored, revoked, used, over = await node.book.admit(self.socket, claims, max_conns, now_ms)
        scope = entitlements.judge(claims, entitlements.read_scope(stored), revoked, now_ms / 1000)
        newest = max(1, scope.at(now_ms / 1000).max_conns)
        if newest != max_conns:
            used, over = await node.book.enter(self.socket, newest, now_ms)
        return scope, used, over

    async def _refuse(self, error: PlatformError) -> None:
        if await refuse(self.scope, self.base_send, error):
            raise StopConsumer

    # -- messages ----------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.node.turns.take()
        if self.member is None:
            return
        metrics.messages.inc()
        now_ms = clock.now_ms()
        try:
            async with self._alone():
                if text_data is None:
                    await self._attempt(self.connection.received_binary(now_ms))
                else:
                    await self._attempt(self.connection.received(text_data, now_ms))
        except Exception:
            # A bug of ours. Channels would leave the peer without a close frame and skip every clean-up.
            log.exception("a message could not be handled")
            await self.end(1011, "internal error")

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Let one message or re-check at a time touch the connection.

        A claim under way when the socket leaves may reach the books after the leaving: whoever ends it clears up again.
        """
        async with self._lock:
            try:
                yield
            finally:
                if self._left:
                    await self._give_back()

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
                    await self._say(text)
                case requests.Follow(channels):
                    self._follow(channels)
                case requests.Lookup(request, unknown):
                    found = await self.node.carried(unknown)
                    await self._do(connection.looked_up(request, found, now_ms))
                case requests.Claim():
                    granted, used = await self._claim(effect, now_ms)
                    await self._do(connection.claimed(effect, granted, used, now_ms))
                    # A replay begins when somebody listens; told after the follow, or its first bars find nobody.
                    await self.node.want({one.lane for one in effect.instruments})
                case requests.Judge():
                    verdicts = await self._judge(effect)
                    await self._do(connection.judged(effect, verdicts, now_ms))
                case requests.Replay(verdict, channels):
                    if self.member is not None:
                        self.node.replays.begin(self.member, verdict, channels)
                case requests.Release(instruments):
                    used = await book.release(self.socket, _paid(instruments), now_ms)
                    await self._do(connection.released(effect, used, now_ms))
                case requests.Fit(max_subs):
                    await self._fit(effect, max_subs, now_ms)
                case requests.ReadNewest(instruments):
                    await self._do(connection.newest_read(effect, await _read_newest(instruments)))
                case requests.Close(code, reason):
                    await self.end(code, reason)

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
        step = self.connection.scope.at(now_ms / 1000)
        granted, used = await self.node.book.claim(self.socket, _paid(claim.instruments), step.max_subs, now_ms)
        return frozenset([*free, *(one for one in claim.instruments if str(one) in granted)]), used

    async def _fit(self, fit: requests.Fit, max_subs: int, now_ms: int) -> None:
        outside = self.connection.outside_markets(now_ms)
        if outside:
            await self.node.book.release(self.socket, _paid(outside), now_ms)
        symbols, used = await self.node.book.fit(self.socket, max_subs, now_ms)
        dropped = [*(InstrumentId.parse(symbol) for symbol in symbols), *outside]
        await self._do(self.connection.fitted(fit, dropped, used))

    def _follow(self, channels: frozenset[Channel]) -> None:
        if self.member is None:
            return
        hub, new = self.node.hub, channels - self.member.channels
        hub.follow(self.member, channels)
        if any(channel.kind in INTERVAL_MINUTES for channel in new):
            hub.show_to(self.member, new)
            self.node.formers.wake()

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

    # -- what others want of this socket -------------------------------------------------------------------------

    def knows(self, stored: bytes | None) -> bool:
        """Tell whether a stored entitlement is nothing new; the same bytes are not read twice."""
        if stored is None or stored == self._stored:
            return True
        self._stored = stored
        scope = entitlements.read_scope(stored)
        return scope is None or scope.rev <= self.connection.scope.rev

    async def recheck(self) -> None:
        """Take the newest entitlement; called on a control message, when a step is due, and every few seconds."""
        if self._recheck_waits:
            return  # one that has not begun yet will see everything that is new
        self._recheck_waits = True
        async with self._alone():
            self._recheck_waits = False
            if self.member is None or self.claims is None:
                return
            scope = self.connection.scope  # time goes on even when the store does not
            try:
                scope = await entitlements.effective_async(self.claims, known=scope)
                following = tuple(self.connection.following)
                self.connection.used = await self.node.book.remind(self.socket, _paid(following), clock.now_ms())
            except BadToken as error:
                await self.end(CLOSE_TOKEN, error.code)
                return
            except (RedisError, OSError):
                metrics.store_errors.inc()
            now_ms = clock.now_ms()
            await self._attempt(self.connection.entitled(scope, now_ms))
            self._note_due(now_ms)
            if self.member is not None:
                self.member.markets = self.connection.scope.at(now_ms / 1000).markets

    def _note_due(self, now_ms: int) -> None:
        self.due_s = self.connection.next_due_s(now_ms / 1000)
        self.node.due(self.due_s)

    async def end(self, code: int, reason: str) -> None:
        """Close from our side. The hub is left first: no frame may follow the close frame."""
        if self.member is None:
            return
        metrics.ended.labels(str(code)).inc()
        await self._leave()
        try:
            await asyncio.wait_for(self.close(code=code, reason=reason[:120]), timeout=5)
        except Exception:
            log.debug("a socket was gone before it could be closed")

    def _pushed_out(self, reason: str) -> None:
        """The hub gives a slow reader up."""
        self.node.run(self._push_out(reason))

    async def _push_out(self, reason: str) -> None:
        """Close 4408 as a best effort, then drop the connection."""
        wire = self.member.wire if self.member else None
        await self.end(CLOSE_SLOW, reason)
        if wire is not None:
            wire.abort()

    async def _leave(self) -> None:
        if self._left:
            return
        self._left = True
        member, self.member = self.member, None
        if member is not None:
            metrics.connections.labels(native.name).dec()
            self.node.hub.leave(member)
            self.node.leave(self.socket.customer, self.socket.group, self)
            if isinstance(member.wire, AsgiWire):
                member.wire.detach()
        await self._give_back()

    async def _give_back(self) -> None:
        if self._in_the_books:
            await self.node.give_back(self.socket)


def _canonical(text: str) -> InstrumentId:
    """Return what a client means, listed or not; the feed may carry more than the list has.

    Raises:
        BadSymbol: the text has no symbol's form.
    """
    return _remembered(text) if len(text) <= 32 else _resolved(text)


def _resolved(text: str) -> InstrumentId:
    try:
        return directory().resolve(text).id
    except UnknownSymbol as error:
        return InstrumentId.parse(error.fields["symbol"])


_remembered = lru_cache(maxsize=50_000)(_resolved)


@lru_cache(maxsize=50_000)
def _listed(instrument: InstrumentId) -> bool:
    return str(instrument) in directory()


def _paid(instruments: tuple[InstrumentId, ...]) -> list[InstrumentId]:
    return [one for one in instruments if costs_quota(one)]


async def _read_newest(instruments: tuple[InstrumentId, ...]) -> list[tuple[InstrumentId, Any]]:
    client = redis_async()
    raw: dict[InstrumentId, bytes | None] = {}
    for lane in {one.lane for one in instruments}:
        of_lane = [one for one in instruments if one.lane == lane]
        values = await client.hmget(keyspace.newest(lane), [str(one) for one in of_lane])
        raw.update(zip(of_lane, values, strict=True))
    return [(one, unpack_newest(packed)) for one in instruments if (packed := raw[one]) is not None]
