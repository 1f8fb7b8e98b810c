"""The embedded history server: one process owns a chDB folder and answers ClickHouse's HTTP interface on loopback.

    python -m streaming.history.sidecar DIR PORT

chDB is the ClickHouse engine as a library, and one folder takes one process. Behind this interface every other process
uses clickhouse-connect as it would with a real server (DESIGN section 9). It answers what our own client sends:
queries by GET or POST, parameters, and inserts whose rows follow the statement. It has no users and no TLS.
"""

import json
import re
import signal
import sys
import tempfile
import threading
import uuid
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chdb import session

MAX_BODY = 64 * 2**20  # a day's minutes of every instrument are 20 MB
_INSERT = re.compile(rb"^\s*INSERT\s+INTO\s+(.+?)\s+FORMAT\s+(\w+)[ \t]*(?:\r?\n|$)", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(rb"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


class Engine:
    """The one chDB session; queries take turns."""

    def __init__(self, folder: Path) -> None:
        open_session: Any = session.Session  # the library ships no types
        self._session = open_session(str(folder))
        self._lock = threading.Lock()

    def run(self, sql: bytes, *, default_format: str, parameters: dict[str, str]) -> tuple[bytes, int]:
        """Run one statement and return its output and how many rows it read."""
        with self._lock:
            insert = _INSERT.match(sql)
            if insert is not None and len(sql) > insert.end():
                return self._insert(insert, sql)
            named = _FORMAT.search(sql)
            if named is not None:
                default_format, sql = named[1].decode(), sql[: named.start()]
            result = self._session.query(sql.decode(), default_format, params=parameters)
            return result.bytes() or b"", result.rows_read() or 0

    def _insert(self, insert: re.Match[bytes], sql: bytes) -> tuple[bytes, int]:
        # The library takes statements as text; rows in a binary format reach it only through a file.
        with tempfile.NamedTemporaryFile(suffix=".rows") as rows:
            rows.write(sql[insert.end() :])
            rows.flush()
            table, form = insert[1].decode(), insert[2].decode()
            self._session.query(f"INSERT INTO {table} FROM INFILE '{rows.name}' FORMAT {form}", "CSV")
        return b"", 0

    def close(self) -> None:
        """Close the folder after the running statement."""
        with self._lock:
            self._session.close()


class Handler(BaseHTTPRequestHandler):
    """One HTTP connection of a client."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing a request; failures are the client's to report."""

    def do_GET(self) -> None:
        """Answer a query in the URL, or the ping."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a query in the URL, the body, or both."""
        try:
            body = self._body()
        except (ValueError, zlib.error) as error:
            self.close_connection = True
            self._reply(400, f"the body cannot be read: {error}".encode())
            return
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        if url.path == "/ping" or not (query or body):
            self._reply(200, b"Ok.\n")
            return
        sql = query.get("query", [""])[0].encode()
        sql = sql + b"\n" + body if sql and body else sql or body
        try:
            output, rows = self.engine.run(
                sql,
                default_format=query.get("default_format", ["TabSeparated"])[0],
                parameters={name[6:]: values[0] for name, values in query.items() if name.startswith("param_")},
            )
        except Exception as error:
            message = str(error)
            code = re.search(r"Code: (\d+)", message)
            self._reply(500, message.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})
            return
        summary = {"read_rows": str(rows), "written_rows": "0", "result_rows": "0"}
        self._reply(200, output, {"X-ClickHouse-Summary": json.dumps(summary)})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = b"".join(self._chunks())
        else:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY:
                raise ValueError(f"more than {MAX_BODY} bytes")
            raw = self.rfile.read(length)
        encoding = self.headers.get("Content-Encoding", "identity")
        if encoding not in ("identity", "gzip"):
            raise ValueError(f"Content-Encoding {encoding} is not spoken here")
        return zlib.decompress(raw, 31) if encoding == "gzip" else raw

    def _chunks(self) -> list[bytes]:
        chunks: list[bytes] = []
        size = 0
        while length := int(self.rfile.readline(100).split(b";")[0], 16):
            size += length
            if size > MAX_BODY:
                raise ValueError(f"more than {MAX_BODY} bytes")
            chunks.append(self.rfile.read(length))
            self.rfile.readline(100)
        self.rfile.readline(100)
        return chunks

    def _reply(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("X-ClickHouse-Query-Id", str(uuid.uuid4()))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Threads, because a client keeps its connection open between queries."""

    daemon_threads = True
    allow_reuse_address = True


def serve(folder: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then close the folder."""
    server = Server(("127.0.0.1", port), Handler)  # before the engine: a port in use then costs no half second
    folder.mkdir(parents=True, exist_ok=True)
    engine = Handler.engine = Engine(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    engine.close()


def main(arguments: list[str]) -> int:
    """Read the command line and serve."""
    if len(arguments) != 2 or not arguments[1].isdigit():
        sys.stderr.write("usage: python -m streaming.history.sidecar DIR PORT\n")
        return 2
    try:
        serve(Path(arguments[0]), int(arguments[1]))
    except OSError as error:
        sys.stderr.write(f"history cannot listen on 127.0.0.1:{arguments[1]}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
