"""What goes wrong during `ingest`, and when: a matter of the seed alone."""

import random
from dataclasses import dataclass

OPENS_S = 60.0  # the auction prints so long after the beginning
_BEFORE_OPEN_S, _DOWN_S = 48.0, 17.0  # workers are away over the print
_FIRST_S, _LAST_S = 80.0, 15.0  # behind the beginning, before the end
WORKERS = ("worker 1", "worker 2")
SOURCES = ("source a", "source b")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        at_s: after the beginning.
        kind: kill: SIGKILL; stop: SIGSTOP, and on again; lose: the store is killed and comes back without what it wrote
            in its last second; away: it is down.
        targets: the parts that it happens to; `holder` is the worker that holds the lease then.
        lasts_s: until they are started again.
    """

    at_s: float
    kind: str
    targets: tuple[str, ...]
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each: kills, lost seconds, seconds without a broker; and the seconds in which trades are made."""

    kills: int
    losses: int
    broker_s: float
    lasts_s: float


FULL, SHORT = Size(50, 5, 30.0, 1_170.0), Size(20, 3, 12.0, 510.0)
STOPS, STOP_S = 2, 5.0  # longer than the lease of 1.5 s


def faults(seed: int, size: Size) -> list[Fault]:
    """Return what goes wrong, in order."""
    chance = random.Random(seed)
    parts = ("worker", "store", "history", "source")
    planned: list[tuple[str, tuple[str, ...], float]] = []
    for nth in range(size.kills):
        part = parts[nth % len(parts)]  # each as often as the others
        one = {"worker": chance.choice((*WORKERS, "holder")), "source": chance.choice(SOURCES)}.get(part, part)
        planned.append(("kill", (one,), chance.uniform(0.1, 3.0)))
    # The machine of the workers and the store, with the node or without; and the store alone.
    together = ((*WORKERS, "store"), ("store",), (*WORKERS, "node", "store"))
    planned += [("lose", together[nth % len(together)], chance.uniform(0.2, 2.0)) for nth in range(size.losses)]
    planned += [("stop", ("holder",), STOP_S)] * STOPS
    planned.append(("away", ("broker",), size.broker_s))
    chance.shuffle(planned)
    each = (size.lasts_s - _FIRST_S - _LAST_S) / len(planned)
    found = [Fault(_BEFORE_OPEN_S, "kill", WORKERS, _DOWN_S)]
    for nth, (kind, targets, lasts_s) in enumerate(planned):
        found.append(Fault(_FIRST_S + each * (nth + chance.uniform(0.0, 0.6)), kind, targets, lasts_s))
    return found
