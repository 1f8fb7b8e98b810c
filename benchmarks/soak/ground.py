"""What every part stands on: a folder, a real store, a market that is written into it, and the product's own node."""

import json
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.embedded import servers
from config.embedded.children import Child, free_port
from kernel import keyspace, tokens
from kernel.scope import Scope, Step
from streaming.records.window import MovedBar, Newest, Window, chunk_of, end_ms, pack, seq_of

ROOT = Path(__file__).resolve().parents[2]
GROUP, ISSUER, KID, LANE, EPOCH = "local", "tickpack", "soak", "CN", "soak"
SEVENTH = 7  # a seldom symbol moves in each seventh window; the node makes the rest of its bars
_KEY = Ed25519PrivateKey.generate()


def token(max_subs: int = 50, *, customer: str = "", max_conns: int = 2, now_s: int | None = None) -> str:
    """Return a token; without `customer`, of one of its own; `now_s` is the node's clock, where that is not ours."""
    now = int(time.time()) if now_s is None else now_s
    running = Step(now - 60, max_subs, max_conns, frozenset({"CN", "HK"}), frozenset({"L1"}))
    over = Step(now + 30 * 86_400, 0, 0, frozenset(), frozenset())
    return tokens.issue(
        scope=Scope(customer=customer or uuid.uuid4().hex, group=GROUP, rev=1, steps=(running, over)),
        jti=uuid.uuid4().hex, issuer=ISSUER, now_s=now, expires_at_s=now + 86_400, kid=KID, private_key=_KEY,
    )  # fmt: skip


def _jwks() -> str:
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(_KEY.public_key()))
    return json.dumps({"keys": [entry | {"kid": KID, "alg": "EdDSA", "use": "sig"}]})


class Market:
    """A lane in which every symbol moves in every window; written as ingest does, from the window of now on.

    Args:
        seldom: further symbols, which move in each seventh window.
    """

    def __init__(
        self, client: redis.Redis, symbols: Sequence[str], lane: str = LANE, seldom: Sequence[str] = ()
    ) -> None:
        self.redis, self.symbols, self.lane, self.seldom = client, [*symbols, *seldom], lane, frozenset(seldom)
        self.seq = seq_of(int(time.time() * 1000))
        self.sent_ns: dict[int, int] = {}  # seq -> monotonic ns, just before it was written
        self._bars = [
            MovedBar(symbol, price, price + 200, price - 100, price + 100, 1000 + at * 37, price * 1000)
            for at, symbol in enumerate(self.symbols)
            for price in (100_000 + at * 300,)
        ]
        self.known = {bar.symbol: bar.volume for bar in self._bars}
        self._often = [bar for bar in self._bars if bar.symbol not in self.seldom]
        self._references = [(bar.symbol, bar.close_e4) for bar in self._bars]
        rows = {bar.symbol: pack(self._newest(bar.close_e4)) for bar in self._bars}
        client.hset(keyspace.newest(lane), mapping=rows)
        client.set(keyspace.epoch(lane), EPOCH)
        self.publish(keyframe=True)

    @staticmethod
    def _newest(price: int) -> Newest:
        return Newest(0, price, price, price, price, 0, 0, "trading", price, "2026-03-09", 0, 0, 0, 0, 0)

    def publish(self, *, keyframe: bool = False) -> int:
        """Write the next window; return its seq."""
        before, self.seq = self.seq, self.seq + 1
        begins = keyframe or chunk_of(before) != chunk_of(self.seq)
        references = self._references if begins else []
        bars = self._bars if self.seq % SEVENTH == 0 else self._often
        window = Window(
            self.seq, "open", None, "soak", 1, bars, references=references, keyframe=begins,
            made_ms=int(time.time() * 1000),
        )  # fmt: skip
        packed = pack(window)
        self.sent_ns[self.seq] = time.monotonic_ns()
        self.redis.xadd(keyspace.stream(self.lane, EPOCH), {"w": packed}, id=f"{end_ms(self.seq)}-0")
        return self.seq


def mainland(count: int) -> list[str]:
    """Return that many symbols of the lane CN, all of nine characters."""
    return [f"{600_000 + nth}.SH" for nth in range(count)]


