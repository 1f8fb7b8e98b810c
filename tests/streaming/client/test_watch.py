"""`tickpack` on a terminal where things are wrong: it says so in a sentence and never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streaming.client.settings import NotSetUp, find_access
from tests.streaming.conftest import make_token


@pytest.mark.parametrize("url", ["ws://", "wss:///ws/stock", "ws://host:port/ws", "ws://[::1/ws", "https://host/ws"])
def test_an_address_that_is_none_is_named(monkeypatch, url):
    monkeypatch.setenv("STOCK_RT_TOKEN", "x")
    monkeypatch.setenv("STOCK_RT_WS_URL", url)
    with pytest.raises(NotSetUp, match="is not a WebSocket address"):
        find_access()


@pytest.mark.whole
def test_a_pipe_that_has_seen_enough_ends_it_quietly(node, store):
    from tests.streaming.conftest import Stream

    stream = Stream(store, "CN")
    stream.know("600519.SH")
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "streaming.client.cli", "watch", "600519.SH"]
    env = os.environ | {
        "STOCK_RT_TOKEN": make_token(),
        "STOCK_RT_WS_URL": node.url,
        "PYTHONPATH": f"{root}:{root / 'platform'}",
    }
    with subprocess.Popen(
        command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        while not watching.stderr.readline().startswith("# following"):
            pass
        stream.write()
        assert "600519.SH" in watching.stdout.readline()
        watching.stdout.close()
        for _ in range(3):
            stream.write()
        assert watching.wait(10) == 0
        assert "Traceback" not in watching.stderr.read()
