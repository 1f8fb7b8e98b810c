"""Redis restarted, paused and emptied under a running node and its ingest: noticed, and made good or said."""

import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from config.embedded import servers
from config.embedded.children import Child, free_port
from kernel import keyspace
from tests.streaming.conftest import ServedNode, health, jwks, make_token

pytestmark = [pytest.mark.whole, pytest.mark.alone]
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
    """A store, an ingest process and a node of their own."""

    def __init__(self, var: Path) -> None:
        (var / "log").mkdir()
        (var / "jwks.json").write_text(json.dumps(jwks()))
        self.store, self.url, _ = servers.valkey(var, secrets.token_hex(8))
        port = free_port()
        self.node = ServedNode(port)
        env = {
            "REDIS_URL": self.url, "TOKEN_JWKS": str(var / "jwks.json"), "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
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


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("away"))
    made.start()
    yield made
    made.stop()


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
        self.epoch = json.loads(self.socket.recv(timeout=5))["epoch"]
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

    def wait_for_bars(self, count: int, after: float = 0.0, seconds: float = 20.0) -> float:
        """Return when the first of so many bars came, after an instant."""
        deadline = time.monotonic() + seconds
        while len(found := [at for at, _ in self.bars if at > after]) < count:
            assert time.monotonic() < deadline, f"waited in vain for {count} bars; heard {self.bars[-3:]}"
            time.sleep(0.02)
        return found[0]

    def heard(self, state: str, after: float, seconds: float = 10.0) -> float:
        deadline = time.monotonic() + seconds
        while not (found := [at for at, said, _ in self.states if said == state and at > after]):
            assert time.monotonic() < deadline, f"nobody said {state}: {self.states}"
            time.sleep(0.02)
        return found[0]

    def seqs(self) -> list[int]:
        return [seq for _, seq in self.bars]


def whole(seqs: list[int]) -> bool:
    return seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_store_that_is_started_again_costs_no_bar(deployment):
    with Listener(deployment.node) as client:
        deployment.store.ask_to_stop()
        deployment.store.make_sure_stopped(time.monotonic() + 5)
        time.sleep(2)
        deployment.store.start()
        deployment.store.wait_ready()
        back = time.monotonic()
        assert client.wait_for_bars(4, after=back) - back < 6
        assert whole(client.seqs()), client.seqs()


def test_a_store_that_hangs_is_noticed_within_4_s_and_costs_no_bar(deployment):
    with Listener(deployment.node) as client:
        os.kill(deployment.store.process.pid, signal.SIGSTOP)
        hangs = time.monotonic()
        assert client.heard("no_feed", after=hangs) - hangs < 4.5, "3 s and the rest of one blocking read"
        time.sleep(max(0, hangs + 7 - time.monotonic()))
        os.kill(deployment.store.process.pid, signal.SIGCONT)
        back = time.monotonic()
        assert client.wait_for_bars(7, after=back) - back < 6
        assert client.heard("open", after=back)
        assert whole(client.seqs()), client.seqs()


def test_an_emptied_store_goes_on_in_a_new_epoch_that_everybody_is_told_of(deployment):
    with Listener(deployment.node) as client:
        old = client.epoch["CN"]
        before = client.seqs()[-1]
        redis.Redis.from_url(deployment.url).flushall()
        lost = time.monotonic()
        assert client.wait_for_bars(3, after=lost + 1.0) - lost < 6
        assert client.states[-1][2] not in ("", old)
        seqs = client.seqs()
        assert whole(seqs), "the feed goes on where it was, and no window is sent twice"
        assert client.minutes[-1] > lost + 1.0, "longer intervals go on as well"
        socket = client.socket
        socket.send(
            json.dumps({"action": "subscribe", "symbols": ["000001.SZ"], "since": before, "epoch": {"CN": old}})
        )
    with connect(deployment.node.url, additional_headers={"Authorization": f"Bearer {make_token()}"}) as other:
        other.send(json.dumps({"action": "subscribe", "symbols": [MOUTAI], "since": before, "epoch": {"CN": old}}))
        while (answer := json.loads(other.recv(timeout=5)))["type"] != "subscribed":
            pass
    assert answer["resume"]["CN"]["recovered"] is False
    assert answer["resume"]["CN"]["reason"] == "epoch_changed"
    assert answer["resume"]["CN"]["epoch"] == redis.Redis.from_url(deployment.url).get(keyspace.epoch("CN")).decode()
