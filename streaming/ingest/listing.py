"""Ingest and the list of instruments: the published list is looked for, and what no list has is told the operator."""

import json
import logging
from collections.abc import Iterable

from streaming.reference import directory
from streaming.store.lanes import LaneStore

log = logging.getLogger(__name__)
MOST_TOLD = 200  # symbols; there are seldom more than a day's new listings


def look(store: LaneStore) -> None:
    """Take the published list where it is new.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    for old, new in store.look_for_instruments().items():
        log.warning("lane %s: %s is %s from now on", store.lane, old, new)


def unknown(symbols: Iterable[str]) -> dict[str, str | int]:
    """Return what of a lane's symbols no list has, as a feed's state tells it (kernel.keyspace.feed_state)."""
    listed = directory()
    found = sorted(symbol for symbol in symbols if symbol not in listed)
    return {"unknown": json.dumps(found[:MOST_TOLD]), "unknown_count": len(found)}
