"""A node as its clients meet it: a real server process, real tokens, windows written into the real stream."""

import json
import os
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.embedded.children import Child, free_port
from kernel import clock, keyspace, tokens
from kernel.scope import Scope, Step
from streaming.domain.calendar import exchange_day
from streaming.records.window import Book, Events, MovedBar, Newest, Print, Window, chunk_of, end_ms, pack, start_ms

GROUP, ISSUER, KID = "local", "tickpack", "test-key"
PRIVATE_KEY = Ed25519PrivateKey.generate()
FOREIGN_KEY = Ed25519PrivateKey.generate()
BOTH = frozenset({"CN", "HK"})
PANEL = "http://127.0.0.1:8000"  # whose pages' tokens are taken: what PANEL_URL says by itself


def guest_token(**more) -> str:
    """A token of who has no account."""
    now = int(time.time())
    nothing: frozenset[str] = frozenset()
    return make_token(Scope("guest", GROUP, 0, (Step(now, 0, 0, nothing, nothing),)), viewer=True, **more)


def jwks() -> dict:
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(PRIVATE_KEY.public_key()))
    return {"keys": [entry | {"kid": KID, "alg": "EdDSA", "use": "sig"}]}


def make_scope(
    customer: str,
    max_subs: int = 5,
    max_conns: int = 3,
    *,
    rev: int = 1,
    markets=BOTH,
    days: float = 30,
    levels=frozenset({"L1"}),
) -> Scope:
    now = int(time.time())
    running = Step(now - 60, max_subs, max_conns, markets, levels)
    over = Step(now + int(days * 86_400), 0, 0, frozenset(), frozenset())
    return Scope(customer=customer, group=GROUP, rev=rev, steps=(running, over))


def make_token(
    scope: Scope | None = None,
    *,
    key=PRIVATE_KEY,
    kid: str = KID,
    lives_s: int = 86_400,
    jti: str = "",
    issuer: str = ISSUER,
    viewer: bool = False,
) -> str:
    now = int(time.time())
    return tokens.issue(
        viewer=viewer,
        scope=scope or make_scope(uuid.uuid4().hex),
        jti=jti or uuid.uuid4().hex,
        issuer=issuer,
        now_s=now if lives_s > 0 else now + lives_s - 10,
        expires_at_s=now + lives_s,
        kid=kid,
        private_key=key,
    )


class Stream:
    """Writes windows of one lane as ingest does; all tests of a run share one epoch, as time only goes on."""

    seqs: dict[str, int] = {}
    prices: dict[str, dict[str, int]] = {}  # what a keyframe names

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self.redis, self.lane, self.epoch = client, lane, "test"
        self.seqs.setdefault(lane, int(time.time() / 1.5))
        self.prices.setdefault(lane, {})
        self.known: list[tuple[str, int, str]] = []
        self._told = 0
        self.redis.set(keyspace.epoch(lane), self.epoch)

    def know(self, *symbols: str, price: float = 10.0, state: str = "trading") -> None:
        e4 = round(price * 10_000)
        for symbol in symbols:
            row = Newest(0, e4, e4, e4, e4, 0, 0, state, e4, "2026-03-09", 0, 0, 0, 0, 0)
            self.redis.hset(keyspace.newest(self.lane), symbol, pack(row))
            self.known.append((symbol, e4, state))
            self.prices[self.lane][symbol] = e4

    def to_next_minute(self) -> int:
        """How many windows to skip so that the next one is a minute's first: nobody else's bars, and no end near."""
        return -self.seqs[self.lane] % 40

    def write(
        self, *bars: tuple, state: str = "open", until_ms: int | None = None, states=(), skip: int = 0,
        prints: Sequence[Print] = (), books: Sequence[Book] = (),
    ) -> int:  # fmt: skip
        """Write the next window. A bar is (symbol, open, high, low, close, volume, amount)."""
        before = self.seqs[self.lane]
        self.seqs[self.lane] += 1 + skip
        seq, known, self.known = self.seqs[self.lane], self.known, []
        keyframe = chunk_of(before) != chunk_of(seq) or not self.redis.exists(keyspace.stream(self.lane, self.epoch))
        prices = self.prices[self.lane]
        references = list(prices.items()) if keyframe else [row[:2] for row in known]
        moved = [MovedBar(b[0], *(round(p * 10_000) for p in b[1:5]), b[5], round(b[6] * 10_000)) for b in bars]
        window = Window(
            seq,
            state,
            until_ms,
            "test",
            1,
            moved,
            [*((row[0], row[2]) for row in known), *states],
            references,
            keyframe=keyframe,
            previous=[row[:2] for row in known],
        )
        prices.update((bar.symbol, bar.close_e4) for bar in moved)
        if prints or books:
            self.tell(prints, books, before=seq)
        self.redis.xadd(keyspace.stream(self.lane, self.epoch), {"w": pack(window)}, id=f"{end_ms(seq)}-0")
        return seq

    def tell(self, prints: Sequence[Print] = (), books: Sequence[Book] = (), *, before: int | None = None) -> None:
        """Tell trades and pictures as they come; the next window is not closed yet."""
        told = pack(Events(list(prints), list(books)))
        ms = start_ms(before or self.seqs[self.lane] + 1)
        self.redis.xadd(
            keyspace.events(self.lane, self.epoch), {"e": told}, id=f"{ms}-*" if self._told == ms else f"{ms}-1"
        )
        self._told = ms


