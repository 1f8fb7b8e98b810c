"""Questions about what waits. Nothing here writes."""

from dataclasses import dataclass

from outbox import kinds
from outbox.models import Outbox


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait: all of them, those that were tried in vain, those of a kind that nobody here knows."""

    all: int
    in_trouble: int
    unknown: int


def waiting() -> Waiting:
    """Count the rows that are not delivered."""
    rows = Outbox.objects.filter(delivered_at=None)
    known = kinds.names()
    return Waiting(
        all=rows.count(),
        in_trouble=rows.filter(attempts__gt=0, kind__in=known).count(),
        unknown=rows.exclude(kind__in=known).count(),
    )
