"""Everything that the control plane owns in Redis is compared with SQL and written again where it differs."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db import transaction

from outbox import restated
from outbox.errors import LinkAway
from outbox.restated import Piece
from outbox.transports.redis import Applied, Link, Tell

log = logging.getLogger(__name__)

BATCH = 500  # pieces written in one round trip


def restate(*, now: datetime) -> dict[str, int]:
    """Write all of it; return how many pieces of each kind Redis did not have as SQL has them.

    A group whose Redis is away is left out: it gets everything when it is back and this is done again.
    """
    changed: dict[str, int] = {}
    away: set[Link] = set()
    for name, pieces in restated.every():
        outdated: list[Piece] = []
        with transaction.atomic():
            changed[name] = sum(_write(batch, away, outdated) for batch in _batches(pieces(now)))
        if changed[name]:
            log.warning("%d of what nodes should know as %s was missing or another; written again", changed[name], name)
        for piece in outdated:
            if piece.outdated is not None:
                piece.outdated()
    return changed


def _write(batch: list[Piece], away: set[Link], outdated: list[Piece]) -> int:
    news = 0
    by_link: dict[Link, list[Piece]] = defaultdict(list)
    for piece in batch:
        by_link[piece.link].append(piece)
    for link, its in by_link.items():
        if link in away:
            continue
        try:
            applied = list(zip(its, link.apply([piece.command for piece in its]), strict=True))
            changed = [piece for piece, answer in applied if answer is Applied.CHANGED]
            link.apply([Tell(piece.tell) for piece in changed if piece.tell is not None])
        except LinkAway as error:
            log.warning("a group's Redis could not be told everything again: %s", error)
            away.add(link)
            continue
        news += len(changed)
        outdated += [piece for piece, answer in applied if answer is Applied.OUTDATED]
    return news


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    rest = iter(pieces)
    while batch := list(islice(rest, BATCH)):
        yield batch
