"""Closed bars of the past from another node, or from TickDB: both answer `/v1/market/kline`."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import polars as pl

from streaming.errors import BackfillRefused

MOST = 1_000  # bars of one answer
_TRIES = 5
_UNTOLD = {"quote_volume": "0"}  # left out where nobody tells it, which stands so in history
_COLUMNS = {"time": "at", "quote_volume": "turnover"}
_STEP_MS = {"1m": 60_000, "1d": 86_400_000}


class KlineClient:
    """Asks for pages of bars, never more often than it may.

    Args:
        url: https://api.tickdb.ai, or a node's address.
        key: a key of theirs, or a token of the node.
        per_minute: requests.
    """

    def __init__(self, url: str, key: str, per_minute: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=30)
        self._every_seconds, self._sleep, self._next = 60.0 / per_minute, sleep, 0.0

    def close(self) -> None:
        """Close its connection."""
        self._client.close()

    def bars(self, symbol: str, interval: str, start_ms: int, end_ms: int) -> Iterator[pl.DataFrame]:
        """Yield a symbol's closed bars, oldest first, a page at a time, as streaming.history.imports judges them.

        Args:
            interval: 1m or 1d.
            start_ms, end_ms: start <= opened < end.

        Raises:
            BackfillRefused: it says no, or nothing for several tries; what was yielded is whole.
        """
        while start_ms < end_ms:
            asked = {"symbol": symbol, "interval": interval, "limit": MOST, "start_time": start_ms, "end_time": end_ms}
            rows = self._page(asked)
            if not rows:
                return
            yield _frame(symbol, rows)
            start_ms = max(int(row["time"]) for row in rows) + _STEP_MS[interval]

    def _page(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        said = ""
        for nth in range(_TRIES):
            self._sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._every_seconds
            try:
                answer = self._client.get("/v1/market/kline", params=asked)
                told = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                said = type(error).__name__
                self._sleep(2.0**nth)
                continue
            if answer.status_code in (429, 503):
                said = f"{answer.status_code} again and again"
                self._sleep(_retry_after(answer.headers.get("Retry-After"), 2.0**nth))
                continue
            try:
                if told["code"] != 0:
                    raise BackfillRefused(f"{asked['symbol']}: {str(told['code'])[:24]} {str(told['message'])[:200]}")
                rows: list[dict[str, Any]] = [dict(row) for row in told["data"]["klines"]]
                if any(type(row["time"]) is not int for row in rows):
                    raise TypeError
            except (KeyError, TypeError, ValueError):
                raise BackfillRefused(f"{asked['symbol']}: an answer without klines: {answer.text[:120]}") from None
            return rows
        raise BackfillRefused(f"{asked['symbol']}: {said}")


def _frame(symbol: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    names = ("time", "open", "high", "low", "close", "volume", "quote_volume")
    columns: dict[str, list[Any]] = {name: [row.get(name, _UNTOLD.get(name)) for row in rows] for name in names}
    frame = pl.DataFrame({name: _column(name, values) for name, values in columns.items()})
    return frame.rename(_COLUMNS).with_columns(symbol=pl.lit(symbol)).with_row_index("line", offset=1)


def _column(name: str, values: list[Any]) -> pl.Series:
    if name == "time":
        return pl.Series(name, values, dtype=pl.Int64)
    return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _retry_after(text: str | None, otherwise: float) -> float:
    try:
        return min(60.0, max(0.0, float(text))) if text else otherwise
    except ValueError:
        return otherwise
