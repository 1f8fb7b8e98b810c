"""The server around the hub: its listening socket, a deadline for every handshake, and leaving with a hint.

uvicorn waits for a request for ever, and on SIGTERM closes every socket in one moment without a word (measured).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streaming.server.machine import plain_key
from streaming.server.websocket import MAX_MESSAGE_BYTES, WireProtocol

HANDSHAKE_SECONDS = 10.0
_TICK_SECONDS = 1.0  # of the server's own: the date in its HTTP answers
_HEAD_BYTES = 131_072  # of one request, up to the end of its headers
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_USER_TIMEOUT_MS = 10_000
_TCP_NOTSENT_LOWAT = 25  # Linux; Python's socket module has no name for it
_LOWAT_BYTES = 65_536  # unsent in the kernel; past it our own buffers fill, and tell who is slow
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 3), (socket.TCP_KEEPCNT, 3))


def listening_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return the bound socket a server should listen on: peers that stop acknowledging are dropped after 10 s.

    Accepted connections inherit the options; without them a client that stops reading is never dropped (measured: 111 s
    and still open), nor one whose machine is gone.

    Args:
        shared: other processes of ours listen on the same port, and the kernel spreads connections over them.

    Raises:
        OSError: the address is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
    listening.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _LOWAT_BYTES)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in _KEEPALIVE:
        listening.setsockopt(socket.IPPROTO_TCP, option, seconds)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(4096)
    listening.setblocking(False)
    return listening


class DeadlineHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol, for peers that never finish a request, or whose headers never end."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0  # of a request whose headers have not ended; -1 behind them

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        in_head = self._head_bytes >= 0
        super().data_received(data)
        if in_head and self._head_bytes >= 0:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._expect()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._met()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._head_bytes = -1
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._met()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._met()
        key = plain_key(self.scope["method"], self.scope["http_version"], self.url, self.headers)
        made: Any = self.ws_protocol_class
        if key is None or self.config.ws_per_message_deflate or not issubclass(made, WireProtocol):
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        protocol = made(self.config, self.server_state, self.app_state)
        protocol.upgraded(self, key)
        self.transport.set_protocol(protocol)
        self.parser = None  # type: ignore[assignment]  # the two hold each other, and would wait for the collector

    def _expect(self) -> None:
        """From now on there are 10 s for a whole request, its body included; between two uvicorn's own limit holds."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(HANDSHAKE_SECONDS, self.transport.abort)

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class DrainingServer(uvicorn.Server):
    """Sends its clients away over a short time, each with a hint where to, before it closes what is left.

    Args:
        drain: sends them away; awaited once, when the server is told to stop, before any socket is closed.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain
        self._wake: Callable[[], object] = lambda: None

    async def main_loop(self) -> None:
        """Wait for a signal. uvicorn looks ten times a second; nothing that we use happens more often than one."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(told.set)
        while not await self.on_tick(0):
            timer = loop.call_later(_TICK_SECONDS, told.set)
            await told.wait()
            timer.cancel()
            told.clear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._wake()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if not self.force_exit:
            await self._drain()
        await super().shutdown(sockets)


def server_config(*, graceful_seconds: int) -> uvicorn.Config:
    """Return the limits that Tickpack needs (docs/adr/0006)."""
    return uvicorn.Config(
        "config.asgi:application",
        http=DeadlineHttp,
        ws=WireProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_max_queue=8,
        ws_per_message_deflate=settings.STREAM_DEFLATE,
        ws_ping_interval=None,  # the hub asks for signs of life (streaming.hub.keepalive), without a timer a socket
        access_log=False,  # it prints query strings, and peers' dialects carry tokens there
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=graceful_seconds,
        server_header=False,
        # Named even where nobody is trusted: uvicorn would believe whoever connects from 127.0.0.1.
        proxy_headers=bool(settings.TRUSTED_PROXIES),
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
    )
