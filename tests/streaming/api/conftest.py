"""A node of its own for REST: what it shows is written by these tests alone."""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from config.embedded.children import free_port
from streaming.domain.minutes import MinuteBar
from streaming.history.minutes import insert_minutes
from streaming.records.window import Book, Print, end_ms
from tests.streaming.conftest import Stream, make_token, serve, wait_for

NINE_THIRTY = 1_675_215_000_000  # 2023-02-01 09:30 in Shanghai
MINUTE = 60_000


class OwnStream(Stream):
    """Its windows are of one minute, so that the bars of a minute are known too."""

    seqs: dict[str, int] = {}
    prices: dict[str, dict[str, int]] = {}

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self.seqs.setdefault(lane, int(time.time() / 60) * 40)
        super().__init__(client, lane)


class Rest:
    """The node, and a client that asks it."""

    def __init__(self, base: str, store: redis.Redis) -> None:
        self.base, self.store = base, store
        self.client = httpx.Client(base_url=base, timeout=10)
        self.cn, self.hk = OwnStream(store, "CN"), OwnStream(store, "HK")

    def get(self, path: str, token: str | None = "", **kwargs: Any) -> httpx.Response:
        """Ask with a token of a customer of its own; None: without any."""
        headers = dict(kwargs.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token or make_token()}"
        return self.client.request(kwargs.pop("method", "GET"), path, headers=headers, **kwargs)


def book(symbol: str, last: int, *, levels: int, at_ms: int) -> Book:
    """Return a picture with a step of 0.2 between levels of 100, 200, ... shares."""
    bids = [(last - 2_000 * nth, 100 * (nth + 1)) for nth in range(levels)]
    asks = [(last + 2_000 * (nth + 1), 100 * (nth + 1)) for nth in range(levels)]
    return Book(symbol, 1, at_ms, 0, 0, 0, 0, last, 0, 0, bids, asks)


def _write_market(rest: Rest) -> None:
    """Tencent: 461.0 before, then two trades at 460.0 and 462.4; Moutai and an ETF beside it."""
    rest.hk.know("00700.HK", price=461.0)
    rest.hk.know("00005.HK", price=60.0)
    rest.hk.know("HSI.HK", price=20000.0)
    rest.cn.know("600519.SH", price=1800.0)
    rest.cn.know("510300.SH", price=4.0)
    rest.cn.know("000001.SH", price=3200.0)
    rest.cn.know("000001.SZ", price=10.0)
    rest.cn.know("300750.SZ", price=200.0, state="halted")
    rest.hk.write(("00700.HK", 460.0, 460.0, 460.0, 460.0, 200, 92_000.0))
    at_ms = end_ms(rest.hk.seqs["HK"] + 1) - 500
    trades = [Print("00700.HK", 7, at_ms - 10, 4_620_000, 100, 462_000_000, "S"),
              Print("00700.HK", 8, at_ms, 4_624_000, 200, 924_800_000, "B")]  # fmt: skip
    rest.hk.write(
        ("00700.HK", 462.0, 462.4, 462.0, 462.4, 300, 138_680.0), ("HSI.HK", 20100.0, 20100.0, 20100.0, 20100.0, 9, 9.0),
        prints=trades, books=[book("00700.HK", 4_624_000, levels=10, at_ms=at_ms)],
    )  # fmt: skip
    at_ms = end_ms(rest.cn.seqs["CN"] + 1) - 500
    rest.cn.write(
        ("600519.SH", 1810.0, 1818.0, 1810.0, 1818.0, 100, 181_400.0),
        ("510300.SH", 4.004, 4.005, 4.004, 4.005, 1000, 4_004.5),
        ("000001.SZ", 10.1, 10.1, 10.1, 10.1, 100, 1010.0),
        ("000001.SH", 3210.0, 3210.0, 3210.0, 3210.0, 10, 10.0),
        books=[book("600519.SH", 18_180_000, levels=10, at_ms=at_ms)],
    )


def _write_history() -> None:
    bars = [
        MinuteBar("00700.HK", NINE_THIRTY + nth * MINUTE, 3_800_000 + nth, 3_810_000, 3_790_000, 3_805_000, 100, 380_500_000)
        for nth in range(120)
    ]  # fmt: skip
    insert_minutes(bars, version=1, made_up=True)  # the feed of these tests is `test`


@pytest.fixture(scope="session")
def rest(tmp_path_factory, history_server) -> Iterator[Rest]:
    url = os.environ["REDIS_URL"].removesuffix("/0") + "/7"
    port = free_port()
    argv = [sys.executable, "manage.py", "serve", "--port", str(port)]
    _write_history()
    with redis.Redis.from_url(url) as store:
        store.flushdb()
        for served in serve("rest", argv, port, tmp_path_factory.mktemp("rest"), REDIS_URL=url):
            rest = _prepared(Rest(served.base, store))
            yield rest
            rest.client.close()


def _prepared(rest: Rest) -> Rest:
    time.sleep(1)  # its readers have looked, and wait for a stream
    _write_market(rest)
    for path in ("/stock/tick?region=HK&code=700", "/stock/tick?region=SH&code=600519"):
        wait_for(lambda path=path: rest.get(path).json()["code"] == 0, seconds=30)
    return rest
