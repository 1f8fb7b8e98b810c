"""What ingest tests share: a clean lane in the real Redis, and a lane run in a thread like a worker's."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from streaming.ingest import lane as lane_module
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore


@pytest.fixture
def clean_lane(redis_url: str) -> Iterator[Callable[[str], LaneStore]]:
    # A database of its own: the nodes of other tests read the lanes of database 0 for the whole run.
    client = redis_sync(redis_url.rsplit("/", 1)[0] + "/9")
    lanes: list[str] = []

    def wipe(lane: str) -> None:
        lane_module._written.pop(lane, None)  # or the next run takes the empty store for one that has lost everything
        for key in client.scan_iter(f"*{{{lane}}}*"):
            client.delete(key)

    def clean(lane: str) -> LaneStore:
        wipe(lane)
        lanes.append(lane)
        return LaneStore(client, lane)

    yield clean
    for lane in lanes:
        wipe(lane)


class Worker:
    """A lane's task in a thread, offered again as beat does, and stopped as a worker's shutdown stops it.

    On a busy machine a thread may lose its lease; the next offer goes on. `took_it` is what came of the first one, and
    where somebody else ran the lane then, there is no other.
    """

    def __init__(self, store: LaneStore) -> None:
        self.stop = threading.Event()
        self.took_it: bool | None = None
        self._thread = threading.Thread(target=self._run, args=(store,))
        self._thread.start()

    def _run(self, store: LaneStore) -> None:
        self.took_it = run_lane(store, self.stop)
        while self.took_it and not self.stop.wait(0.5):
            run_lane(store, self.stop)

    def end(self) -> None:
        self.stop.set()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


@pytest.fixture
def worker() -> Iterator[Callable[[LaneStore], Worker]]:
    running: list[Worker] = []

    def start(store: LaneStore) -> Worker:
        running.append(Worker(store))
        return running[-1]

    yield start
    for one in running:
        one.end()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return when a condition holds; fail when it does not within the time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
