"""What emulators share: a server in a thread, notices that are repeated until they are answered rightly, a list of money."""

import asyncio
import json
import random
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs

import httpx
import uvicorn
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pkcs1_15

Post = Callable[[str, dict[str, str], bytes], tuple[int, bytes]]


@dataclass(frozen=True)
class Moved:
    """Money that really moved: `kind` is paid or refunded, `number` the transaction's or the refund's."""

    kind: str
    order_no: str
    number: str
    amount_fen: int
    at: float


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def arguments(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.query, keep_blank_values=True).items()}


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    half: bool = False  # the connection breaks in the middle of the body
    wait_seconds: float = 0.0


@dataclass
class Notice:
    """A notice that is repeated until its answer is right."""

    order_no: str
    url: str
    make: Callable[[], tuple[dict[str, str], bytes]]
    due_at: float
    tries: int = 0
    done: bool = False
    answers: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass
class Fault:
    """What goes wrong at the next request that concerns `call`."""

    call: str
    kind: str
    times: int = 1


class Emulator:
    """A provider. `start()` returns it running, `url` is where; as a context it stops by itself."""

    SCHEDULE: tuple[float, ...] = ()

    def __init__(self, *, clock: Callable[[], float] = time.time, compress: float = 1.0, seed: int = 0) -> None:
        self.clock = clock
        self.compress = compress
        self.random = random.Random(seed)
        self.ground_truth: list[Moved] = []
        self.notices: list[Notice] = []
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.hostile: dict[str, str] = {}
        self.lock = threading.RLock()
        self.url = ""
        self._server: uvicorn.Server | None = None
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()

    # -- running -------------------------------------------------------------------------------------------------
    def start(self, port: int = 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            self._app, log_level="critical", lifespan="off", ws="none", access_log=False, interface="asgi3"
        )
        self._server = uvicorn.Server(config)
        self._run(lambda: self._server.run(sockets=[listening]))
        until = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < until, "the emulator did not start"
            time.sleep(0.01)
        return self

    def deliver_forever(self, every_seconds: float = 0.05) -> None:
        """Send notices by themselves, over HTTP."""

        def run() -> None:
            while not self._ended.wait(every_seconds):
                self.work()
                self.deliver()

        self._run(run)

    def work(self) -> None:
        """What the provider does in its own time."""

    def stop(self) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.should_exit = True
        for thread in self._threads:
            thread.join(10)

    def __enter__(self):
        return self if self.url else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, what: Callable[[], object]) -> None:
        thread = threading.Thread(target=what, daemon=True)
        self._threads.append(thread)
        thread.start()

    # -- being asked ---------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Reply:
        raise NotImplementedError

    def fault(self, call: str) -> str:
        """Return the fault that is due for a call, "" for none, and count it down."""
        for one in self.faults:
            if one.call == call and one.times > 0:
                one.times -= 1
                return one.kind
        return ""

    async def _app(self, scope, receive, send) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            part = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, body)
        with self.lock:
            self.requests.append(f"{request.method} {request.path}")
            reply = self.handle(request)
        if reply.wait_seconds:
            await asyncio.sleep(reply.wait_seconds)
        length = len(reply.body) * (2 if reply.half else 1)
        told = {"content-length": str(length), **reply.headers}
        start = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": start})
        await send({"type": "http.response.body", "body": reply.body, "more_body": False})

    # -- notices -------------------------------------------------------------------------------------------------
    def is_right(self, status: int, body: bytes) -> bool:
        raise NotImplementedError

    def queue(self, notice: Notice) -> None:
        with self.lock:
            self.notices.append(notice)

    def deliver(self, post: Post | None = None) -> int:
        """Send the notices that are due; return how many were sent.

        Args:
            post: how; unless given, over HTTP with the provider's 5 s.
        """
        sent = 0
        with self.lock:
            due = [one for one in self.notices if not one.done and one.due_at <= self.clock()]
        for notice in due:
            headers, body = notice.make()
            status, answer = (post or _post)(notice.url, headers, body)
            sent += 1
            notice.answers.append((status, answer))
            if self.is_right(status, answer) or notice.tries >= len(self.SCHEDULE):
                notice.done = True
            else:
                notice.due_at = self.clock() + self.SCHEDULE[notice.tries] / self.compress
            notice.tries += 1
        return sent


def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    try:
        answer = httpx.post(url, headers=headers, content=body, timeout=5, trust_env=False)
    except httpx.HTTPError as error:
        return 0, type(error).__name__.encode()
    return answer.status_code, answer.content


@cache
def run_key(whose: str) -> RSA.RsaKey:
    """Return a key that was made in this run; of each holder one, since making them is slow."""
    return RSA.generate(2048)


def sign(key: RSA.RsaKey, message: bytes) -> str:
    return b64encode(pkcs1_15.new(key).sign(SHA256.new(message))).decode()


def is_signed(key: RSA.RsaKey, message: bytes, signature: str) -> bool:
    try:
        pkcs1_15.new(key).verify(SHA256.new(message), b64decode(signature, validate=True))
    except (ValueError, TypeError):
        return False
    return True


def as_json(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
