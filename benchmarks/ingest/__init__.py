"""`./dev bench ingest`: what the way from a source to a socket costs, part by part.

Each part is a module with `main(words)`, which returns False where a gate was missed. `latency` is how old a trade, a
quote and a bar are when their frame is there; `fold` how many ticks a second one process folds, beside others;
`push` how many pushed ones it reads; `delay` what each closing delay amends; `market` a
whole market on this machine.
"""

import sys
from collections.abc import Callable

from benchmarks.ingest import delays, folding, latency, market, pushing

PARTS: dict[str, Callable[[list[str]], bool | None]] = {
    "latency": latency.main,
    "fold": folding.main,
    "push": pushing.main,
    "delay": delays.main,
    "market": market.main,
}


def main(words: list[str]) -> None:
    """Run the parts that are named, or all of them."""
    chosen = [word for word in words if not word.startswith("-") and word in PARTS] or list(PARTS)
    options = [word for word in words if word not in PARTS]
    kept = True
    for name in chosen:
        try:
            kept = PARTS[name](options) is not False and kept
        except KeyboardInterrupt:
            sys.exit(130)
    if not kept:
        sys.exit(1)
