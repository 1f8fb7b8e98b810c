"""What a part of the soak says: figures beside what is wanted of them, and whether it is met."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class Skipped(Exception):
    """A part cannot run here; the text says why, and the command that mends it."""


@dataclass(frozen=True)
class Figure:
    """One measured number. `wanted` is "<= 150", ">= 0.5" or "= 0"; empty where it is told for its own sake."""

    part: str
    name: str
    value: float
    wanted: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is as wanted; None where nothing is."""
        if not self.wanted:
            return None
        relation, bound = self.wanted.split()
        limit = float(bound.replace(",", ""))
        return {"<=": self.value <= limit, ">=": self.value >= limit, "=": self.value == limit}[relation]


def missed(figures: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.met is False]


def table(figures: Sequence[Figure], skipped: dict[str, str]) -> str:
    """Return the table for a terminal: part, figure, value, wanted, met."""
    rows = [("part", "figure", "value", "wanted", "met")]
    for figure in figures:
        verdict = {True: "yes", False: "NO", None: ""}[figure.met]
        rows.append((figure.part, figure.name, number(figure.value), figure.wanted, verdict))
    rows += [(part, "did not run", "", "", "NO") for part in skipped]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    lines = []
    for part, name, value, wanted, verdict in rows:
        cells = (part.ljust(widths[0]), name.ljust(widths[1]), value.rjust(widths[2]), wanted.rjust(widths[3]), verdict)
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *(f"{part} did not run: {why}" for part, why in skipped.items())])


def number(value: float) -> str:
    if value == float("inf"):
        return "never"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def as_json(figures: Sequence[Figure], skipped: dict[str, str], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the same for scripts: figures by "part.name", what was missed, and on what machine."""
    named = {
        f"{figure.part}.{figure.name.replace(' ', '_')}": None if figure.value == float("inf") else figure.value
        for figure in figures
    }
    missing = [f"{figure.part}.{figure.name.replace(' ', '_')}" for figure in missed(figures)]
    return {"figures": named, "missed": missing, "did_not_run": skipped, **facts}
