"""W1 to W5: each returns its figures by name, "w1.tickpack.deliveries_per_s"; a run takes medians over repetitions."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import rounds
from benchmarks.peers import Peer, Shape, Tickpack
from benchmarks.stage import Stage, held_sockets, resident_kb

Figures = dict[str, float]
Phases = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Lengths:
    """How long things are measured; the short form trades steadiness for time."""

    repetitions: int
    warm_s: float
    saturate_s: float
    naive_s: float
    paced_rounds: int
    connections: int  # of W3
    stalled_s: float
    storm_symbols: int


FULL = Lengths(
    repetitions=3, warm_s=2, saturate_s=8, naive_s=10, paced_rounds=10, connections=10_000, stalled_s=20,
    storm_symbols=15,
)  # fmt: skip
SHORT = Lengths(
    repetitions=1, warm_s=1, saturate_s=3, naive_s=5, paced_rounds=3, connections=10_000, stalled_s=16,
    storm_symbols=5,
)  # fmt: skip
PERIOD_S = 1.5


class Untrue(Exception):
    """A server did not deliver what it should have: its figures would be of something else."""


# -- W1 and W2 -----------------------------------------------------------------------------------------------------


def saturation(peer: Peer, stage: Stage, lengths: Lengths, *, paced: bool) -> Figures:
    """W1: 1,000 connections x 50 of 1,000 symbols, as fast as it goes; then W2 on the same: 1.5 s rounds."""
    seconds = lengths.saturate_s if peer.paced else lengths.naive_s
    phases = [f"saturate:{lengths.warm_s}:{seconds}"]
    if paced and peer.paced:
        # Ours for 15 s at least: the re-check of each socket and the heartbeat come that often, and belong to the cost.
        count = max(10, lengths.paced_rounds) if peer.name.startswith("tickpack") else lengths.paced_rounds
        phases.append(f"paced:{PERIOD_S}:0:{count}")
    with peer.run(stage, Shape()) as running:
        measured = stage.load(running.arguments(*phases))
    _believe(peer.name, measured, nothing_lost=isinstance(peer, Tickpack))
    return {
        **_fan_out(f"w1.{peer.name}", measured["saturate"]),
        **(_fan_out(f"w2.{peer.name}", measured["paced"]) if "paced" in measured else {}),
    }


def _fan_out(name: str, phase: dict[str, Any]) -> Figures:
    millions = phase["deliveries"] / 1e6
    if not millions:
        raise Untrue(f"{name}: nothing was delivered")
    return {
        f"{name}.deliveries_per_s": phase["deliveries"] / phase["seconds"],
        f"{name}.cpu_s_per_million": phase["server_cpu_s"] / millions,
        f"{name}.p50_ms": phase["p50_ms"],
        f"{name}.p99_ms": phase["p99_ms"],
        f"{name}.bytes_per_delivery": phase["bytes"] / phase["deliveries"],
        f"{name}.server_cpu_share": phase["server_cpu_s"] / phase["seconds"],
        f"{name}.loadgen_cpu_share": phase["own_cpu_s"] / phase["seconds"],
    }


def _believe(name: str, measured: Phases, *, nothing_lost: bool) -> None:
    """Refuse figures of a server that lost connections, or bars where none may be lost."""
    connect, check = measured["connect"], measured.get("check")
    said = measured.get("complaints", {}).get("text", "")
    if connect["gone"] or connect["unanswered"]:
        failed = f"{connect['gone']} connections were refused, {connect['unanswered']} not answered"
        raise Untrue(f"{name}: {failed}: {said}")
    if nothing_lost and check and (check["lost"] or check["wrong"] or check["gone"]):
        raise Untrue(f"{name}: {check['lost']} bars lost, {check['wrong']} clients got something else: {said}")


# -- W3 ------------------------------------------------------------------------------------------------------------


def connecting(peer: Tickpack, stage: Stage, lengths: Lengths) -> Figures:
    """W3: 10,000 customers connect with a token each and follow 5 symbols; then they are idle.

    No token is seen twice. What a server remembers of tokens shows in what comes after: all are cut off and come back.
    """
    shape = Shape(connections=lengths.connections, each=5)
    with peer.run(stage, shape) as running:
        measured = stage.load(running.arguments("paced:0.5:0:2"))
        _wait_until_empty(running.port)
        again = stage.load(running.arguments())["connect"]
    connect, check, name = measured["connect"], measured["check"], f"w3.{peer.name}"
    if check["lost"] or check["wrong"]:
        raise Untrue(f"W3: {check['lost']} bars lost, {check['wrong']} clients got something else")
    return {
        f"{name}.connects_per_s": connect["open"] / connect["seconds"],
        f"{name}.cpu_ms_per_connection": connect["server_cpu_s"] / connect["open"] * 1000,
        f"{name}.kb_per_connection": (connect["rss_kb"] - connect["rss_before_kb"]) / connect["open"],
        f"{name}.reconnects_per_s": again["open"] / again["seconds"],
        f"{name}.cpu_ms_per_reconnection": again["server_cpu_s"] / again["open"] * 1000,
        f"{name}.refused": connect["gone"],
        f"{name}.unanswered": connect["unanswered"],
        f"{name}.loadgen_cpu_share": connect["own_cpu_s"] / connect["seconds"],
    }


def _wait_until_empty(port: int) -> None:
    """Wait until a server has let go of everybody; what that costs is no part of their coming back."""
    deadline = time.monotonic() + 20
    while held_sockets(port) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)


# -- W4 ------------------------------------------------------------------------------------------------------------

STALLED, W4_PERIOD_S = 200, 0.1  # ten rounds a second: 500,000 deliveries, and a stuck reader's buffers fill soon


class Watch:
    """Looks at a server's open sockets and memory five times a second while something else is measured."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port
        self.seen: list[tuple[int, int, int]] = []  # (monotonic us, sockets, resident kB)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            try:
                self.seen.append((time.monotonic_ns() // 1000, held_sockets(self.port), resident_kb(self.pid)))
            except OSError:
                return


def slow_readers(peer: Tickpack, stage: Stage, lengths: Lengths) -> Figures:
    """W4: 200 of 1,000 stop reading; how the others fare beside the time before, and when the stuck ones are gone."""
    without, warm = round(lengths.stalled_s / 3 / W4_PERIOD_S), 10
    during = round(lengths.stalled_s / W4_PERIOD_S)
    phases = (f"paced:{W4_PERIOD_S}:{warm}:{without}", f"stall:{STALLED}", f"paced:{W4_PERIOD_S}:0:{during}")
    with peer.run(stage, Shape()) as running:
        process = running.children[0].process
        assert process is not None
        with Watch(process.pid, running.port) as watch:
            measured = stage.load(running.arguments(*phases))
    check = measured["check"]
    if check["lost"] or check["wrong"]:
        raise Untrue(f"W4: {check['lost']} bars lost, {check['wrong']} of the healthy clients got something else")
    name, stalled_us = f"w4.{peer.name}", measured["stall"]["at_us"]
    before = [row for row in watch.seen if stalled_us - 3_000_000 < row[0] < stalled_us]
    after = [row for row in watch.seen if stalled_us < row[0] < measured["paced 2"]["at_us"]]
    full, resident = max(row[1] for row in before), max(row[2] for row in before)
    gone = next((row[0] for row in after if row[1] <= full - STALLED), None)
    first = next((row[0] for row in after if row[1] < full), None)
    seconds = (after[-1][0] - stalled_us) / 1e6
    return {
        f"{name}.p99_ms_without": measured["paced"]["p99_ms"],
        f"{name}.p99_ms_with": measured["paced 2"]["p99_ms"],
        f"{name}.p99_ratio": measured["paced 2"]["p99_ms"] / measured["paced"]["p99_ms"],
        # Minus: they were still there when we stopped looking.
        f"{name}.gone_s": (gone - stalled_us) / 1e6 if gone else -seconds,
        f"{name}.first_gone_s": (first - stalled_us) / 1e6 if first else -seconds,
        f"{name}.still_there": float(max(0, after[-1][1] - (full - STALLED))),
        f"{name}.kb_each": (max(row[2] for row in after) - resident) / STALLED,
    }


# -- W5 ------------------------------------------------------------------------------------------------------------

STORMING, MISSED_WINDOWS, W5_PERIOD_S = 1000, 400, 0.25  # 400 windows are 10 minutes


def resume_storm(peer: Tickpack, stage: Stage, lengths: Lengths) -> Figures:
    """W5: 1,000 clients resume 10 minutes each at once while 1,000 others receive; the others' p99 beside before."""
    shape = Shape(history=MISSED_WINDOWS)
    each, names = lengths.storm_symbols, rounds.symbols(shape.symbols)
    with peer.run(stage, shape) as running:
        since = running.first_seq - MISSED_WINDOWS - 1
        crew = [
            (
                peer.request(running.port, rounds.token(each)),
                rounds.subscribe([names[at] for at in wanted], since=since, epoch={rounds.LANE: rounds.EPOCH}),
            )
            for wanted in rounds.follow_sets(STORMING, each, shape.symbols)
        ]
        rounds.write_crew(stage.folder / "storm", crew)
        storming = str(stage.folder / "storm")
        options: list[str | int | Path] = ["--storm", storming, "--storm-per-round", each, "--storm-since", since]
        phases = (f"paced:{W5_PERIOD_S}:4:32", f"storm:{W5_PERIOD_S}:240")
        measured = stage.load([*running.arguments(*phases, sample=4), *options])
    _believe(peer.name, measured, nothing_lost=True)
    check, storm, name = measured["check"], measured["storm"], f"w5.{peer.name}"
    if storm["resuming_open"] < storm["resuming"]:
        said = measured.get("complaints", {}).get("text", "")
        raise Untrue(f"W5: {storm['resuming_open']} of {storm['resuming']} clients could resume: {said}")
    if storm["caught_up_s"] < 0:
        raise Untrue(f"W5: after {storm['seconds']:.0f} s {storm['resumed_bars']:,} bars had been resumed, not all")
    return {
        f"{name}.p99_ms_undisturbed": measured["paced"]["p99_ms"],
        f"{name}.p99_ms_during": storm["p99_ms"],
        f"{name}.p99_ratio": storm["p99_ms"] / measured["paced"]["p99_ms"],
        f"{name}.caught_up_s": storm["caught_up_s"],
        f"{name}.resumed_bars": storm["resumed_bars"],
        f"{name}.resumed_per_s": storm["resumed_bars"] / storm["caught_up_s"],
        f"{name}.clients_with_gaps_or_repeats": check["storm_wrong"],
        f"{name}.rss_growth_mb": (storm["rss_kb"] - storm["rss_before_kb"]) / 1024,
    }


OF_OURS: dict[str, Callable[[Tickpack, Stage, Lengths], Figures]] = {
    "w3": connecting,
    "w4": slow_readers,
    "w5": resume_storm,
}
