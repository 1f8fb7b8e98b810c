"""Providers whose pages are asked again and again."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from kernel.instruments import InstrumentId
from streaming.domain.instruments import Directory
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.pacing import bucket_of
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting
from streaming.wire.providers.answers import Answer

IDLE_SECONDS = 60.0  # between two polls while the market is closed for longer
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_BURST = 2
_MOST_BYTES = 4_000_000


class Reader(Protocol):
    """Reads one answer: streaming.wire.providers.*.read."""

    def __call__(self, text: str, asked: Mapping[str, InstrumentId], directory: Directory) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Page:
    """How one provider's page is asked and read.

    Args:
        path: of the codes of one request.
        refusal: a sentence where a text is none of data but says that we are not wanted; "" for data.
    """

    name: str
    path: Callable[[Sequence[str]], str]
    read: Reader
    code_of: Callable[[InstrumentId], str]
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "gb18030"
    refusal: Callable[[str], str] = lambda text: ""


class Polling:
    """Asks a page for batches of codes, each so often, never more often than its endpoint may be asked."""

    def __init__(self, page: Page, setting: ProviderSetting, directory: Directory) -> None:
        self._page, self._setting, self._directory = page, setting, directory
        self._bucket = bucket_of(setting.provider, setting.url, setting.per_minute, _BURST)

    async def run(self, out: Outlet) -> None:
        """Poll until cancelled."""
        codes = {self._page.code_of(one.id): one.id for one in out.wanted.instruments}
        batches = batches_of(codes, self._setting.batch)
        async with self._client() as client:
            while True:
                began_at = time.monotonic()
                for number, batch in enumerate(batches):
                    await self._bucket.take()
                    text = await self._ask(client, list(batch))
                    await out.answered(self._page.read(text, batch, self._directory), f"batch {number}")
                pause = IDLE_SECONDS if out.idle else self._setting.seconds
                await asyncio.sleep(max(0.0, began_at + pause - time.monotonic()))

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._setting.url, headers=dict(self._page.headers), timeout=_TIMEOUT,
            proxy=self._setting.proxy or None, follow_redirects=False,
        )  # fmt: skip

    async def _ask(self, client: httpx.AsyncClient, codes: Sequence[str]) -> str:
        answer = await client.get(self._page.path(codes))
        if answer.status_code != httpx.codes.OK:
            raise self._refused(answer)
        if len(answer.content) > _MOST_BYTES:
            raise ProviderRefused(
                f"{self._page.name} answered with {len(answer.content)} bytes, which is no page of rows."
            )
        text = answer.content.decode(self._page.encoding, errors="replace")
        if sentence := self._page.refusal(text):
            raise ProviderRefused(sentence)
        return text

    def _refused(self, answer: httpx.Response) -> ProviderRefused:
        status, after = answer.status_code, retry_after(answer)
        if status in (429, 456, 501):
            self._bucket.pause(max(after, self._setting.seconds))
            return ProviderRefused(
                f"{self._page.name} answers {status}: it was asked too often from this address; "
                f"{self._setting.variable('PER_MINUTE')} and {self._setting.variable('SECONDS')} say how often.",
                after,
            )
        if status == 403:
            return ProviderRefused(
                f"{self._page.name} answers 403: this machine's address is barred, for minutes to hours, or its "
                "terms of access have changed.",
                after,
            )
        return ProviderRefused(f"{self._page.name} answers {status} where rows are due.", after)


def batches_of(codes: Mapping[str, InstrumentId], most: int) -> list[dict[str, InstrumentId]]:
    """Return codes in parts of so many."""
    listed = list(codes.items())
    return [dict(listed[at : at + most]) for at in range(0, len(listed), most)]


def retry_after(answer: httpx.Response) -> float:
    """Return after how many seconds a provider wants to be asked again; 0 where it does not say."""
    text = answer.headers.get("retry-after", "")
    return min(3_600.0, float(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 0.0
