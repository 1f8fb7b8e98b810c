"""Questions about what waits. Nothing here writes."""

from dataclasses import dataclass

from django.db.models import QuerySet

from outbox import kinds
from outbox.models import Outbox


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait: all of them, those that were tried in vain, those of a kind that nobody here knows."""

    all: int
    in_trouble: int
    unknown: int


def in_trouble() -> QuerySet[Outbox]:
    """Return the rows that were tried in vain and are tried again."""
    return _undelivered().filter(attempts__gt=0, kind__in=kinds.names())


def of_unknown_kind() -> QuerySet[Outbox]:
    """Return the rows that wait for a version that knows their kind."""
    return _undelivered().exclude(kind__in=kinds.names())


def waiting() -> Waiting:
    """Count the rows that are not delivered."""
    return Waiting(all=_undelivered().count(), in_trouble=in_trouble().count(), unknown=of_unknown_kind().count())


def _undelivered() -> QuerySet[Outbox]:
    return Outbox.objects.filter(delivered_at=None)
