"""What the control plane owns in the Redis of node groups, registered by its owners when their app is ready.

A row of the outbox tells a change once. A Redis that has lost its data, or went back to an older copy of it, is told
everything again from here (outbox.services.restating); without an entry a kind would never come back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outbox.transports.redis import Command, Link


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that a group's Redis must hold, or must not.

    Args:
        command: writes or removes it; says whether that changed anything.
        tell: sent to the group's processes where it did.
        outdated: called where Redis has a newer one than SQL, which went back to an older copy.
    """

    link: Link
    command: Command
    tell: dict[str, Any] | None = None
    outdated: Callable[[], None] | None = None


Pieces = Callable[[datetime], Iterable[Piece]]
_known: dict[str, Pieces] = {}


def register(name: str, *, pieces: Pieces) -> None:
    """Make a kind of owned state known.

    Args:
        name: that of the outbox kind that tells its changes.
        pieces: yields all of it as SQL has it now; runs in a transaction, so rows that are locked there cannot change
            between being read and being written. Many at once are written in one round trip.

    Raises:
        ValueError: another owner has registered this name.
    """
    if _known.setdefault(name, pieces) != pieces:
        raise ValueError(f"the owned state {name!r} is registered twice")


def every() -> list[tuple[str, Pieces]]:
    """Return all kinds, by name."""
    return sorted(_known.items())
