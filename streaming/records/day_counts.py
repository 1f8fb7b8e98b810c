"""What ingest counted of one symbol on one day, as it stands on Redis and goes up: JSON; fields are only added."""

import msgspec

from streaming.records.versions import UnknownVersion

_V = 1


class DayCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's day. Instants are epoch ms, 0 where there is none."""

    rows: int = 0  # that its lines told, whatever became of them
    bars: int = 0  # windows with a bar
    gaps: int = 0  # times of more than a minute within trading without a row
    longest_gap_ms: int = 0
    first_ms: int = 0
    last_ms: int = 0
    lines: dict[str, int] = {}  # rows that counted, by line
    refused: dict[str, int] = {}  # by reason
    copies: int = 0  # told again or by another line: nothing is wrong with them
    v: int = _V


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(DayCounts).decode


def pack_counts(counts: DayCounts) -> bytes:
    """Return counts as they are stored."""
    return _encode(counts)


def unpack_counts(packed: bytes) -> DayCounts:
    """Return the counts that are stored.

    Raises:
        UnknownVersion: a newer release has written them.
        msgspec.MsgspecError: these are no counts.
    """
    counts = _decode(packed)
    if counts.v != _V:
        raise UnknownVersion("DayCounts", counts.v)
    return counts
