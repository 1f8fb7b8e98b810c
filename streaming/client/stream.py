"""A stream of bars that comes back by itself, where it left off.

    async with Stream(["wss://a/ws/stock", "wss://b/ws/stock"], token, symbols=["600519.SH"]) as stream:
        async for bar in stream:
            print(bar.symbol, bar.close)

It starts with the address that answers first, goes on at another one when its node goes, asks for what it missed, and
hands every bar out once and in order; where bars are lost it says so by an event (`on_event`, or `everything()`).
"""

import asyncio
import contextlib
import json
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from streaming.client.events import BASE_INTERVAL, Bar, Connected, Disconnected, Event, Skipped
from streaming.client.healthz import fastest_first
from streaming.client.lanes import Lanes, Message, Request, Send, SendLater
from streaming.client.routes import FIRST_WAIT_S, LONGEST_WAIT_S, Routes, read_hint, read_retry_after
from streaming.client.silence import Silence

SILENT_S = 40.0  # a heartbeat comes every 15 s; while bars are due it is 10 (streaming.client.silence)
_BLOCKED_S = 1.0  # later than a timer ever is by itself
OPEN_S = 8.0
CLOSE_S = 2.0
ASK_AGAIN_S = 2.0  # after `unavailable`


class Ended(Exception):
    """The stream is over for this token; the text says why in one sentence."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class TokenEnded(Ended):
    """HTTP 401 or close 4401: the token is bad, expired or revoked, or the subscription has ended."""


class Forbidden(Ended):
    """HTTP 403 or close 4403."""


class Replaced(Ended):
    """Close 4409: a newer connection of the same customer has taken this one's place."""


class EndedByOwner(Ended):
    """Close 4410: the customer has ended this connection, on the panel or by `DELETE /v1/sockets/{id}`."""


class NoStreamThere(Ended):
    """HTTP 404: the address is not one of a stream."""


# After these the same token will not do better.
FINAL_CLOSES: dict[int, tuple[type[Ended], str]] = {
    4401: (TokenEnded, "the token was revoked or the subscription has ended"),
    4403: (Forbidden, "the node forbids this connection"),
    4409: (Replaced, "a newer connection has replaced this one"),
    4410: (EndedByOwner, "its owner has ended this connection"),
}
PASSING_REFUSALS = ("token_not_yet_valid",)  # the node's clock is behind: waiting mends it
FINAL_STATUSES: dict[int, type[Ended]] = {401: TokenEnded, 403: Forbidden, 404: NoStreamThere}


