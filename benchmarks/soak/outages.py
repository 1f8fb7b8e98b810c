"""Part `outages`: a node and its ingest lose their store in three ways; it is noticed, and made good."""

import time
from contextlib import suppress

from benchmarks.soak.ground import Ground
from benchmarks.soak.report import Figure
from tests.journeys.deployment import Deployment, Listener


def run(ground: Ground, *, short: bool) -> list[Figure]:
    """Rob a node with a running market of its store in three ways, and listen."""
    away_s = 6.0 if short else 30.0
    figures: list[Figure] = []
    for proxied, ways in ((False, ("restart", "hang")), (True, ("swallow",))):
        deployment = Deployment(ground.folder / f"outages-{proxied}", proxied=proxied)
        deployment.start()
        try:
            for way in ways:
                figures += _robbed(deployment, way, away_s)
        finally:
            deployment.stop()
    return figures


def _robbed(deployment: Deployment, way: str, away_s: float) -> list[Figure]:
    noticed = flowing = float("inf")
    with Listener(deployment.node) as client:
        gone = time.monotonic()
        getattr(deployment, way)(away_s)
        back = time.monotonic()
        with suppress(AssertionError):  # what never came is told as such
            noticed = client.heard("no_feed", after=gone) - gone
            flowing = client.wait_for_bars(1, after=back) - back
            client.wait_for_bars(round(away_s / 1.5) + 4, after=back, seconds=60)
        seqs = client.seqs()
    due = range(seqs[0], seqs[-1] + 1)
    return [
        Figure("outages", f"{way}: away for s", away_s),
        Figure("outages", f"{way}: noticed after s", round(noticed, 2), "<= 4"),
        Figure("outages", f"{way}: bars again after s", round(flowing, 2), "<= 6"),
        Figure("outages", f"{way}: bars missing", len(set(due) - set(seqs)), "= 0"),
        Figure("outages", f"{way}: double or out of order", len(seqs) - len(set(seqs)) + (seqs != sorted(seqs)), "= 0"),
    ]
