"""TickDB as a line: totals, trades and orders over its WebSocket; previous closes that it does not tell over HTTP."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

import httpx

from kernel.errors import Malformed
from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.statistics import Statistics
from streaming.errors import AmbiguousSymbol, UnknownSymbol
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.pacing import bucket_of
from streaming.ingest.sources.live.rest import asked, keep_statistics, rest_client
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting
from streaming.ingest.sources.live.websocket import Socket, connected, converse
from streaming.wire.dialects.tickdb import symbols, upstream
from streaming.wire.providers import tickdb

_KINDS = ("quote", "tick", "depth")  # its channels ticker, trade, depth
_A_MINUTE = 60  # messages that ask for something
_ASK_AFTER_SECONDS = 5.0  # tickers that have a previous close have come by then
_PARTIAL = 5004
_NAMED = 5
_AT_ONCE = 50  # symbols of one question
_Page = Callable[[str, Mapping[str, InstrumentId], int], list[Statistics]]


def carries(instrument: Instrument) -> bool:
    """Tell whether it has an instrument."""
    return instrument.lane != "TEST"


def adapter(setting: ProviderSetting, directory: Directory) -> "TickDB":
    """Return what talks with TickDB."""
    return TickDB(setting, directory)


class TickDB:
    """One connection after the other; which trades were told is remembered over them."""

    def __init__(self, setting: ProviderSetting, directory: Directory) -> None:
        self._setting, self._directory = setting, directory
        self._said = dict(part.split("=", 1) for part in setting.units if "=" in part)
        self._asks = bucket_of(setting.provider, f"asks {setting.url}", _A_MINUTE / min(1.0, setting.retry_seconds), 6)
        self._reader = tickdb.Reader(directory, {}, said=self._said)
        self._accepted = 0  # subscriptions of this connection

    async def run(self, out: Outlet) -> None:
        """Subscribe everything, listen."""
        wanted = [one.id for one in out.wanted.instruments]
        names, shared = tickdb.names_of(wanted)
        reader = self._reader
        reader.asked, reader.shared, reader.counts = names, frozenset(shared), out.counts
        self._accepted = 0
        out.remarks["units"] = self._unknown_units(out)
        out.remarks["shared"] = (
            f"What it tells of {', '.join(shared)} without an exchange may be of two instruments, and is left out."
            if shared
            else ""
        )
        address = f"{self._setting.url}?{urlencode({'api_key': self._setting.key})}"
        async with connected(self._setting, address) as socket:

            async def hear(text: str) -> None:
                await self._hear(text, out, reader)

            await converse(
                socket, hear, beat=lambda: json.dumps({"cmd": "ping"}),
                beat_seconds=self._setting.heartbeat_seconds,
                beside=[self._ask(socket, wanted), self._ask_pages(out)],
            )  # fmt: skip

    def _unknown_units(self, out: Outlet) -> str:
        unknown = [one for one in out.wanted.instruments if tickdb.volume_unit(one, self._said) is None]
        if not unknown:
            return ""
        names = sorted({tickdb.unit_names(one)[0] for one in unknown})
        return (
            f"Whether it counts {', '.join(names)} in lots or in shares is not published; {len(unknown)} instruments "
            f"are left out until {self._setting.variable('UNITS')} says it, like {names[0]}=shares."
        )

    async def _ask(self, socket: Socket, wanted: list[InstrumentId]) -> None:
        for kind in _KINDS:
            for at in range(0, len(wanted), self._setting.batch):
                await self._asks.take()
                await socket.send(upstream.subscribe(wanted[at : at + self._setting.batch], kind))

    async def _hear(self, text: str, out: Outlet, reader: tickdb.Reader) -> None:
        heard = []
        try:
            command, code, data = tickdb.acknowledged(text)
            if command in ("subscribe", "error"):
                self._take_acknowledgement(code, data, out)
            heard = reader.read(text)
        except (Malformed, BadSymbol, UnknownSymbol, AmbiguousSymbol):
            out.counts["unreadable"] += 1
        await out.heard(heard)

    def _take_acknowledgement(self, code: int, data: object, out: Outlet) -> None:
        if code == 0:
            self._accepted += 1
            return
        key, most = self._setting.variable("KEY"), self._setting.variable("MOST")
        sentence = tickdb.refusal(code, key=key, most=most)
        if code == _PARTIAL and isinstance(data, Mapping):
            failed = [str(one)[:16] for one in data.get("failed_symbols") or () if isinstance(one, str)]
            out.remarks["partial"] = f"It does not follow {len(failed)} symbols, like {', '.join(failed[:_NAMED])}."
        elif code in tickdb.CHANNEL_REFUSED and self._accepted:
            out.remarks["channel"] = sentence  # totals come all the same
        else:
            raise ProviderRefused(sentence)

    async def _ask_pages(self, out: Outlet) -> None:
        await self._closes(out)
        await keep_statistics(out, self._setting, partial(self._statistics, out), min(_AT_ONCE, self._setting.batch))

    async def _statistics(self, out: Outlet, some: Sequence[Instrument]) -> bool:
        """Ask for what companies report, and for ratios, which smaller plans have not; of indices it has neither."""
        names = {symbols.write(one.id): one.id for one in some if one.kind != "index"}
        if not names:
            return True
        async with rest_client(self._setting, {"X-API-Key": self._setting.key}) as client:

            async def ask(path: str, read_page: _Page, what: str) -> bool:
                async def request() -> httpx.Response:
                    return await client.get(path, params={"symbols": ",".join(names), "type": "stock"})

                async def read(text: str) -> None:
                    await out.say(statistics=read_page(text, names, out.clock_ms()))

                return await asked(out, self._setting, request, read, what=what)

            reported = await ask("/v1/market/stock-info", tickdb.read_stock_info, "statistics")
            await ask("/v1/market/calc-index", tickdb.read_indicators, "ratios")
            return reported

    async def _closes(self, out: Outlet) -> None:
        """Ask for the previous closes that no ticker has told, one instrument at a time."""
        await asyncio.sleep(_ASK_AFTER_SECONDS * self._setting.retry_seconds)
        async with rest_client(self._setting, {"X-API-Key": self._setting.key}) as client:
            for one in out.wanted.instruments:
                if out.has_previous_close(one.id):
                    continue

                async def request(one: Instrument = one) -> httpx.Response:
                    params = {"symbol": symbols.write(one.id), "interval": "1d", "limit": "2"}
                    return await client.get("/v1/market/kline", params=params)

                async def read(text: str, one: Instrument = one) -> None:
                    close = tickdb.read_previous_close(text, one.id, out.clock_ms())
                    await out.say(previous_closes=[close] if close is not None else [])

                await asked(out, self._setting, request, read, what="previous closes")
