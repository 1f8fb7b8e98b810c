"""`./dev up`: what it promises about starting, staying, and ending."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from websockets.sync.client import connect

from tests.journeys.conftest import is_alive
from tests.streaming.conftest import wait_for

pytestmark = pytest.mark.whole


def open_stream(facts):
    return connect(facts["ws_url"], additional_headers={"Authorization": f"Bearer {facts['token']}"})


def bars(stream, seconds: float) -> list[tuple[str, int]]:
    """Return (symbol, seq) of every bar that comes within a time."""
    got, deadline = [], time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            message = json.loads(stream.recv(timeout=left))
        except TimeoutError:
            break
        if message["type"] == "kline":
            got.append((message["symbol"], message["seq"]))
    return got


@pytest.mark.alone  # its seconds are those of a machine that has time
def test_a_killed_ingest_worker_is_followed_within_ten_seconds_and_no_bar_is_doubled_or_lost(start):
    run = start().wait()
    with open_stream(run.facts) as stream:
        stream.send(json.dumps({"action": "subscribe", "symbols": ["600519.SH", "00700.HK", "TEST.CN"]}))
        before = bars(stream, 4)
        killed_at = time.monotonic()
        os.kill(run.pid_of("ingest"), signal.SIGKILL)
        os.sched_yield()
        old = len(before)
        after: list[tuple[str, int]] = []
        quiet_since = time.monotonic()
        while time.monotonic() - killed_at < 12:
            came = bars(stream, 0.5)
            if came and time.monotonic() - quiet_since > 10:
                pytest.fail("bars were away for more than 10 s")
            quiet_since = time.monotonic() if came else quiet_since
            after += came

    everything = before + after
    assert old
    for symbol in ("600519.SH", "00700.HK", "TEST.CN"):
        seqs = [seq for name, seq in everything if name == symbol]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert len(seqs) >= 8
    assert "ingest ended (killed by SIGKILL); starting it again." in run.text


@pytest.mark.alone  # its seconds are those of a machine that has time
def test_ctrl_c_ends_everything_within_five_seconds_and_the_data_stays(start, tmp_path):
    run = start(var=tmp_path / "kept").wait()
    children, facts = run.children(), run.facts
    assert len(children) == 7
    assert stat.S_IMODE((run.var / "up.json").stat().st_mode) == 0o600
    assert facts["admin"]["password"] in run.text

    assert run.stop(signal.SIGINT) < 5
    assert run.process.returncode == 0
    assert [pid for pid in children if is_alive(pid)] == []
    assert not (run.var / "up.json").exists()

    again = start(var=tmp_path / "kept").wait()
    assert again.facts["buyer"] == facts["buyer"]
    assert again.facts["admin"]["password"] not in again.text  # printed once
    with open_stream(again.facts) as stream:
        assert json.loads(stream.recv(timeout=30))["quota"]["max_subs"] == 5
    assert again.stop(signal.SIGTERM) < 5


def test_no_child_survives_a_killed_supervisor(start):
    run = start("--db", "sqlite").wait()
    children = run.children()
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    assert wait_for(lambda: not [pid for pid in children if is_alive(pid)], 10)


def test_a_port_in_use_is_one_clear_sentence(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start("--port", str(port))
        assert run.process.wait(30) == 1
    assert run.text == f"Tickpack stops: port {port} is in use; choose another one: ./dev up --port {port + 1}\n"


def test_a_second_run_in_the_same_folder_is_refused_and_leaves_the_first_alone(start, tmp_path):
    first = start("--db", "sqlite", var=tmp_path / "one").wait()
    second = start(var=tmp_path / "one")
    assert second.process.wait(30) == 1
    assert "another ./dev up is running from" in second.text
    assert (first.var / "up.json").exists()
    assert first.process.poll() is None


def test_servers_that_the_environment_names_are_used_instead_of_embedded_ones(start, tmp_path):
    first = start().wait()
    facts = {
        name: _environment_of(first.pid_of("web"))[name] for name in ("DATABASE_URL", "REDIS_URL", "CLICKHOUSE_URL")
    }

    second = start(var=tmp_path / "other", environment=facts).wait()

    assert len(second.children()) == 4
    assert second.facts["buyer"]["email"] == first.facts["buyer"]["email"]
    with open_stream(second.facts) as stream:
        assert json.loads(stream.recv(timeout=30))["type"] == "welcome"


def _environment_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(line.partition("=")[::2] for line in lines if line)


def test_a_child_that_keeps_dying_ends_the_run_with_its_name(start):
    run = start("--db", "sqlite").wait()
    killed = {None}
    for _ in range(4):
        try:
            pid = wait_for(lambda: (pid := _pid_or_none(run, "beat")) not in killed and pid, 15)
            os.kill(pid, signal.SIGKILL)
        except (AssertionError, ProcessLookupError):
            break
        killed.add(pid)
    assert run.process.wait(20) == 1
    assert "beat ended 4 times in a minute" in run.text
    assert run.text.rstrip().endswith("Everything has ended.")


def _pid_or_none(run, part):
    try:
        return run.pid_of(part)
    except (AssertionError, OSError):
        return None


def test_a_full_disk_is_one_clear_sentence(start, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        run = start(var=small / "var")
        assert run.process.wait(30) == 1
        assert run.text.count("\n") == 1
        assert "is full (20 MB free" in run.text
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--feed", "replay"], "--feed replay needs --data DIR"),
        (["--feed", "replay", "--data", "/nowhere"], "--data /nowhere is not a folder"),
        (["--feed", "replay", "--data", "docs"], "holds no ticks_*.csv.gz"),
        (["--speed", "0"], "--speed 0 is neither a number above 0 nor max"),
        (["--data", "docs"], "--data goes with --feed replay"),
        (["--from", "noon"], "--from noon is no time of the day like 11:25 or 09:29:50"),
        (["--speed", "fast"], "--speed fast is neither a number above 0 nor max"),
    ],
)
def test_wrong_options_are_told_with_their_value(arguments, said):
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("up", *arguments)
