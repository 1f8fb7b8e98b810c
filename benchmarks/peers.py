"""The servers that are measured side by side: how each is started, what its clients say, and how a bar gets into it."""

import os
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import build, machine, rounds
from benchmarks.stage import Stage, children_of, listening
from config.embedded.children import Child, free_port
from kernel import keyspace

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Shape:
    """How many connections follow how many of how many symbols."""

    connections: int = 1000
    each: int = 50
    symbols: int = rounds.SYMBOLS
    history: int = 0  # windows that are in the stream before the server starts

    def sets(self) -> list[list[int]]:
        return rounds.follow_sets(self.connections, self.each, self.symbols)


@dataclass
class Running:
    """A started server and what the load generator must be told about it."""

    stage: Stage
    shape: Shape
    children: list[Child]
    port: int
    publish_port: int
    first_seq: int
    options: list[str | int | Path] = field(default_factory=list)
    helpers: list[Child] = field(default_factory=list)  # belong to it, but are not what is measured

    @property
    def pids(self) -> str:
        """The processes that are measured, a server's workers among them."""
        own = [child.process.pid for child in self.children if child.process]
        return ",".join(str(pid) for parent in own for pid in [parent, *children_of(parent)])

    def arguments(self, *phases: str, sample: int = 8, at_a_time: int = 64) -> list[str | int | Path]:
        """Return the load generator's arguments for some phases."""
        store = self.stage.store.process
        folder = self.stage.folder
        return [
            "--port", self.port, "--clients", folder / "crew", "--round", folder / "round",
            "--publish-port", self.publish_port, "--first-seq", self.first_seq, "--per-round", self.shape.each,
            "--server", self.pids, "--store", store.pid if store else "", "--sample", sample,
            "--at-a-time", at_a_time, "--seq-at", seq_at(), *self.options, *phases,
        ]  # fmt: skip


def seq_at() -> int:
    """Return where in a frame the digits of `seq` begin; the same for all, their symbols being equally long."""
    first = rounds.frames(rounds.bars(rounds.symbols(1)), 1_000_000_000)[0]
    return first.index(b'"seq":') + 6


class Peer:
    """A kind of server. `name` is its word in the figures, `label` what people read."""

    name = label = ""
    paced = True  # whether it can keep up with 1,000 x 50 each 1.5 s

    def version(self) -> str:
        """Say what was measured.

        Raises:
            build.Missing: a program is not here.
        """
        raise NotImplementedError

    def start(self, stage: Stage, shape: Shape) -> Running:
        raise NotImplementedError

    @contextmanager
    def run(self, stage: Stage, shape: Shape) -> Iterator[Running]:
        """Start it on an empty store, and end it."""
        stage.redis.flushall()
        running = self.start(stage, shape)
        try:
            yield running
        finally:
            for child in [*running.helpers, *running.children]:
                stage.stop(child)


def _texts(stage: Stage, shape: Shape, wrap: Any = lambda symbol, frame: frame + b"\n") -> int:
    """Write the round of a server that takes frames as they are; return its first seq."""
    seq = rounds.first_seq()
    rounds.text_round(stage.folder / "round", rounds.symbols(shape.symbols), seq, wrap)
    return seq


def _crew(stage: Stage, shape: Shape, request: bytes, first: Any) -> None:
    names = rounds.symbols(shape.symbols)
    rounds.write_crew(
        stage.folder / "crew", [(request, first([names[at] for at in wanted])) for wanted in shape.sets()]
    )


class CLimit(Peer):
    """One C thread that only joins and writes."""

    name, label = "c", "C limit (join + write)"

    def version(self) -> str:
        return machine.says("gcc", "--version")

    def start(self, stage: Stage, shape: Shape) -> Running:
        port, feed = free_port(), free_port()
        child = stage.start("climit", [build.program("climit"), str(port), str(feed), str(shape.symbols)], port)
        request = rounds.upgrade(port)
        firsts = [",".join(map(str, wanted)).encode() for wanted in shape.sets()]
        rounds.write_crew(stage.folder / "crew", [(request, first) for first in firsts])
        return Running(stage, shape, [child], port, feed, _texts(stage, shape))


