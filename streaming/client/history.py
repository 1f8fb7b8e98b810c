"""Minutes and days of the past in bulk: a month of up to fifty symbols in one request, as an Arrow stream.

The standard library fetches; what is read needs polars, or any library that reads Arrow.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit

from streaming.client.settings import Access

MOST_SYMBOLS = 50  # of one request
_AT_ONCE = 4
_TRIES = 5


class HistoryRefused(Exception):
    """A node does not answer; the text has its words."""


def months(first: date, last: date) -> list[str]:
    """Return the months from one day's to another's: `2026-11`."""
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(begin, end + 1)]


def fetch(
    access: Access,
    symbols: Sequence[str],
    periods: Sequence[str],
    *,
    interval: str = "1m",
    form: str = "arrow",
    adjust: str = "none",
) -> Iterator[bytes]:
    """Yield one file a request, oldest period first; several are fetched at once.

    Args:
        periods: months like `2026-11`; of days also years.
        form: arrow, parquet or csv.
        adjust: forward or backward: prices as if no share had changed, as seen from today.

    Raises:
        HistoryRefused: a node has answered with an error, or none after a while.
    """
    groups = [symbols[at : at + MOST_SYMBOLS] for at in range(0, len(symbols), MOST_SYMBOLS)]
    paths = [
        f"/v1/history/{quote(','.join(group), safe=',')}/{period}.{form}?interval={interval}&adjust={adjust}"
        for period in periods
        for group in groups
    ]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        yield from threads.map(lambda path: _get(access, path), paths)


def read(
    access: Access, symbols: Sequence[str], first: date, last: date, *, interval: str = "1m", adjust: str = "none"
) -> Any:
    """Return bars from one day to another, both included, as a polars frame sorted by symbol and time.

    Args:
        interval: 1m or 1d.
        adjust: none, forward or backward.

    Raises:
        HistoryRefused: as `fetch`.
        ModuleNotFoundError: polars is not installed: `pip install polars`.
    """
    import polars as pl

    periods = months(first, last) if interval == "1m" else [str(year) for year in range(first.year, last.year + 1)]
    frames = [
        pl.read_ipc_stream(BytesIO(packed))
        for packed in fetch(access, symbols, periods, interval=interval, adjust=adjust)
    ]
    if not frames:
        return pl.DataFrame()
    found = pl.concat(frames)
    day = pl.col("day") if interval == "1d" else pl.col("opened_at").dt.convert_time_zone("Asia/Shanghai").dt.date()
    column = "day" if interval == "1d" else "opened_at"
    return found.filter(day.is_between(first, last)).sort("symbol", column)


def _get(access: Access, path: str) -> bytes:
    address = urlsplit(access.urls[0])
    url = f"{'https' if address.scheme == 'wss' else 'http'}://{address.netloc}{path}"
    request = urllib.request.Request(url, headers=access.headers)  # noqa: S310 - built from a checked address
    for nth in range(_TRIES):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read(2_000).decode(errors="replace")
            if error.code not in (429, 503) or nth == _TRIES - 1:
                raise HistoryRefused(f"{error.code} of {path.partition('?')[0][-60:]}: {said}") from None
            time.sleep(min(30.0, float(error.headers.get("Retry-After") or 2)))
        except OSError as error:
            if nth == _TRIES - 1:
                raise HistoryRefused(f"{url.partition('?')[0][:80]} does not answer: {error}") from None
            time.sleep(1.0 + nth)
    raise AssertionError
