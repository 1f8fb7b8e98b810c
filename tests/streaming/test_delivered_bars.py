"""A node's proof of delivery, beside what its clients really received: also of one that stops reading, and over the
node's end."""

import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from config.embedded.children import Child, free_port
from kernel import clock, keyspace
from streaming.domain.windows import seq_of
from streaming.reference.instruments import directory
from tests.streaming.conftest import GROUP, ServedNode, health, jwks, make_scope, make_token, wait_for

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[2]
MANY = 300  # symbols: a window of them is 45 kB


@contextmanager
def a_node(tmp_path: Path, seconds: str) -> Iterator[tuple[ServedNode, Child]]:
    """A node that reports so often."""
    port = free_port()
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    env = {
        "TOKEN_JWKS": str(tmp_path / "jwks.json"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "TICKPACK_EMBEDDED": "1",
        "TICKPACK_ROLE": "node",
        "TICKPACK_DELIVERY_SECONDS": seconds,
    }
    node = ServedNode(port)
    child = Child(
        name="node", argv=[sys.executable, "manage.py", "serve", "--port", str(port)], log=tmp_path / "node.log",
        env=env, ready=lambda: health(node.base) is not None,
    )  # fmt: skip
    child.start()
    try:
        child.wait_ready()
        yield node, child
    finally:
        child.ask_to_stop()
        child.make_sure_stopped(time.monotonic() + 6)


def symbols(number: int) -> list[str]:
    return [one.id.symbol for one in directory().in_lane("CN") if one.state == "trading"][:number]


def reported(store, customer: str) -> dict[str, list[int]]:
    """Return [due, sent, late] by symbol of all reports so far; one that came twice counts once."""
    found: dict[str, list[int]] = {}
    reports = {}
    for _, fields in store.xrange(keyspace.reports(GROUP)):
        if fields[b"kind"] == b"delivery":
            body = json.loads(fields[b"body"])
            reports[body["id"]] = body
    for body in reports.values():
        for row in body["rows"]:
            for symbol, counts in row["bars"].items() if row["customer"] == customer else ():
                found[symbol] = [a + b for a, b in zip(found.get(symbol, [0, 0, 0]), counts, strict=True)]
    return found


def due(store, customer: str) -> int:
    return sum(counts[0] for counts in reported(store, customer).values())


class Follower:
    """A client with a small receive buffer, that reads when it is told to."""

    def __init__(self, node: ServedNode, customer: str, wanted: list[str]) -> None:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        raw.connect(("127.0.0.1", int(node.base.rsplit(":", 1)[1])))
        token = make_token(make_scope(customer, max_subs=MANY))
        self._connecting = connect(
            node.url, sock=raw, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None, max_queue=1,
            compression=None,
        )  # fmt: skip
        self.got: Counter[str] = Counter()
        self.seqs: dict[str, int] = {}
        self.skipped = self.notices = 0
        self.wanted = wanted

    def __enter__(self) -> "Follower":
        self.socket = self._connecting.__enter__()
        self.socket.send(json.dumps({"action": "subscribe", "symbols": self.wanted, "fill": False}))
        self.read_until(lambda message: message["type"] == "subscribed")
        return self

    def __exit__(self, *error) -> None:
        with contextlib.suppress(OSError, ConnectionClosed):
            self._connecting.__exit__(*error)

    def read_until(self, done) -> None:
        while True:
            message = json.loads(self.socket.recv(timeout=15))
            if message["type"] == "kline":
                self.got[message["symbol"]] += 1
                self.seqs[message["symbol"]] = message["seq"]
            elif message["type"] == "slow_reader":
                self.skipped += message["skipped"]
                self.notices += 1
            if done(message):
                return


def test_what_a_slow_reader_missed_is_counted_to_the_bar(tmp_path, store, cn):
    customer, wanted = uuid.uuid4().hex, symbols(MANY)
    cn.know(*wanted)
    cn.write(skip=max(0, seq_of(clock.now_ms()) + 40 - cn.seqs["CN"]))  # ahead of the clock: nothing leaves late
    bars = [(symbol, 10.0, 10.0, 10.0, 10.0, 100, 1000.0) for symbol in wanted]
    with a_node(tmp_path, "1") as (node, _), Follower(node, customer, wanted) as client:
        windows = 0
        while slow_readers(node) == 0:
            cn.write(*bars)
            windows += 1
            assert windows < 2000, "its buffers take everything"
        for _ in range(5):
            cn.write(*bars)
        windows += 5
        wait_for(lambda: due(store, customer) == windows * MANY)
        client.read_until(lambda message: message["type"] == "slow_reader")
        last = cn.write(*bars)
        client.read_until(lambda _: len(client.seqs) == MANY and set(client.seqs.values()) == {last})
        windows += 1
        wait_for(lambda: due(store, customer) == windows * MANY)
        found = reported(store, customer)

    assert client.skipped > 0
    assert {symbol: counts[0] for symbol, counts in found.items()} == dict.fromkeys(wanted, windows)
    assert {symbol: counts[1] for symbol, counts in found.items()} == dict(client.got)
    assert sum(counts[0] - counts[1] for counts in found.values()) == client.skipped
    assert {counts[2] for counts in found.values()} == {client.notices}  # the newest, each time that it had drained


def slow_readers(node: ServedNode) -> int:
    with urllib.request.urlopen(f"{node.base}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("tickpack_slow_readers_total"))


def test_a_node_that_is_stopped_reports_all_and_one_that_is_killed_loses_what_it_had_not_reported(tmp_path, store, cn):
    customer, bar = uuid.uuid4().hex, ("600519.SH", 10.0, 10.0, 10.0, 10.0, 100, 1000.0)
    cn.know("600519.SH")
    cn.write(skip=max(0, seq_of(clock.now_ms()) + 40 - cn.seqs["CN"]))
    with a_node(tmp_path, "1000") as (node, _), Follower(node, customer, ["600519.SH"]) as client:
        seqs = [cn.write(bar) for _ in range(3)]  # it reports at its start, and when it stops
        client.read_until(lambda message: message.get("seq") == seqs[-1])
        assert reported(store, customer) == {}
    assert reported(store, customer) == {"600519.SH": [3, 3, 0]}

    with a_node(tmp_path, "1") as (node, child), Follower(node, customer, ["600519.SH"]):
        for _ in range(3):
            cn.write(bar)
        wait_for(lambda: due(store, customer) == 6)
        os.kill(child.process.pid, signal.SIGSTOP)
        cn.write(bar)
        os.kill(child.process.pid, signal.SIGKILL)
    assert reported(store, customer) == {"600519.SH": [6, 6, 0]}
