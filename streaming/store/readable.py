"""Reading what may have been written by another release: what cannot be read is said once and passed over."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

K = TypeVar("K")
R = TypeVar("R")
_SAID_AT_MOST = 100  # different complaints a process; a store can be full of garbage

log = logging.getLogger(__name__)
_said: set[tuple[str, str]] = set()


def readable(packed: Iterable[tuple[K, bytes]], unpack: Callable[[bytes], R], what: str) -> Iterator[tuple[K, R]]:
    """Yield the records that can be read with what they stand under, in their order.

    Args:
        what: names them for the log, "windows of lane CN".
    """
    for key, raw in packed:
        try:
            record = unpack(raw)
        except msgspec.MsgspecError as error:
            say_once(what, error)
        else:
            yield key, record


def say_once(what: str, error: Exception) -> None:
    """Log a complaint, each one once a process."""
    complaint = (what, f"the field {error} is missing" if isinstance(error, KeyError) else str(error))
    if complaint not in _said and len(_said) < _SAID_AT_MOST:
        _said.add(complaint)
        log.error("%s: %s; passed over", *complaint)
