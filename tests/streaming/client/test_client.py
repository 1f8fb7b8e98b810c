"""`tickpack watch` and `tickpack check` as a quant runs them: real processes against a real node."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.embedded.children import free_port
from streaming.client.settings import Access, NotSetUp, find_access
from tests.streaming.conftest import make_scope, make_token

SYMBOL = "600519.SH"


def tickpack(*arguments: str, token: str = "", url: str = "", seconds: float = 30) -> subprocess.CompletedProcess:
    env = {name: value for name, value in os.environ.items() if not name.startswith("STOCK_RT_")}
    env |= {name: value for name, value in (("STOCK_RT_TOKEN", token), ("STOCK_RT_WS_URL", url)) if value}
    command = [sys.executable, "-m", "streaming.client.cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.fixture
def moving(cn, store):
    """A market that moves a window each quarter of a second, TEST.CN with it."""
    from tests.streaming.conftest import Stream

    test, over = Stream(store, "TEST"), threading.Event()
    cn.know(SYMBOL, price=1800.0)

    def run() -> None:
        while not over.wait(0.25):
            cn.write((SYMBOL, 1800.5, 1801.0, 1800.0, 1800.5, 300, 540150.0))
            test.write(("TEST.CN", 10, 10, 10, 10, 100, 1000))

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()


def test_the_token_is_never_shown():
    assert "secret" not in repr(Access(("ws://x",), "secret"))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "STOCK_RT_TOKEN and STOCK_RT_WS_URL not set"),
        ({"STOCK_RT_TOKEN": "x"}, "STOCK_RT_WS_URL not set"),
        ({"STOCK_RT_TOKEN": "x", "STOCK_RT_WS_URL": "https://node/ws/stock"}, "is not a WebSocket address"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(monkeypatch, environment, said):
    for name in ("STOCK_RT_TOKEN", "STOCK_RT_WS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotSetUp, match=re.escape(said)):
        find_access()


def test_a_facts_file_that_is_not_there_asks_whether_it_runs(tmp_path):
    with pytest.raises(NotSetUp, match=r"is \./dev up running"):
        find_access(tmp_path / "up.json")


@pytest.mark.whole
def test_watch_prints_a_line_for_each_bar(node, moving):
    done = tickpack("watch", SYMBOL, "--bars", "3", token=make_token(), url=node.url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(
        re.fullmatch(r"\S+Z  600519\.SH  o 1800\.5  h 1801\.0  l 1800\.0  c 1800\.5  v 300", line) for line in lines
    )


@pytest.mark.whole
def test_watch_as_json_gives_every_message_as_it_came(node, moving):
    done = tickpack("watch", SYMBOL, "--bars", "2", "--json", token=make_token(), url=node.url)
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert kinds[0] == "welcome"
    assert kinds.count("kline") == 2


@pytest.mark.whole
def test_watch_ends_at_once_on_a_refused_token_and_says_why(node):
    done = tickpack("watch", SYMBOL, token=make_token(lives_s=-60), url=node.url)
    assert done.returncode == 1
    assert "HTTP 401 on connect" in done.stderr
    assert "token_expired" in done.stderr


@pytest.mark.whole
def test_watch_comes_back_by_itself_when_its_connection_is_cut(node, moving):
    """A proxy of our own cuts the first connection after half a second."""
    import socket

    port, cuts, opened = free_port(), [], []
    listening = socket.create_server(("127.0.0.1", port))
    target = ("127.0.0.1", int(node.base.rsplit(":", 1)[1]))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            server = socket.create_connection(target)
            opened.extend([client, server])
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            threading.Thread(target=pump, args=(server, client), daemon=True).start()
            if not cuts:
                time.sleep(1.0)
                cuts.append(1)
                for one in (client, server):
                    one.shutdown(socket.SHUT_RDWR)

    accepting = threading.Thread(target=serve)
    accepting.start()
    done = tickpack("watch", SYMBOL, "--bars", "12", token=make_token(), url=f"ws://127.0.0.1:{port}/ws/stock")
    listening.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for one in (listening, *opened):
        one.close()
    assert cuts
    assert "connecting again" in done.stderr
    assert len(done.stdout.splitlines()) == 12


@pytest.mark.whole
def test_check_walks_through_and_ends_well(node, moving):
    done = tickpack("check", SYMBOL, token=make_token(), url=node.url)
    assert done.returncode == 0, done.stdout
    for said in (
        "token is set",
        "connected in",
        "welcomed by node local-1",
        "TEST.CN last 10.0",
        "600519.SH last 1800.5",
    ):
        assert said in done.stdout


@pytest.mark.whole
@pytest.mark.parametrize(
    ("token", "url", "row"),
    [
        (lambda: make_token(lives_s=-60), None, "401 on connect"),
        (lambda: "eyJ.half", None, "401 on connect"),
        (make_token, "ws://127.0.0.1:9/ws/stock", "WebSocket connection refused"),
        (make_token, "/nothing", "WebSocket connection refused"),
    ],
)
def test_check_names_the_row_of_the_troubleshooting_that_applies(node, token, url, row):
    address = node.url if url is None else node.base.replace("http", "ws") + url if url.startswith("/") else url
    done = tickpack("check", token=token(), url=address)
    assert done.returncode == 1
    assert row in " ".join(done.stdout.split())


@pytest.mark.whole
@pytest.mark.parametrize(
    "said",
    [
        '{"type":"welcome"}',
        '{"type":"welcome","node":"x","quota":5,"markets":[]}',
        "hello",
        "[1]",
        '{"cmd":1}',
        b"\x00",
    ],
)
def test_check_says_so_where_something_else_answers(said):
    from websockets.sync.server import serve

    with serve(lambda socket: (socket.send(said), socket.recv(timeout=10)), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever).start()
        port = server.socket.getsockname()[1]
        done = tickpack("check", token="x", url=f"ws://127.0.0.1:{port}/ws/stock")
        server.shutdown()

    assert done.returncode == 1
    assert "no stream of ours" in " ".join(done.stdout.split())
    assert "ends in /ws/stock" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.whole
def test_check_says_so_at_every_neighbouring_address_of_a_node(node, moving):
    from streaming.routing import SOCKETS

    base, paths = node.url.rsplit("/ws/", 1)[0], sorted(set(SOCKETS) - {"ws/stock"})
    with ThreadPoolExecutor(4) as some:  # most wait 5 s for a welcome that does not come
        all_done = some.map(lambda path: tickpack("check", token=make_token(), url=f"{base}/{path}"), paths)
    for path, done in zip(paths, all_done, strict=True):
        assert "Traceback" not in done.stdout + done.stderr, path
        assert done.returncode == 1, path


@pytest.mark.whole
def test_check_tells_a_used_up_quota_and_a_quiet_symbol(node, moving):
    token = make_token(make_scope("quant", 1))
    done = tickpack("check", SYMBOL, "000001.SZ", token=token, url=node.url)
    said = " ".join(done.stdout.split())
    assert "000001.SZ: Max subscriptions reached (1 of 1)" in said
    assert "Max subscriptions reached: you have used your quota" in said


@pytest.mark.whole
def test_watch_takes_several_addresses_and_uses_one_that_answers(node, moving):
    urls = f"ws://127.0.0.1:9/ws/stock, {node.url}"
    done = tickpack("watch", SYMBOL, "--bars", "2", token=make_token(), url=urls)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.whole
def test_check_tries_every_address_and_fails_when_one_does(node, moving):
    done = tickpack("check", token=make_token(), url=f"{node.url} ws://127.0.0.1:9/ws/stock")
    assert done.returncode == 1
    assert "TEST.CN last 10.0" in done.stdout
    assert "cannot be reached" in " ".join(done.stdout.split())


def test_one_bad_address_among_good_ones_is_named(monkeypatch):
    monkeypatch.setenv("STOCK_RT_TOKEN", "x")
    monkeypatch.setenv("STOCK_RT_WS_URL", "wss://a/ws/stock,wss://b/ws/stock")
    assert find_access().urls == ("wss://a/ws/stock", "wss://b/ws/stock")
    monkeypatch.setenv("STOCK_RT_WS_URL", "wss://a/ws/stock https://b/ws/stock")
    with pytest.raises(NotSetUp, match="https://b/ws/stock is not a WebSocket address"):
        find_access()


@pytest.mark.whole
@pytest.mark.parametrize("number", [0, 1])
def test_the_programs_of_the_buyers_page_print_bars(node, moving, number):
    """docs/SKILL.md, run as it is printed."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "SKILL.md").read_text()
    program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[number]
    env = os.environ | {"STOCK_RT_TOKEN": make_token(), "STOCK_RT_WS_URL": f"{node.url}, {node.url}"}
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        deadline = threading.Timer(20, running.kill)
        deadline.start()
        try:
            assert any(re.match(r"600519\.SH .*1800\.5$", line) for line in running.stdout)
        finally:
            deadline.cancel()
            running.kill()


def test_ctrl_c_ends_a_check_without_a_traceback(node):
    env = os.environ | {"STOCK_RT_TOKEN": make_token(), "STOCK_RT_WS_URL": node.url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "streaming.client.cli", "check", "600519.SH"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as checking:
        while "welcomed" not in (line := checking.stdout.readline()):
            assert line, checking.stderr.read()
        checking.send_signal(signal.SIGINT)

        assert checking.wait(30) == 130
        assert checking.stderr.read() == ""
