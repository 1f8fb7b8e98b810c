"""The table of minute bars.

The newest version of a minute wins, so writing the 72 h window again changes nothing. The version is not part of the
key: with it inside, two versions of one minute would both stay for ever.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from django.conf import settings

from streaming.domain.minutes import MinuteBar
from streaming.errors import HistoryUnavailable, causes

TABLE, MADE_UP_TABLE = "minute_bars", "minute_bars_made_up"  # what nobody traded never stands beside what somebody did
_MAKE = """
CREATE TABLE IF NOT EXISTS {table} (
    symbol LowCardinality(String),
    opened_at DateTime('UTC'),
    open_e4 Int64, high_e4 Int64, low_e4 Int64, close_e4 Int64,
    volume Int64, turnover_e4 Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) PARTITION BY toYYYYMM(opened_at) ORDER BY (symbol, opened_at)
"""
_COLUMNS = ["symbol", "opened_at", "open_e4", "high_e4", "low_e4", "close_e4", "volume", "turnover_e4", "version"]
_BATCH = 50_000
_FAILURES = (ClickHouseError, urllib3.exceptions.HTTPError, OSError)

log = logging.getLogger(__name__)
_clients: dict[str, Any] = {}
_lock = threading.Lock()


def insert_minutes(bars: Sequence[MinuteBar], *, version: int, made_up: bool = False) -> None:
    """Write closed minutes; a minute written again with the same or a higher version replaces the one before.

    Args:
        made_up: they are of a simulated market, and go into the table for those.

    Raises:
        HistoryUnavailable: ClickHouse did not take all of them; write them all again later.
    """
    rows = [
        (
            bar.symbol,
            datetime.fromtimestamp(bar.opened_ms // 1000, UTC),
            bar.open_e4,
            bar.high_e4,
            bar.low_e4,
            bar.close_e4,
            bar.volume,
            bar.turnover_e4,
            version,
        )
        for bar in bars
    ]
    try:
        for start in range(0, len(rows), _BATCH):
            _client().insert(MADE_UP_TABLE if made_up else TABLE, rows[start : start + _BATCH], column_names=_COLUMNS)
    except _FAILURES as error:
        _forget()
        raise HistoryUnavailable from error  # said by the caller: ingest tries every other second


def query(sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    """Return the rows of a query.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    try:
        rows: Sequence[Sequence[Any]] = _client().query(sql, parameters=parameters).result_rows
    except _FAILURES as first:
        # Once more on a fresh connection: the first query after a long quiet has been seen to fail on a dead one.
        log.warning("history did not answer, asking once more: %s", causes(first))
        _forget()
        try:
            rows = _client().query(sql, parameters=parameters).result_rows
        except _FAILURES as error:
            _forget()
            raise HistoryUnavailable from error
    return rows


def seconds(at_ms: int) -> int:
    """Return an instant in seconds, rounded up, within what DateTime can hold.

    A bar opens on a whole second, so `>= x.5 s` means the next one, and so does `< x.5 s`.
    """
    return max(0, min(-(-at_ms // 1000), 2**32 - 1))


def _place(url: str) -> dict[str, Any]:
    """Return where the server is, as the client library's own reading of a URL would not: it takes https for http."""
    parts = urlsplit(url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items() if name in ("ca_cert", "verify")}
    return {
        "interface": parts.scheme,
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or (8443 if parts.scheme == "https" else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "database": parts.path.strip("/") or "default",
        **asked,
    }


def _client() -> Any:
    url = settings.CLICKHOUSE_URL
    with _lock:
        if url not in _clients:
            client = clickhouse_connect.get_client(
                **_place(url),
                compress=False,
                connect_timeout=2,
                send_receive_timeout=10,
                query_retries=0,
                autogenerate_session_id=False,
                # A kept-alive connection that the server closed meanwhile fails the next insert; the batch is one
                # request every two seconds, so a connection of its own costs nothing.
                headers={"Connection": "close"},
            )
            for table in (TABLE, MADE_UP_TABLE):
                client.command(_MAKE.format(table=table))
            _clients[url] = client
        return _clients[url]


def _forget() -> None:
    with _lock:
        _clients.pop(settings.CLICKHOUSE_URL, None)  # the next call looks for the table again
