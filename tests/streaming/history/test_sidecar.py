"""Proves the embedded history server: it keeps what it took, also when killed, and answers nonsense with an error."""

import base64
import gzip
import http.client
import os
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
PASSWORD = "for tests alone, at least"
OURS = {"X-ClickHouse-User": "tickpack", "X-ClickHouse-Key": PASSWORD}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    yield from starting(tmp_path, port)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of one server for many statements, with an empty table t."""
    port = free_port()
    for start in starting(tmp_path_factory.mktemp("shared"), port):
        start()
        query(port, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
        yield port


def starting(tmp_path: Path, port: int) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "streaming.history.sidecar", str(tmp_path / "history"), str(port)]
        process = subprocess.Popen(
            argv, cwd=ROOT, stderr=subprocess.PIPE, env=os.environ | {"HISTORY_PASSWORD": PASSWORD}
        )
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
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body or None, headers=OURS if headers is None else headers
    )
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
    second = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
        env=os.environ | {"HISTORY_PASSWORD": PASSWORD},
    )  # fmt: skip

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

    packed = query(port, gzip.compress(b"SELECT 2"), headers={**OURS, "Content-Encoding": "gzip"})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body=iter([b"SELECT ", b"3"]), encode_chunked=True,
                       headers={**OURS, "Transfer-Encoding": "chunked"})  # fmt: skip
    chunked = connection.getresponse().read()
    connection.close()

    assert (packed, chunked) == ("2\n", b"3\n")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        query(port, b"x", headers={**OURS, "Content-Encoding": "br"})
    assert refusal.value.code == 400
    refusal.value.close()
    assert query(port, path="/ping") == "Ok.\n"


def refused(port: int, sql: str = "SELECT 1", *, headers: dict[str, str] | None = None, path: str = "/") -> int:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        query(port, sql, headers=headers, path=path)
    refusal.value.close()
    return refusal.value.code


def test_nobody_without_the_password_is_answered_but_the_ping(start: Start, port: int) -> None:
    start()
    basic = {"Authorization": "Basic " + base64.b64encode(f"tickpack:{PASSWORD}".encode()).decode()}

    assert query(port, path="/ping", headers={}) == "Ok.\n"
    assert refused(port, headers={}) == 403
    assert refused(port, headers={**OURS, "X-ClickHouse-Key": PASSWORD + "x"}) == 403
    assert refused(port, headers={**OURS, "X-ClickHouse-User": "default"}) == 403
    assert refused(port, headers={"Authorization": "Basic %%%"}) == 403
    assert query(port, "SELECT 1", headers=basic) == "1\n"


def test_a_web_page_is_not_answered_whatever_it_knows(start: Start, port: int) -> None:
    start()

    assert refused(port, headers={**OURS, "Host": "rebound.example"}) == 403
    assert refused(port, headers={**OURS, "Origin": "https://quant.example"}) == 403


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        "SELECT `file`('/etc/passwd')",
        "SELECT FILE /* here */ ('/etc/passwd')",
        "SELECT `fil\\x65`('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT 1 INTO OUTFILE '{out}'",
        "SELECT 1 INTO -- there\n OUTFILE '{out}'",
        "INSERT INTO FUNCTION file('{out}') SELECT 1",
        "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT TSV",
        "CREATE TABLE f (a String) ENGINE = File(TSV, '/etc/passwd')",
        "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '/etc/passwd' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
        "SELECT * FROM url('http://127.0.0.1:{port}/ping', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "CREATE TABLE u (a String) ENGINE = URL('http://127.0.0.1:{port}/ping', TSV)",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "BACKUP TABLE t TO File('{out}')",
        "CREATE DATABASE x ENGINE = Filesystem('/etc')",
        "GRANT SOURCES ON *.* TO default",
    ],
)
def test_no_statement_reaches_a_file_or_an_address(running: int, tmp_path: Path, sql: str) -> None:
    out = tmp_path / "out"

    assert refused(running, sql.replace("{out}", str(out)).replace("{port}", str(running))) in (403, 500)

    assert not out.exists()
    assert query(running, "SELECT 'INTO OUTFILE file(1)', count() FROM t") == "INTO OUTFILE file(1)\t0\n"


def test_its_folder_is_nobody_elses_to_read(start: Start, port: int, tmp_path: Path) -> None:
    start()
    fill(port)

    open_to_others = [one for one in (tmp_path / "history").rglob("*") if one.stat().st_mode & 0o077]

    assert open_to_others == []


def test_it_does_not_start_without_a_password(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "streaming.history.sidecar", str(tmp_path / "history"), "1"]
    bare = {name: value for name, value in os.environ.items() if name != "HISTORY_PASSWORD"}

    started = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False, env=bare)

    assert (started.returncode, started.stderr.count("HISTORY_PASSWORD")) == (2, 1)
