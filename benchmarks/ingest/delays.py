"""What each closing delay amends: ticks that come behind it count in a later window, and their price in the minute.

Trades of a busy market arrive by lines of two kinds: a quick one (half within 20 ms, 99 of 100 within 150 ms) and one
over the internet (150 ms and 1.2 s); `--lags FILE` has lags of your own, one a line, in ms. A market takes them with
each delay in turn. How far bars are behind their window's end is the delay, and what closing took here.
"""

import argparse
import json
import math
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import NormalDist

import django

from benchmarks.ingest.synthetic import SyntheticMarket, a_shares
from streaming.domain.calendar import AlwaysOpen
from streaming.domain.lines import LineSetting
from streaming.domain.ticks import Trade
from streaming.domain.windows import end_ms, seq_of
from streaming.ingest.clocks import WallClock
from streaming.ingest.market import Market
from streaming.ingest.sources import Reading

DELAYS_MS = (0, 100, 250, 500, 1000)
KINDS = {"quick line": (20, 150), "over the internet": (150, 1_200)}  # lags in ms: p50, p99
_BEGIN_MS, _LOOK_MS = 1_781_056_800_000, 10
Arrival = tuple[int, Trade]


class Arriving:
    """A line whose trades come by and by."""

    own_clock = finished = False
    speed, name, position = 1.0, "bench", ""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self._arrivals, self._at = arrivals, 0

    def carries(self, symbol: str) -> bool:
        return True

    def read(self, until_ms: int) -> Iterator[Reading]:
        began = self._at
        while self._at < len(self._arrivals) and self._arrivals[self._at][0] <= until_ms:
            self._at += 1
        if ticks := [tick for _, tick in self._arrivals[began : self._at]]:
            yield Reading(ticks, received_ms=until_ms)

    def counters(self) -> Counter[str]:
        return Counter()


def lags_of(p50_ms: float, p99_ms: float, count: int, rng: random.Random) -> list[float]:
    """Return lags that are spread like those of a network: many short ones and a long tail."""
    sigma = math.log(p99_ms / p50_ms) / NormalDist().inv_cdf(0.99)
    return [rng.lognormvariate(math.log(p50_ms), sigma) for _ in range(count)]


def arrivals_of(lags: Sequence[float], seconds: int, a_second: int) -> list[Arrival]:
    """Return trades by the time of their arrival."""
    count = seconds * a_second
    trades = SyntheticMarket(a_shares(300)).trades(_BEGIN_MS + nth * 1000 // a_second for nth in range(count))
    found = [(one.at_ms + round(lags[nth % len(lags)]), one) for nth, one in enumerate(trades)]
    return sorted(found, key=lambda arrival: arrival[0])


def amended(arrivals: Sequence[Arrival], delay_ms: int) -> dict[str, float]:
    """Return how much came behind a closing delay: shares of ticks, of volume and of bars."""
    market = Market(
        name="live", lines={"a": Arriving(arrivals)}, settings=[LineSetting("a")], sessions=AlwaysOpen, newest={},
        clock=WallClock(now_ms=_BEGIN_MS, resume_after=None, close_delay_ms=delay_ms), resume_after=None,
        now_ms=_BEGIN_MS - 86_400_000,
    )  # fmt: skip
    volume = behind_ms = windows = 0
    for now_ms in range(_BEGIN_MS, arrivals[-1][0] + 5_000, _LOOK_MS):
        for window in market.due(now_ms):
            volume += sum(bar.volume for bar in window.closed.bars)
            behind_ms += now_ms - end_ms(window.closed.seq)
            windows += 1
        market.told()
    late = [tick for at_ms, tick in arrivals if -(-at_ms // _LOOK_MS) * _LOOK_MS > _closes_ms(tick, delay_ms)]
    assert market.counters()["late"] == len(late)
    told = sum(tick.volume for _, tick in arrivals)
    assert volume == told  # whatever is late is in some bar
    bars = {(tick.instrument, seq_of(tick.at_ms)) for _, tick in arrivals}
    touched = {(tick.instrument, seq_of(tick.at_ms)) for tick in late}
    return {
        "ticks": len(late) / len(arrivals), "volume": sum(tick.volume for tick in late) / told,
        "bars": len(touched) / len(bars), "behind_ms": behind_ms / windows,
    }  # fmt: skip


def _closes_ms(tick: Trade, delay_ms: int) -> int:
    """Return the look at which a tick's window closes."""
    due_ms = end_ms(seq_of(tick.at_ms)) + delay_ms
    return -(-due_ms // _LOOK_MS) * _LOOK_MS


def main(words: list[str]) -> None:
    """Print what each delay amends."""
    parser = argparse.ArgumentParser(prog="./dev bench ingest delay", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of the market's time")
    parser.add_argument("--trades", type=int, default=500, help="a second")
    parser.add_argument("--lags", type=Path, metavar="FILE", help="lags of a line of your own, in ms, one a line")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    count, rng = asked.seconds * asked.trades, random.Random(5)
    kinds = {name: lags_of(*spread, count, rng) for name, spread in KINDS.items()}
    if asked.lags:
        kinds = {asked.lags.name: [float(line) for line in asked.lags.read_text().split()]}
    found: dict[str, dict[int, dict[str, float]]] = {}
    print(f"\nWhat a closing delay amends ({count:,} trades of 300 instruments in {asked.seconds} s)")
    print(f"{'':20}{'delay':>8}{'late ticks':>12}{'late volume':>13}{'bars amended':>14}{'behind the end':>16}")
    for name, lags in kinds.items():
        arrivals, found[name] = arrivals_of(lags, asked.seconds, asked.trades), {}
        for delay_ms in DELAYS_MS:
            one = found[name][delay_ms] = amended(arrivals, delay_ms)
            shares = f"{one['ticks']:>12.2%}{one['volume']:>13.2%}{one['bars']:>14.2%}"
            print(f"{name:20}{delay_ms:>5} ms{shares}{one['behind_ms']:>13.0f} ms")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
