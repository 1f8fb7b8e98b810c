"""AllTick as a line: trades and orders over its WebSocket, previous closes over HTTP.

Each request for trades or orders replaces the one before, so all codes are sent at once, by one task, with a pause
between two requests. What is over the plan's limit it passes over without a word; so the state says who told nothing.
"""

import asyncio
import itertools
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

import httpx

from kernel.errors import Malformed
from kernel.instruments import BadSymbol
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.ticks import Levels, Trade
from streaming.errors import UnknownSymbol
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.pacing import bucket_of
from streaming.ingest.sources.live.rest import asked, keep_statistics, rest_client
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting
from streaming.ingest.sources.live.websocket import Socket, connected, converse
from streaming.wire.dialects.alltick import upstream
from streaming.wire.providers import alltick

_KINDS = ("tick", "depth")
_BETWEEN_SECONDS = 3.1  # between two requests: one second on a connection, three over all of a key
_WAITS_SECONDS = 10.0  # after it was asked too often
_UNTOLD_SECONDS = 60.0  # of an open market, until who told nothing is named
_NAMED = 5


def carries(instrument: Instrument) -> bool:
    """Tell whether it has an instrument."""
    return instrument.lane != "TEST"


def adapter(setting: ProviderSetting, directory: Directory) -> "AllTick":
    """Return what talks with AllTick."""
    return AllTick(setting, directory)


class AllTick:
    """One connection after the other; in what volumes are counted is remembered over them."""

    def __init__(self, setting: ProviderSetting, directory: Directory) -> None:
        self._setting, self._directory = setting, directory
        self._reader = alltick.Reader(directory, {})
        self._numbers = itertools.count(1)
        # One sender for all markets of a key: its limit counts requests, whatever connection they come from.
        per_minute = 60 / (_BETWEEN_SECONDS * min(1.0, setting.retry_seconds))
        self._sender = bucket_of(setting.provider, f"requests {setting.url}", per_minute)

    async def run(self, out: Outlet) -> None:
        """Ask for all codes, listen."""
        self._reader.asked = {one.symbol: one.id for one in out.wanted.instruments}
        self._reader.counts = out.counts
        self._reader.told.clear()
        address = f"{self._setting.url}?{urlencode({'token': self._setting.key})}"
        async with connected(self._setting, address) as socket:

            async def hear(text: str) -> None:
                await self._hear(text, out)

            await converse(
                socket, hear, beat=lambda: upstream.heartbeat(next(self._numbers)),
                beat_seconds=self._setting.heartbeat_seconds,
                beside=[self._ask(socket, out), self._ask_pages(out), self._look_for_the_untold(out)],
            )  # fmt: skip

    async def _ask(self, socket: Socket, out: Outlet) -> None:
        wanted = [one.id for one in out.wanted.instruments]
        for kind in _KINDS:
            await self._sender.take()
            await socket.send(upstream.subscribe(wanted, kind, seq_id=next(self._numbers)))

    async def _hear(self, text: str, out: Outlet) -> None:
        heard: list[Trade | Levels] = []
        try:
            _, code = alltick.acknowledged(text)
            if code != httpx.codes.OK:
                self._refuse(text, code)
            heard = list(self._reader.read(text))
        except (Malformed, BadSymbol, UnknownSymbol):
            out.counts["unreadable"] += 1
        await out.heard(heard)

    def _refuse(self, text: str, code: int) -> None:
        key, symbols = self._setting.variable("KEY"), self._setting.variable("SYMBOLS")
        too_often = code in alltick.TOO_OFTEN
        if too_often:
            self._sender.pause(_WAITS_SECONDS * min(1.0, self._setting.retry_seconds))
        raise ProviderRefused(alltick.refusal(text, key=key, symbols=symbols))

    async def _ask_pages(self, out: Outlet) -> None:
        await self._closes(out)
        await keep_statistics(out, self._setting, partial(self._static_info, out), self._setting.batch)

    async def _static_info(self, out: Outlet, some: Sequence[Instrument]) -> bool:
        query = alltick.static_info(one.id for one in some)
        async with rest_client(self._setting) as client:

            async def request() -> httpx.Response:
                return await client.get("/static_info", params={"token": self._setting.key, "query": query})

            async def read(text: str) -> None:
                told = alltick.read_static_info(text, self._directory, out.clock_ms())
                await out.say(statistics=told)

            return await asked(out, self._setting, request, read, what="statistics")

    async def _closes(self, out: Outlet) -> None:
        """Ask for the closes of the day before, which the socket never tells."""
        missing = [one.id for one in out.wanted.instruments if not out.has_previous_close(one.id)]
        async with rest_client(self._setting) as client:
            for at in range(0, len(missing), self._setting.batch):
                body = alltick.day_bars(missing[at : at + self._setting.batch])

                async def request(body: dict[str, object] = body) -> httpx.Response:
                    return await client.post("/batch-kline", params={"token": self._setting.key}, json=body)

                async def read(text: str) -> None:
                    await out.say(previous_closes=alltick.read_previous_closes(text, self._directory, out.clock_ms()))

                await asked(out, self._setting, request, read, what="previous closes")

    async def _look_for_the_untold(self, out: Outlet) -> None:
        while True:
            await asyncio.sleep(_UNTOLD_SECONDS * min(1.0, self._setting.retry_seconds))
            untold = [one.symbol for one in out.wanted.instruments if one.symbol not in self._reader.told]
            out.remarks["untold"] = ""
            if untold and self._reader.told and not out.idle:
                out.remarks["untold"] = (
                    f"{len(untold)} of {len(out.wanted.instruments)} instruments have told nothing so far, like "
                    f"{', '.join(untold[:_NAMED])}: AllTick passes over what is more than the plan has "
                    f"({self._setting.variable('MOST')})."
                )