def close_the_days(store: redis.Redis, lane: str) -> None:
    """Make these days closed ones for a lane, so that what is pushed counts at any hour.

    Before a trading day's first trade a total is the day before's, and does not count.
    """
    today = exchange_day(clock.now_ms())
    days = {(today + timedelta(days=more)).isoformat(): '{"kind":"closed","note":""}' for more in (-1, 0, 1)}
    store.hset(keyspace.calendar_overrides(lane), mapping=days)


def wait_for(answer: Callable[[], object], seconds: float = 60.0) -> object:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := answer():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing came within {seconds} s")


def health(base: str) -> dict | None:
    try:
        with urllib.request.urlopen(f"{base}/healthz", timeout=1) as got:
            return json.load(got)
    except OSError:
        return None


class ServedNode:
    """A running server process and its addresses."""

    def __init__(self, port: int, log: Path | None = None) -> None:
        self.log = log or Path(os.devnull)
        self.base, self.url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/stock"


def serve(name: str, argv: list[str], port: int, tmp: Path, **more: str) -> Iterator[ServedNode]:
    jwks_file = tmp / "jwks.json"
    jwks_file.write_text(json.dumps(jwks()))
    root = Path(__file__).resolve().parents[2]
    env = {
        "TOKEN_JWKS": str(jwks_file),
        "PYTHONPATH": f"{root}:{root / 'platform'}",
        "TICKPACK_EMBEDDED": "1",
        "TICKPACK_ROLE": "node",
        **more,
    }
    node = ServedNode(port, tmp / "server.log")
    child = Child(name=name, argv=argv, log=tmp / "server.log", env=env, ready=lambda: health(node.base) is not None)
    child.start()
    try:
        child.wait_ready()
        yield node
    finally:
        child.ask_to_stop()
        child.make_sure_stopped(time.monotonic() + 6)


@pytest.fixture(scope="session")
def node(tmp_path_factory) -> Iterator[ServedNode]:
    """The product's own server: uvicorn with the wire extension."""
    port = free_port()
    yield from serve(
        "web", [sys.executable, "manage.py", "serve", "--port", str(port)], port, tmp_path_factory.mktemp("node")
    )


@pytest.fixture(scope="session")
def plain_node(tmp_path_factory) -> Iterator[ServedNode]:
    """The same application on a server without the extension (Daphne)."""
    port = free_port()
    argv = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", "config.asgi:application"]
    yield from serve("daphne", argv, port, tmp_path_factory.mktemp("daphne"))


@pytest.fixture
def store(redis_url) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def cn(store) -> Stream:
    return Stream(store, "CN")


@pytest.fixture
def hk(store) -> Stream:
    return Stream(store, "HK")
