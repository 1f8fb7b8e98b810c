"""iTick, AllTick and TickDB: their WebSockets with what each acknowledges, refuses and passes over, and their REST."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

KEY = "the-operators-key"


class Vendor:
    """One provider. A test changes it while it runs.

    Args:
        most: symbols of the plan.
        silent: connections are taken and nothing is said on them.
        asked: what was sent to it, with the seconds (monotonic) of its arrival.
        requests: of its REST: (path, query, body).
        rest: its REST's answers, (status, JSON), by path.
    """

    untold: dict[str, tuple[int, Any]] = {}  # its pages of statistics, which know nothing

    def __init__(self, most: int = 1_000) -> None:
        self.most, self.silent = most, False
        self.asked: list[tuple[float, Any]] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.rest: dict[str, tuple[int, Any]] = dict(self.untold)
        self.connections: dict[ServerConnection, dict[str, list[str]]] = {}  # -> what is followed, by kind
        self.connected = 0

    # -- what a vendor does ------------------------------------------------------------------------------------------

    def admits(self, connection: ServerConnection) -> bool:
        """Say whether the upgrade is answered."""
        return True

    def greet(self, connection: ServerConnection) -> bool:
        """Begin; return whether the connection goes on."""
        return True

    def take(self, connection: ServerConnection, message: Any) -> None:
        """Answer a message."""
        raise NotImplementedError

    def knows(self, query: dict[str, str], headers: Any) -> bool:
        """Say whether a request has the key."""
        raise NotImplementedError

    # -- what a test does --------------------------------------------------------------------------------------------

    def say(self, kind: str, symbol: str, message: Any) -> None:
        """Push to those who follow."""
        for connection, followed in list(self.connections.items()):
            if symbol in followed.get(kind, ()):
                with suppress(ConnectionClosed):
                    connection.send(message if isinstance(message, str) else json.dumps(message))

    def drop(self) -> None:
        """End all connections at once, without a word."""
        for connection in list(self.connections):
            with suppress(OSError):  # the other side was quicker
                connection.socket.shutdown(socket.SHUT_RDWR)

    def asked_of(self, path: str) -> list[tuple[dict[str, str], Any]]:
        """Return what its REST was asked at an address: (query, body)."""
        return [(query, body) for asked, query, body in list(self.requests) if asked == path]

    def follows(self, kind: str, symbol: str) -> bool:
        return any(symbol in followed.get(kind, ()) for followed in list(self.connections.values()))


class ITickVendor(Vendor):
    """Key in the header, or in a message; subscriptions add up, and what is too much is refused whole."""

    untold = {"/stock/info": (200, {"code": 0, "msg": "ok", "data": {}})}

    def greet(self, connection: ServerConnection) -> bool:
        connection.send('{"code":1,"msg":"Connected Successfully"}')
        token = connection.request.headers.get("token") if connection.request else None
        if token is None:
            return True
        return self._authenticated(connection, token)

    def _authenticated(self, connection: ServerConnection, token: str) -> bool:
        if token != KEY:
            connection.send('{"code":0,"resAc":"auth","msg":"auth failed"}')
            return False
        connection.send(json.dumps({"code": 1, "resAc": "auth", "msg": "authenticated", "data": {"params": token}}))
        return True

    def take(self, connection: ServerConnection, message: Any) -> None:
        if message["ac"] == "ping":
            connection.send(json.dumps({"resAc": "pong", "data": {"params": message["params"]}}))
        elif message["ac"] == "subscribe":
            followed = self.connections[connection]
            codes = message["params"].split(",")
            if len(set(codes) | set(followed.get("quote", ()))) > self.most:
                connection.send('{"code":0,"resAc":"subscribe","msg":"exceeding the maximum subscription limit"}')
                return
            for kind in message["types"].split(","):
                followed.setdefault(kind, []).extend(codes)
            connection.send('{"code":1,"resAc":"subscribe","msg":"subscribe Successfully"}')

    def knows(self, query: dict[str, str], headers: Any) -> bool:
        return headers.get("token") == KEY


class AllTickVendor(Vendor):
    """Key in the address; a subscription replaces the one before; what is too much is passed over without a word.

    Args:
        gap_seconds: between two requests of a connection, else 605.
        limbo_seconds: without a heartbeat, until the connection is closed.
    """

    gap_seconds, limbo_seconds = 0.0, 60.0
    refuses = 0  # a code, to the next subscription
    untold = {"/static_info": (200, {"ret": 200, "msg": "ok", "data": {"static_info_list": []}})}

    def admits(self, connection: ServerConnection) -> bool:
        query = parse_qs(urlsplit(connection.request.path).query) if connection.request else {}
        return query.get("token") == [KEY]

    def take(self, connection: ServerConnection, message: Any) -> None:
        command, followed = message["cmd_id"], self.connections[connection]
        code, words = 200, "ok"
        before = followed.get("at")
        if command in (22002, 22004):
            now = time.monotonic()
            if self.refuses:
                code, words, self.refuses = self.refuses, "too many requests", 0
            elif before and now - float(before[0]) < self.gap_seconds:
                code, words = 605, "too many requests"
            else:
                kind = "tick" if command == 22004 else "depth"
                followed[kind] = [one["code"] for one in message["data"]["symbol_list"]][: self.most]
            followed["at"] = [str(now)]
        answer = {
            "ret": code,
            "msg": words,
            "cmd_id": command + 1,
            "seq_id": message["seq_id"],
            "trace": message["trace"],
        }
        connection.send(json.dumps({**answer, "data": {}}))
        if code == 606:
            connection.close()

    def knows(self, query: dict[str, str], headers: Any) -> bool:
        return query.get("token") == KEY


class TickDBVendor(Vendor):
    """Key in the address, refused before the upgrade; a subscription may be refused, or taken in part.

    Args:
        without: channels that the plan has not.
        unknown: symbols that it does not follow.
    """

    untold = dict.fromkeys(
        ("/v1/market/stock-info", "/v1/market/calc-index"), (200, {"code": 0, "message": "success", "data": []})
    )

    def __init__(self, most: int = 1_000) -> None:
        super().__init__(most)
        self.without: tuple[str, ...] = ()
        self.unknown: tuple[str, ...] = ()

    def admits(self, connection: ServerConnection) -> bool:
        query = parse_qs(urlsplit(connection.request.path).query) if connection.request else {}
        return query.get("api_key") == [KEY]

    def take(self, connection: ServerConnection, message: Any) -> None:
        if message["cmd"] == "ping":
            self._answer(connection, "pong", 0, "pong", {"timestamp": 1})
            return
        data = message["data"]
        channel, wanted = data["channel"], data["symbols"]
        followed = self.connections[connection]
        if channel in self.without:
            self._answer(connection, "subscribe", 4005, "channel permission denied", None)
        elif len({*followed.get(channel, ()), *wanted}) > self.most:
            self._answer(connection, "subscribe", 3004, "subscription limit", None)
        else:
            followed.setdefault(channel, []).extend(one for one in wanted if one not in self.unknown)
            failed = [one for one in wanted if one in self.unknown]
            told = {"channel": channel, "symbols": wanted, "failed_symbols": failed}
            self._answer(connection, "subscribe", 5004 if failed else 0, "partial" if failed else "success", told)

    @staticmethod
    def _answer(connection: ServerConnection, command: str, code: int, words: str, data: Any) -> None:
        connection.send(json.dumps({"cmd": command, "code": code, "message": words, "data": data}))

    def knows(self, query: dict[str, str], headers: Any) -> bool:
        return headers.get("X-API-Key") == KEY


@contextmanager
def serving(vendor: Vendor) -> Iterator[dict[str, str]]:
    """Serve a vendor; yield {"url": ..., "rest_url": ...}."""

    def admit(connection: ServerConnection, request: Any) -> Any:
        return None if vendor.admits(connection) else connection.respond(HTTPStatus.UNAUTHORIZED, "no\n")

    def hold(connection: ServerConnection) -> None:
        vendor.connected += 1
        vendor.connections[connection] = {}
        try:
            if vendor.silent:
                while vendor.silent:
                    time.sleep(0.02)
            if vendor.greet(connection):
                for text in connection:
                    message = json.loads(text)
                    vendor.asked.append((time.monotonic(), message))
                    if not vendor.silent:
                        vendor.take(connection, message)
        except ConnectionClosed:
            pass
        finally:
            vendor.connections.pop(connection, None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            vendor.requests.append((parts.path, query, json.loads(body) if body else None))
            known = vendor.knows(query, self.headers)
            status, told = vendor.rest.get(parts.path, (404, {})) if known else (401, {})
            text = json.dumps(told(query) if callable(told) else told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    with serve(hold, "127.0.0.1", 0, process_request=admit, close_timeout=0.2) as sockets:
        threads = [
            threading.Thread(target=sockets.serve_forever, daemon=True),
            threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True),
        ]
        for thread in threads:
            thread.start()
        port = sockets.socket.getsockname()[1]
        try:
            yield {"url": f"ws://127.0.0.1:{port}", "rest_url": f"http://127.0.0.1:{http.server_port}"}
        finally:
            vendor.drop()
            sockets.shutdown()
            http.shutdown()
            http.server_close()
