"""A timeline as rectangles, so that a page can draw it without a script."""

from dataclasses import dataclass
from datetime import datetime

from billing.domain.stacking import Segment

WIDTH, HEIGHT = 600, 72
HEADROOM = 6
_ROOM = 18  # percent that a date takes, on a telephone too


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch with symbols, in the drawing's units; y counts from the top."""

    x: int
    y: int
    width: int
    height: int
    symbols: int


def draw(segments: list[Segment], *, until_at: datetime, most: int) -> list[Block]:
    """Return a block for each stretch with symbols.

    Args:
        segments: a timeline, as billing.domain.stacking.timeline makes it.
        until_at, most: what the right and the upper edge mean, so that two drawings can share a scale.
    """
    if not segments or most <= 0:
        return []
    start = segments[0].from_at
    whole = (until_at - start).total_seconds()
    blocks = []
    for segment in segments:
        end = min(segment.until_at or until_at, until_at)
        if segment.entitlement.max_subs == 0 or end <= segment.from_at:
            continue
        left = round(WIDTH * (segment.from_at - start).total_seconds() / whole)
        right = round(WIDTH * (end - start).total_seconds() / whole)
        height = max(2, round((HEIGHT - HEADROOM) * segment.entitlement.max_subs / most))
        blocks.append(Block(left, HEIGHT - height, max(1, right - left), height, segment.entitlement.max_subs))
    return blocks


@dataclass(frozen=True, slots=True)
class Tick:
    """An instant on the axis below a drawing: how far to the right, in percent, and which way its date leans."""

    at: float
    instant: datetime
    anchor: str
    now: bool


def ticks(*timelines: list[Segment], until_at: datetime) -> list[Tick]:
    """Return the axis of drawings that share a scale: their beginning, their end, and the changes that have room.

    Args:
        until_at: what the right edge means.
    """
    start = next((segments[0].from_at for segments in timelines if segments), until_at)
    whole = (until_at - start).total_seconds()
    if whole <= 0:
        return []
    edges = {
        one.until_at for segments in timelines for one in segments if one.until_at and start < one.until_at < until_at
    }
    found = [Tick(0, start, "start", now=True)]
    for edge in sorted(edges):
        at = round(100 * (edge - start).total_seconds() / whole, 1)
        if found[-1].at + _ROOM <= at <= 100 - _ROOM:
            found.append(Tick(at, edge, "middle", now=False))
    return [*found, Tick(100, until_at, "end", now=False)]


def scale(*timelines: list[Segment]) -> tuple[datetime | None, int]:
    """Return the last end and the most symbols of several timelines, for `draw`."""
    ends = [segment.until_at for segments in timelines for segment in segments if segment.until_at is not None]
    return max(ends, default=None), max((s.entitlement.max_subs for segments in timelines for s in segments), default=0)
