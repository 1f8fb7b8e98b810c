"""Kinds of reports that the processes of a node group write, registered by their owners when their app is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """One entry of the stream `kernel.keyspace.reports`."""

    group: str  # the slug of the node group that it is about
    kind: str
    version: str
    body: dict[str, Any]  # whatever JSON object was written: nothing of it has been checked
    entry_ms: int  # when Redis took it, by the clock of Redis


@dataclass(frozen=True, slots=True)
class ReportKind:
    """One kind: who takes it, and in which versions."""

    name: str
    handler: Callable[[Report], None]
    versions: frozenset[str]


_known: dict[str, ReportKind] = {}


def register(name: str, *, handler: Callable[[Report], None], versions: frozenset[str] = frozenset({"1"})) -> None:
    """Make a kind of report known.

    Args:
        handler: stores the report, in the transaction that moves the checkpoint: either both happen or neither. It may
            be called again with one that it has seen. What it cannot read it refuses with UnreadableReport; whatever it
            raises but a database that is away, the report is counted as skipped and the next one is read.
        versions: the values of the field `v` that the handler reads.

    Raises:
        ValueError: another owner has registered this name.
    """
    kind = ReportKind(name, handler, versions)
    if _known.setdefault(name, kind) != kind:
        raise ValueError(f"the report kind {name!r} is registered twice")


def find(name: str) -> ReportKind | None:
    """Return a kind, or None where this version of the program has no such kind."""
    return _known.get(name)
