"""How a worker that runs markets is: reported upwards every few seconds, for as long as it runs any."""

import logging
import os
import secrets
import threading
from dataclasses import dataclass

import psutil
import redis
from django.conf import settings

from kernel import clock
from streaming.records.reports import Health, window_lag_ms
from streaming.store.connection import redis_sync
from streaming.store.reports import health_command, program_version

log = logging.getLogger(__name__)
REPORT_SECONDS = 5.0
PROCESS = f"{settings.NODE_ID}-ingest-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class _Market:
    state: str
    end_ms: int  # of the newest window that was written
    on_wall_clock: bool
    feed: str


_markets: dict[str, _Market] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None


def note(market: str, *, state: str, end_ms: int, on_wall_clock: bool, feed: str) -> None:
    """Take how a market stands that this process runs; the first one begins the reports."""
    global _thread
    with _lock:
        _markets[market] = _Market(state, end_ms, on_wall_clock, feed)
        if _thread is None:
            _thread = threading.Thread(target=_report_for_ever, name="health", daemon=True)
            _thread.start()


def forget(market: str) -> None:
    """Take back a market that this process runs no more."""
    with _lock:
        _markets.pop(market, None)


def now() -> Health | None:
    """Return how the process is; None while it runs no market."""
    now_ms = clock.now_ms()
    with _lock:
        markets = dict(_markets)
    if not markets:
        return None
    return Health(
        process=PROCESS,
        node=settings.NODE_ID,
        role="ingest",
        version=program_version(),
        at_ms=now_ms,
        lag_ms={
            name: window_lag_ms(market.state, market.end_ms, now_ms, on_wall_clock=market.on_wall_clock)
            for name, market in markets.items()
        },
        markets={name: market.state for name, market in markets.items()},
        feeds={name: market.feed for name, market in markets.items()},
        rss_bytes=psutil.Process().memory_info().rss,
    )


def _report_for_ever() -> None:
    pause = threading.Event()
    while True:
        health = now()
        if health is not None:
            try:
                redis_sync().execute_command(*health_command(health))  # type: ignore[no-untyped-call]
            except redis.RedisError as error:
                log.warning("a report of health was lost: %s", type(error).__name__)
        pause.wait(REPORT_SECONDS)
