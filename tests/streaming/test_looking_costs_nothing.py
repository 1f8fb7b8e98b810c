"""What is promised of pages, with real programs: fifty times five of them come and go, and no program notices.

The twin opens the same with a program's token, and both programs are pushed out: so the first can fail.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from kernel import keyspace
from tests.streaming.conftest import GROUP, PANEL, ServedNode, Stream, make_scope, make_token, wait_for
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
ROOT = Path(__file__).resolve().parents[2]
PACK_5 = ["000001.SZ", "000002.SZ", "600000.SH", "600036.SH", "600519.SH"]
FOLLOWED = PACK_5[:2]  # by the programs; pages look at all five
ROUNDS = 50


class Program:
    """`tickpack watch --json` of two symbols, and what it has printed."""

    def __init__(self, node: ServedNode, token: str, tmp: Path, name: str) -> None:
        self.out, self.err = tmp / f"{name}.out", tmp / f"{name}.err"
        env = os.environ | {
            "STOCK_RT_TOKEN": token,
            "STOCK_RT_WS_URL": node.url,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "streaming.client.cli", "watch", "--json", *FOLLOWED]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=err)

    def said(self) -> list[dict]:
        *whole, _ = self.out.read_text().split("\n")
        return [json.loads(line) for line in whole]

    def bars(self, symbol: str) -> list[int]:
        return [one["seq"] for one in self.said() if one.get("type") == "kline" and one["symbol"] == symbol]

    def is_up(self) -> bool:
        return self.process.poll() is None


@pytest.fixture
def market(cn) -> Iterator[Stream]:
    """Five symbols, and a window every fifth of a second."""
    cn.know(*PACK_5, price=10.0)
    cn.write()
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.2):
            cn.write()

    writing = threading.Thread(target=write)
    writing.start()
    yield cn
    stop.set()
    writing.join()


@pytest.fixture
def customer() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def programs(node, market, customer, tmp_path) -> Iterator[list[Program]]:
    """As many programs as a Pack 5 has connections, both getting bars."""
    token = make_token(make_scope(customer, 5, 2))
    running = [Program(node, token, tmp_path, f"program-{nth}") for nth in (1, 2)]
    wait_for(lambda: all(one.bars(symbol) for one in running for symbol in FOLLOWED), 90)
    yield running
    for one in running:
        one.process.terminate()
        one.process.wait(30)


def look(node: ServedNode, store, customer: str, *, viewer: bool) -> Client:
    """Open one page: who has just closed one may have to wait until the node has seen it."""
    token = make_token(make_scope(customer, 5, 2), viewer=viewer)
    deadline = time.monotonic() + 60
    while True:
        # How many may come at once is another matter, and would make this take a minute.
        store.delete(keyspace.rate("connect-viewer", f"{customer}@{GROUP}"))
        client = Client(node, token, headers={"Origin": PANEL})
        try:
            return client.__enter__()
        except InvalidStatus as error:
            if time.monotonic() > deadline or json.loads(error.response.body)["code"] != "too_many_viewers":
                raise
            time.sleep(0.02)


def test_two_programs_stay_whole_while_pages_come_and_go(node, store, market, customer, programs):
    for _ in range(ROUNDS):
        tabs = [look(node, store, customer, viewer=True) for _ in range(5)]
        tabs[0].send({"action": "subscribe", "symbols": PACK_5})
        tabs[1].send({"action": "subscribe", "symbols": PACK_5[::-1]})
        for tab in tabs:
            tab.__exit__(None, None, None)

    seen = market.seqs["CN"]
    wait_for(lambda: all(one.bars(symbol)[-1] > seen for one in programs for symbol in FOLLOWED), 90)
    for one in programs:
        assert one.is_up(), one.err.read_text()
        for symbol in FOLLOWED:
            bars = one.bars(symbol)
            assert bars == list(range(bars[0], bars[-1] + 1))
            print(f"{symbol}: {len(bars)} bars in a row over {ROUNDS} x 5 pages")
        kinds = [said["type"] for said in one.said()]
        assert kinds.count("welcome") <= 1  # it never came back: it was never away


def test_the_twin_with_a_programs_token_pushes_both_programs_out(node, store, market, customer, programs):
    with contextlib.ExitStack() as opened:
        for _ in range(2):
            tab = look(node, store, customer, viewer=False)
            opened.callback(tab.__exit__, None, None, None)

        wait_for(lambda: not any(one.is_up() for one in programs), 90)
    for one in programs:
        assert one.process.returncode == 1
        assert "a newer connection has replaced this one" in one.err.read_text()


def test_a_program_takes_a_symbol_back_and_the_page_hears_it_within_a_second(node, market, customer):
    token, page = make_token(make_scope(customer, 5, 2)), make_token(make_scope(customer, 5, 2), viewer=True)
    with Client(node, token) as program, Client(node, page, headers={"Origin": PANEL}) as tab:
        tab.ask("subscribe", symbols=PACK_5)
        market.know("600030.SH", price=10.0)
        wait_for(lambda: store_has(market, "600030.SH"), 60)
        began = time.monotonic()

        assert program.ask("subscribe", symbols=["600030.SH"])["added"] == ["600030.SH"]

        told = tab.get("quota_changed", 60)
        print(f"told after {(time.monotonic() - began) * 1000:.0f} ms")
        assert (told["dropped"], told["reason"]) == ([PACK_5[-1]], "taken_by_program")


def store_has(market: Stream, symbol: str) -> bool:
    return bool(market.redis.hexists(keyspace.newest("CN"), symbol))
