"""What RFC 6455 says a server does with some frames: an oracle of our own, knowing nothing of the server's code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.soak.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame

LIMIT = 131_072  # docs/protocol.md


@dataclass(frozen=True)
class Sent:
    """One frame as it goes over the wire; `length` is what its head claims where that is not so."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = True
    length: int | None = None
    form: int = 0

    def wire(self) -> bytes:
        mask = None if self.masked else b""
        return frame(
            self.payload, self.opcode, fin=self.fin, rsv=self.rsv, mask=mask, length=self.length, form=self.form
        )


@dataclass
class Due:
    """What is due: answers to messages, pongs, and how it ends (None: it does not)."""

    messages: int = 0
    pongs: list[bytes] = field(default_factory=list)
    closes: frozenset[int] | None = None


def due(frames: Sequence[Sent]) -> Due:
    """Return what a server owes for some frames, sent from the start of a connection."""
    owed, message = Due(), None
    for nth, one in enumerate(frames):
        wrong = _wrong(one, message)
        if not wrong and one.opcode in (TEXT, BINARY, CONT):
            kind, body = message or (one.opcode, b"")
            body += one.payload
            if one.fin and kind == TEXT and not _is_utf8(body):
                # A server may look into a message after it has read the frames behind it: their fault is one as well.
                wrong = {1007} | (due(frames[nth + 1 :]).closes or frozenset())
            owed.messages += one.fin and not wrong
            message = None if one.fin else (kind, body)
        if wrong or one.opcode == CLOSE:
            owed.closes = frozenset(wrong or {int.from_bytes(one.payload[:2], "big") if one.payload else 1005})
            return owed
        if one.opcode == PING:
            owed.pongs.append(one.payload)
    return owed


def own_close(frames: Sequence[Sent]) -> int | None:
    """Return the code with which the client itself closes, which a server echoes; None where it does not."""
    for one in frames:
        if one.opcode == CLOSE:
            return int.from_bytes(one.payload[:2], "big") if one.payload else 1005
    return None


def _wrong(one: Sent, message: tuple[int, bytes] | None) -> set[int]:
    """Return the codes with which a server may end for this frame: it need not find the first of several faults."""
    size = len(one.payload) if one.length is None else one.length
    codes = set()
    if one.opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG) or one.rsv or not one.masked:
        codes.add(1002)
    if one.opcode >= CLOSE and (size > 125 or not one.fin):
        codes.add(1002)
    if (one.opcode == CONT) == (message is None) and one.opcode < CLOSE:
        codes.add(1002)
    if size + (len(message[1]) if message and one.opcode == CONT else 0) > LIMIT:
        codes.add(1009)
    if one.opcode == CLOSE and one.payload:
        code = int.from_bytes(one.payload[:2], "big")
        if len(one.payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            codes.add(1002)
        if not _is_utf8(one.payload[2:]):
            codes.add(1007)
    return codes


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
