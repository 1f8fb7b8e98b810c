"""An rt-receiver on a running node.

The market is the feed `push`: what these tests push over HTTP goes through a real ingest lane to real sockets.
"""

import gzip
import json
import os
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator

import httpx
import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from config.embedded.children import free_port
from kernel import clock, keyspace
from streaming.domain.calendar import exchange_day
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
from tests.streaming.conftest import (
    GROUP,
    ISSUER,
    ServedNode,
    close_the_days,
    jwks,
    serve,
    wait_for,
)
from tests.streaming.test_socket import Client

PUSH, POLICY = "push-token-of-the-test", "policy-token-of-the-test"
RSA, RSA_KID = rsa.generate_private_key(65537, 2048), "rsa-key"
PAGE = "https://panel.example"
BASE = "/api/v1/rt-kline"


def theirs(lives_s: float = 3600, *, key=RSA, drop=(), scope=None, **change) -> str:
    """Return a token of their shape, with the claims that ours adds and without steps."""
    now = int(time.time())
    inner = {"type": "realtime_stock", "markets": ["CN", "HK"], "levels": ["L1"], "symbols": {"mode": "all", "list": []}, "quota": {"max_subs": 5}}  # fmt: skip
    claims = {"iss": ISSUER, "sub": uuid.uuid4().hex, "aud": GROUP, "jti": uuid.uuid4().hex, "iat": now - 600, "nbf": now - 600,
              "exp": int(now + lives_s), "rev": 1, "node_id": "n1", "scope": inner | (scope or {})} | change  # fmt: skip
    claims = {name: value for name, value in claims.items() if name not in drop}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": RSA_KID, "typ": "rt+jwt"})


class Receiver(ServedNode):
    """The node, a client for its HTTP, and what a provider pushes to it."""

    def __init__(self, base: str, store: redis.Redis) -> None:
        super().__init__(int(base.rpartition(":")[2]))
        self.store, self.http = store, httpx.Client(base_url=base, timeout=10)
        self.versions = int(time.time() * 1000)

    def ask(self, path: str, token: str | None = None, **body) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return (
            self.http.post(BASE + path, headers=headers, json=body)
            if body
            else self.http.get(BASE + path, headers=headers)
        )

    def tick(self, code: str, price: float, volume: int, *, version: str = "", **more) -> dict:
        self.versions += 1
        day = f"{exchange_day(clock.now_ms()):%Y%m%d}"
        tick = {"ts_code": code, "name": "", "pre_close": 10.0, "open": 10.0, "high": max(10.0, price), "low": min(10.0, price), "close": price,
                "vol": volume, "amount": volume * 10.0, "trade_date": day, "bid": price, "ask": price + 0.01, "bid_volume1": 300, "ask_volume1": 200}  # fmt: skip
        return {
            "stream_id": f"{self.versions}-0",
            "ts_code": code,
            "version": version or str(self.versions),
            "shard_id": self.versions % 7,
            "tick": tick | more,
        }

    def push(
        self, *items: dict, market: str = "a_stock", seq: int = 900001, packed: bool = False, line: str = "", **change
    ) -> httpx.Response:
        body = {"schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": seq, "event_time": "", "market": market, "source_api": "rt_k",
                "count": len(items), "first_stream_id": "", "last_stream_id": "", "items": list(items)} | change  # fmt: skip
        raw, headers = (
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {PUSH}", "Content-Type": "application/json"},
        )
        if packed:
            raw, headers = gzip.compress(raw), headers | {"Content-Encoding": "gzip"}
        named = {"line": line} if line else {}
        return self.http.post(f"{BASE}/push", content=raw, headers=headers, params=named)


@pytest.fixture(scope="session")
def receiver(tmp_path_factory) -> Iterator[Receiver]:
    url = os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/8"
    tmp, port, stop = tmp_path_factory.mktemp("receiver"), free_port(), threading.Event()
    entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": RSA_KID, "alg": "RS256"}
    (tmp / "both.json").write_text(json.dumps({"keys": [*jwks()["keys"], entry]}))
    env = {"REDIS_URL": url, "TOKEN_JWKS": str(tmp / "both.json"), "TICKPACK_PUSH_TOKEN": PUSH, "TICKPACK_POLICY_TOKEN": POLICY, "TICKPACK_STREAM_ORIGINS": PAGE}  # fmt: skip
    with redis.Redis.from_url(url) as store:
        store.flushdb()
        for lane in ("CN", "HK"):
            store.set(keyspace.feed_setting(lane), json.dumps({"feed": "push"}))
            close_the_days(store, lane)
        lanes = [
            threading.Thread(target=run_until, args=(LaneStore(redis_sync(url), lane), stop)) for lane in ("CN", "HK")
        ]
        for thread in lanes:
            thread.start()
        try:
            argv = [sys.executable, "manage.py", "serve", "--port", str(port)]
            for served in serve("receiver", argv, port, tmp, **env):
                wait_for(lambda: store.exists(keyspace.epoch("CN")) and store.exists(keyspace.epoch("HK")))
                found = Receiver(served.base, store)
                yield found
                found.http.close()
        finally:
            stop.set()
            for thread in lanes:
                thread.join(10)


class Theirs(Client):
    """A socket on /ws."""

    def __init__(self, receiver: Receiver, token: str, **more) -> None:
        self._connecting = connect(
            f"{receiver.base.replace('http', 'ws')}/ws?token={urllib.parse.quote(token)}", max_size=None, **more
        )
        self.waiting = []

    def ask(self, action: str, **more) -> dict:
        self.send({"action": action, **more})
        answers = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "list": "subscription_list"}
        return self.get(answers.get(action, action))


def refused(receiver: Receiver, token: str, **more) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught, Theirs(receiver, token, **more):
        pass
    answer = caught.value.response
    return answer.status_code, json.loads(answer.body)["message"]


SUCCESSORS: list[tuple[threading.Event, threading.Thread]] = []


def run_until(store: LaneStore, stop: threading.Event) -> None:
    """Run a lane, offered again as beat does: a thread of a busy machine may lose its lease."""
    while not stop.is_set():
        run_lane(store, stop)
        stop.wait(0.2)


@pytest.fixture(scope="session", autouse=True)
def _successors_end() -> Iterator[None]:
    yield
    for stop, thread in SUCCESSORS:
        stop.set()
        thread.join(10)
