"""RFC 6455 frames as bytes: what every dialect's texts travel in, whoever writes them. Pure.

A text is framed once and written to thousands of connections, so the head of a usual size is looked up.
"""

import zlib

WINDOW_BITS = 12  # of compressed frames, both ways; 4 KiB hold what one frame repeats
PING = b"\x89\x00"
BARE_PONG = b"\x8a\x80"  # masked and empty; four bytes of mask follow

MOST_HEADS = 1024
HEADS = [bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big") for size in range(MOST_HEADS)]


def text_frame(payload: bytes) -> bytes:
    """Return a whole, unmasked, final text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < MOST_HEADS:
        return HEADS[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def framed(text: str) -> bytes:
    """Return a text as a frame; b"" for "", of which a dialect has no word."""
    return text_frame(text.encode()) if text else b""


def payloads(frames: bytes) -> list[str]:
    """Undo a join of `text_frame`."""
    texts, at = [], 0
    while at < len(frames):
        size, start = frames[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(frames[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(frames[at + 2 : at + 10], "big"), at + 10
        texts.append(frames[start : start + size].decode())
        at = start + size
    return texts


def deflated(frames: bytes) -> bytes:
    """Return whole text frames as permessage-deflate compresses them without any context (RFC 7692)."""
    return b"".join(map(_deflated, payloads(frames)))


def _deflated(payload: str) -> bytes:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -WINDOW_BITS)
    body = squeeze.compress(payload.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    return b"\xc1" + text_frame(body[:-4])[1:]  # FIN and RSV1