class Tickpack(Peer):
    """The product's own server with everything on: EdDSA tokens, quota, seq, metrics, a real store in front."""

    name, label = "tickpack", "Tickpack"
    workers = 1

    def __init__(self, tree: Path = ROOT) -> None:
        self.tree = tree

    def version(self) -> str:
        commit = machine.says("git", "-C", str(self.tree), "describe", "--always", "--dirty") or "no commit"
        return f"{commit}, " + machine.packages("uvicorn", "uvloop", "websockets", "channels", "redis")

    @property
    def python(self) -> str:
        own = self.tree / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    def argv(self, port: int) -> list[str]:
        return [self.python, str(self.tree / "manage.py"), "serve", "--port", str(port)]

    def start(self, stage: Stage, shape: Shape) -> Running:
        names = rounds.symbols(shape.symbols)
        sets = [[names[at] for at in wanted] for wanted in shape.sets()]
        return self.start_for(stage, shape, [(rounds.token(shape.each), rounds.subscribe(wanted)) for wanted in sets])

    def start_for(self, stage: Stage, shape: Shape, clients: Sequence[tuple[str, bytes]]) -> Running:
        """Start it for clients that are given by token and first message."""
        port = free_port()
        names = rounds.symbols(shape.symbols)
        seq = rounds.first_seq()
        prepare_store(stage, names)
        rounds.write_windows(stage.redis, names, range(seq - shape.history, seq))
        rounds.stream_round(stage.folder / "round", names, seq, keyframe=shape.history > 0)
        rounds.write_crew(stage.folder / "crew", [(self.request(port, token), first) for token, first in clients])
        url = stage.redis_url
        password = url.split(":")[2].partition("@")[0]
        (stage.folder / "hello").write_bytes(rounds.resp(b"AUTH", password.encode()))
        child = stage.start(
            self.name, self.argv(port), port, env=self.environment(stage), cpus=self.cpus(stage),
            ready=lambda: listening(port) == self.workers and _healthy(port),
        )  # fmt: skip
        store_port = int(url.rpartition(":")[2].partition("/")[0])
        options: list[str | int | Path] = ["--hello", stage.folder / "hello", "--answer", '"type":"subscribed"']
        return Running(stage, shape, [child], port, store_port, seq, options)

    def cpus(self, stage: Stage) -> str:
        return str(stage.server_cpu)

    def request(self, port: int, token: str) -> bytes:
        return rounds.upgrade(port, "/ws/stock", f"Authorization: Bearer {token}\r\n")

    def environment(self, stage: Stage) -> dict[str, str]:
        keys = stage.folder / "jwks.json"
        keys.write_text(rounds.jwks())
        return {
            "TICKPACK_EMBEDDED": "1",
            "TICKPACK_ROLE": "node",
            "TICKPACK_VAR": str(stage.folder),
            "TICKPACK_WORKERS": str(self.workers),
            "NODE_ID": "bench-1",
            "NODE_GROUP": rounds.GROUP,
            "TOKEN_ISSUER": rounds.ISSUER,
            "TOKEN_JWKS": str(keys),
            "REDIS_URL": stage.redis_url,
            "PYTHONPATH": os.pathsep.join([str(self.tree), str(self.tree / "platform")]),
        }


class TwoProcesses(Tickpack):
    """Two processes on one port, each on a processor of its own; only where a machine has four to use."""

    name, label = "tickpack_2", "Tickpack, two processes"
    workers = 2

    def version(self) -> str:
        return "the same"

    def cpus(self, stage: Stage) -> str:
        return f"{stage.server_cpu},{machine.second_server_processor()}"


class AsgiSend(Tickpack):
    """The same application on a server without our extension: the hub hands each frame to ASGI's send()."""

    name, label = "asgi_send", "Hub over ASGI send()"

    def version(self) -> str:
        return "the same application; " + machine.packages("uvicorn") + " websockets-sansio as it comes"

    def argv(self, port: int) -> list[str]:
        options = ["--ws", "websockets-sansio", "--loop", "uvloop", "--lifespan", "on", "--no-access-log"]
        options += ["--ws-per-message-deflate", "false", "--log-level", "warning", "--backlog", "4096"]
        return [self.python, "-m", "uvicorn", "config.asgi:application", "--port", str(port), *options]


