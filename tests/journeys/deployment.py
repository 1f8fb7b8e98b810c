"""A store, an ingest process and a node of their own, to be robbed of the store; and a client that listens meanwhile."""

import json
import os
import secrets
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from config.embedded import servers
from config.embedded.children import Child, free_port
from tests.journeys.fault_proxy import Background, FaultProxy
from tests.streaming.conftest import ServedNode, health, jwks, make_token

ROOT = Path(__file__).resolve().parents[2]
MOUTAI = "600519.SH"
# What a worker's thread and beat's offers do, without Celery's own start and its broker.
INGEST = """
import threading, time, django
django.setup()
from streaming.errors import StoreUnavailable
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
while True:
    try:
        run_lane(LaneStore(redis_sync(), "CN"), threading.Event())
    except StoreUnavailable:
        pass
    time.sleep(0.5)
"""


class Deployment:
    """A store, an ingest process and a node of their own.

    Args:
        proxied: ingest and node reach the store through `proxy` alone, so that their link can be made a black hole.
    """

    def __init__(self, var: Path, *, proxied: bool = False) -> None:
        (var / "log").mkdir(parents=True, exist_ok=True)
        (var / "jwks.json").write_text(json.dumps(jwks()))
        self.store, self.url, _ = servers.valkey(var, secrets.token_hex(8))
        self._until, store_url = ExitStack(), self.url
        if proxied:
            self.loop = self._until.enter_context(Background())
            self.proxy = FaultProxy(urlsplit(self.url).port or 0)
            self.loop.run(self.proxy.__aenter__())
            self._until.callback(lambda: self.loop.run(self.proxy.__aexit__()))
            store_url = self.url.replace(f":{self.proxy.target_port}/", f":{self.proxy.port}/")
        port = free_port()
        self.node = ServedNode(port)
        env = {
            "REDIS_URL": store_url, "TOKEN_JWKS": str(var / "jwks.json"), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
            "TICKPACK_EMBEDDED": "1", "TICKPACK_ROLE": "node", "TICKPACK_FEED": "simulated",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        self.ingest = Child("ingest", [sys.executable, "-c", INGEST], var / "log" / "ingest.log", lambda: True, env)
        serve = [sys.executable, "manage.py", "serve", "--port", str(port)]
        ready = lambda: health(self.node.base) is not None  # noqa: E731
        self.web = Child("web", serve, var / "log" / "web.log", ready, env)
        self.children = [self.store, self.ingest, self.web]

    def start(self) -> None:
        for child in self.children:
            child.start()
            child.wait_ready()

    def stop(self) -> None:
        self.store.process.send_signal(signal.SIGCONT)
        for child in reversed(self.children):
            child.ask_to_stop()
            child.make_sure_stopped(time.monotonic() + 6)
        self._until.close()

    def hang(self, seconds: float) -> None:
        """Stop the store's process: the kernel still takes what is sent to it."""
        os.kill(self.store.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.store.process.pid, signal.SIGCONT)

    def swallow(self, seconds: float) -> None:
        """Let nothing through, either way, on open links and on new ones."""
        self.loop.call(self.proxy.stall)
        time.sleep(seconds)
        self.loop.call(self.proxy.flow)

    def restart(self, seconds: float) -> None:
        self.store.ask_to_stop()
        self.store.make_sure_stopped(time.monotonic() + 5)
        time.sleep(seconds)
        self.store.start()
        self.store.wait_ready()


class Listener:
    """A client that only listens: every bar's seq and every state, with the time at which it came."""

    def __init__(self, node: ServedNode) -> None:
        self.bars: list[tuple[float, int]] = []
        self.minutes: list[float] = []  # when a bar of a minute was told
        self.states: list[tuple[float, str, str]] = []
        self._connecting = connect(node.url, additional_headers={"Authorization": f"Bearer {make_token()}"})
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Listener":
        self.socket = self._connecting.__enter__()
        self.epoch = json.loads(self.socket.recv(timeout=30))["epoch"]
        self.socket.send(json.dumps({"action": "subscribe", "symbols": [MOUTAI], "intervals": ["1.5s", "1m"]}))
        self._thread.start()
        self.wait_for_bars(2)
        return self

    def __exit__(self, *error) -> None:
        self._connecting.__exit__(*error)
        self._thread.join()

    def _listen(self) -> None:
        try:
            for text in self.socket:
                message = json.loads(text)
                if message["type"] == "kline" and "interval" in message:
                    self.minutes.append(time.monotonic())
                elif message["type"] == "kline":
                    self.bars.append((time.monotonic(), message["seq"]))
                elif message["type"] == "status":
                    self.states.append((time.monotonic(), message["state"], message["epoch"]))
        except ConnectionClosed:
            pass

    def wait_for_bars(self, count: int, after: float = 0.0, seconds: float = 90.0) -> float:
        """Return when the first of so many bars came, after an instant."""
        deadline = time.monotonic() + seconds
        while len(found := [at for at, _ in self.bars if at > after]) < count:
            assert time.monotonic() < deadline, f"waited in vain for {count} bars; heard {self.bars[-3:]}"
            time.sleep(0.02)
        return found[0]

    def heard(self, state: str, after: float, seconds: float = 60.0) -> float:
        deadline = time.monotonic() + seconds
        while not (found := [at for at, said, _ in self.states if said == state and at > after]):
            assert time.monotonic() < deadline, f"nobody said {state}: {self.states}"
            time.sleep(0.02)
        return found[0]

    def seqs(self) -> list[int]:
        return [seq for _, seq in self.bars]


def whole(seqs: list[int]) -> bool:
    return seqs == list(range(seqs[0], seqs[0] + len(seqs)))
