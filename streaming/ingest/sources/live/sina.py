"""Sina's pages as a line: its snapshots, asked for every few seconds or told over its WebSocket."""

from collections.abc import Sequence

from kernel.instruments import InstrumentId, Venue
from streaming.domain.instruments import Directory, Instrument
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.polling import Page, Polling, batches_of
from streaming.ingest.sources.live.runner import Adapter
from streaming.ingest.sources.live.setting import ProviderSetting
from streaming.ingest.sources.live.websocket import connected, converse, until_one_ends
from streaming.wire.providers import sina

_FROM = "https://finance.sina.com.cn"
_BARRED = "Kinsoku jikou desu!"


def adapter(setting: ProviderSetting, directory: Directory) -> Adapter:
    """Return what asks Sina over HTTP, or listens to its WebSocket, as its setting says."""
    if setting.by == "websocket":
        return Listening(setting, directory)
    page = Page(
        name="Sina",
        path=_path,
        read=sina.read,
        code_of=sina.code_of,
        headers={"Referer": f"{_FROM}/"},
        refusal=_refusal,
    )
    return Polling(page, setting, directory)


def carries(instrument: Instrument) -> bool:
    """Tell whether it has rows of an instrument."""
    is_misplaced = instrument.id.venue is Venue.SH and instrument.id.code.startswith("92")  # Beijing's codes
    return instrument.lane != "TEST" and not is_misplaced


def _path(codes: Sequence[str]) -> str:
    return f"/list={','.join(codes)}"


def _refusal(text: str) -> str:
    return "Sina does not serve this address at present: it is barred, for minutes to hours." if _BARRED in text else ""


class Listening:
    """Holds one connection for each batch of codes; the address has the codes, so nothing is asked for later."""

    def __init__(self, setting: ProviderSetting, directory: Directory) -> None:
        self._setting, self._directory = setting, directory

    async def run(self, out: Outlet) -> None:
        """Listen on all connections until one is over."""
        codes = {sina.code_of(one.id): one.id for one in out.wanted.instruments}
        batches = batches_of(codes, self._setting.batch)
        await until_one_ends([self._listen(out, f"batch {number}", batch) for number, batch in enumerate(batches)])

    async def _listen(self, out: Outlet, subject: str, batch: dict[str, InstrumentId]) -> None:
        async def hear(text: str) -> None:
            await out.answered(sina.read(text, batch, self._directory), subject)

        address = f"{self._setting.url}?list={','.join(batch)}"
        async with connected(self._setting, address, origin=_FROM) as socket:
            await converse(socket, hear, beat=lambda: "", beat_seconds=self._setting.heartbeat_seconds)
