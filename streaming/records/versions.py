"""How a record stands on Redis: one byte that says its version, then its fields as a MessagePack array.

The rule, by which old and new processes of one deploy can work side by side:

- Same byte: fields may only be appended, each with a default. An older reader ignores what it does not know, a newer
  one takes the default where an older writer said nothing.
- Anything else (a field that goes, moves, or means something new) is another byte. A reader that meets a byte other
  than its own raises UnknownVersion; whoever reads a store says that once and passes the record over.

The byte is a constant of each kind of record. A MessagePack array never begins with a byte below 0x80, so bytes up to
0x7f are also told from records of before there was a version.
"""

from collections.abc import Callable
from typing import ClassVar, TypeVar

import msgspec


class UnknownVersion(msgspec.ValidationError):
    """A record that another release has written: it begins with a version that this one cannot read."""

    def __init__(self, kind: str, version: int | None) -> None:
        super().__init__(f"{kind} of version {version}, which this release does not read")
        self.kind, self.version = kind, version


class Record(msgspec.Struct, array_like=True, frozen=True):
    """What is stored by itself, with a version in front. Structs inside it need none: they are of its version."""

    VERSION: ClassVar[bytes]  # one byte, 0x01 to 0x7f

    def stored(self) -> msgspec.Struct:
        """Return what is written of it; another struct where it is stored in another form."""
        return self


R = TypeVar("R", bound=Record)
_encode = msgspec.msgpack.Encoder().encode


def pack(record: Record) -> bytes:
    """Return a record as it is stored."""
    return record.VERSION + _encode(record.stored())


def unpacker(kind: type[R]) -> Callable[[bytes], R]:
    """Return the reader of one kind of record.

    Raises (the reader):
        UnknownVersion: the first byte is another one, or there is none.
        msgspec.MsgspecError: what follows is no such record.
    """
    decode, version, name = msgspec.msgpack.Decoder(kind).decode, kind.VERSION, kind.__name__

    def unpack(packed: bytes) -> R:
        if packed[:1] != version:
            raise UnknownVersion(name, packed[0] if packed else None)
        try:
            return decode(packed[1:])
        except UnicodeDecodeError as error:  # of a map's key: msgspec says it by itself
            raise msgspec.DecodeError(f"{name}: {error}") from None

    return unpack
