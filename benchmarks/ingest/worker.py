"""An ingest worker without Celery: lanes in threads of one process, as a worker runs them, and history's minutes.

`python -m benchmarks.ingest.worker CN HK`. The markets are open day and night, so that a run is the same at any hour.
"""

import logging
import signal
import sys
import threading

import django


def main(lanes: list[str]) -> None:
    django.setup()
    from streaming.domain.calendar import AlwaysOpen
    from streaming.errors import HistoryUnavailable, StoreUnavailable
    from streaming.ingest.lane import run_lane
    from streaming.ingest.minutes import write_history
    from streaming.store.connection import redis_sync
    from streaming.store.lanes import LaneStore

    LaneStore.calendar = lambda self: AlwaysOpen()  # type: ignore[method-assign, assignment, return-value]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def run(lane: str) -> None:
        store = LaneStore(redis_sync(), lane)
        while not stop.is_set():
            try:
                run_lane(store, stop)
            except StoreUnavailable:
                logging.exception("lane %s", lane)
            stop.wait(0.1)

    threads = [threading.Thread(target=run, args=(lane,), name=lane) for lane in lanes]
    for thread in threads:
        thread.start()
    stores = [LaneStore(redis_sync(), lane) for lane in lanes]
    while not stop.wait(5.0):
        for store in stores:
            try:
                write_history(store)
            except (StoreUnavailable, HistoryUnavailable):
                logging.exception("history of %s", store.lane)
    for thread in threads:
        thread.join(10)


if __name__ == "__main__":
    main(sys.argv[1:])
