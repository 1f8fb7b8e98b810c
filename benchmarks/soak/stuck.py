"""Part `stuck`: 200 of 1,000 sockets stop reading; the others hardly notice, the stuck ones are gone within 15 s."""

import time

from benchmarks.soak.crowd import crew
from benchmarks.soak.ground import Ground, Market, Node, mainland
from benchmarks.soak.report import Figure
from benchmarks.soak.sockets import Sockets, percentile, quiet

SYMBOLS, EACH, PERIOD_S = (
    1000,
    50,
    0.25,
)  # 40 kB a second for each socket: a stuck one's buffers are full within seconds
RECEIVE_BYTES = 32_768
LOOKED_FOR_S = 20.0


def run(ground: Ground, *, short: bool) -> list[Figure]:
    """Compare the others' latency with a phase without stuck sockets before, and one after they are gone."""
    count, undisturbed_s = (400, 6.0) if short else (1000, 20.0)
    market = Market(ground.redis, mainland(SYMBOLS))
    with ground.node() as node:
        sockets = Sockets(node.port, crew(node, count, EACH, market.symbols), receive_bytes=RECEIVE_BYTES)
        sockets.sent_ns = market.sent_ns
        try:
            return _get_stuck(node, market, sockets, count // 5, undisturbed_s)
        finally:
            sockets.close()


def _get_stuck(node: Node, market: Market, sockets: Sockets, count: int, undisturbed_s: float) -> list[Figure]:
    sockets.connect()
    quiet()
    for client in sockets.all[:count]:
        client.watched = False
    held = node.sockets()
    _rounds(sockets, market, 3.0)
    inside, memory = node.inside(), node.rss_kb()
    sockets.measure()
    _rounds(sockets, market, undisturbed_s)
    undisturbed = sockets.latency

    bars_before, seq_before = sockets.bars, market.seq
    sockets.stop_reading(count)
    sockets.measure()
    began, gone, most = time.monotonic(), float("inf"), memory
    while time.monotonic() < began + LOOKED_FOR_S:
        _rounds(sockets, market, PERIOD_S)
        most = max(most, node.rss_kb())
        if gone == float("inf") and node.sockets() <= held - count:
            gone = time.monotonic() - began
    disturbed = sockets.percentile(0.99)
    sockets.measure()
    _rounds(sockets, market, undisturbed_s)
    both = [before + after for before, after in zip(undisturbed, sockets.latency, strict=True)]
    pooled = percentile(both, 0.99)
    sockets.digest()
    left, others = node.inside(), len(sockets.all) - count
    due = others * EACH * (market.seq - seq_before)
    if sockets.complaints:
        print(f"stuck: {dict(sockets.complaints)}")
    return [
        Figure("stuck", "p99 ms undisturbed", pooled),
        Figure("stuck", "p99 ms before alone", percentile(undisturbed, 0.99)),
        Figure("stuck", "p99 ms after alone", sockets.percentile(0.99)),
        Figure("stuck", "p99 ms with stuck ones", disturbed),
        Figure("stuck", "p99 ratio", round(disturbed / pooled, 3), "<= 1.2"),
        Figure("stuck", "gone after s", round(gone, 1), "<= 15"),
        Figure("stuck", "tasks left over", max(0, left["tasks"] - inside["tasks"] + count), "= 0"),
        Figure("stuck", "objects left over", max(0, left["StreamConsumer"] - inside["StreamConsumer"] + count), "= 0"),
        Figure("stuck", "kB each", round((most - memory) / count, 1), "<= 100"),
        Figure("stuck", "others lost", sockets.lost + sockets.closed, "= 0"),
        Figure("stuck", "bars the others missed", due - (sockets.bars - bars_before), "= 0"),
        Figure("stuck", "missing or double", sockets.missing + sockets.again, "= 0"),
    ]


def _rounds(sockets: Sockets, market: Market, seconds: float) -> None:
    for _ in range(round(seconds / PERIOD_S)):
        sockets.run(time.monotonic() + PERIOD_S, market.publish)