def follow_sets(sockets: int, each: int, symbols: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what each socket follows: spread over all symbols, hardly two sets alike."""
    step = len(symbols) // each
    return [
        tuple(symbols[(nth + k * step + (nth * 7 + k * 3) % step) % len(symbols)] for k in range(each))
        for nth in range(sockets)
    ]


class Database:
    """An address for DATABASE_URL where nobody speaks PostgreSQL, and every attempt to connect is counted."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._socket.setblocking(False)
        self.url = f"postgresql://nobody@127.0.0.1:{self._socket.getsockname()[1]}/none"

    def attempts(self) -> int:
        """Return how often somebody has connected since the last question."""
        count = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


class Node:
    """A running node and what can be seen of it from outside."""

    def __init__(self, child: Child, port: int, store_port: int, state: Path, database: Database) -> None:
        self._child, self.port, self._state, self._database = child, port, state, database
        self._store_port = store_port
        self.base, self.url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/stock"

    @property
    def pid(self) -> int:
        assert self._child.process is not None
        return self._child.process.pid

    def rss_kb(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024

    def peak_kb(self) -> int:
        """Return the most memory it ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def descriptors(self) -> int:
        """Return its open descriptors without its pool of connections to the store, as large as its busiest moment."""
        pool = self._store_inodes()
        count = 0
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with suppress(FileNotFoundError):  # closed meanwhile
                count += os.readlink(f"/proc/{self.pid}/fd/{fd}") not in pool
        return count

    def _store_inodes(self) -> set[str]:
        wanted = f":{self._store_port:04X}"
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        return {f"socket:[{row[9]}]" for row in rows if row[2].endswith(wanted)}

    def sockets(self) -> int:
        """Return how many connections to its port it holds a descriptor of."""
        wanted, held = f"{self.port:04X}", 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            row = line.split()
            # 0A is the listening socket; inode 0 is a connection that the kernel alone is still closing.
            held += row[1].endswith(wanted) and row[3] != "0A" and row[9] != "0"
        return held

    def inside(self) -> dict[str, int]:
        """Ask the process itself: its asyncio tasks, and how many objects of the kinds that belong to a socket."""
        self._state.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR2)
        wait_for(self._state.exists, 20)
        return json.loads(self._state.read_text())  # type: ignore[no-any-return]

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.base}/metrics", timeout=10) as got:
            lines = got.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def sql(self) -> int:
        """Return how often it has tried to reach a database since the last question."""
        return self._database.attempts()

    def says(self) -> str:
        """Return the end of its log."""
        return self._child.log.read_text(errors="replace")[-3000:]


class Ground:
    """One part's folder and store; nodes are started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "log").mkdir()
        self._store, self.redis_url, broker = servers.valkey(folder, secrets.token_hex(8), keep=False)
        self._env = {"REDIS_URL": self.redis_url, "CELERY_BROKER_URL": broker}
        self._store.start()
        self._store.wait_ready()
        self.redis = redis.Redis.from_url(self.redis_url)
        (folder / "jwks.json").write_text(_jwks())

    def run(self, name: str, argv: Sequence[str], ready: Callable[[], bool], **env: str) -> Child:
        """Start a program of this checkout; whoever starts it stops it."""
        child = Child(name=name, argv=argv, log=self.folder / "log" / f"{name}.log", env=env, ready=ready)
        child.start()
        child.wait_ready()
        return child

    @contextmanager
    def node(self, **more: str) -> Iterator[Node]:
        """Run `manage.py serve` as a node: one process, no SQL within its reach; `more` is further environment."""
        port, state, database = free_port(), self.folder / "state.json", Database()
        env = self._env | {
            "TOKEN_JWKS": str(self.folder / "jwks.json"), "TICKPACK_ROLE": "node", "TICKPACK_EMBEDDED": "1",
            "TICKPACK_VAR": str(self.folder), "DATABASE_URL": database.url, "SOAK_STATE": str(state),
            **more,
        }  # fmt: skip
        argv = [sys.executable, "-m", "benchmarks.soak.watched", "serve", "--port", str(port)]
        child = self.run("node", argv, lambda: healthy(port), **env)
        try:
            yield Node(child, port, urlsplit(self.redis_url).port or 0, state, database)
        finally:
            stop(child)
            database.close()

    def close(self) -> None:
        self.redis.close()
        stop(self._store)


@contextmanager
def ground() -> Iterator[Ground]:
    """Yield a ground of its own, and clear up."""
    with tempfile.TemporaryDirectory(prefix="tickpack-soak-") as folder:
        standing = Ground(Path(folder))
        try:
            yield standing
        finally:
            standing.close()


def stop(child: Child) -> None:
    child.ask_to_stop()
    child.make_sure_stopped(time.monotonic() + 8)


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return True
    except OSError:
        return False


def wait_for(answer: Callable[[], Any], seconds: float) -> bool:
    """Wait until something is so; return whether it came to that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer():
            return True
        time.sleep(0.05)
    return False