class Stream:
    """Bars of the followed symbols, for ever.

    Args:
        urls: one or more addresses of one node group, ws:// or wss://.
        intervals: for example ["1.5s", "1m"]; empty: 1.5 s bars.
        fill: also bars of windows without a trade.
        since: where to begin: a seq, an ISO timestamp, or one seq a lane; None for live.
        on_event: called with every event when `async for` comes to it, between the bars where it happened.
        queue: how many bars may wait for you. Beyond that the connection is not read; a node that finds its client slow
            sends the newest bar of each symbol, and `Skipped` says how many it left out.
        resume_within_s: after a longer absence begin live and say Gap("away_too_long"); None: always ask.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        token: str,
        *,
        symbols: Iterable[str] = (),
        intervals: Sequence[str] = (),
        fill: bool = True,
        since: int | str | Mapping[str, int | str] | None = None,
        on_event: Callable[[Event], object] | None = None,
        queue: int = 10_000,
        resume_within_s: float | None = None,
        silent_s: float = SILENT_S,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        addresses = [urls] if isinstance(urls, str) else list(urls)
        for url in addresses:
            if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
                raise ValueError(f"{url!r} is not a WebSocket address; it begins with ws:// or wss://")
        self.skipped = 0
        self._token, self._on_event = token, on_event
        self._lanes = Lanes(symbols, intervals=intervals, fill=fill, since=since)
        self._routes = Routes(addresses, chance, first_wait_s, longest_wait_s)
        self._silent_s, self._resume_within_s = silent_s, resume_within_s
        self._bars_due = fill and (not intervals or BASE_INTERVAL in intervals)
        self._queue: asyncio.Queue[Bar | Event | None] = asyncio.Queue(queue)
        self._ended: BaseException | None = None
        self._socket: ClientConnection | None = None
        self._outgoing: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lost_at: float | None = None

    # -- what a program calls ------------------------------------------------------------------------------------

    @property
    def symbols(self) -> list[str]:
        """What is followed, in the node's spelling once it has answered."""
        return list(self._lanes.wanted)

    @property
    def url(self) -> str:
        """The address in use, or tried next."""
        return self._routes.url

    async def follow(self, symbols: Iterable[str]) -> None:
        """Follow more symbols, now and after every reconnect; without a node, with the next connection."""
        await self._send(self._lanes.follow(symbols))

    async def unfollow(self, symbols: Iterable[str]) -> None:
        """Follow some symbols no more; nothing happens for those that are not followed."""
        await self._send(self._lanes.unfollow(symbols))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def __aiter__(self) -> AsyncIterator[Bar]:
        """Hand out bars; events go to `on_event` on the way.

        Raises:
            Ended: this token gets no more; a subclass names the kind.
        """
        async for thing in self.everything():
            if isinstance(thing, Bar):
                yield thing
            elif self._on_event is not None:
                self._on_event(thing)

    async def everything(self) -> AsyncIterator[Bar | Event]:
        """Hand out bars and events in the order in which they happened.

        Raises:
            Ended: as `async for` over the stream itself.
        """
        while (thing := await self._queue.get()) is not None:
            yield thing
        self._queue.put_nowait(None)  # whoever asks again hears the same
        if self._ended is not None:
            raise self._ended

    # -- the connection ------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            if len(self._routes.urls) > 1:
                self._routes.prefer(await fastest_first(self._routes.urls))
            while True:
                await asyncio.sleep(await self._connection())
        except Exception as error:  # `everything` raises it where the program can see it
            self._ended = error
        await self._queue.put(None)

    async def _connection(self) -> float:
        """Live through one connection, or the attempt; return how long to wait before the next.

        Raises:
            Ended: no next one.
        """
        url = self._routes.url
        retry_after_s, hint = 0.0, None
        try:
            async with connect(
                url,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                max_size=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                compression=None,
            ) as socket:
                try:
                    await self._live(socket, url)
                finally:
                    self._socket = None
        except InvalidStatus as error:
            status, why = error.response.status_code, why_refused(error)
            if status in FINAL_STATUSES and refusal_code(error) not in PASSING_REFUSALS:
                return await self._refused(url, FINAL_STATUSES[status](why, status))
            retry_after_s = read_retry_after(error.response.headers.get("Retry-After"))
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            if code in FINAL_CLOSES:
                kind, sentence = FINAL_CLOSES[code]
                raise kind(f"{sentence} ({code})", code) from None
            retry_after_s, hint = read_hint(reason)
            why = f"the connection was closed ({code})"
        except TimeoutError as error:
            why = str(error) or f"no answer in {OPEN_S:.0f} s"
        except (OSError, EOFError, InvalidHandshake, ValueError) as error:
            why = str(error) or type(error).__name__
        wait_s = self._routes.failed(time.monotonic(), retry_after_s=retry_after_s, hint=hint)
        await self._queue.put(Disconnected(url, why, wait_s, self._routes.url))
        return wait_s

    async def _refused(self, url: str, end: Ended) -> float:
        wait_s = self._routes.refused(str(end), time.monotonic())
        if wait_s is None:
            raise end
        await self._queue.put(Disconnected(url, str(end), wait_s, self._routes.url))
        return wait_s

    async def _live(self, socket: ClientConnection, url: str) -> None:
        """Subscribe, and read until the connection ends, which raises."""
        away_s = time.time() - self._lost_at if self._lost_at is not None else 0.0
        too_long = self._resume_within_s is not None and away_s > self._resume_within_s
        messages, gaps = self._lanes.subscribe(away_too_long=too_long)
        self._socket = socket
        self._outgoing.clear()
        await self._send(messages)
        for gap in gaps:
            await self._queue.put(gap)
        later: deque[tuple[float, Request]] = deque()
        heard_at, silence = time.monotonic(), Silence(self._silent_s, bars_due=self._bars_due)
        while True:
            due_at = min(heard_at + silence.limit_s(), later[0][0] if later else float("inf"))
            try:
                async with asyncio.timeout(due_at - time.monotonic()):
                    text = await socket.recv()
            except TimeoutError:
                now = time.monotonic()
                if later and now >= later[0][0]:
                    await self._send([self._lanes.retry(later.popleft()[1])])
                elif now - due_at > _BLOCKED_S:
                    heard_at = now  # the loop was blocked, so what came meanwhile has not been read
                else:
                    raise self._silence(socket, silence.limit_s()) from None
                continue
            message = json.loads(text)
            silence.heard(message, time.monotonic())
            await self._take(message, url, later)
            heard_at = time.monotonic()  # behind a queue that was full: nobody listened meanwhile

    async def _take(self, message: Message, url: str, later: deque[tuple[float, Request]]) -> None:
        self._lost_at = time.time()
        if message.get("type") == "welcome":
            self._routes.welcomed()
            await self._queue.put(Connected(url, message))
        elif message.get("type") == "slow_reader":
            self.skipped += message["skipped"]
            await self._queue.put(Skipped(message["skipped"]))
        for outcome in self._lanes.take(message):
            if isinstance(outcome, Send):
                await self._send([outcome.message])
            elif isinstance(outcome, SendLater):
                later.append((time.monotonic() + ASK_AGAIN_S, outcome.request))
            else:
                await self._queue.put(outcome)

    def _silence(self, socket: ClientConnection, seconds: float) -> TimeoutError:
        # The peer is gone or stuck: a closing handshake would wait for it.
        socket.transport.abort()
        return TimeoutError(f"nothing came for {seconds:.0f} s")

    async def _send(self, messages: Iterable[Message]) -> None:
        """Send on the open connection; without one, the next begins with all that is followed.

        Lanes takes answers for those of its requests in order: they are queued in the step that made them, and whoever
        comes first sends them.
        """
        if self._socket is None:
            return
        self._outgoing.extend(messages)
        with contextlib.suppress(ConnectionClosed):
            while self._outgoing:
                await self._socket.send(json.dumps(self._outgoing.popleft()))


def why_refused(error: InvalidStatus) -> str:
    """Return the server's own words for a refused upgrade."""
    body = _refusal(error)
    said = f": {body['message']} ({body.get('code')})" if "message" in body else ""
    return f"HTTP {error.response.status_code} on connect{said}"


def refusal_code(error: InvalidStatus) -> str:
    """Return the code of a refused upgrade, "" where it has none."""
    return str(_refusal(error).get("code", ""))


def _refusal(error: InvalidStatus) -> dict[str, Any]:
    try:
        body: Any = json.loads(error.response.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
