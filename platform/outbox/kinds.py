"""Kinds of outbox rows, registered by their owners when their app is ready (AppConfig.ready)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

Payload = dict[str, Any]
Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: what to make of its payload, and who carries that away."""

    name: str
    label: Any  # for people; a lazy translation
    prepare: Callable[[Payload, datetime], Any]
    transport: Callable[[Any], None]


_known: dict[str, Kind] = {}


def register(
    name: str,
    *,
    label: Any,
    prepare: Callable[[Payload, datetime], Message],
    transport: Callable[[Message], None],
) -> None:
    """Make a kind of row known.

    Args:
        name: at most 40 characters; it stands in rows, so it never changes its meaning.
        prepare: reads the payload, at the present instant, and what SQL says now; returns the transport's message. It
            runs in the recipient's language and may run again: what it returns must be harmless to deliver twice. It
            tolerates keys that it does not know, since old and new workers overlap in a deploy.
        transport: `deliver` of one of outbox.transports.

    Raises:
        ValueError: another owner has registered this name.
    """
    kind = Kind(name, label, prepare, transport)
    if _known.setdefault(name, kind) != kind:
        raise ValueError(f"the outbox kind {name!r} is registered twice")


def find(name: str) -> Kind | None:
    """Return a kind, or None where this version of the program has no such kind."""
    return _known.get(name)


def names() -> list[str]:
    """Return the names of all known kinds."""
    return sorted(_known)


def label(name: str) -> str:
    """Return what people call a kind; its name where this version of the program has no such kind."""
    kind = find(name)
    return str(kind.label) if kind is not None else name
