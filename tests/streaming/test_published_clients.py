"""Clients that others have printed and published, run as they are: only their URL and their token are changed."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.streaming.conftest import ServedNode, make_token, wait_for
from tests.streaming.test_conversations import Market

pytestmark = pytest.mark.whole
CLIENTS = Path(__file__).resolve().parents[1] / "samples" / "clients"


@pytest.fixture
def market(store, cn, hk) -> Market:
    return Market(store, cn, hk)


@contextmanager
def running(name: str, **changed: str) -> Iterator[list[str]]:
    """Run a client with some of its texts replaced and yield the lines that it prints."""
    text = (CLIENTS / f"{name}.py.txt").read_text()
    for before, after in changed.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    process = subprocess.Popen(
        [sys.executable, "-u", "-W", "ignore", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    said: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: said.extend(line.rstrip("\n") for line in process.stdout), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        yield said
    finally:
        process.kill()
        process.wait()
        reader.join(timeout=5)
        print("\n".join(said))  # pytest shows it where something failed
        process.stdout.close()


def until_seen(moves: Callable[[], None], true: Callable[[], object]) -> None:
    """Let the market move until something is true: nobody knows when a client has followed what it follows."""

    def moved() -> object:
        moves()
        time.sleep(0.2)
        return true()

    wait_for(moved, 40)  # a program that starts, imports and asks ten times, on a machine that is busy


def told(node: ServedNode, path: str) -> str:
    return httpx.get(node.base + path, headers={"token": make_token()}).text.replace(" ", "")


def test_the_tutorials_rest_client_prints_the_latest_trade(node: ServedNode, market: Market):
    market.move("tick", "00700.HK", "461.4", "1200", "B")
    wait_for(lambda: '"ld":461.4' in told(node, "/stock/tick?region=HK&code=700"))
    changed = {"https://api.itick.org": node.base, "your_api_token_here": make_token()}
    with running("itick_tutorial_rest", **changed) as said:
        wait_for(lambda: len(said) >= 4)
    assert said[1:3] == ["Last Price : 461.4 HKD", "Volume : 1,200 shares"]
    assert said[0].startswith("Symbol : 700")


def test_the_tutorials_socket_client_prints_quotes_trades_and_depth(node: ServedNode, market: Market):
    changed = {"wss://api.itick.org": node.base.replace("http", "ws"), "your_api_token_here": make_token()}

    def moves() -> None:
        market.move("tick", "00700.HK", "461.4", "200", "B")
        market.move("book", "00700.HK", "461.4", "450.0", "461.2", "461.4")

    with running("itick_tutorial_socket", **changed) as said:
        until_seen(moves, lambda: all(any(kind in line for line in said) for kind in ("[Depth]", "[Trade]", "[Quote]")))
        assert said[:5] == [
            "WebSocket opened",
            "WebSocket connected",
            "Authentication successful → subscribing",
            "Subscribe message sent",
            "Subscription confirmed",
        ]
        assert "[Trade] 700$HK Price: 461.4 Size: 200" in said
        assert "[Quote] 700$HK Last: 461.4 Chg%: 2.53" in said
        assert "[Depth] 700$HK Bid1: 461.2 × 2000" in said
        assert not [line for line in said if "error" in line.lower()]


def test_the_client_of_realtime_hk_prints_trades_and_never_connects_anew(node: ServedNode, market: Market):
    url = f"{node.base.replace('http', 'ws')}/realtime/hk?token={make_token()}"

    def moves() -> None:
        market.move("tick", "00700.HK", "461.4", "200", "B")
        market.move("tick", "HSI.HK", "21000.5", "1", "N")

    with running("realtime_hk", **{"wss://api.alltick.co/realtime/hk": url}) as said:
        until_seen(moves, lambda: len(said) >= 4)
        heard = len(said)
        until_seen(moves, lambda: len(said) >= heard + 2)  # an error would stand before these
        assert [line for line in said if "00700.HK 最新价: 461.4 成交量: 200" in line]
        assert [line for line in said if "HSI 最新价: 21000.5 成交量: 1" in line]
        assert not [line for line in said if "连接" in line], "an error would have been an acknowledgement"
