"""iTick as a line: quotes with the day's totals, ticks and orders over its WebSocket; previous closes over HTTP."""

import asyncio
from collections.abc import Sequence
from functools import partial

import httpx

from kernel import clock
from kernel.errors import Malformed
from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.instruments import Directory, Instrument
from streaming.errors import UnknownSymbol
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.rest import asked, keep_statistics, rest_client
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting
from streaming.ingest.sources.live.websocket import Socket, connected, converse
from streaming.wire.dialects.itick import symbols, upstream
from streaming.wire.providers import itick

_KINDS = ("quote", "tick", "depth")
_GREETING_SECONDS = 3.0
_ASK_AFTER_SECONDS = 5.0  # quotes that have a previous close have come by then


def carries(instrument: Instrument) -> bool:
    """Tell whether its stock socket has an instrument: indices have a socket of their own, Beijing no region."""
    return instrument.kind != "index" and str(instrument.id.venue) in itick.REGIONS


def adapter(setting: ProviderSetting, directory: Directory) -> "ITick":
    """Return what talks with iTick."""
    return ITick(setting, directory)


class ITick:
    """One connection after the other; what volumes are is remembered over them."""

    def __init__(self, setting: ProviderSetting, directory: Directory) -> None:
        self._setting, self._directory = setting, directory
        self._reader = itick.Reader(directory)
        self._accepted = 0  # subscriptions of this connection

    async def run(self, out: Outlet) -> None:
        """Authenticate, subscribe everything, listen."""
        key = self._setting.key
        self._reader.connected()
        self._reader.counts = out.counts
        self._accepted = 0
        async with connected(self._setting, self._setting.url, {"token": key}) as socket:
            await self._greet(socket)
            wanted = [one.id for one in out.wanted.instruments]
            for at in range(0, len(wanted), self._setting.batch):
                await socket.send(upstream.subscribe(wanted[at : at + self._setting.batch], _KINDS))

            async def hear(text: str) -> None:
                await self._hear(text, out)

            await converse(
                socket, hear, beat=_ping, beat_seconds=self._setting.heartbeat_seconds, beside=[self._ask_pages(out)]
            )

    async def _greet(self, socket: Socket) -> None:
        """Wait until the key is accepted; who was not asked for it in the header is told it in a message."""
        told = False
        while True:
            try:
                async with asyncio.timeout(_GREETING_SECONDS if not told else None):
                    text = await socket.receive()
            except TimeoutError:
                told = True
                await socket.send(upstream.authenticate(self._setting.key))
                continue
            what, accepted = itick.acknowledged(text)
            if what == "auth" and accepted:
                return
            if what == "auth":
                raise self._refused(text)

    async def _hear(self, text: str, out: Outlet) -> None:
        try:
            what, accepted = itick.acknowledged(text)
            if what == "subscribe":
                if not accepted and not self._accepted:
                    raise self._refused(text)
                self._accepted += accepted
                out.remarks["subscription"] = "" if accepted else self._refused(text).sentence
            heard = self._reader.read(text)
        except (Malformed, BadSymbol, UnknownSymbol):
            out.counts["unreadable"] += 1
            heard = []
        meaning = self._reader.meaning.meaning
        out.remarks["ticks"] = "Its ticks tell the day's total: the quotes count." if meaning == "total" else ""
        await out.heard(heard)

    def _refused(self, text: str) -> ProviderRefused:
        key, most = self._setting.variable("KEY"), self._setting.variable("MOST")
        return ProviderRefused(itick.refusal(text, key=key, most=most))

    async def _ask_pages(self, out: Outlet) -> None:
        await self._closes(out)
        await keep_statistics(out, self._setting, partial(self._infos, out), batch=1)

    async def _infos(self, out: Outlet, some: Sequence[Instrument]) -> bool:
        """Ask for what companies report, one instrument at a time: it has no address for several."""
        (one,) = some
        async with rest_client(self._setting, {"token": self._setting.key, "accept": "application/json"}) as client:

            async def request() -> httpx.Response:
                params = {"type": "stock", "region": symbols.region_of(one.id), "code": symbols.code_of(one.id)}
                return await client.get("/stock/info", params=params)

            async def read(text: str) -> None:
                await out.say(statistics=[itick.read_info(text, one, out.clock_ms())])

            return await asked(out, self._setting, request, read, what="statistics")

    async def _closes(self, out: Outlet) -> None:
        """Ask for the previous closes that no quote has told."""
        await asyncio.sleep(_ASK_AFTER_SECONDS * self._setting.retry_seconds)
        missing = [one.id for one in out.wanted.instruments if not out.has_previous_close(one.id)]
        async with rest_client(self._setting, {"token": self._setting.key, "accept": "application/json"}) as client:
            for region in itick.REGIONS:
                of_region = [one for one in missing if symbols.region_of(one) == region]
                for at in range(0, len(of_region), self._setting.batch):
                    batch = of_region[at : at + self._setting.batch]
                    codes = ",".join(map(symbols.code_of, batch))

                    async def read(text: str, batch: Sequence[InstrumentId] = batch) -> None:
                        await out.say(previous_closes=itick.read_previous_closes(text, batch))

                    async def request(region: str = region, codes: str = codes) -> httpx.Response:
                        return await client.get("/stock/quotes", params={"region": region, "codes": codes})

                    await asked(out, self._setting, request, read, what="previous closes")


def _ping() -> str:
    return upstream.ping(clock.now_ms())
