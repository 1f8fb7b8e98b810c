"""One client socket: lets a client in by its token, or refuses it before the upgrade, then carries text.

What is decided about one connection is decided in streaming.wire.connection and done in streaming.sockets.effects. This
class catches whatever a message can raise and always cleans up; Channels by itself does neither (docs/adr/0006).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from redis.exceptions import RedisError

from kernel import clock
from kernel.access import effective_scope, is_current, is_revoked
from kernel.errors import PlatformError
from kernel.scope import Scope
from kernel.tokens import LEEWAY_S, BadToken, Claims, TokenMissing
from streaming import metrics
from streaming.errors import BinaryNotSupported, NotAuthenticated, StoreUnavailable, TooManyConnections
from streaming.hub.subscribers import Subscriber
from streaming.runtime.doorstep import Place
from streaming.runtime.process import current_process
from streaming.server.wires import EXTENSION, AsgiWire
from streaming.sockets.announced import HearsAnnouncements
from streaming.sockets.describing import DescribesItself
from streaming.sockets.effects import EffectRunner, listed
from streaming.sockets.handshake import Draining, admitted, find_token, refuse
from streaming.sockets.late_messages import LateMessages
from streaming.store import access, keys
from streaming.store.quota import ConnectionKey, most_connections
from streaming.wire import requests
from streaming.wire.connection import CLOSE_SLOW, CLOSE_TOKEN, Connection
from streaming.wire.dialect import Dialect

log = logging.getLogger(__name__)
_TOKEN_SECONDS, _MOST_TRIES = 10.0, 10  # for who connected without a token; messages before it
_FULL_SECONDS, _ENTER_SECONDS = 10, 8.0


class StreamConsumer(HearsAnnouncements, DescribesItself, AsyncWebsocketConsumer):
    """One client socket.

    Args:
        dialect: its wire language.
        via: which of the dialect's variants, by the path.
    """

    channel_layer_alias = None  # control messages reach the process once, not every socket

    def __init__(self, dialect: Dialect, via: str = "") -> None:
        super().__init__()
        self.dialect, self.via = dialect, via
        self.effects: EffectRunner | None = None  # of a client that was let in
        self.claims: Claims | None = None
        self.due_s = float("inf")
        self._place: ConnectionKey | None = None  # in the quota registry
        self._record = access.Record()  # what is stored about us, as it was last seen
        self._lock = asyncio.Lock()  # a message and a refresh must not interleave in one connection
        self._refresh_waits = False
        self._left = False
        self._deadline: asyncio.TimerHandle | None = None  # of a client that has not sent its token yet
        self._doorstep: Place | None = None  # of such a client, among the others
        self._tries = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            # Channels' own loop makes two tasks a message and keeps one a socket, to hear a channel layer as well.
            self.scope, self.base_send = scope, send
            with suppress(StopConsumer):
                while True:
                    await self.dispatch(await receive())
        finally:
            # Whatever ended us, cancellation and server shutdown included.
            await asyncio.shield(self.leave())

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
        self.process = current_process()
        await self.process.admission.acquire()
        try:
            token, subprotocol = find_token(self.scope, self.dialect.auth)
        except TokenMissing as error:
            if not self.dialect.auth.by_message:
                await self._refuse(error)
                return
            await self._wait_for_token()
        except PlatformError as error:
            await self._refuse(error)
        else:
            await self._enter(token, subprotocol)

    async def _wait_for_token(self) -> None:
        """Accept a client whose token comes as its first message, for a while (streaming.runtime.doorstep)."""
        address, _ = self.scope.get("client") or ("", 0)
        try:
            self._doorstep = self.process.doorstep.enter(address, self._turn_away)
        except TooManyConnections as error:
            await self._refuse(error)
            return
        self._deadline = asyncio.get_running_loop().call_later(_TOKEN_SECONDS, self._turn_away)
        await self._accept()

    async def _accept(self, subprotocol: str | None = None) -> None:
        await self.accept(subprotocol=subprotocol)
        if greeting := self.dialect.greeting():
            await self.send_text(greeting)

    async def _enter(self, token: str, subprotocol: str | None = None, *, accepted: bool = False) -> None:
        """Let a client in whose token has come, before the upgrade or as its first message."""
        process, heard = self.process, self.process.control.heard
        try:
            async with asyncio.timeout(_ENTER_SECONDS):  # whatever hangs behind it, a handshake gets its answer
                self.claims = admitted(self.scope, await keys.verify_async(token), self.dialect.auth)
                if process.drain.ordered:
                    raise Draining
                place, scope, used, over = await self._admit(self.claims)
        except PlatformError as error:
            await self._refuse(error, accepted=accepted)
            return
        except (RedisError, OSError):
            metrics.store_errors.inc()
            await self._refuse(StoreUnavailable(), accepted=accepted)
            return
        if not accepted:
            await self._accept(subprotocol)
        await self._open(place, scope, used)
        if self.effects is None or self.effects.subscriber is None:
            return  # the peer was gone before its welcome
        process.hub.join(self.effects.subscriber)
        if self.dialect.rules.stores_symbols:
            async with self._exclusive():
                await self.effects.sync_stored()
        self._schedule_refresh(clock.now_ms())
        await process.control.replace(scope.customer, scope.group, over)
        if process.control.heard != heard:
            await self.refresh_entitlement()  # something was told while nobody could tell us

    async def _open(self, place: ConnectionKey, scope: Scope, used: int) -> None:
        """Begin the connection of a client that was let in, and greet it."""
        now_ms = clock.now_ms()
        connection = Connection(dialect=self.dialect, scope=scope, carried=listed, via=self.via)
        metrics.opened.labels(self.dialect.name).inc()
        metrics.connections.labels(self.dialect.name).inc()
        wire = self.scope.get("extensions", {}).get(EXTENSION) or AsgiWire(self.base_send, lambda: None)
        counted = "" if place.viewer else scope.customer  # what a page is shown was delivered to no program
        subscriber = Subscriber(wire, self._gave_up, scope.at(now_ms / 1000).markets, self.dialect, counted)
        self.effects = EffectRunner(self.process, connection, place, subscriber, self)
        self._late = LateMessages(self.process.errands.run, self._handle)
        self.process.sockets.enter(scope.customer, scope.group, self)
        latest = self.process.hub.latest
        await self.effects.run(
            connection.opened(
                node=settings.NODE_ID, now_ms=now_ms, used=used,
                epochs={name: market.epoch for name, market in latest.items() if market.epoch},
                markets={name: market.told() for name, market in latest.items()},
            )
        )  # fmt: skip

    async def _admit(self, claims: Claims) -> tuple[ConnectionKey, Scope, int, list[str]]:
        """Register the socket; return its place, the scope in force, the symbols in use and the sockets that must go.

        Raises:
            BadToken, TooManyConnections, TooManyViewers: nobody is let in.
            redis.RedisError: the store is away.
        """
        now_ms, quota = clock.now_ms(), self.process.quota
        place = self._place = ConnectionKey.of(claims)
        self.jti, self.field = claims.jti, place.field
        max_conns = most_connections(claims, claims.scope, now_ms)
        record, used, over = await quota.register_and_lookup(place, claims, max_conns, now_ms)
        scope = effective_scope(claims, record.read(), now_ms / 1000)
        conns = most_connections(claims, scope, now_ms)
        if conns != max_conns:
            used, over = await quota.register(place, conns, now_ms)
        if over and self.dialect.rules.newest_connection_loses:
            raise TooManyConnections(f"your plan has {conns} connections at once", retry_after_s=_FULL_SECONDS)
        return place, scope, used, over

    async def _refuse(self, error: PlatformError, *, accepted: bool = False) -> None:
        by_message = isinstance(error, BadToken) and self.dialect.auth.refused_by_message
        if not accepted and not by_message:
            if await refuse(self.scope, self.base_send, error, self.dialect.refusal(error)):
                raise StopConsumer
            return
        if not accepted:
            await self._accept()
        metrics.refused.labels(error.code).inc()
        text = self.dialect.refused(error) if isinstance(error, BadToken) else self.dialect.error(error)
        if text:
            await self.send_text(text)
        await self.close(code=CLOSE_TOKEN if isinstance(error, BadToken) else 1013, reason=error.code)

    # -- messages ----------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.process.admission.acquire()
        effects = self.effects
        if effects is None:
            if self._deadline is not None:
                await self._authenticate_by_message(text_data)
            return
        if effects.subscriber is None:
            return
        metrics.messages.inc()
        message = text_data if text_data is not None else bytes_data or b""
        wait_ms = effects.connection.wait_ms(clock.now_ms())
        if wait_ms == 0 and not self._late:
            await self._handle(message)
        elif wait_ms is None or not self._late.add(message, wait_ms):
            await effects.attempt([effects.connection.flooded()])

    async def _handle(self, message: str | bytes) -> None:
        """Do what a client asks, when its turn has come."""
        effects = self.effects
        if effects is None or effects.subscriber is None:
            return
        try:
            async with self._exclusive():
                if isinstance(message, bytes):
                    await effects.attempt(effects.connection.received_binary())
                else:
                    await effects.attempt(effects.connection.received(message, clock.now_ms()))
        except Exception:
            # A bug of ours. Channels would leave the peer without a close frame and skip every clean-up.
            log.exception("a message could not be handled")
            await self.end(1011, "internal error")

    async def _authenticate_by_message(self, text: str | None) -> None:
        """Hear a client that connected bare; its token opens the door, anything else has to wait."""
        self._tries += 1
        if self._doorstep is not None:
            self._doorstep.heard()
        if self._tries > _MOST_TRIES:
            await self._auth_timed_out()
            return
        try:
            if text is None:
                raise BinaryNotSupported
            match self.dialect.parse(text, self.via):
                case requests.Auth(token):
                    self._forget_deadline()
                    await self._enter(token, accepted=True)
                    return
                case requests.Ping() as ping:
                    answer = self.dialect.pong(request=ping, now_ms=clock.now_ms())
                case request:
                    answer = self.dialect.error(NotAuthenticated(), request.ref)
        except PlatformError as error:
            answer = self.dialect.error(error, error.fields.get("ref"))
        if answer:
            await self.send_text(answer)

    def _turn_away(self) -> None:
        self.process.errands.run(self._auth_timed_out())

    async def _auth_timed_out(self) -> None:
        self._forget_deadline()
        await self._refuse(TokenMissing(), accepted=True)

    def _forget_deadline(self) -> None:
        if self._deadline is not None and self._doorstep is not None:
            self._deadline.cancel()
            self._doorstep.leave()
            self._deadline = None

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """Let one message or refresh at a time touch the connection.

        A claim under way when the socket leaves may reach the store after the leaving: whoever ends it clears up again.
        """
        async with self._lock:
            try:
                yield
            finally:
                if self._left:
                    await self._give_back()

    # -- what others want of this socket: streaming.runtime.open_sockets ---------------------------------------------

    def is_current(self, record: access.Record) -> bool:
        """Tell whether what is stored is nothing new; the same bytes are not read twice."""
        if self.effects is None or (record.revoked_from is None and record == self._record):
            return True
        self._record, stored = record, record.read()
        if is_revoked(stored.revoked_from_s, clock.now_ms() / 1000):
            return False
        return is_current(self.effects.connection.scope, stored)

    async def refresh_entitlement(self) -> None:
        """Take the newest entitlement; called on a control message, when a step is due, and every few seconds."""
        if self._refresh_waits:
            return  # one that has not begun yet will see everything that is new
        self._refresh_waits = True
        async with self._exclusive():
            self._refresh_waits = False
            effects = self.effects
            if effects is None or effects.subscriber is None or self.claims is None or self._place is None:
                return
            connection = effects.connection
            scope = connection.scope  # time goes on even when the store does not
            try:
                scope = await access.effective(self.claims, known=scope)
                await effects.reconcile(scope)
            except BadToken as error:
                await self.end(CLOSE_TOKEN, error.code)
                return
            except (RedisError, OSError):
                metrics.store_errors.inc()
            now_ms = clock.now_ms()
            await effects.attempt(connection.entitled(scope, now_ms))
            await effects.review()
            self._schedule_refresh(now_ms)
            if effects.subscriber is not None:
                effects.subscriber.markets = connection.scope.at(now_ms / 1000).markets

    async def sync_stored(self) -> None:
        """Follow what the customer has stored over REST, of a language that stores symbols."""
        if self.dialect.rules.stores_symbols and self.effects is not None and self.effects.subscriber is not None:
            async with self._exclusive():
                await self.effects.sync_stored()

    def _schedule_refresh(self, now_ms: int) -> None:
        if self.effects is None:
            return
        self.due_s = self.effects.connection.next_due_s(now_ms / 1000)
        if self.claims is not None and (over_s := self.claims.expires_at_s + LEEWAY_S) > now_ms / 1000:
            self.due_s = min(self.due_s, over_s)
        self.process.refreshing.due(self.due_s)

    # -- leaving -------------------------------------------------------------------------------------------------

    async def end(self, code: int, reason: str) -> None:
        """Close from our side. The hub is left first: no frame may follow the close frame."""
        effects = self.effects
        if effects is None or effects.subscriber is None:
            return
        metrics.ended.labels(str(code)).inc()
        if code != CLOSE_SLOW and (farewell := self.dialect.farewell(code, reason)):
            await effects.say(farewell)
        await self.leave()
        try:
            await asyncio.wait_for(self.close(code=code, reason=reason[:120]), timeout=5)
        except Exception:
            log.debug("a socket was gone before it could be closed")

    def _gave_up(self, reason: str) -> None:
        """The hub gives a slow or silent peer up."""
        self.process.errands.run(self.push_out(reason))

    async def push_out(self, reason: str) -> None:
        """Close 4408 as a best effort, then drop the connection."""
        subscriber = self.effects.subscriber if self.effects is not None else None
        await self.end(CLOSE_SLOW, reason)
        if subscriber is not None:
            subscriber.wire.abort()

    async def send_text(self, text: str) -> None:
        """Send one message by ASGI's send(), which waits for a peer that does not read."""
        await self.send(text_data=text)

    async def leave(self) -> None:
        """Forget the socket wherever it is known. Nothing happens the second time."""
        if self._left:
            return
        self._left = True
        self._forget_deadline()
        if (effects := self.effects) is not None and (subscriber := effects.subscriber) is not None:
            effects.subscriber = None
            self._late.forget()
            metrics.connections.labels(self.dialect.name).dec()
            self.process.hub.leave(subscriber)
            scope = effects.connection.scope
            self.process.sockets.leave(scope.customer, scope.group, self)
            if isinstance(subscriber.wire, AsgiWire):
                subscriber.wire.detach()
        await self._give_back()

    async def _give_back(self) -> None:
        if self._place is not None:
            await self.process.returns.give_back(self._place)
