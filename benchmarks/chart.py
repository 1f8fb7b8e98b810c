"""Draws W1 as an SVG: a bar a server on a logarithmic scale, because they are a factor of a thousand apart.

python -m benchmarks.chart benchmarks/results/DATE.json > benchmarks/results/fanout.svg
"""

import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.report import LABELS
from benchmarks.workloads import Figures

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 190, 120, 54, 34
INK, FAINT, BAR, OURS = "#57606a", "#8c959f55", "#8fa3b8", "#1a7f5a"


def draw(figures: Figures) -> str:
    """Return the chart of what "w1.*.deliveries_per_s" say, fastest first."""
    rates = [(peer, figures.get(f"w1.{peer}.deliveries_per_s", 0.0)) for peer in LABELS]
    rows = sorted((row for row in rates if row[1] > 0), key=lambda row: -row[1])
    if not rows:
        return _page(TOP, [])
    least = 10 ** math.floor(math.log10(rows[-1][1]))
    most = 10 ** math.ceil(math.log10(rows[0][1]))
    span = WIDTH - LEFT - RIGHT

    def across(value: float) -> float:
        return LEFT + span * (math.log10(value / least) / max(1.0, math.log10(most / least)))

    bottom = TOP + ROW * len(rows)
    parts = [
        _text(16, 22, "Bars delivered a second by one process on one core", size=15, weight=600),
        _text(16, 40, "1,000 connections x 50 of 1,000 symbols, all sets different; logarithmic scale", size=11),
    ]
    decade = least
    while decade <= most:
        at = across(decade)
        parts.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{bottom}" stroke="{FAINT}"/>')
        parts.append(_text(at, bottom + 15, _short(decade), size=10, anchor="middle"))
        decade *= 10
    for number, (peer, value) in enumerate(rows):
        top, end = TOP + ROW * number + 6, across(value)
        colour = OURS if peer == "tickpack" else BAR
        weight = 600 if peer == "tickpack" else 400
        parts.append(_text(LEFT - 8, top + 15, LABELS[peer], anchor="end", weight=weight))
        parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{max(2.0, end - LEFT):.1f}" height="22" rx="3" fill="{colour}"/>'
        )
        parts.append(_text(end + 7, top + 15, _short(value), weight=weight))
    return _page(bottom + 26, parts)


def _short(value: float) -> str:
    for size, word in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:.3g}"


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{INK}">{escape(words)}</text>'
    )


def _page(height: int, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" role="img" aria-label="Bars delivered a second by one process">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(draw(json.loads(Path(sys.argv[1]).read_text())))
