"""The connection to ClickHouse: one client a URL, which finds the tables of this release or brings them up."""

import logging
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from django.conf import settings

from streaming.errors import HistoryUnavailable, causes
from streaming.history import schema

_BATCH = 50_000
_ANSWER_SECONDS = 10
_COMMAND_SECONDS = 120  # a month of days is added up from 100 million minutes
_COPY_SECONDS = 900  # a release that makes a table anew copies years of bars
_FAILURES = (ClickHouseError, urllib3.exceptions.HTTPError, OSError)

log = logging.getLogger(__name__)
_clients: dict[tuple[str, float], Any] = {}
_lock = threading.Lock()
_writes = 0


def writes() -> int:
    """Return a number that changes with each write of this process: what was learnt before it may be another now."""
    return _writes


def _note_write() -> None:
    global _writes
    _writes += 1


def insert(table: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
    """Write rows. The same rows again, as after an answer that was lost, are dropped by the server.

    Raises:
        HistoryUnavailable: ClickHouse did not take all of them; write them all again later.
    """
    try:
        for start in range(0, len(rows), _BATCH):
            _client().insert(table, rows[start : start + _BATCH], column_names=list(columns))
            _note_write()
    except _FAILURES as error:
        _forget()
        raise HistoryUnavailable from error  # said by the caller: ingest tries every other second


def insert_frame(table: str, columns: Sequence[str], packed: bytes) -> None:
    """Write rows that are packed as an Arrow stream.

    Raises:
        HistoryUnavailable: ClickHouse did not take all of them; write them all again later.
    """
    try:
        _client().raw_insert(table, column_names=list(columns), insert_block=packed, fmt="ArrowStream")
        _note_write()
    except _FAILURES as error:
        _forget()
        raise HistoryUnavailable from error


def command(sql: str, parameters: dict[str, Any] | None = None) -> None:
    """Run a statement that returns nothing; one that writes must be one that may be run again.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    try:
        _client(_COMMAND_SECONDS).command(sql, parameters=parameters)
        _note_write()
    except _FAILURES as error:
        _forget()
        raise HistoryUnavailable from error


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


def query_file(sql: str, parameters: dict[str, Any], form: str) -> bytes:
    """Return the rows of a query as ClickHouse writes them in one of its formats.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    try:
        packed: bytes = _client().raw_query(sql, parameters=parameters, fmt=form)
    except _FAILURES as error:
        _forget()
        raise HistoryUnavailable from error
    return packed


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


def bring_up() -> list[str]:
    """Bring the tables up to this release; return the names of the files that were applied.

    Raises:
        HistoryUnavailable: ClickHouse did not answer; call again.
    """
    try:
        return _brought_up()
    except _FAILURES as error:
        raise HistoryUnavailable from error


def _brought_up() -> list[str]:
    client = _connect(_COPY_SECONDS)

    def run(sql: str) -> Sequence[Sequence[Any]]:
        if sql.startswith("SELECT"):
            rows: Sequence[Sequence[Any]] = client.query(sql).result_rows
            return rows
        client.command(sql)
        return []

    try:
        return schema.bring_up(run, settings.CLICKHOUSE_CLUSTER)
    finally:
        client.close()


def _connect(answer_seconds: float) -> Any:
    return clickhouse_connect.get_client(
        **_place(settings.CLICKHOUSE_URL),
        compress=False,
        connect_timeout=2,
        send_receive_timeout=answer_seconds,
        query_retries=0,
        autogenerate_session_id=False,
        # A kept-alive connection that the server closed meanwhile fails the next insert; the batch is one
        # request every two seconds, so a connection of its own costs nothing.
        headers={"Connection": "close"},
    )


def _client(answer_seconds: float = _ANSWER_SECONDS) -> Any:
    key = (settings.CLICKHOUSE_URL, answer_seconds)
    with _lock:
        if not any(url == key[0] for url, _ in _clients):
            _brought_up()
        if key not in _clients:
            _clients[key] = _connect(answer_seconds)
        return _clients[key]


def _forget() -> None:
    with _lock:
        for key in [key for key in _clients if key[0] == settings.CLICKHOUSE_URL]:
            del _clients[key]  # the next call looks for the tables again
