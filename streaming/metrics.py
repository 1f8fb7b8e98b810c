"""Prometheus counters of the streaming processes of one server; `GET /metrics` shows them."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess

connections = Gauge("tickpack_connections", "Open client sockets", ["dialect"], multiprocess_mode="livesum")
opened = Counter("tickpack_opened", "Client sockets accepted", ["dialect"])
refused = Counter("tickpack_refused", "Client sockets refused before the upgrade, by error code", ["code"])
ended = Counter("tickpack_ended", "Client sockets ended by us, by reason", ["reason"])
messages = Counter("tickpack_messages", "Messages from clients")
deliveries = Counter("tickpack_deliveries", "Frames handed to client sockets")
slow_readers = Counter("tickpack_slow_readers", "Times that a client fell behind")
conflated = Counter("tickpack_conflated", "Frames that slow readers never got")
flush_seconds = Histogram(
    "tickpack_flush_seconds",
    "Encoding and writing one read's windows",
    buckets=(0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2),
)
stream_lag_seconds = Gauge(
    "tickpack_stream_lag_seconds",
    "Wall clock minus the end of the newest window (live feeds)",
    ["lane"],
    multiprocess_mode="livemax",
)
store_errors = Counter("tickpack_store_errors", "Questions that the real-time store did not answer")
replays = Counter("tickpack_replays", "Resumes that were begun, by lane of a socket")
replaying = Gauge("tickpack_replaying", "Resumes under way", multiprocess_mode="livesum")
replays_ended = Counter("tickpack_replays_ended", "Resumes that have ended", ["how"])
replayed_bytes = Counter("tickpack_replayed_bytes", "Bytes that resumes have handed over")


def registry() -> CollectorRegistry:
    """Return what to show: of all processes of this server where it has several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    merged = CollectorRegistry()
    multiprocess.MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
    return merged


def open_connections() -> int:
    """Return how many client sockets are open, over all processes of this server."""
    samples = [
        sample for metric in registry().collect() if metric.name == connections._name for sample in metric.samples
    ]
    return int(sum(sample.value for sample in samples))
