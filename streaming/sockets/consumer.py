"""The socket's entrance: finds the token, refuses with HTTP 401 before the upgrade, then carries text.

What is decided about one connection is decided in streaming.wire.connection and done in streaming.sockets.effects. This
class catches whatever a message can raise and always cleans up; Channels by itself does neither (docs/adr/0006).
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.exceptions import StopConsumer
from django.conf import settings
from redis.exceptions import RedisError

from kernel import clock
from kernel.errors import PlatformError
from kernel.scope import Scope
from kernel.tokens import LEEWAY_S, BadToken, Claims, TokenMissing
from streaming import metrics
from streaming.errors import BinaryNotSupported, NotAuthenticated, StoreUnavailable, TooManyConnections
from streaming.hub.subscribers import Subscriber
from streaming.runtime.process import Node, the_node
from streaming.server.wires import EXTENSION, AsgiWire
from streaming.sockets.effects import Doer, listed, paid
from streaming.sockets.handshake import Draining, find_token, refuse
from streaming.store import entitlements, keys
from streaming.store.quota import PROCESS, Socket
from streaming.wire import requests
from streaming.wire.connection import CLOSE_SLOW, CLOSE_TOKEN, Connection
from streaming.wire.dialect import Dialect

log = logging.getLogger(__name__)
_TOKEN_SECONDS = 10.0  # for who connected without a token
_MOST_TRIES = 10  # messages before it
_MOST_WAITING = 1000  # such clients of one process: they are nobody's, so no customer's limit holds them back
_FULL_SECONDS = 10


class StreamConsumer(Doer):
    """One client socket.

    Args:
        dialect: its wire language.
        via: which of the dialect's variants, by the path.
    """

    channel_layer_alias = None  # control messages reach the process once, not every socket
    dialect: Dialect
    via = ""

    def __init__(self, dialect: Dialect, via: str = "") -> None:
        super().__init__()
        self.dialect, self.via = dialect, via

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.member: Subscriber | None = None
        self.claims: Claims | None = None
        self._in_the_books = False
        self._stored: entitlements.Stored = (None, None)  # entitlement and policy as they were last seen
        self.due_s = float("inf")
        self._lock = asyncio.Lock()  # a message and a re-check must not interleave in one connection
        self._recheck_waits = False
        self._left = False
        self._deadline: asyncio.TimerHandle | None = None  # of a client that has not sent its token yet
        self._tries = 0
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
        self.node = the_node()
        await self.node.admission.acquire()
        try:
            token, subprotocol = find_token(self.scope, self.dialect.door)
        except TokenMissing as error:
            if not self.dialect.door.by_message:
                await self._refuse(error)
                return
            if self.node.waiting >= _MOST_WAITING:
                await self._refuse(TooManyConnections("too many clients have not sent their token yet"))
                return
            self.node.waiting += 1
            in_time = asyncio.get_running_loop().call_later
            self._deadline = in_time(_TOKEN_SECONDS, lambda: self.node.run(self._no_token_came()))
            await self._accept()
        except PlatformError as error:
            await self._refuse(error)
        else:
            await self._enter(token, subprotocol)

    async def _accept(self, subprotocol: str | None = None) -> None:
        await self.accept(subprotocol=subprotocol)
        if greeting := self.dialect.greeting():
            await self.send(text_data=greeting)

    async def _enter(self, token: str, subprotocol: str | None = None, *, accepted: bool = False) -> None:
        """Let a client in whose token has come, before the upgrade or as its first message."""
        node = self.node
        heard = node.heard
        try:
            self.claims = await keys.verify_async(token)
            if node.draining:
                raise Draining
            scope, used, over = await self._admitted(node, self.claims)
        except PlatformError as error:
            await self._refuse(error, accepted=accepted)
            return
        except (RedisError, OSError):
            metrics.store_errors.inc()
            await self._refuse(StoreUnavailable(), accepted=accepted)
            return
        now_ms = clock.now_ms()
        step = scope.at(now_ms / 1000)
        self.connection = Connection(dialect=self.dialect, scope=scope, carried=listed, via=self.via)
        if not accepted:
            await self._accept(subprotocol)
        metrics.opened.labels(self.dialect.name).inc()
        metrics.connections.labels(self.dialect.name).inc()
        wire = self.scope.get("extensions", {}).get(EXTENSION) or AsgiWire(self.base_send, lambda: None)
        self.member = Subscriber(wire, self._pushed_out, step.markets, self.dialect)
        node.enter(scope.customer, scope.group, self)
        lanes = node.hub.latest
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
        if self.dialect.rules.stores_symbols:
            async with self._alone():
                await self.follow_what_is_stored()
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
        self.socket, self._in_the_books = Socket(claims.scope.customer, claims.scope.group, self.field), True
        max_conns = max(1, claims.scope.at(now_ms / 1000).max_conns)
        stored, revoked, used, over = await node.book.admit(self.socket, claims, max_conns, now_ms)
        newest, policy = entitlements.read_scope(stored[0]), entitlements.read_policy(stored[1])
        scope = entitlements.judge(claims, newest, revoked, now_ms / 1000, policy)
        conns = max(1, scope.at(now_ms / 1000).max_conns)
        if conns != max_conns:
            used, over = await node.book.enter(self.socket, conns, now_ms)
        if over and self.dialect.rules.newest_connection_loses:
            raise TooManyConnections(f"your plan has {conns} connections at once", retry_after_s=_FULL_SECONDS)
        return scope, used, over

    async def _refuse(self, error: PlatformError, *, accepted: bool = False) -> None:
        by_message = isinstance(error, BadToken) and self.dialect.door.refused_by_message
        if not accepted and not by_message:
            if await refuse(self.scope, self.base_send, error, self.dialect.refusal(error)):
                raise StopConsumer
            return
        if not accepted:
            await self._accept()
        metrics.refused.labels(error.code).inc()
        text = self.dialect.refused(error) if isinstance(error, BadToken) else self.dialect.error(error)
        if text:
            await self.send(text_data=text)
        await self.close(code=CLOSE_TOKEN if isinstance(error, BadToken) else 1013, reason=error.code)

    # -- messages ----------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.node.admission.acquire()
        if self.member is None:
            if self._deadline is not None:
                await self._first_words(text_data)
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

    async def _first_words(self, text: str | None) -> None:
        """Hear a client that connected bare; its token opens the door, anything else has to wait."""
        self._tries += 1
        if self._tries > _MOST_TRIES:
            await self._no_token_came()
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
            await self.send(text_data=answer)

    async def _no_token_came(self) -> None:
        self._forget_deadline()
        await self._refuse(TokenMissing(), accepted=True)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self.node.waiting -= 1

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

    # -- what others want of this socket -------------------------------------------------------------------------

    def knows(self, stored: entitlements.Stored) -> bool:
        """Tell whether what is stored is nothing new; the same bytes are not read twice."""
        if stored == self._stored:
            return True
        self._stored = stored
        present, scope = self.connection.scope, entitlements.read_scope(stored[0])
        if entitlements.read_policy(stored[1]) != present.policy:
            return False
        return scope is None or scope.rev <= present.rev

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
                self.connection.used = await self.node.book.remind(self.socket, paid(following), clock.now_ms())
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

    async def restock(self) -> None:
        """Follow what the customer has stored over REST, of a language that stores symbols."""
        if self.dialect.rules.stores_symbols and self.member is not None:
            async with self._alone():
                await self.follow_what_is_stored()

    def _note_due(self, now_ms: int) -> None:
        self.due_s = self.connection.next_due_s(now_ms / 1000)
        if self.claims is not None and (over_s := self.claims.expires_at_s + LEEWAY_S) > now_ms / 1000:
            self.due_s = min(self.due_s, over_s)
        self.node.due(self.due_s)

    async def end(self, code: int, reason: str) -> None:
        """Close from our side. The hub is left first: no frame may follow the close frame."""
        if self.member is None:
            return
        metrics.ended.labels(str(code)).inc()
        if code != CLOSE_SLOW and (farewell := self.dialect.farewell(code, reason)):
            await self._say(farewell)
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
        self._forget_deadline()
        member, self.member = self.member, None
        if member is not None:
            metrics.connections.labels(self.dialect.name).dec()
            self.node.hub.leave(member)
            self.node.leave(self.socket.customer, self.socket.group, self)
            if isinstance(member.wire, AsgiWire):
                member.wire.detach()
        await self._give_back()

    async def _give_back(self) -> None:
        if self._in_the_books:
            await self.node.give_back(self.socket)
