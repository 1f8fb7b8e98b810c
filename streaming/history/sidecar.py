"""The embedded history server: one process owns a ClickHouse folder and answers ClickHouse's HTTP interface.

    HISTORY_PASSWORD=... python -m streaming.history.sidecar DIR PORT

chDB is the ClickHouse engine as a library, and one folder takes one process. Behind this interface every other process
uses clickhouse-connect as it would with a real server. It answers what our own client sends: queries by GET or POST,
parameters, and inserts whose rows follow the statement. It has one user, `tickpack`, and no TLS.

Loopback is open to every user and every web page of the machine: without the password nothing is answered but /ping,
a Host other than ours is a page's that has resolved its own name to us, and pages with an Origin are not ours.
"""

import asyncio
import base64
import hmac
import json
import os
import re
import signal
import socket
import sys
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from streaming.history.engine import Engine, StatementRefused

USER = "tickpack"
MAX_BODY = 64 * 2**20  # a day's minutes of every instrument are 20 MB
_DENIED = 516  # ClickHouse's AUTHENTICATION_FAILED
_Headers = Mapping[str, str]


class BadRequest(Exception):
    """A request is not answered by the engine: (HTTP status, what is wrong)."""

    def __init__(self, status: int, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.status, self.code = status, code


class Sidecar:
    """The ASGI application.

    Args:
        password: of the one user.
        port: what a request's Host has to name, beside 127.0.0.1 or localhost.
    """

    def __init__(self, engine: Engine, password: str, port: int) -> None:
        self._engine = engine
        self._expected = password.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return  # neither sockets nor a lifespan
        try:
            status, content, more = await self._answer(scope, receive)
        except BadRequest as error:
            status, content = error.status, f"Code: {error.code}. {error}\n".encode()
            more = {"X-ClickHouse-Exception-Code": str(error.code)}
        fixed = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Query-Id": str(uuid.uuid4())}
        headers = {**fixed, **more, "Content-Length": str(len(content))}
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Any, receive: Any) -> tuple[int, bytes, dict[str, str]]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host") not in self._hosts or "origin" in headers:
            raise BadRequest(403, "this server is for the programs of this machine's Tickpack")
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["path"] == "/ping":
            return 200, b"Ok.\n", {}
        if not self._is_ours(headers, query):
            raise BadRequest(403, "Authentication failed: password is incorrect, or there is no such user", _DENIED)
        body = await _body(receive, headers)
        sql = query.get("query", [""])[0].encode()
        sql = sql + b"\n" + body if sql and body else sql or body
        if not sql:
            return 200, b"Ok.\n", {}
        parameters = {name[6:]: values[0] for name, values in query.items() if name.startswith("param_")}
        form = query.get("default_format", ["TabSeparated"])[0]
        try:
            output, rows = await asyncio.to_thread(self._engine.run, sql, default_format=form, parameters=parameters)
        except StatementRefused as error:
            raise BadRequest(403, str(error), 497) from None
        except Exception as error:
            message = str(error)
            code = re.search(r"Code: (\d+)", message)
            return 500, message.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"}
        summary = {"read_rows": str(rows), "written_rows": "0", "result_rows": "0"}
        return 200, output, {"X-ClickHouse-Summary": json.dumps(summary)}

    def _is_ours(self, headers: _Headers, query: Mapping[str, list[str]]) -> bool:
        """Tell whether a request has the password, in one of the three places where ClickHouse's clients put it."""
        user, password = headers.get("x-clickhouse-user", ""), headers.get("x-clickhouse-key", "")
        scheme, _, packed = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(packed, validate=True).decode().partition(":")
            except ValueError:
                return False
        elif not user:
            user, password = query.get("user", [""])[0], query.get("password", [""])[0]
        return user == USER and hmac.compare_digest(password.encode(errors="replace"), self._expected)


async def _body(receive: Any, headers: _Headers) -> bytes:
    """Return a request's whole body, unpacked.

    Raises:
        BadRequest: it is too large, or cannot be unpacked.
    """
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "the client has gone")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MAX_BODY:
            raise BadRequest(413, f"a body of more than {MAX_BODY} bytes")
    encoding = headers.get("content-encoding", "identity")
    if encoding == "identity":
        return b"".join(parts)
    if encoding != "gzip":
        raise BadRequest(400, f"Content-Encoding {encoding[:40]} is not spoken here")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(b"".join(parts), MAX_BODY)
    except zlib.error as error:
        raise BadRequest(400, f"the body cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise BadRequest(413, f"a body of more than {MAX_BODY} bytes, or half of one")
    return body


def serve(folder: Path, port: int, password: str) -> None:
    """Serve until SIGTERM or SIGINT, then close the folder.

    Raises:
        OSError: the port is in use.
    """
    listening = socket.socket()  # before the engine: a port in use then costs no half second
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    engine = Engine(folder)
    config = uvicorn.Config(
        Sidecar(engine, password, port),
        lifespan="off", ws="none", access_log=False, log_level="warning", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it has shut down, and would take us from under the open folder.
        signal.signal(number, lambda *_: None)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        engine.close()


def main(arguments: list[str]) -> int:
    """Read the command line and serve."""
    if len(arguments) != 2 or not arguments[1].isdigit():
        sys.stderr.write("usage: HISTORY_PASSWORD=... python -m streaming.history.sidecar DIR PORT\n")
        return 2
    password = os.environ.pop("HISTORY_PASSWORD", "")
    if len(password) < 16:
        sys.stderr.write("history needs HISTORY_PASSWORD, of 16 characters or more: loopback is open to every user\n")
        return 2
    os.umask(0o077)
    try:
        serve(Path(arguments[0]), int(arguments[1]), password)
    except OSError as error:
        sys.stderr.write(f"history cannot listen on 127.0.0.1:{arguments[1]}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
