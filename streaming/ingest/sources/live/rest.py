"""What a socket does not tell, asked over HTTP beside it, slowly: its failure leaves a remark and ends nothing."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import httpx

from kernel.errors import Malformed
from kernel.instruments import BadSymbol
from streaming.domain.instruments import Instrument
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.pacing import TokenBucket, bucket_of
from streaming.ingest.sources.live.polling import retry_after
from streaming.ingest.sources.live.setting import ProviderSetting

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TRIES = 3
_TOO_OFTEN_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 600.0  # for a new day, and for what failed


def rest_bucket(setting: ProviderSetting) -> TokenBucket:
    """Return the bucket of a provider's requests over HTTP."""
    return bucket_of(setting.provider, f"rest {setting.rest_url}", setting.per_minute)


def rest_client(setting: ProviderSetting, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """Return a client of a provider's REST; its addresses and headers stand in no log."""
    return httpx.AsyncClient(
        base_url=setting.rest_url, headers=headers or {}, timeout=_TIMEOUT, proxy=setting.proxy or None
    )


async def asked(
    out: Outlet,
    setting: ProviderSetting,
    request: Callable[[], Coroutine[Any, Any, httpx.Response]],
    read: Callable[[str], Coroutine[Any, Any, None]],
    *,
    what: str,
) -> bool:
    """Ask once more often than it fails: three tries, each with its place in the bucket; then leave a remark.

    Returns whether it was answered.


    Args:
        request: one request.
        read: takes a good answer's text.
        what: it is asked for, for the remark.
    """
    bucket, why = rest_bucket(setting), ""
    for _ in range(_TRIES):
        await bucket.take()
        try:
            answer = await request()
        except httpx.HTTPError as error:
            why = type(error).__name__
            continue
        if answer.status_code == 429:
            bucket.pause(retry_after(answer) or _TOO_OFTEN_SECONDS)
            why = "429, too often"
            continue
        if answer.status_code != httpx.codes.OK:
            why = str(answer.status_code)
            break
        try:
            await read(answer.text)
        except (Malformed, BadSymbol):
            why = "an answer that cannot be read, or refuses"
            break
        out.remarks.pop(what, None)
        return True
    out.remarks[what] = f"It was asked for {what} and gave {why}."
    return False


async def keep_statistics(
    out: Outlet, setting: ProviderSetting, ask: Callable[[Sequence[Instrument]], Coroutine[Any, Any, bool]], batch: int
) -> None:
    """Ask for each instrument's statistics once a day, in batches, for as long as the connection is.

    Nobody is asked on a day without trading: what was told on the last one stands. What failed is tried again later.

    Args:
        ask: asks for some and says what it heard; returns whether all of it was answered.
    """
    while True:
        lacking = [one for one in out.wanted.instruments if out.lacks_statistics(one.id)] if not out.idle else []
        for at in range(0, len(lacking), batch):
            some = lacking[at : at + batch]
            if not await ask(some):
                break
            out.note_statistics(one.id for one in some)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS * setting.retry_seconds)
