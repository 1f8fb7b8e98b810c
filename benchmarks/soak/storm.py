"""Part `storm`: 5,000 sockets of as many customers cut at once; all back and receiving within 20 s, without any SQL."""

import time

from benchmarks.soak.crowd import EACH, PERIOD_S, SYMBOLS, crew
from benchmarks.soak.ground import Ground, Market, Node, mainland
from benchmarks.soak.report import Figure
from benchmarks.soak.sockets import Sockets, quiet


def run(ground: Ground, *, short: bool) -> list[Figure]:
    """Reset every connection; each comes back at random within half a second and resumes where it was."""
    count = 1500 if short else 5000
    market = Market(ground.redis, mainland(SYMBOLS))
    with ground.node() as node:
        sockets = Sockets(node.port, crew(node, count, EACH, market.symbols))
        sockets.sent_ns = market.sent_ns
        try:
            return _cut(node, market, sockets, count)
        finally:
            sockets.close()


def _cut(node: Node, market: Market, sockets: Sockets, count: int) -> list[Figure]:
    sockets.connect()
    quiet()
    _windows(sockets, market, 3)
    sockets.run(time.monotonic() + 0.5)
    before, bars_before = sockets.open(), sockets.bars
    sockets.cut_all()
    sockets.reconnecting = True
    cut_at, cut_seq = time.monotonic(), market.seq
    back = _until_all_are_back(sockets, market, cut_at, cut_seq, 40.0)
    _windows(sockets, market, 3)
    sockets.run(time.monotonic() + 1)
    behind = sum(sockets.newest(client) != market.seq for client in sockets.all)
    if sockets.complaints or sockets.refusals:
        print(f"storm: {dict(sockets.complaints)} {dict(sockets.refusals)}")
    due = count * EACH * (market.seq - cut_seq)
    return [
        Figure("storm", "sockets before", before, f"= {count}"),
        Figure("storm", "all back after s", round(back, 1), "<= 20"),
        Figure("storm", "not at the newest window", behind, "= 0"),
        Figure("storm", "missing", due - (sockets.bars - bars_before), "= 0"),
        Figure("storm", "double or reordered", sockets.again, "= 0"),
        Figure("storm", "not recovered", sockets.complaints["not recovered"], "= 0"),
        Figure("storm", "tries refused or failed", sum(sockets.refusals.values())),
        Figure("storm", "SQL connections tried", node.sql(), "= 0"),
    ]


def _windows(sockets: Sockets, market: Market, count: int) -> None:
    for _ in range(count):
        sockets.run(time.monotonic() + PERIOD_S, market.publish)


def _until_all_are_back(sockets: Sockets, market: Market, cut_at: float, cut_seq: int, most: float) -> float:
    """Go on publishing; return after how many seconds every client had a bar of a window after the cut."""
    due, waiting = cut_at + PERIOD_S, list(sockets.all)
    while (now := time.monotonic()) < cut_at + most:
        if now >= due:
            due += PERIOD_S
            market.publish()
        sockets.run(min(due, now + 0.1))
        sockets.digest()
        waiting = [client for client in waiting if sockets.newest(client) <= cut_seq]
        if not waiting:
            return time.monotonic() - cut_at
    return float("inf")
