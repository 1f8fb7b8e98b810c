"""Runs one lane in a process of its own, as a worker's task does: `python -m benchmarks.ingest.lane CN`."""

import signal
import sys
import threading

import django


def main(lane: str) -> None:
    django.setup()
    from django.conf import settings

    from streaming.ingest.lane import run_lane
    from streaming.store.connection import redis_sync
    from streaming.store.lanes import LaneStore

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = LaneStore(redis_sync(settings.REDIS_URL), lane)
    while not stop.is_set():
        run_lane(store, stop)
        stop.wait(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
