"""Part `oracle`: a million ticks of two lines, folded by a live market, are what SQL makes of them, bit for bit."""

import time

from benchmarks.soak.ground import Ground
from benchmarks.soak.report import Figure
from tests.streaming.ingest.oracle import by_market, by_sql, day_of_trades

_SEED, _INSTRUMENTS = 11, 3_000


def run(ground: Ground, *, short: bool, seed: int = _SEED) -> list[Figure]:
    """Compare bars and minutes, all ticks within the closing delay and then up to 5 s late."""
    count = 50_000 if short else 500_000  # told by two lines each
    figures = [Figure("oracle", "seed", seed)]
    for name, late_ms in (("in time", 450), ("late", 5_000)):
        told, last_ms = day_of_trades(count, seed=seed, instruments=_INSTRUMENTS, late_ms=late_ms)
        began = time.monotonic()
        found = by_market(told, last_ms)
        folded_s = time.monotonic() - began
        wanted = by_sql(told)
        figures += [
            Figure("oracle", f"{name}: ticks told", len(told)),
            Figure("oracle", f"{name}: folded in s", round(folded_s, 1)),
        ]
        for what, ours, theirs in zip(("bars", "minutes"), found, wanted, strict=True):
            differing = len(set(ours) ^ set(theirs)) + abs(len(ours) - len(theirs))
            figures += [
                Figure("oracle", f"{name}: {what}", len(theirs), ">= 1"),
                Figure("oracle", f"{name}: {what} that differ", differing, "= 0"),
            ]
        shares = (sum(row[6] for row in found[0]), sum(row[6] for row in wanted[0]))
        figures.append(Figure("oracle", f"{name}: shares more or less", shares[0] - shares[1], "= 0"))
    return figures
