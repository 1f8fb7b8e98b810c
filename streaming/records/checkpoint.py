"""How far a market and its history have come: small JSON texts that people may read, each with its version as "v".

The same rule as for packed records (`streaming.records.versions`): of one version, fields are only added, and what is
missing has a default. Texts of before there was a version have no "v" and are read as the first one.
"""

from typing import Any, TypeVar

import msgspec

from streaming.records.versions import UnknownVersion

_V = 1


class Checkpoint(msgspec.Struct, frozen=True):
    """What a worker needs to go on where another one stopped; written with each window."""

    choice: dict[str, Any] = {}  # which feed wrote it: another one does not go on, but begins an epoch
    seq: int = 0  # the window it was written with
    finished: bool = False  # that was the last one that will ever come
    positions: dict[str, str] = {}  # by line: where its source reads on; lines that need none are absent
    leader: str = ""  # the line that leads
    since_ms: int = 0  # since when the stream was written without a break at a day's first trade; 0: not said
    store: str = ""  # which run of Redis took it: another one may have lost what came last
    v: int = _V


class EventsCheckpoint(msgspec.Struct, frozen=True):
    """Up to where trades and pictures were told; written with them."""

    epoch: str
    marks: dict[str, str] = {}  # by line: what a successor that reads on from the last window has told already
    v: int = _V


class HistoryPosition(msgspec.Struct, frozen=True):
    """Up to where the stream is in history."""

    epoch: str
    id: str  # of a stream entry, `<window end in ms>-0`
    v: int = _V

    @property
    def after_ms(self) -> int:
        """The end of the last window that history has."""
        return int(self.id.split("-")[0])


_encode = msgspec.json.Encoder().encode
T = TypeVar("T", Checkpoint, EventsCheckpoint, HistoryPosition)


def pack_text(record: Checkpoint | EventsCheckpoint | HistoryPosition) -> str:
    """Return a record as it is stored."""
    return _encode(record).decode()


def unpack_text(text: str, kind: type[T]) -> T:
    """Return the record that is stored.

    Raises:
        UnknownVersion: its "v" is another one.
        msgspec.MsgspecError: it is no such record.
    """
    version = msgspec.json.decode(text, type=_Versioned).v
    if version != _V:
        raise UnknownVersion(kind.__name__, version)
    return msgspec.json.decode(text, type=kind)


class _Versioned(msgspec.Struct):
    v: int = _V
