"""`./dev bench`: Tickpack's fan-out beside its peers, interleaved in one run, medians and ratios.

In each repetition every peer has its turn, so that what else the machine does hits all alike; what counts is the
ratio within a repetition, and of those the median.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import build, chart, dialects, machine, report, rest, workloads
from benchmarks.peers import ROOT, Peer, Tickpack, everyone
from benchmarks.stage import Stage, stage
from benchmarks.workloads import FULL, SHORT, Figures
from config.embedded.children import ChildFailed
from kernel import clock

WORKLOADS = ("w1", "w2", "w3", "w4", "w5", "rest", "dialects")
RESULTS = Path(__file__).parent / "results"


class Run:
    """One run: what was asked, what was measured, what had to be left out."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.lengths = SHORT if asked.short else FULL
        self.rows: dict[str, list[Figures]] = {}  # "w1" -> the figures of each repetition
        self.versions: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.began, self.load_before = time.monotonic(), machine.load()

    def measure(self) -> None:
        peers = self._peers()
        with stage() as running:
            if {"w1", "w2"} & set(self.asked.only):
                for _ in range(self.asked.repetitions or self.lengths.repetitions):
                    self._fan_out_of_all(peers, running)
            ours = peers.get("tickpack")
            for name, workload in (workloads.OF_OURS | {"rest": rest.latest, "dialects": dialects.beside_one}).items():
                if name in self.asked.only and isinstance(ours, Tickpack):
                    for _ in range(self.asked.repetitions or min(2, self.lengths.repetitions)):
                        self._one(name, ours, workload, running)

    def _peers(self) -> dict[str, Peer]:
        peers = {}
        for name, peer in everyone(self.asked.tree).items():
            if name not in self.asked.peers:
                continue
            try:
                self.versions[name] = peer.version()
                peers[name] = peer
            except build.Missing as missing:
                self._skip(name, f"not here; mend it with: {missing}")
        return peers

    def _skip(self, name: str, why: str) -> None:
        self.skipped[name] = why
        self._say(f"{name} is left out: {why}")

    def _fan_out_of_all(self, peers: dict[str, Peer], running: Stage) -> None:
        figures: Figures = {}
        for name, peer in peers.items():
            self._say(f"W1{' and W2' if 'w2' in self.asked.only and peer.paced else ''} of {peer.label} ...")
            try:
                figures |= workloads.saturation(peer, running, self.lengths, paced="w2" in self.asked.only)
            except (ChildFailed, workloads.Untrue) as error:
                self._skip(f"w1.{name}", str(error))
        self.rows.setdefault("w1", []).append(figures | report.ratios(figures))

    def _one(
        self, name: str, peer: Tickpack, workload: Callable[[Tickpack, Stage, workloads.Lengths], Figures], on: Stage
    ) -> None:
        self._say(f"{name.upper()} ...")
        try:
            self.rows.setdefault(name, []).append(workload(peer, on, self.lengths))
        except (ChildFailed, workloads.Untrue) as error:
            self._skip(name, str(error))

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def medians(self) -> Figures:
        """Return the median of each figure over the repetitions."""
        figures: Figures = {}
        for rows in self.rows.values():
            for name in dict.fromkeys(name for row in rows for name in row):
                figures[name] = statistics.median(row[name] for row in rows if name in row)
        return figures

    def facts(self) -> dict[str, Any]:
        """Return everything about the run that is not a figure."""
        server, load = machine.processors()
        return {
            "date": clock.utc_now().isoformat(timespec="seconds"),
            "machine": machine.line(),
            "placement": f"server on processor {server}; load generator, store and publisher on processor {load}",
            "load_before": round(self.load_before, 2),
            "command": "./dev bench " + " ".join(self.asked.words),
            "repetitions": {name: len(rows) for name, rows in self.rows.items()},
            "seconds": round(time.monotonic() - self.began),
            "versions": self.versions,
            "skipped": self.skipped,
        }


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=f"{__doc__}\n`./dev bench start` measures from nothing to a first bar.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = tuple(everyone())
    parser.add_argument("--short", action="store_true", help="one short repetition: under 3 minutes instead of 15")
    parser.add_argument("--only", metavar="W1,W2", default=",".join(WORKLOADS), help="these workloads alone")
    parser.add_argument("--peers", metavar="NAMES", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--repetitions", type=int, metavar="N", help="instead of 3 for W1 and W2, 2 for the others")
    parser.add_argument("--tree", type=Path, default=ROOT, metavar="DIR", help="measure the checkout in DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures by name, for scripts")
    parser.add_argument("--save", action="store_true", help="keep them in benchmarks/results, with the chart")
    asked = parser.parse_args(words)
    asked.words, asked.tree = words, asked.tree.resolve()
    for option, known in (("only", WORKLOADS), ("peers", names)):
        chosen = getattr(asked, option).lower().split(",")
        if unknown := [one for one in chosen if one not in known]:
            parser.error(f"--{option} knows {', '.join(known)}, not {', '.join(unknown)}")
        setattr(asked, option, chosen)
    return asked


def main(words: list[str]) -> None:
    asked = parse(words)
    # 10,000 sockets at either end.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.environ["TICKPACK_EMBEDDED"] = "1"
    run = Run(asked)
    try:
        build.program("loadgen")
    except build.Missing as missing:
        sys.exit(f"The load generator is written in C and there is no compiler here; mend it with: {missing}")
    run.measure()
    figures, facts = run.medians(), run.facts()
    print(report.page(figures, facts))
    if asked.json:
        asked.json.write_text(json.dumps({**figures, **facts}, indent=1) + "\n")
    if asked.save:
        RESULTS.mkdir(exist_ok=True)
        kept = RESULTS / clock.utc_now().strftime("%Y-%m-%d")
        kept.with_suffix(".json").write_text(json.dumps({**figures, **facts}, indent=1) + "\n")
        kept.with_suffix(".md").write_text(report.markdown(figures, facts))
        (RESULTS / "fanout.svg").write_text(chart.draw(figures))
        print(f"\nKept in {kept.relative_to(ROOT)}.json, .md and {(RESULTS / 'fanout.svg').relative_to(ROOT)}")
    if any(name in WORKLOADS or name == "w1.tickpack" for name in run.skipped):
        sys.exit(1)
