"""Providers that are listened to over a WebSocket: connecting, silence, signs of life."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from streaming.ingest.sources.live.pacing import bucket_of
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting, ProviderSilent

_OPEN_SECONDS, _CLOSE_SECONDS = 10.0, 1.0
_PING_SECONDS = 20.0
_MOST_BYTES = 4_000_000
_CONNECTIONS_A_MINUTE, _CONNECTIONS_AT_ONCE = 20, 6
# The library tells a handshake at DEBUG, and with it the address and the key that some providers want there.
_QUIET = logging.Logger("tickpack.live", logging.CRITICAL + 1)


class Socket:
    """One connection; a text at a time."""

    def __init__(self, connection: ClientConnection, setting: ProviderSetting) -> None:
        self._connection, self._setting = connection, setting

    async def send(self, text: str) -> None:
        """Send a message."""
        await self._connection.send(text)

    async def receive(self) -> str:
        """Return the next message; raises websockets' ConnectionClosed at the end.

        Raises:
            ProviderSilent: none came for as long as a living connection may be silent.
        """
        try:
            async with asyncio.timeout(self._setting.silence_seconds):
                message = await self._connection.recv()
        except TimeoutError:
            raise ProviderSilent from None
        return message if isinstance(message, str) else message.decode("gb18030", errors="replace")


@asynccontextmanager
async def connected(
    setting: ProviderSetting, address: str, headers: Mapping[str, str] | None = None, *, origin: str = ""
) -> AsyncIterator[Socket]:
    """Connect, not more often than a provider suffers, and close at the end.

    Args:
        address: may have a key in it: it stands in no log and no sentence.

    Raises:
        ProviderRefused: it answers something else than an upgrade.
    """
    per_minute = max(_CONNECTIONS_A_MINUTE, 30 / setting.retry_seconds)
    await bucket_of(setting.provider, f"connections {setting.url}", per_minute, _CONNECTIONS_AT_ONCE).take()
    try:
        connection = await connect(
            address, additional_headers=dict(headers or {}), origin=Origin(origin) if origin else None, logger=_QUIET,
            proxy=setting.proxy or True, open_timeout=_OPEN_SECONDS, close_timeout=_CLOSE_SECONDS,
            ping_interval=_PING_SECONDS, ping_timeout=_PING_SECONDS, max_size=_MOST_BYTES,
        )  # fmt: skip
    except InvalidStatus as error:
        raise _not_upgraded(setting, error.response.status_code) from None
    try:
        yield Socket(connection, setting)
    finally:
        await connection.close()


def _not_upgraded(setting: ProviderSetting, status: int) -> ProviderRefused:
    if status in (401, 403):
        hint = f"; look at {setting.variable('KEY')} and at what the plan allows" if setting.key else ""
        return ProviderRefused(f"It answers {status} to the connection: it does not let us in{hint}.")
    if status == 429:
        return ProviderRefused("It answers 429 to the connection: too many connections, or too often.")
    return ProviderRefused(f"It answers {status} to the connection where a WebSocket is due.")


async def converse(
    socket: Socket,
    hear: Callable[[str], Awaitable[None]],
    *,
    beat: Callable[[], str],
    beat_seconds: float,
    beside: Sequence[Coroutine[Any, Any, None]] = (),
) -> None:
    """Hear messages until the connection is over, with a sign of life every so often.

    Args:
        hear: takes one message.
        beat: returns what says that we live.
        beside: what else is done meanwhile; what they raise ends the conversation.
    """
    await until_one_ends([_hear(socket, hear), _beats(socket, beat, beat_seconds), *beside], ends=1)


async def _hear(socket: Socket, hear: Callable[[str], Awaitable[None]]) -> None:
    with suppress(ConnectionClosed):  # that is how they end; whoever keeps us connected connects again
        while True:
            await hear(await socket.receive())


async def _beats(socket: Socket, beat: Callable[[], str], seconds: float) -> None:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(seconds)
            await socket.send(beat())


async def until_one_ends(work: Sequence[Coroutine[Any, Any, None]], *, ends: int | None = None) -> None:
    """Do several things at once; when one raises or ends, end the others and raise what it raised.

    Args:
        ends: so many of the first are those whose end is the end; all where it is None. What ends by itself behind them
            has done its work.
    """
    tasks = [asyncio.create_task(one) for one in work]
    deciding, pending = set(tasks if ends is None else tasks[:ends]), set(tasks)
    try:
        while pending and not any(task.done() for task in deciding):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if failed := next((task for task in done if task.exception() is not None), None):
                failed.result()
        for task in deciding:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
