"""Celery's entrances of the data plane. Beat offers them again and again; leases and checkpoints make that harmless."""

import logging
import threading
import time
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from kernel import clock
from kernel.instruments import LANES
from kernel.scope import MARKETS
from streaming.errors import HistoryUnavailable, StoreUnavailable, causes
from streaming.ingest import day_reports, liveness, minutes, quality
from streaming.ingest import lane as ingest_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore

log = logging.getLogger(__name__)
INGEST_QUEUE = "ingest"
_OFFER_SECONDS = 2
_WARN_SECONDS = 60.0  # an outage of history is said once a minute, not at every try
_stopping = threading.Event()
_warned_at: dict[str, float] = {}


@worker_ready.connect
def _offer_lanes(sender: Any = None, **_: Any) -> None:
    if INGEST_QUEUE not in sender.app.amqp.queues.consume_from:
        return  # a worker of the shop: a silent market is no reason to end it
    # Beat offers them all the time; at the start it may be seconds behind a worker that is ready.
    for lane in LANES:
        run_lane.apply_async(kwargs={"lane": lane}, expires=_OFFER_SECONDS)
    liveness.LivenessWatch(file=liveness.alive_file()).start()


@worker_shutting_down.connect
def _stop_lanes(**_: Any) -> None:
    # The thread pool waits for its tasks, and a lane's task never ends by itself.
    _stopping.set()


@shared_task(name="streaming.run_lane", ignore_result=True)
def run_lane(*, lane: str, **_: Any) -> None:
    """Run a lane's ingest for as long as this worker lives; return at once where somebody does already."""
    if _stopping.is_set() or lane not in LANES:
        return
    try:
        ingest_lane.run_lane(LaneStore(redis_sync(), lane), _stopping)
    except StoreUnavailable as error:
        log.warning("lane %s is offered again in half a second: %s", lane, causes(error))


@shared_task(name="streaming.write_history", ignore_result=True)
def write_history(**_: Any) -> None:
    """Bring every lane's closed minutes into history."""
    for lane in LANES:
        try:
            minutes.write_history(LaneStore(redis_sync(), lane))
        except (StoreUnavailable, HistoryUnavailable) as error:
            if time.monotonic() - _warned_at.get(lane, float("-inf")) > _WARN_SECONDS:
                _warned_at[lane] = time.monotonic()
                log.warning("history of lane %s waits: %s", lane, causes(error))


@shared_task(name="streaming.check_days", ignore_result=True)
def check_days(**_: Any) -> None:
    """Look what history holds of the market days that have ended, and report what was counted of them."""
    for lane in MARKETS:
        try:
            quality.check_days(redis_sync(), lane, clock.now_ms())
        except (StoreUnavailable, HistoryUnavailable) as error:
            log.warning("the days of %s are looked at later: %s", lane, causes(error))
        try:
            day_reports.report_days(redis_sync(), lane, clock.now_ms())
        except StoreUnavailable as error:
            log.warning("what was counted of %s is reported later: %s", lane, causes(error))