class Nats(Peer):
    """nats-server with its WebSocket listener."""

    name, label = "nats", "NATS over WebSocket"

    def version(self) -> str:
        return machine.says(str(build.nats_server()), "--version")

    def start(self, stage: Stage, shape: Shape) -> Running:
        port, plain = free_port(), free_port()
        config = stage.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{plain}\nmax_connections: 65536\n"
            f"websocket {{\n  listen: 127.0.0.1:{port}\n  no_tls: true\n}}\n"
        )
        child = stage.start("nats", [build.nats_server(), "-c", config], port)
        hello = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
        (stage.folder / "hello").write_bytes(hello)

        def first(names: list[str]) -> bytes:
            asked = b"".join(b"SUB bars.%s %d\r\n" % (name.encode(), at) for at, name in enumerate(names, 1))
            return hello + asked + b"PING\r\n"

        def publish(symbol: str, frame: bytes) -> bytes:
            return b"PUB bars.%s %d\r\n%s\r\n" % (symbol.encode(), len(frame), frame)

        _crew(stage, shape, rounds.upgrade(port), first)
        options: list[str | int | Path] = ["--hello", stage.folder / "hello", "--answer", "PONG", "--by-brace"]
        seq = _texts(stage, shape, publish)
        return Running(stage, shape, [child], port, plain, seq, [*options, "--binary"])


class NodeWs(Peer):
    """Node with the package `ws`."""

    name, label = "node_ws", "Node ws"

    def version(self) -> str:
        build.node_modules()
        return f"Node {machine.says('node', '--version')}, ws {build.WS_VERSION}"

    def start(self, stage: Stage, shape: Shape) -> Running:
        port, feed = free_port(), free_port()
        env = {"NODE_PATH": str(build.node_modules() / "node_modules")}
        script = str(ROOT / "benchmarks" / "servers" / "node_ws.js")
        argv = ["node", script, str(port), str(feed), str(shape.symbols)]
        child = stage.start("node_ws", argv, port, env=env)
        _crew(stage, shape, rounds.upgrade(port), rounds.subscribe)
        return Running(stage, shape, [child], port, feed, _texts(stage, shape))


class Naive(Peer):
    """Channels as its tutorial shows it; the publisher is a process of its own beside the load generator."""

    name, label = "naive", "Channels group_send"
    paced = False

    def version(self) -> str:
        return machine.packages("channels", "channels-redis") + ", RedisPubSubChannelLayer, uvicorn websockets-sansio"

    def start(self, stage: Stage, shape: Shape) -> Running:
        port, feed = free_port(), free_port()
        env = {"REDIS_URL": stage.redis_url, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
        options = ["--ws", "websockets-sansio", "--loop", "uvloop", "--lifespan", "off", "--no-access-log"]
        options += ["--ws-per-message-deflate", "false", "--log-level", "warning", "--backlog", "4096"]
        served = ["-m", "uvicorn", "benchmarks.servers.naive:application", "--port", str(port), *options]
        server = stage.start("naive", [sys.executable, *served], port, env=env)
        publisher = [sys.executable, "-m", "benchmarks.servers.naive_publisher", str(feed)]
        publishing = stage.start("naive_publisher", publisher, feed, env=env, cpus=str(stage.load_cpu))
        _crew(stage, shape, rounds.upgrade(port), rounds.subscribe)
        seq = _texts(stage, shape)
        return Running(stage, shape, [server], port, feed, seq, ["--drain", 0], [publishing])


def prepare_store(stage: Stage, names: Sequence[str]) -> None:
    """Let the store look as ingest leaves it: an epoch, and the instruments that are carried."""
    stage.redis.set(keyspace.epoch(rounds.LANE), rounds.EPOCH)
    rows: dict[Any, Any] = rounds.newest_rows(names)
    stage.redis.hset(keyspace.newest(rounds.LANE), mapping=rows)


def _healthy(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def everyone(tree: Path = ROOT) -> dict[str, Peer]:
    """Return the peers in the order in which a round runs them."""
    peers: list[Peer] = [CLimit(), Tickpack(tree), Nats(), NodeWs(), AsgiSend(tree), Naive()]
    if machine.second_server_processor() is not None:
        peers.insert(2, TwoProcesses(tree))
    return {peer.name: peer for peer in peers}
