"""Redis restarted, paused, unreachable and emptied under a running node and its ingest: noticed, and made good or said."""

import json
import time
from collections.abc import Iterator

import pytest
import redis
from websockets.sync.client import connect

from kernel import keyspace
from tests.journeys.deployment import MOUTAI, Deployment, Listener, whole
from tests.streaming.conftest import make_token

pytestmark = [pytest.mark.whole, pytest.mark.alone]
SOON_S = 60  # 2 s on a machine that has nothing else to do


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("away"))
    made.start()
    yield made
    made.stop()


def test_a_store_that_is_started_again_costs_no_bar(deployment):
    with Listener(deployment.node) as client:
        deployment.restart(2)
        back = time.monotonic()
        assert client.wait_for_bars(4, after=back) - back < SOON_S
        assert whole(client.seqs()), client.seqs()


def robbed(deployment: Deployment, how: str) -> None:
    with Listener(deployment.node) as client:
        gone = time.monotonic()
        getattr(deployment, how)(12)
        back = time.monotonic()
        assert client.heard("no_feed", after=gone) < back
        assert client.wait_for_bars(6, after=back) - back < SOON_S
        assert client.heard("open", after=back)
        assert whole(client.seqs()), client.seqs()


def test_a_store_that_hangs_is_noticed_before_it_is_back_and_costs_no_bar(deployment):
    robbed(deployment, "hang")


def test_a_store_that_no_byte_reaches_is_noticed_before_it_is_back_and_costs_no_bar(tmp_path):
    behind = Deployment(tmp_path, proxied=True)
    behind.start()
    try:
        robbed(behind, "swallow")
    finally:
        behind.stop()


def test_an_emptied_store_goes_on_in_a_new_epoch_that_everybody_is_told_of(deployment):
    with Listener(deployment.node) as client:
        old = client.epoch["CN"]
        before = client.seqs()[-1]
        redis.Redis.from_url(deployment.url).flushall()
        lost = time.monotonic()
        assert client.wait_for_bars(3, after=lost + 1.0) - lost < SOON_S
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
        while (answer := json.loads(other.recv(timeout=30)))["type"] != "subscribed":
            pass
    assert answer["resume"]["CN"]["recovered"] is False
    assert answer["resume"]["CN"]["reason"] == "epoch_changed"
    assert answer["resume"]["CN"]["epoch"] == redis.Redis.from_url(deployment.url).get(keyspace.epoch("CN")).decode()
