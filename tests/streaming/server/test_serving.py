"""The server around the hub: deadlines, several processes on one port, and leaving without a missed bar."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from config.embedded.children import free_port
from kernel import keyspace
from nodes import store as control
from streaming.runtime.process import drain_running, stop_process
from streaming.server import serving as server_module
from streaming.server.serving import DrainingServer, listening_socket, server_config
from tests.streaming.conftest import ServedNode, health, jwks, make_scope, make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[3]
MOUTAI = "600519.SH"
BAR = (10.0, 11.0, 9.0, 10.5, 100, 1000.0)


WHOLE = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /ws/stock HTTP/1.1\r\nHost: x\r\n",
        b"GET",
        WHOLE + b"GET /noth",  # a later request had no deadline
        b"POST /accounts/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nlogin=",  # nor had a body
    ],
)
async def test_a_peer_that_never_finishes_its_request_is_dropped(monkeypatch, said):
    monkeypatch.setattr(server_module, "HANDSHAKE_SECONDS", 0.3)
    port = free_port()
    server = DrainingServer(server_config(graceful_seconds=1), partial(drain_running, 0.1))
    running = asyncio.create_task(server.serve(sockets=[listening_socket("127.0.0.1", port)]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        with pytest.raises(ConnectionResetError):
            answers = await asyncio.wait_for(reader.read(), timeout=30)  # a peer without a deadline waits for ever
            assert answers.count(b"HTTP/1.1 ") == said.count(WHOLE)
            raise ConnectionResetError  # an orderly end will do as well
        writer.close()
    finally:
        server.should_exit = True
        await running
        await stop_process()


class Served:
    """`manage.py serve` as an operator starts it."""

    def __init__(self, tmp: Path, *options: str, **env: str) -> None:
        self.port = free_port()
        self.node = ServedNode(self.port)
        (tmp / "jwks.json").write_text(json.dumps(jwks()))
        self.log = (tmp / f"{self.port}.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port), *options],
            cwd=ROOT,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ, "TOKEN_JWKS": str(tmp / "jwks.json"), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
                "TICKPACK_EMBEDDED": "1", "TICKPACK_ROLE": "node", **env,
            },
        )  # fmt: skip
        wait_for(lambda: health(self.node.base), 30)

    def pids(self) -> list[int]:
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def listening(self) -> int:
        """How many of the processes accept connections."""
        at = [psutil.Process(pid).net_connections("tcp") for pid in self.pids()]
        return sum(any(one.status == "LISTEN" and one.laddr.port == self.port for one in of) for of in at)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.log.close()


@pytest.fixture
def serve(tmp_path) -> Iterator:
    running: list[Served] = []

    def start(*options: str, **env: str) -> Served:
        running.append(Served(tmp_path, *options, **env))
        return running[-1]

    yield start
    for one in running:
        one.end()


def test_several_processes_share_a_port_the_quota_and_the_counters(serve, cn):
    cn.know(MOUTAI, "000001.SZ")
    cn.write()
    two = serve("--workers", "2")
    wait_for(lambda: two.listening() == 2)
    scope = make_scope(uuid.uuid4().hex, max_subs=1, max_conns=30)
    with contextlib.ExitStack() as open_sockets:
        clients = [open_sockets.enter_context(Client(two.node, make_token(scope))) for _ in range(16)]
        answers = [client.ask("subscribe", symbols=[MOUTAI]) for client in clients]
        assert all(answer["added"] == [MOUTAI] and answer["quota"]["used"] == 1 for answer in answers)
        assert clients[-1].ask("subscribe", symbols=["000001.SZ"])["rejected"][0]["reason"] == "quota_exceeded"
        seq = cn.write((MOUTAI, *BAR))
        assert all(client.get("kline", seq=seq) for client in clients)
        assert health(two.node.base)["connections"] == 16
        with urllib.request.urlopen(f"{two.node.base}/metrics") as got:
            assert b"tickpack_opened_total" in got.read()

        # One of them dies: its clients come back to whoever is there.
        dead, alive = two.pids()
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda: len(two.pids()) == 2 and dead not in two.pids())
        assert alive in two.pids()
    two.process.send_signal(signal.SIGTERM)
    assert two.process.wait(10) == 0


def test_a_port_in_use_is_said_also_for_several_processes(tmp_path):
    with listening_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "manage.py", "serve", "--port", port, "--workers", "2"],
            cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "TICKPACK_EMBEDDED": "1"},
        )  # fmt: skip
    assert ended.returncode == 1
    assert f"port {port} on 127.0.0.1 cannot be had: Address already in use" in ended.stderr


def test_a_server_that_is_stopped_sends_its_clients_away_over_a_while_with_a_hint(serve, store):
    one = serve("--drain-seconds", "1.0", NODE_ID="leaves-1")
    others = [{"node": "leaves-1", "url": "wss://a.example/ws/stock"}, {"node": "b", "url": "wss://b.example/ws/stock"}]
    store.set(keyspace.siblings("local"), json.dumps(others), ex=60)
    ends: list[tuple[float, int, str]] = []

    def wait(socket) -> None:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=20)
        ends.append((time.monotonic(), closed.value.rcvd.code, closed.value.rcvd.reason))

    headers = [{"Authorization": f"Bearer {make_token()}"} for _ in range(10)]
    connecting = [connect(one.node.url, additional_headers=header) for header in headers]
    try:
        threads = [threading.Thread(target=wait, args=(one_of.__enter__(),)) for one_of in connecting]
        for thread in threads:
            thread.start()
        one.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(10)
        assert one.process.wait(10) == -signal.SIGTERM, "uvicorn ends by the signal it was sent"
    finally:
        store.delete(keyspace.siblings("local"))
        for one_of in connecting:
            one_of.__exit__(None, None, None)
    assert {(code, reason) for _, code, reason in ends} == {
        (1012, '{"retry_after":1,"node":"b","url":"wss://b.example/ws/stock"}')
    }
    spread = max(at for at, _, _ in ends) - min(at for at, _, _ in ends)
    assert 0.5 < spread < 3, "not all in one moment"


def test_an_operators_drain_sends_open_sockets_away_and_its_end_lets_new_ones_in(serve, store, cn):
    cn.know(MOUTAI)
    cn.write()
    name = f"drains-{uuid.uuid4().hex[:8]}"  # the store is the whole run's, and other tests drain nodes too
    one = serve(NODE_ID=name, TICKPACK_DRAIN_SECONDS="0.5")
    with Client(one.node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI])
        store.set(keyspace.draining(name), "1")
        control.tell({"kind": "drain", "node": name})
        assert client.closed_with(seconds=20) == 1012
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(one.node.url, additional_headers={"Authorization": f"Bearer {make_token()}"}),
    ):
        pass
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0
    assert json.loads(refused.value.response.body)["code"] == "draining"
    store.delete(keyspace.draining(name))
    control.tell({"kind": "drain", "node": name})

    def is_open_again() -> bool:
        try:
            with Client(one.node, make_token()):
                return True
        except InvalidStatus:
            return False

    wait_for(is_open_again, 20)


def test_a_client_that_resumes_elsewhere_misses_no_bar_of_a_drain(serve, cn):
    cn.know(MOUTAI)
    cn.write()
    first, second = serve(NODE_ID="one"), serve(NODE_ID="two")
    seqs: list[int] = []
    token, stop = make_token(make_scope(uuid.uuid4().hex, max_conns=2)), threading.Event()

    def fly() -> None:
        while not stop.wait(0.02):
            cn.write((MOUTAI, *BAR))

    writer = threading.Thread(target=fly)
    writer.start()
    try:
        with Client(first.node, token) as client:
            client.ask("subscribe", symbols=[MOUTAI])
            while len(seqs) < 50:
                seqs.append(client.get("kline")["seq"])
            first.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                while True:
                    seqs.append(client.get("kline")["seq"])
        with Client(second.node, token) as client:
            resume = client.ask("subscribe", symbols=[MOUTAI], since=seqs[-1], epoch=client.welcome["epoch"])["resume"]
            assert resume["CN"]["recovered"]
            for _ in range(100):
                seqs.append(client.get("kline")["seq"])
    finally:
        stop.set()
        writer.join()
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_too_many_connections_of_one_customer_are_told_when_to_come_again(node, store):
    scope = make_scope(uuid.uuid4().hex)
    store.set(keyspace.rate("connect", f"{scope.customer}@{scope.group}"), str(int(time.time() * 1000) + 14_000))
    with pytest.raises(InvalidStatus) as refused, Client(node, make_token(scope)):
        pass
    assert refused.value.response.status_code == 429
    assert 1 <= int(refused.value.response.headers["Retry-After"]) <= 3
    assert json.loads(refused.value.response.body)["code"] == "too_many_connections"


def test_a_peer_that_answers_no_ping_is_dropped(node):
    """It acknowledges every byte, so nothing but its silence tells; after how long: hub/test_keepalive.py."""
    silent = socket.create_connection(("127.0.0.1", int(node.url.split(":")[2].split("/")[0])))
    silent.sendall(
        f"GET /ws/stock HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {make_token()}\r\n\r\n".encode()
    )
    silent.settimeout(60)
    said = b""
    while part := silent.recv(65536):
        said += part
    assert (4408).to_bytes(2, "big") in said
    silent.close()


def test_compressed_frames_are_made_once_and_read_by_any_client(serve, cn):
    cn.know(MOUTAI, "000001.SZ")
    cn.write()
    one = serve(TICKPACK_STREAM_DEFLATE="1")
    # websockets offers compression by itself; the third client does not.
    with (
        Client(one.node, make_token()) as first,
        Client(one.node, make_token()) as second,
        Client(one.node, make_token(), compression=None) as plain,
    ):
        clients = (first, second, plain)
        for client in clients:
            client.ask("subscribe", symbols=[MOUTAI, "000001.SZ"])
        assert [bool(client.socket.protocol.extensions) for client in clients] == [True, True, False]
        for _ in range(3):
            seq = cn.write((MOUTAI, *BAR))
            bars = [(client.get("kline", seq=seq), client.get("kline", seq=seq)) for client in clients]
            assert bars[0] == bars[1] == bars[2]
        assert "server_no_context_takeover" in first.socket.response.headers["Sec-WebSocket-Extensions"]


def test_a_node_offers_no_compression_by_itself(node):
    with Client(node, make_token()) as client:
        assert client.socket.protocol.extensions == []


def test_fifty_subscribes_at_once_on_ten_sockets_of_two_processes_take_exactly_the_quota(serve, cn):
    symbols = [f"{600_000 + nth}.SH" for nth in range(50)]
    cn.know(*symbols)
    cn.write()
    two = serve("--workers", "2")
    wait_for(lambda: two.listening() == 2)
    scope = make_scope(uuid.uuid4().hex, max_subs=15, max_conns=20)
    with contextlib.ExitStack() as open_sockets:
        clients = [open_sockets.enter_context(Client(two.node, make_token(scope))) for _ in range(10)]
        for nth, symbol in enumerate(symbols):
            clients[nth % 10].send({"action": "subscribe", "symbols": [symbol]})
        answers = [clients[nth % 10].get("subscribed") for nth in range(50)]
        assert sum(len(answer["added"]) for answer in answers) == 15
        # `list` says what its own socket was told last; a claim asks the store.
        assert clients[0].ask("subscribe", symbols=[symbols[0]])["quota"]["used"] == 15
