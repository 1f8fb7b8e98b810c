"""`tickpack` on a terminal where things are wrong: it says so in a sentence and never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from streaming.client.events import Bar
from streaming.client.settings import NotSetUp, find_access
from streaming.client.watch import Board
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


def printed(board: Board, width: int) -> str:
    console = Console(width=width, force_terminal=False, file=None, record=True)
    with console.capture() as out:
        console.print(board.table(width))
    return out.get()


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_a_narrow_terminal_cuts_no_symbol_and_no_price(width):
    board = Board()
    data = {"open": 1800.12, "high": 1801.55, "low": 1799.5, "close": 1800.77, "volume": 123456789, "amount": 2.2e11}
    for symbol in ("600519.SH", "00700.HK", "TEST.CN"):
        board.take(Bar.of({"type": "kline", "symbol": symbol, "seq": 1181986801,
                           "data": data | {"timestamp": "2026-03-09T06:30:01.500Z"}}))  # fmt: skip

    text = printed(board, width)

    assert all(word in text for word in ("600519.SH", "00700.HK", "TEST.CN", "1800.77", "06:30:01.500")), text
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())


@pytest.mark.whole
@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_watching_what_nobody_carries_ends_and_says_so(node, store, extra):
    from tests.streaming.client.test_client import tickpack

    done = tickpack("watch", "FOO", *extra, token=make_token(), url=node.url)

    assert done.returncode == 1
    assert "nothing is followed" in done.stderr
    assert "FOO: " in done.stderr
