"""Proves the embedded history server: it keeps what it took, also when killed, and answers nonsense with an error."""

import gzip
import http.client
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.embedded.children import free_port

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[3]
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "streaming.history.sidecar", str(tmp_path / "history"), str(port)]
        process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE)
        running.append(process)
        until = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < until:
            try:
                if query(port, path="/ping") == "Ok.\n":
                    break
            except OSError:
                time.sleep(0.05)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def query(port: int, sql: str | bytes = b"", *, path: str = "/", headers: dict[str, str] | None = None) -> str:
    body = sql.encode() if isinstance(sql, str) else sql
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body or None, headers=headers or {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def fill(port: int) -> None:
    query(port, "CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
    query(port, "INSERT INTO t FORMAT TabSeparated\n1\n2\n3\n")


def test_rows_survive_a_kill(start: Start, port: int) -> None:
    process = start()
    fill(port)

    process.send_signal(signal.SIGKILL)
    process.wait()
    start()

    assert query(port, "SELECT sum(a), count() FROM t FORMAT CSV") == "6,3\n"


def test_it_ends_quickly_when_asked(start: Start, port: int) -> None:
    process = start()
    fill(port)

    process.terminate()

    assert process.wait(timeout=5) == 0


def test_a_port_in_use_is_one_clear_sentence(start: Start, port: int, tmp_path: Path) -> None:
    start()

    argv = [sys.executable, "-m", "streaming.history.sidecar", str(tmp_path / "other"), str(port)]
    second = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode == 1
    assert second.stderr == f"history cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_nonsense_is_an_error_with_the_engines_code_and_the_server_lives(start: Start, port: int) -> None:
    start()

    with pytest.raises(urllib.error.HTTPError) as refusal:
        query(port, "SELEKT 1")

    assert refusal.value.code == 500
    assert refusal.value.headers["X-ClickHouse-Exception-Code"] == "62"
    refusal.value.close()
    assert query(port, "SELECT 1") == "1\n"


def test_bodies_come_packed_chunked_or_not_at_all(start: Start, port: int) -> None:
    start()

    packed = query(port, gzip.compress(b"SELECT 2"), headers={"Content-Encoding": "gzip"})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body=iter([b"SELECT ", b"3"]), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    chunked = connection.getresponse().read()
    connection.close()

    assert (packed, chunked) == ("2\n", b"3\n")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        query(port, b"x", headers={"Content-Encoding": "br"})
    assert refusal.value.code == 400
    refusal.value.close()
    assert query(port, path="/ping") == "Ok.\n"
