"""What the store's answers mean to whoever writes a lane."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from streaming.domain.windows import WINDOW_MS
from streaming.errors import Fenced, StoreUnavailable, StreamLost


def unfenced(answer: Any) -> int:
    """Return what a script of a lane answered.

    Raises:
        Fenced: another worker holds the lane (-1).
        StreamLost: the stream is without what was written (-2).
    """
    if isinstance(answer, Exception):
        raise answer
    if int(answer) == -2:
        raise StreamLost
    if int(answer) < 0:
        raise Fenced
    return int(answer)


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable where Redis does not answer."""
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable from error  # its message reaches clients; Redis's own words name hosts


def floor_of(noted: str | None, epoch: str) -> int | None:
    """Read the note of the newest window that was trimmed (keyspace.floor); None where it is of another epoch."""
    name, _, at_ms = (noted or "").rpartition(" ")
    return int(at_ms) // WINDOW_MS if name == epoch else None
