"""Prometheus counters of the streaming processes of one server; `GET /metrics` shows them."""

import os
from collections.abc import Iterable, Mapping

import psutil
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
# since="exchange": the window's end; "ingest": its writing; "store": its reading. Of live feeds alone.
lag_seconds = Gauge(
    "tickpack_lag_seconds",
    "From there until the newest window was handed to the client sockets",
    ["lane", "since"],
    multiprocess_mode="livemax",
)
store_errors = Counter("tickpack_store_errors", "Questions that the real-time store did not answer")
follows = Gauge("tickpack_follows", "Channels that somebody follows", ["lane"], multiprocess_mode="livesum")
rest_calls = Counter("tickpack_rest_calls", "REST requests answered", ["dialect", "status"])
# outcome="accepted", "repeated" (a version that was pushed before), or why it does not count.
pushed = Counter("tickpack_pushed_ticks", "Ticks that providers pushed, by what became of them", ["lane", "outcome"])
replays = Counter("tickpack_replays", "Resumes that were begun, by lane of a socket")
replaying = Gauge("tickpack_replaying", "Resumes under way", multiprocess_mode="livesum")
replays_ended = Counter("tickpack_replays_ended", "Resumes that have ended", ["how"])
replayed_bytes = Counter("tickpack_replayed_bytes", "Bytes that resumes have handed over")


class Host(Collector):
    """The machine beside the process, so that one page tells whether it is the stream or the machine that is slow."""

    def collect(self) -> Iterable[Metric]:
        memory, disk, network = psutil.virtual_memory(), psutil.disk_usage("/"), psutil.net_io_counters()
        busy = psutil.cpu_times()
        yield GaugeMetricFamily("tickpack_host_memory_bytes", "Of the machine", value=memory.total)
        yield GaugeMetricFamily("tickpack_host_memory_available_bytes", "Without swapping", value=memory.available)
        yield GaugeMetricFamily("tickpack_host_disk_free_bytes", "Of the root file system", value=disk.free)
        yield GaugeMetricFamily("tickpack_host_load1", "Runnable processes, a minute's mean", value=os.getloadavg()[0])
        yield GaugeMetricFamily("tickpack_host_processors", "Logical processors", value=psutil.cpu_count() or 0)
        cpu = CounterMetricFamily("tickpack_host_cpu_seconds", "Of all processors", labels=["mode"])
        for mode in ("user", "system", "idle", "iowait", "steal"):
            cpu.add_metric([mode], getattr(busy, mode, 0.0))
        yield cpu
        traffic = CounterMetricFamily("tickpack_host_network_bytes", "Of all interfaces", labels=["direction"])
        traffic.add_metric(["sent"], network.bytes_sent)
        traffic.add_metric(["received"], network.bytes_recv)
        yield traffic


REGISTRY.register(Host())


def registry() -> CollectorRegistry:
    """Return what to show: of all processes of this server where it has several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    merged = CollectorRegistry()
    merged.register(Host())
    multiprocess.MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
    return merged


def of_the_store(refused: Mapping[str, Mapping[str, int]]) -> CollectorRegistry:
    """Return what the store counts for all processes of a group: refused rows by lane and `<line>|<reason>`."""
    family = CounterMetricFamily(
        "tickpack_refused_rows", "Rows of a market's lines that did not count", labels=["lane", "line", "reason"]
    )
    for lane, counts in refused.items():
        for name, number in counts.items():
            line, _, reason = name.partition("|")
            family.add_metric([lane, line, reason], number)
    shown = CollectorRegistry()
    shown.register(_Told(family))
    return shown


class _Told(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        yield self._family


def open_connections() -> int:
    """Return how many client sockets are open, over all processes of this server."""
    samples = [
        sample for metric in registry().collect() if metric.name == connections._name for sample in metric.samples
    ]
    return int(sum(sample.value for sample in samples))
