"""Part `crowd`: 5,000 sockets x 15 symbols for ten minutes at the product's own pace; none lost, memory flat."""

import json
import resource
import time

from benchmarks.soak.frames import upgrade
from benchmarks.soak.ground import Ground, Market, Node, follow_sets, mainland, token
from benchmarks.soak.report import Figure, Skipped
from benchmarks.soak.sockets import Client, Sockets, quiet

SYMBOLS, EACH, PERIOD_S = 1000, 15, 1.5


def crew(node: Node, count: int, each: int, symbols: list[str]) -> list[Client]:
    """Return clients, each a customer of its own, each with a set of symbols of its own.

    Raises:
        Skipped: this process may not open so many sockets, nor the node that it starts.
    """
    needed = count + 500
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < needed:
        raise Skipped(f"{count} sockets need more open files; mend it with: ulimit -Hn {needed}, as root")
    return [
        Client(
            upgrade(node.port, token(each)), wanted,
            json.dumps({"action": "subscribe", "symbols": wanted}, separators=(",", ":")).encode(),
        )
        for wanted in follow_sets(count, each, symbols)
    ]  # fmt: skip


def run(ground: Ground, *, short: bool) -> list[Figure]:
    count, windows, settled_at = (1500, 16, 6) if short else (5000, 400, 80)  # 80 windows are two minutes
    market = Market(ground.redis, mainland(SYMBOLS))
    with ground.node() as node:
        sockets = Sockets(node.port, crew(node, count, EACH, market.symbols))
        sockets.sent_ns = market.sent_ns
        try:
            return _stay(node, market, sockets, count, windows, settled_at)
        finally:
            sockets.close()


def _stay(node: Node, market: Market, sockets: Sockets, count: int, windows: int, settled_at: int) -> list[Figure]:
    connecting = sockets.connect()
    quiet()
    sockets.run(time.monotonic() + PERIOD_S, market.publish)
    sockets.digest()
    sockets.measure()
    bars_before, memory = sockets.bars, []
    began = time.monotonic()
    for nth in range(windows):
        sockets.run(began + (nth + 1) * PERIOD_S, market.publish)
        memory.append(node.rss_kb())
    sockets.run(time.monotonic() + 2)
    sockets.digest()
    settled = memory[settled_at]
    bars = sockets.bars - bars_before
    if sockets.complaints:
        print(f"crowd: {dict(sockets.complaints)}")
    return [
        Figure("crowd", "sockets", sockets.open(), f"= {count}"),
        Figure("crowd", "lost", sockets.lost + sockets.refused, "= 0"),
        Figure("crowd", "closed", sockets.closed, "= 0"),
        Figure("crowd", "bars not delivered", count * EACH * windows - bars, "= 0"),
        Figure("crowd", "missing or double", sockets.missing + sockets.again, "= 0"),
        Figure("crowd", "p50 ms", sockets.percentile(0.5)),
        Figure("crowd", "p99 ms", sockets.percentile(0.99), "<= 150"),
        Figure("crowd", "memory growth %", round((memory[-1] - settled) / settled * 100, 2), "<= 5"),
        Figure("crowd", "memory MB", round(memory[-1] / 1024, 1)),
        Figure("crowd", "connecting s", round(connecting, 1)),
    ]
